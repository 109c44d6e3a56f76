# sitefleet test, revision f2af0c79a01e95bb
# Rendered from templates/; do not edit. Customers' data is in the config bucket, never here.
# redirect
# Puts the query of the request into SF-Location, in front of a fragment, unless the target has a query of its own.
sub sf_keep_query {
  if (req.http.SF-Location ~ "^([^?#]*)(#.*)?$") {
    set req.http.SF-Location = re.group.1 req.http.SF-Query if(re.group.2, re.group.2, "");
  }
}
# eu-only
table sf_eu {
  "AT": "1",
  "BE": "1",
  "BG": "1",
  "CY": "1",
  "CZ": "1",
  "DE": "1",
  "DK": "1",
  "EE": "1",
  "ES": "1",
  "FI": "1",
  "FR": "1",
  "GR": "1",
  "HR": "1",
  "HU": "1",
  "IE": "1",
  "IT": "1",
  "LT": "1",
  "LU": "1",
  "LV": "1",
  "MT": "1",
  "NL": "1",
  "PL": "1",
  "PT": "1",
  "RO": "1",
  "SE": "1",
  "SI": "1",
  "SK": "1",
  "AX": "1",
  "GF": "1",
  "GP": "1",
  "MF": "1",
  "MQ": "1",
  "RE": "1",
  "YT": "1",
}
# passwords
# Leaves in SF-Found the salt, verifier and prefix of the area that SF-Seek, a path, lies in. Areas are tried by slots, the
# longest prefix first; every spelling of a page's path lies in the same one.
sub sf_find_area {
  declare local var.sf_inside STRING;
  unset req.http.SF-Found;
  set var.sf_inside = regsub(req.http.SF-Seek, "(?:/|/index\.html|\.html)$", "") "/";
  if (!req.http.SF-Found && req.http.SF-Config-W ~ "(?:^|\|)0=([0-9a-f]{32}:[0-9a-f]{64}):([^|]+)" && std.prefixof(var.sf_inside, re.group.2)) {
    set req.http.SF-Found = re.group.1 ":" re.group.2;
  }
  if (!req.http.SF-Found && req.http.SF-Config-W ~ "(?:^|\|)1=([0-9a-f]{32}:[0-9a-f]{64}):([^|]+)" && std.prefixof(var.sf_inside, re.group.2)) {
    set req.http.SF-Found = re.group.1 ":" re.group.2;
  }
  if (!req.http.SF-Found && req.http.SF-Config-W ~ "(?:^|\|)2=([0-9a-f]{32}:[0-9a-f]{64}):([^|]+)" && std.prefixof(var.sf_inside, re.group.2)) {
    set req.http.SF-Found = re.group.1 ":" re.group.2;
  }
  if (!req.http.SF-Found && req.http.SF-Config-W ~ "(?:^|\|)3=([0-9a-f]{32}:[0-9a-f]{64}):([^|]+)" && std.prefixof(var.sf_inside, re.group.2)) {
    set req.http.SF-Found = re.group.1 ":" re.group.2;
  }
  unset req.http.SF-Seek;
}

# Refuses the request where SF-Path lies in an area whose password was not sent.
sub sf_ask_password {
  declare local var.sf_salt STRING;
  declare local var.sf_verifier STRING;
  declare local var.sf_given STRING;
  if (req.http.SF-Config-W !~ "^0=[0-9a-f]{32}:[0-9a-f]{64}:/(?:[A-Za-z0-9._~\x25-]+/)*(?:\|1=[0-9a-f]{32}:[0-9a-f]{64}:/(?:[A-Za-z0-9._~\x25-]+/)*(?:\|2=[0-9a-f]{32}:[0-9a-f]{64}:/(?:[A-Za-z0-9._~\x25-]+/)*(?:\|3=[0-9a-f]{32}:[0-9a-f]{64}:/(?:[A-Za-z0-9._~\x25-]+/)*)?)?)?$") {
    set req.http.SF-Phase = "unusable-config";
    error 607 "unusable config";
  }
  set req.http.SF-Seek = req.http.SF-Path;
  call sf_find_area;
  if (req.http.SF-Found ~ "^([^:]+):([^:]+):(.+)$") {
    set var.sf_salt = re.group.1;
    set var.sf_verifier = re.group.2;
    set req.http.SF-Area = re.group.3;
    set req.http.SF-Private = "1";
    unset req.http.SF-Found;
    # The publisher's own HEAD requests pass: they check and warm pages, and no content goes with their answers.
    if (!(req.http.SF-Trusted && req.method == "HEAD")) {
      if (!req.http.SF-Credentials) {
        set req.http.SF-Phase = "unauthorized";
        error 613 "no password";
      }
      set var.sf_given = digest.base64_decode(req.http.SF-Credentials);
      if (var.sf_given !~ ":" || !digest.secure_is_equal(var.sf_verifier, regsub(digest.hmac_sha256(var.sf_salt, regsub(var.sf_given, "^[^:]*:", "")), "^0x", ""))) {
        set req.http.SF-Phase = "unauthorized";
        error 613 "wrong password";
      }
    }
  }
}
# delta-releases
# Asks S3 for SF-Key in the release that the delta list names, if it names one.
sub sf_locate_change {
  declare local var.sf_hash STRING;
  declare local var.sf_length INTEGER;
  declare local var.sf_offset INTEGER;
  declare local var.sf_entry STRING;
  set var.sf_hash = regsub(digest.hash_sha256(regsub(req.http.SF-Key, "^/", "")), "^0x", "");
  if (req.http.SF-Config-D ~ "^([3-6])([0-9]):") {
    set var.sf_length = std.atoi(re.group.1);
    set var.sf_offset = std.atoi(re.group.2);
    set var.sf_entry = std.strstr(req.http.SF-Config-D, substr(bin.hex_to_base64(var.sf_hash), var.sf_offset, var.sf_length));
  } else {
    # A list that codec version 2 wrote.
    set var.sf_entry = std.strstr(req.http.SF-Config-D, "," substr(var.sf_hash, 0, 8));
  }
  if (var.sf_entry ~ "=(-|[0-9a-z]{1,2})\.?([0-9a-z]{0,2})") {
    set req.url = "/test/" req.http.SF-Site-Env "/" req.http.SF-Site "/" re.group.1 re.group.2 req.http.SF-Key;
  }
}
# page-lookup
# Asks S3 for SF-Key, a page key behind a slash, in the release that has it.
sub sf_locate {
  set req.http.SF-Bucket = "hosting";
  set req.url = "/test/" req.http.SF-Site-Env "/" req.http.SF-Site "/" req.http.SF-Base req.http.SF-Key;
  if (req.http.SF-Config-D) {
    call sf_locate_change;
  }
}

# For what has another status than 200: no condition and no range applies (RFC 9110 sections 13.2.1, 14.2).
sub sf_unconditional {
  unset req.http.If-None-Match;
  unset req.http.If-Modified-Since;
  unset req.http.Range;
  unset req.http.If-Range;
}
# pattern-redirects
# One rule, `[!]status pattern target[ query]`, in SF-Rule against SF-Path without its trailing slash, which is in SF-Trimmed,
# and the query, which is in SF-Search. A redirect leaves SF-Location; a page rule makes its page the path that is looked up,
# and SF-Asked the one that was. Nothing is filled in before all is known to match: every string costs workspace.
sub sf_try_rule {
  declare local var.sf_status STRING;
  declare local var.sf_pattern STRING;
  declare local var.sf_target STRING;
  declare local var.sf_query STRING;
  declare local var.sf_subject STRING;
  declare local var.sf_name STRING;
  declare local var.sf_wanted STRING;
  declare local var.sf_value STRING;
  declare local var.sf_longest INTEGER;
  declare local var.sf_name_a STRING;
  declare local var.sf_value_a STRING;
  declare local var.sf_name_b STRING;
  declare local var.sf_value_b STRING;
  declare local var.sf_part_1 STRING;
  declare local var.sf_part_2 STRING;
  declare local var.sf_part_3 STRING;
  declare local var.sf_part_4 STRING;
  declare local var.sf_part_5 STRING;
  declare local var.sf_part_6 STRING;
  declare local var.sf_part_7 STRING;
  declare local var.sf_part_8 STRING;
  declare local var.sf_part_9 STRING;
  declare local var.sf_kept STRING;
  declare local var.sf_matches BOOL;
  if (req.http.SF-Rule ~ "^!?(200|30[12378]|404|410|451) (/[^ ]*) ([^ ]+)(?: ([^ ]+))?$") {
    set var.sf_status = re.group.1;
    set var.sf_pattern = re.group.2;
    set var.sf_target = re.group.3;
    set var.sf_query = if(re.group.4, re.group.4, "");
    set var.sf_matches = true;
    # One page for all paths below is an application's; HTML in place of a missing file of it would be kept as that file.
    if (var.sf_status == "200" && var.sf_pattern ~ "/\*$" && var.sf_target !~ "[{]" && req.http.SF-Path ~ "\.(?!html$)[^/.]*$") {
      set var.sf_matches = false;
    }
  }
  if (var.sf_matches) {
    set var.sf_subject = req.http.SF-Trimmed " " var.sf_pattern;
    if (var.sf_query != "") {
      if (var.sf_subject !~ "^(?:/([^/ ]++)(?:/([^/ ]++)(?:/([^/ ]++)(?:/([^/ ]++)(?:/([^/ ]++)(?:/([^/ ]++)(?:/([^/ ]++)(?:/([^/ ]++))?)?)?)?)?)?)?)?(/[^ ]*+)? (?(1)/(?::|\1(?![^/])))(?(2)/(?::|\2(?![^/])))(?(3)/(?::|\3(?![^/])))(?(4)/(?::|\4(?![^/])))(?(5)/(?::|\5(?![^/])))(?(6)/(?::|\6(?![^/])))(?(7)/(?::|\7(?![^/])))(?(8)/(?::|\8(?![^/])))(?(9)/\*|(?(1)(?:/\*)?|/\*?))$") {
        set var.sf_matches = false;
      }
      if (var.sf_matches && var.sf_query ~ "^([^&=]+)=([^&]*)") {
        set var.sf_name = re.group.1;
        set var.sf_wanted = re.group.2;
        set var.sf_value = querystring.filter_except(req.http.SF-Search, var.sf_name);
        if (var.sf_value ~ "[?&][^&=]*=([^&]*)") {
          set var.sf_value = re.group.1;
          # A byte of the wanted value takes three at most: what is longer is another value and need not be decoded.
          set var.sf_longest = std.strlen(var.sf_wanted);
          set var.sf_longest *= 3;
          if (var.sf_wanted != "{a}" && std.strlen(var.sf_value) > var.sf_longest) {
            set var.sf_matches = false;
          } else if (var.sf_value !~ "^[A-Za-z0-9._~-]*$") {
            # Printable ASCII, its escapes complete and for no control character.
            if (var.sf_value ~ {"^(?:[!-$&-~]|%(?:[2-6][0-9A-Fa-f]|7[0-9A-Ea-e]|[89A-Fa-f][0-9A-Fa-f]))+$"}) {
              set var.sf_value = urldecode(regsuball(var.sf_value, "[+]", {"%2B"}));
              if (utf8.is_valid(var.sf_value)) {
                set var.sf_value = std.replaceall(urlencode(var.sf_value), {"%7E"}, "~");
              } else {
                set var.sf_matches = false;
              }
            } else {
              set var.sf_matches = false;
            }
          }
          if (var.sf_wanted == "{a}") {
            if (var.sf_value == "") {
              set var.sf_matches = false;
            }
            set var.sf_name_a = var.sf_name;
            set var.sf_value_a = var.sf_value;
          } else if (var.sf_value != var.sf_wanted) {
            set var.sf_matches = false;
          }
        } else {
          set var.sf_matches = false;
        }
      }

      if (var.sf_matches && var.sf_query ~ "^[^&]*&([^&=]+)=([^&]*)") {
        set var.sf_name = re.group.1;
        set var.sf_wanted = re.group.2;
        set var.sf_value = querystring.filter_except(req.http.SF-Search, var.sf_name);
        if (var.sf_value ~ "[?&][^&=]*=([^&]*)") {
          set var.sf_value = re.group.1;
          # A byte of the wanted value takes three at most: what is longer is another value and need not be decoded.
          set var.sf_longest = std.strlen(var.sf_wanted);
          set var.sf_longest *= 3;
          if (var.sf_wanted != "{b}" && std.strlen(var.sf_value) > var.sf_longest) {
            set var.sf_matches = false;
          } else if (var.sf_value !~ "^[A-Za-z0-9._~-]*$") {
            # Printable ASCII, its escapes complete and for no control character.
            if (var.sf_value ~ {"^(?:[!-$&-~]|%(?:[2-6][0-9A-Fa-f]|7[0-9A-Ea-e]|[89A-Fa-f][0-9A-Fa-f]))+$"}) {
              set var.sf_value = urldecode(regsuball(var.sf_value, "[+]", {"%2B"}));
              if (utf8.is_valid(var.sf_value)) {
                set var.sf_value = std.replaceall(urlencode(var.sf_value), {"%7E"}, "~");
              } else {
                set var.sf_matches = false;
              }
            } else {
              set var.sf_matches = false;
            }
          }
          if (var.sf_wanted == "{b}") {
            if (var.sf_value == "") {
              set var.sf_matches = false;
            }
            set var.sf_name_b = var.sf_name;
            set var.sf_value_b = var.sf_value;
          } else if (var.sf_value != var.sf_wanted) {
            set var.sf_matches = false;
          }
        } else {
          set var.sf_matches = false;
        }
      }

    }
    if (var.sf_matches && var.sf_subject ~ "^(?:/([^/ ]++)(?:/([^/ ]++)(?:/([^/ ]++)(?:/([^/ ]++)(?:/([^/ ]++)(?:/([^/ ]++)(?:/([^/ ]++)(?:/([^/ ]++))?)?)?)?)?)?)?)?(/[^ ]*+)? (?(1)/(?::|\1(?![^/])))(?(2)/(?::|\2(?![^/])))(?(3)/(?::|\3(?![^/])))(?(4)/(?::|\4(?![^/])))(?(5)/(?::|\5(?![^/])))(?(6)/(?::|\6(?![^/])))(?(7)/(?::|\7(?![^/])))(?(8)/(?::|\8(?![^/])))(?(9)/\*|(?(1)(?:/\*)?|/\*?))$") {
      set var.sf_part_1 = if(re.group.1, re.group.1, "");
      set var.sf_part_2 = if(re.group.2, re.group.2, "");
      set var.sf_part_3 = if(re.group.3, re.group.3, "");
      set var.sf_part_4 = if(re.group.4, re.group.4, "");
      set var.sf_part_5 = if(re.group.5, re.group.5, "");
      set var.sf_part_6 = if(re.group.6, re.group.6, "");
      set var.sf_part_7 = if(re.group.7, re.group.7, "");
      set var.sf_part_8 = if(re.group.8, re.group.8, "");
      set var.sf_part_9 = if(re.group.9, re.group.9, "");
      if (var.sf_target ~ "[{]1[}]") {
        set var.sf_target = std.replaceall(var.sf_target, "{1}", var.sf_part_1);
      }
      if (var.sf_target ~ "[{]2[}]") {
        set var.sf_target = std.replaceall(var.sf_target, "{2}", var.sf_part_2);
      }
      if (var.sf_target ~ "[{]3[}]") {
        set var.sf_target = std.replaceall(var.sf_target, "{3}", var.sf_part_3);
      }
      if (var.sf_target ~ "[{]4[}]") {
        set var.sf_target = std.replaceall(var.sf_target, "{4}", var.sf_part_4);
      }
      if (var.sf_target ~ "[{]5[}]") {
        set var.sf_target = std.replaceall(var.sf_target, "{5}", var.sf_part_5);
      }
      if (var.sf_target ~ "[{]6[}]") {
        set var.sf_target = std.replaceall(var.sf_target, "{6}", var.sf_part_6);
      }
      if (var.sf_target ~ "[{]7[}]") {
        set var.sf_target = std.replaceall(var.sf_target, "{7}", var.sf_part_7);
      }
      if (var.sf_target ~ "[{]8[}]") {
        set var.sf_target = std.replaceall(var.sf_target, "{8}", var.sf_part_8);
      }
      if (var.sf_target ~ "[{][*][}]") {
        set var.sf_target = std.replaceall(var.sf_target, "{*}", regsub(var.sf_part_9, "^/", ""));
      }
      set var.sf_kept = req.http.SF-Query;
      if (var.sf_name_a) {
        set var.sf_target = std.replaceall(var.sf_target, "{a}", var.sf_value_a);
        # What was captured is in the target and goes on no other way.
        set var.sf_kept = regsub(querystring.filter("/" var.sf_kept, var.sf_name_a), "^/", "");
      }
      if (var.sf_name_b) {
        set var.sf_target = std.replaceall(var.sf_target, "{b}", var.sf_value_b);
        # What was captured is in the target and goes on no other way.
        set var.sf_kept = regsub(querystring.filter("/" var.sf_kept, var.sf_name_b), "^/", "");
      }
    } else {
      set var.sf_matches = false;
    }
  }
  if (var.sf_matches && var.sf_status !~ "^30") {
    if (var.sf_target ~ "//") {
      # An empty splat may have left two slashes.
      set var.sf_target = regsuball(var.sf_target, "//+", "/");
    }
    # A value from the query may be no part of a path, and what begins with no slash would make another release's name of ours.
    if (std.strlen(var.sf_target) > 900 || var.sf_target !~ "^/" || var.sf_target ~ {"%2F|%5C|/\.\.?(?:/|$)"}) {
      set var.sf_matches = false;
    }
  }
  if (var.sf_matches) {
    set req.http.SF-Status = var.sf_status;
    set req.http.SF-Query = var.sf_kept;
    if (var.sf_status ~ "^30") {
      set req.http.SF-Location = var.sf_target;
      call sf_keep_query;
    } else {
      set req.http.SF-Asked = req.http.SF-Path;
      set req.http.SF-Path = var.sf_target;
    }
  }
}

# All slots in order; the first that matches decides the phase. With SF-Rules-Late the rules without `!`, else those with it.
sub sf_try_rules {
  declare local var.sf_rule STRING;
  unset req.http.SF-Status;
  set req.http.SF-Trimmed = regsub(req.http.SF-Path, "/$", "");
  if (req.http.SF-Config-Q ~ "[^ |]+ [^ |]+ [^ |]+ [^ |]") {
    set req.http.SF-Search = "/" req.http.SF-Query;
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "0", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "1", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "2", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "3", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "4", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "5", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "6", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "7", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "8", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "9", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "a", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "b", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "c", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "d", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "e", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "f", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "g", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "h", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "i", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "j", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "k", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "l", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "m", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  if (!req.http.SF-Status) {
    set var.sf_rule = subfield(req.http.SF-Config-Q, "n", "|");
    if ((!req.http.SF-Rules-Late && var.sf_rule ~ "^!") || (req.http.SF-Rules-Late && var.sf_rule ~ "^[^!]")) {
      set req.http.SF-Rule = var.sf_rule;
      call sf_try_rule;
    }
  }
  unset req.http.SF-Rule;
  unset req.http.SF-Trimmed;
  unset req.http.SF-Search;
  if (req.http.SF-Status ~ "^30") {
    set req.http.SF-Phase = "redirect";
  } else if (req.http.SF-Status) {
    set req.http.SF-Phase = "rewrite";
  }
}
# packed-headers
table sf_refused_headers {
  "accept-ranges": "1",
  "age": "1",
  "alt-svc": "1",
  "basic-auth": "1",
  "cache-control": "1",
  "cache-status": "1",
  "cache-tag": "1",
  "cdn-cache-control": "1",
  "cdn-loop": "1",
  "cloudflare-cdn-cache-control": "1",
  "connection": "1",
  "content-digest": "1",
  "content-disposition": "1",
  "content-encoding": "1",
  "content-language": "1",
  "content-length": "1",
  "content-md5": "1",
  "content-range": "1",
  "content-type": "1",
  "date": "1",
  "digest": "1",
  "edge-cache-tag": "1",
  "edge-control": "1",
  "etag": "1",
  "expires": "1",
  "host": "1",
  "keep-alive": "1",
  "last-modified": "1",
  "location": "1",
  "netlify-cache-id": "1",
  "netlify-cache-tag": "1",
  "netlify-cdn-cache-control": "1",
  "netlify-vary": "1",
  "pragma": "1",
  "proxy-authenticate": "1",
  "proxy-connection": "1",
  "repr-digest": "1",
  "server": "1",
  "set-cookie": "1",
  "set-cookie2": "1",
  "status": "1",
  "strict-transport-security": "1",
  "te": "1",
  "trailer": "1",
  "transfer-encoding": "1",
  "upgrade": "1",
  "vary": "1",
  "vercel-cache-tag": "1",
  "vercel-cdn-cache-control": "1",
  "via": "1",
  "www-authenticate": "1",
  "x-cache": "1",
  "x-cache-hits": "1",
  "x-compress-hint": "1",
  "x-served-by": "1",
  "x-timer": "1",
  "x-varnish": "1",
}

# SF-Header of the response is one slot: `Name:value` becomes a header, `!Name` a name that the edge adds nothing for.
sub sf_set_header {
  declare local var.sf_name STRING;
  declare local var.sf_value STRING;
  if (beresp.http.SF-Header ~ "^!([A-Za-z0-9_-]{1,100})$") {
    set beresp.http.SF-Without = if(beresp.http.SF-Without, beresp.http.SF-Without, ",") std.tolower(re.group.1) ",";
  } else if (beresp.http.SF-Header ~ "^([A-Za-z0-9][A-Za-z0-9_-]{0,99}):(.+)$") {
    set var.sf_name = re.group.1;
    set var.sf_value = urldecode(re.group.2);
    # `\z`, because `$` also matches before a line feed.
    if (var.sf_name !~ "(?i)^(?:fastly-|sf-|surrogate-|x-amz-|x-fastly-|x-forwarded-)" && !table.contains(sf_refused_headers, std.tolower(var.sf_name)) && var.sf_value ~ "^[!-~](?:[ -~]*[!-~])?\z") {
      header.set(beresp, var.sf_name, var.sf_value);
    }
  }
}
# not-found
# Decides, in vcl_deliver, what a missing page becomes on the last pass.
sub sf_not_found {
  declare local var.sf_asked STRING;
  declare local var.sf_directory STRING;
  declare local var.sf_key STRING;
  set var.sf_asked = if(req.http.SF-Asked, req.http.SF-Asked, req.http.SF-Path);
  # An application's own address, asked for by navigating to it; scripts, images and fetches are not that.
  if (req.http.SF-Config-N == "s" && req.http.SF-Key != "/index.html" && var.sf_asked !~ "(?i)\.(?:7z|aac|apk|avif|avi|bin|bmp|br|cjs|css|csv|dmg|doc|docx|eot|epub|exe|flac|gif|glb|gltf|gz|heic|ico|ics|jpe?g|js|json|json5|jsx|jxl|m3u8|m4a|m4v|map|md|mjs|mkv|mov|mp3|mp4|mpd|mpe?g|odt|ogg|ogv|opus|otf|pdf|php|png|pptx?|rar|rss|svgz?|tar|tgz|tiff?|tsx?|ttf|txt|vtt|wasm|wav|webm|webmanifest|webp|woff2?|xlsx?|xml|ya?ml|zip)$"
    && (req.http.Sec-Fetch-Mode == "navigate" || (!req.http.Sec-Fetch-Mode && req.http.Accept ~ "(?i)text/html"))) {
    set req.http.SF-Key = "/index.html";
    set req.http.SF-Phase = "spa";
  } else {
    set var.sf_key = "";
    if (req.http.SF-Config-E) {
      # The directory of what was asked for, without slashes at its ends. Without an anchor a long segment would be looked
      # through once for each of its bytes.
      set var.sf_directory = regsub(var.sf_asked, "^/(?:(.*)/)?[^/]*$", "\1");
      if (var.sf_directory != "") {
        if (std.strstr(req.http.SF-Config-E, "," substr(regsub(digest.hash_sha256(var.sf_directory), "^0x", ""), 0, 8) ",") ~ "^,") {
          set var.sf_key = "/" var.sf_directory "/404.html";
          set var.sf_directory = "";
        } else {
          set var.sf_directory = regsub(var.sf_directory, "^(?:(.*)/)?[^/]*$", "\1");
        }
      }
      if (var.sf_directory != "") {
        if (std.strstr(req.http.SF-Config-E, "," substr(regsub(digest.hash_sha256(var.sf_directory), "^0x", ""), 0, 8) ",") ~ "^,") {
          set var.sf_key = "/" var.sf_directory "/404.html";
          set var.sf_directory = "";
        } else {
          set var.sf_directory = regsub(var.sf_directory, "^(?:(.*)/)?[^/]*$", "\1");
        }
      }
      if (var.sf_directory != "") {
        if (std.strstr(req.http.SF-Config-E, "," substr(regsub(digest.hash_sha256(var.sf_directory), "^0x", ""), 0, 8) ",") ~ "^,") {
          set var.sf_key = "/" var.sf_directory "/404.html";
          set var.sf_directory = "";
        } else {
          set var.sf_directory = regsub(var.sf_directory, "^(?:(.*)/)?[^/]*$", "\1");
        }
      }
      if (var.sf_directory != "") {
        if (std.strstr(req.http.SF-Config-E, "," substr(regsub(digest.hash_sha256(var.sf_directory), "^0x", ""), 0, 8) ",") ~ "^,") {
          set var.sf_key = "/" var.sf_directory "/404.html";
          set var.sf_directory = "";
        } else {
          set var.sf_directory = regsub(var.sf_directory, "^(?:(.*)/)?[^/]*$", "\1");
        }
      }
      if (var.sf_directory != "") {
        if (std.strstr(req.http.SF-Config-E, "," substr(regsub(digest.hash_sha256(var.sf_directory), "^0x", ""), 0, 8) ",") ~ "^,") {
          set var.sf_key = "/" var.sf_directory "/404.html";
          set var.sf_directory = "";
        } else {
          set var.sf_directory = regsub(var.sf_directory, "^(?:(.*)/)?[^/]*$", "\1");
        }
      }
      if (var.sf_directory != "") {
        if (std.strstr(req.http.SF-Config-E, "," substr(regsub(digest.hash_sha256(var.sf_directory), "^0x", ""), 0, 8) ",") ~ "^,") {
          set var.sf_key = "/" var.sf_directory "/404.html";
          set var.sf_directory = "";
        } else {
          set var.sf_directory = regsub(var.sf_directory, "^(?:(.*)/)?[^/]*$", "\1");
        }
      }
      if (var.sf_directory != "") {
        if (std.strstr(req.http.SF-Config-E, "," substr(regsub(digest.hash_sha256(var.sf_directory), "^0x", ""), 0, 8) ",") ~ "^,") {
          set var.sf_key = "/" var.sf_directory "/404.html";
          set var.sf_directory = "";
        } else {
          set var.sf_directory = regsub(var.sf_directory, "^(?:(.*)/)?[^/]*$", "\1");
        }
      }
      if (var.sf_directory != "") {
        if (std.strstr(req.http.SF-Config-E, "," substr(regsub(digest.hash_sha256(var.sf_directory), "^0x", ""), 0, 8) ",") ~ "^,") {
          set var.sf_key = "/" var.sf_directory "/404.html";
          set var.sf_directory = "";
        } else {
          set var.sf_directory = regsub(var.sf_directory, "^(?:(.*)/)?[^/]*$", "\1");
        }
      }
    }
    if (var.sf_key == "" && req.http.SF-Config-N) {
      set var.sf_key = "/404.html";
    }
    if (var.sf_key == "" || var.sf_key == req.http.SF-Key) {
      set req.http.SF-Phase = "not-found";
    } else if (var.sf_key == "/404.html" && req.http.SF-Config-N == "r") {
      set req.http.SF-Location = "/404";
      set req.http.SF-Status = "302";
      set req.http.SF-Phase = "redirect";
    } else {
      set req.http.SF-Key = var.sf_key;
      set req.http.SF-Phase = "not-found-page";
    }
  }
}
# s3-signing
sub sf_sign {
  declare local var.sf_credential STRING;
  declare local var.sf_id STRING;
  declare local var.sf_secret STRING;
  declare local var.sf_host STRING;
  declare local var.sf_region STRING;
  declare local var.sf_path STRING;
  declare local var.sf_time STRING;
  declare local var.sf_date STRING;
  declare local var.sf_scope STRING;
  declare local var.sf_canonical STRING;
  declare local var.sf_signature STRING;
  if (req.backend == F_config) {
    set var.sf_host = "example-test-config.s3.us-east-1.amazonaws.com";
    set var.sf_region = "us-east-1";
    set var.sf_path = "" bereq.url;
    set var.sf_credential = table.lookup(sitefleet_private, "config_s3_key", "");
  } else if (req.backend == F_hosting) {
    set var.sf_host = "example-test-hosting.s3.us-east-1.amazonaws.com";
    set var.sf_region = "us-east-1";
    set var.sf_path = "" bereq.url;
    set var.sf_credential = table.lookup(sitefleet_private, "hosting_s3_key", "");
  } else if (req.backend == F_config_second) {
    set var.sf_host = "example-test-config-west.s3.us-west-2.amazonaws.com";
    set var.sf_region = "us-west-2";
    set var.sf_path = "" bereq.url;
    set var.sf_credential = table.lookup(sitefleet_private, "config_s3_key", "");
  } else if (req.backend == F_hosting_second) {
    set var.sf_host = "example-test-hosting-west.s3.us-west-2.amazonaws.com";
    set var.sf_region = "us-west-2";
    set var.sf_path = "" bereq.url;
    set var.sf_credential = table.lookup(sitefleet_private, "hosting_s3_key", "");
  }
  if (req.http.SF-Bucket == "config") {
    # Only the configs' keys end in the secret segment.
    set var.sf_path = var.sf_path "/" urlencode(table.lookup(sitefleet_private, "config_segment", ""));
  }
  if (var.sf_credential ~ "^([^:]+):(.+)$") {
    set var.sf_id = re.group.1;
    set var.sf_secret = re.group.2;
  }
  set var.sf_time = strftime({"%Y%m%dT%H%M%SZ"}, now);
  set var.sf_date = strftime({"%Y%m%d"}, now);
  set var.sf_scope = var.sf_date "/" var.sf_region "/s3/aws4_request";
  set var.sf_canonical = bereq.method LF var.sf_path LF LF
    "host:" var.sf_host LF
    "x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" LF
    "x-amz-date:" var.sf_time LF LF
    "host;x-amz-content-sha256;x-amz-date" LF
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  set var.sf_signature = regsub(digest.awsv4_hmac(var.sf_secret, var.sf_date, var.sf_region, "s3",
    "AWS4-HMAC-SHA256" LF var.sf_time LF var.sf_scope LF regsub(digest.hash_sha256(var.sf_canonical), "^0x", "")), "^0x", "");
  header.filter_except(bereq, "Host", "If-None-Match", "If-Modified-Since");
  set bereq.url = var.sf_path;
  set bereq.http.Host = var.sf_host;
  set bereq.http.x-amz-content-sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  set bereq.http.x-amz-date = var.sf_time;
  set bereq.http.Authorization = "AWS4-HMAC-SHA256 Credential=" var.sf_id "/" var.sf_scope ", SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" var.sf_signature;
}

# May this visitor see what SF-Path names? Asked of the path of the request and again of the page that a rule shows.
sub sf_check_access {
  # eu-only
  if (req.http.SF-Config-G && !table.contains(sf_eu, client.geo.country_code) && !(req.http.SF-Trusted && req.method == "HEAD")) {
    if (req.http.SF-Path ~ "^/\.well-known/acme-challenge/") {
      set req.http.SF-Exempt = "1";
    } else {
      set req.http.SF-Phase = "outside-eu";
      error 612 "outside the EU";
    }
  }
  # passwords
  if (!req.http.SF-Config-W) {
    unset req.http.SF-Credentials;
  } else if (req.http.SF-Path ~ "^/\.well-known/acme-challenge/") {
    set req.http.SF-Exempt = "1";
  } else {
    call sf_ask_password;
  }

}

sub vcl_recv {
  # version-marker
  declare local var.sf_debug STRING;
  # probe
  declare local var.sf_probe STRING;
  # path-hygiene
  declare local var.sf_path STRING;
  # config-lookup
  declare local var.sf_host STRING;
  # page-lookup
  declare local var.sf_stem STRING;
  # rule-buckets
  declare local var.sf_segment STRING;

  # edge-gate
  if (fastly.ff.visits_this_service == 0 && req.restarts == 0) {
    unset req.http.SF-*;
    unset req.http.x-amz-*;
    # Switches of Fastly's own macros that a client could set.
    unset req.http.Fastly-Debug;
    unset req.http.Fastly-Force-Shield;
    unset req.http.Fastly-No-Shield;
    unset req.http.Fastly-Restart-On-Error;
    unset req.http.Fastly-Vary-String;
    unset req.http.Fastly-Check-SHA1;
    unset req.http.Fastly-Temp-XFF;
    unset req.http.Fastly-Original-URL;
    unset req.http.Fastly-Original-Cookie;
    unset req.http.Fastly-Backend;
    unset req.http.Fastly-Cachetype;
    # Nothing here reads them; S3 would refuse or act on them.
    unset req.http.Cookie;
    unset req.http.If-Match;
    unset req.http.If-Unmodified-Since;
    set req.http.Fastly-Client-IP = client.ip;
  }
  # Overwritten on every pass and hop: subroutines on the fetch node cannot ask visits_this_service.
  if (fastly.ff.visits_this_service == 0) {
    set req.http.SF-Hop = "edge";
  } else {
    set req.http.SF-Hop = "shield";
    # A stale answer of the shield would be stored as fresh at the edge.
    set req.max_stale_while_revalidate = 0s;
  }
  # version-marker
  if (fastly.ff.visits_this_service == 0 && req.restarts == 0) {
    set var.sf_debug = req.http.Sitefleet-Debug;
    unset req.http.Sitefleet-Debug;
    if (var.sf_debug && digest.secure_is_equal(var.sf_debug, regsub(digest.hash_sha256("sitefleet-debug:" table.lookup(sitefleet_private, "config_segment", "")), "^0x", ""))) {
      set req.http.SF-Trusted = "1";
    }
  }
  # probe
  if (fastly.ff.visits_this_service == 0 && req.restarts == 0) {
    set var.sf_probe = req.http.Sitefleet-Probe;
    unset req.http.Sitefleet-Probe;
    if (req.http.SF-Trusted && var.sf_probe == "shield") {
      set req.http.SF-Probe = "shield";
    }
  }
  # passwords
  if (fastly.ff.visits_this_service == 0 && req.restarts == 0) {
    if (req.http.Authorization ~ "(?i)^basic +([A-Za-z0-9+/]{1,1024}={0,2})$") {
      set req.http.SF-Credentials = re.group.1;
    }
    unset req.http.Authorization;
  }
  # origin-trouble
  if (req.http.SF-Hop == "shield") {
    # The shield answers the edge with whole objects: a 304 would hide that it had only a stale one.
    unset req.http.If-None-Match;
    unset req.http.If-Modified-Since;
  }

#FASTLY recv
  # edge-gate
  if (req.restarts > 0) {
    # A restart switches clustering off; this switches it on again.
    set req.http.Fastly-Force-Shield = "1";
    # A look past the cache is for the pass that asks for it.
    set req.hash_always_miss = false;
  }
  # probe
  if (req.http.SF-Hop == "edge" && req.http.SF-Probe == "shield") {
    set req.hash_always_miss = true;
  }
  # compression
  # Fastly leaves one token here, by rules that overlook `q=0`; what the client said is in a header that Fastly sets.
  if (req.http.SF-Hop == "edge") {
    if (req.http.Fastly-Orig-Accept-Encoding ~ "(?i)(?:^|[, ])br(?! *; *q=0(?:\.0*)?(?:[, ]|$))(?:[,; ]|$)") {
      set req.http.Accept-Encoding = "br";
    } else if (req.http.Fastly-Orig-Accept-Encoding ~ "(?i)(?:^|[, ])gzip(?! *; *q=0(?:\.0*)?(?:[, ]|$))(?:[,; ]|$)") {
      set req.http.Accept-Encoding = "gzip";
    } else if (req.http.Fastly-Orig-Accept-Encoding || req.http.Accept-Encoding != "gzip") {
      # Any other token would be one more variant of every page.
      unset req.http.Accept-Encoding;
    }
  }

  if (req.http.SF-Hop == "edge") {
    if (!req.http.SF-Phase) {
      # method-policy
      if (req.method == "FASTLYPURGE") {
        error 603 "purge refused";
      }
      if (req.method != "GET" && req.method != "HEAD") {
        error 602 "method not allowed";
      }
      # path-hygiene
      if (std.strlen(req.url) > 4096) {
        error 609 "URI too long";
      }
      set var.sf_path = req.url.path;
      # Segments of unreserved characters that do not begin with a dot need no work.
      if (var.sf_path !~ "^(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?$" || var.sf_path == "") {
        if (var.sf_path !~ "^/" || var.sf_path ~ {"%(?![0-9A-Fa-f]{2})|%(?:00|2[Ff]|5[Cc])|[\x00-\x20\x5c\x7f]"}) {
          error 605 "bad path";
        }
        # urldecode would turn a plus sign into a space.
        set var.sf_path = urldecode(regsuball(var.sf_path, "[+]", {"%2B"}));
        if (!utf8.is_valid(var.sf_path) || var.sf_path ~ "[\x00-\x1f\x7f]|(?:^|/)\.\.?(?:/|$)") {
          error 605 "bad path";
        }
        set var.sf_path = regsuball(var.sf_path, "//+", "/");
      }
      # Longer than any key can be: S3 would answer 400, which would look like a fault of the origin.
      if (std.strlen(var.sf_path) > 900) {
        error 609 "URI too long";
      }
      if (var.sf_path ~ "[^A-Za-z0-9._~/-]") {
        # Fastly's reference does not say whether urlencode leaves a tilde alone; S3 wants it plain.
        set var.sf_path = std.replaceall(std.replaceall(urlencode(var.sf_path), {"%2F"}, "/"), {"%7E"}, "~");
      }
      set req.http.SF-Path = var.sf_path;
      set req.http.SF-Query = "";
      if (req.url.qs ~ ".") {
        set req.http.SF-Query = "?" req.url.qs;
      }
      # config-lookup
      set var.sf_host = regsub(std.tolower(req.http.host), "\.?(?::[0-9]+)?$", "");
      if (std.strlen(var.sf_host) > 253 || var.sf_host !~ "^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$") {
        error 605 "bad host";
      }
      set req.http.SF-Host = var.sf_host;
      set req.http.SF-Site-Env = "production";
      if (std.suffixof(var.sf_host, ".staging.test.example-sites.com")) {
        set req.http.SF-Site-Env = "staging";
      }
      set req.http.SF-Phase = "config";
      set req.http.SF-Bucket = "config";
      set req.url = "/test/" req.http.SF-Site-Env "/" var.sf_host;
      # They are meant for the page: a 304 or 206 of the config would carry no metadata.
      if (req.http.If-None-Match) {
        set req.http.SF-If-None-Match = req.http.If-None-Match;
        unset req.http.If-None-Match;
      }
      if (req.http.If-Modified-Since) {
        set req.http.SF-If-Modified-Since = req.http.If-Modified-Since;
        unset req.http.If-Modified-Since;
      }
      if (req.http.Range) {
        set req.http.SF-Range = req.http.Range;
        unset req.http.Range;
      }
      if (req.http.If-Range) {
        set req.http.SF-If-Range = req.http.If-Range;
        unset req.http.If-Range;
      }

    }
    # config-lookup
    if (req.http.SF-Phase == "unusable-config") {
      error 607 "unusable config";
    }
    # unknown-host
    if (req.http.SF-Phase == "unknown-host") {
      error 600 "unknown host";
    }
    # redirect
    if (req.http.SF-Phase == "redirect") {
      error 601 "redirect";
    }
    # eu-only
    # Exempt is the challenge's own file, not what a site shows where it has no file.
    if (req.http.SF-Exempt && req.http.SF-Phase ~ "^(?:not-found-page|spa)$") {
      set req.http.SF-Phase = "not-found";
    }
    # passwords
    # Where a page is missing, one from another area is not shown in its place.
    if (req.http.SF-Config-W && req.http.SF-Phase ~ "^(?:not-found-page|spa)$") {
      set req.http.SF-Seek = req.http.SF-Key;
      call sf_find_area;
      if (req.http.SF-Exempt || (req.http.SF-Found && regsub(req.http.SF-Found, "^[^:]+:[^:]+:", "") != req.http.SF-Area)) {
        set req.http.SF-Phase = "not-found";
      }
      unset req.http.SF-Found;
    }
    # not-found
    if (req.http.SF-Phase == "not-found" || req.http.SF-Dead-End) {
      error 604 "not found";
    }
    if (req.http.SF-Phase == "not-found-page") {
      call sf_locate;
      call sf_unconditional;
    }
    if (req.http.SF-Phase == "spa") {
      call sf_locate;
    }
    # origin-trouble
    # Fastly may restart by itself: a config lookup on the last pass could not be acted on.
    if (req.http.SF-Phase == "trouble" || (req.restarts >= 3 && (req.http.SF-Phase == "config" || req.http.SF-Phase == "rules"))) {
      set req.http.SF-Phase = "trouble";
      error 610 "origin trouble";
    }

    if (req.http.SF-Phase == "page") {
      # canonical-host
      if (req.http.SF-Config-C) {
        if (req.http.SF-Config-C !~ "^[a-z0-9-]+(?:\.[a-z0-9-]+)*$") {
          set req.http.SF-Phase = "unusable-config";
          error 607 "unusable config";
        }
        if (req.http.SF-Path ~ "^/\.well-known/acme-challenge/") {
          set req.http.SF-Phase = "not-found";
          error 604 "no challenge on an alias";
        }
        if (fastly_info.edge.is_tls || req.http.SF-Config-T == "1") {
          set req.http.SF-Location = "https://" req.http.SF-Config-C "" req.http.SF-Path req.http.SF-Query;
        } else {
          set req.http.SF-Location = "http://" req.http.SF-Config-C "" req.http.SF-Path req.http.SF-Query;
        }
        set req.http.SF-Status = "301";
        set req.http.SF-Phase = "redirect";
        error 601 "canonical host";
      }
      # force-tls
      if (req.http.SF-Config-T == "1" && !fastly_info.edge.is_tls && req.http.SF-Path !~ "^/\.well-known/acme-challenge/") {
        set req.http.SF-Location = "https://" req.http.SF-Host "" req.http.SF-Path req.http.SF-Query;
        set req.http.SF-Status = "301";
        set req.http.SF-Phase = "redirect";
        error 601 "force TLS";
      }
      # suspended
      if (req.http.SF-Config-X) {
        set req.http.SF-Phase = "suspended";
        error 606 "suspended";
      }
      # expiry
      if (req.http.SF-Config-O) {
        if (req.http.SF-Config-O !~ "^[1-9][0-9]{0,10}$") {
          set req.http.SF-Phase = "unusable-config";
          error 607 "unusable config";
        }
        if (!time.is_after(std.integer2time(std.atoi(req.http.SF-Config-O)), now)) {
          set req.http.SF-Phase = "expired";
          error 611 "expired";
        }
      }

    }
    if (req.http.SF-Phase == "page" || req.http.SF-Phase == "rewrite") {
      call sf_check_access;
    }
    if (req.http.SF-Phase == "page") {
      # rule-buckets
      if (req.http.SF-Config-B && req.http.SF-Path ~ "^/([^/]+)") {
        set var.sf_segment = substr(regsub(digest.hash_sha256(re.group.1), "^0x", ""), 0, 4);
        if (std.strstr(req.http.SF-Config-B, "," var.sf_segment ",") ~ "^,") {
          if (req.http.SF-Config-B !~ "^([0-9a-z]{1,4}),") {
            set req.http.SF-Phase = "unusable-config";
            error 607 "unusable config";
          }
          if (req.restarts >= 3) {
            set req.http.SF-Phase = "trouble";
            error 610 "no restart is left for rules";
          }
          set req.http.SF-Phase = "rules";
          set req.http.SF-Bucket = "rules";
          set req.url = "/test/" req.http.SF-Site-Env "/_sites/" req.http.SF-Site "/rules/" re.group.1 "/" var.sf_segment;
        }
      }
      # pattern-redirects
      # Once a request: when a page is asked for again, in another region say, the answer is known.
      if (req.http.SF-Phase == "page" && req.http.SF-Config-Q ~ "=!" && !req.http.SF-Rules-Tried) {
        set req.http.SF-Rules-Tried = "1";
        call sf_try_rules;
        if (req.http.SF-Phase == "redirect") {
          error 601 "forced rule";
        }
        if (req.http.SF-Phase == "rewrite") {
          call sf_check_access;
        }
      }

    }
    if (req.http.SF-Phase == "page" || req.http.SF-Phase == "rewrite") {
      # page-lookup
      set var.sf_stem = regsub(req.http.SF-Path, "(?:/|/index\.html|\.html)$", "");
      if (var.sf_stem == req.http.SF-Path && var.sf_stem ~ "^(?>.*/)[^/]*\.") {
        set req.http.SF-Key = var.sf_stem;
      } else if (var.sf_stem == "" || var.sf_stem == "/") {
        set req.http.SF-Key = "/index.html";
      } else {
        set req.http.SF-Key = var.sf_stem ".html";
      }
      if (!req.http.SF-Base) {
        set req.http.SF-Phase = "unusable-config";
        error 607 "unusable config";
      }
      call sf_locate;
      if (req.http.SF-If-None-Match) {
        set req.http.If-None-Match = req.http.SF-If-None-Match;
      }
      if (req.http.SF-If-Modified-Since) {
        set req.http.If-Modified-Since = req.http.SF-If-Modified-Since;
      }
      if (req.http.SF-Range) {
        set req.http.Range = req.http.SF-Range;
      }
      if (req.http.SF-If-Range) {
        set req.http.If-Range = req.http.SF-If-Range;
      }
      # pattern-redirects
      if (req.http.SF-Phase == "rewrite" && req.http.SF-Status != "200") {
        call sf_unconditional;
      }
      # not-found
      # Asked for by its own address a 404 page still has status 404.
      unset req.http.SF-Is-404;
      if (req.http.SF-Phase == "page" && (req.http.SF-Key == "/404.html" || (req.http.SF-Config-E && req.http.SF-Key ~ "/404\.html$"))) {
        set req.http.SF-Is-404 = "1";
        call sf_unconditional;
      }

    }
  }
  # backends
  if (req.http.SF-Bucket == "hosting") {
    set req.backend = F_hosting;
  } else {
    set req.backend = F_config;
  }
  # second-region
  # The first region's failure is in the cache for a moment: look past it, here and on the shield.
  if (req.http.SF-Retry && req.http.SF-Retry == req.http.SF-Phase) {
    set req.hash_always_miss = true;
  }
  if (req.http.SF-Region == "second" || !req.backend.healthy) {
    set req.http.SF-Region = "second";
    if (req.http.SF-Bucket == "hosting") {
      set req.backend = F_hosting_second;
    } else {
      set req.backend = F_config_second;
    }
  }
  # shielding
  if (req.backend == F_config) {
    set req.backend = fastly.try_select_shield(ssl_shield_iad_va_us, F_config);

  } else if (req.backend == F_hosting) {
    set req.backend = fastly.try_select_shield(ssl_shield_iad_va_us, F_hosting);

  } else if (req.backend == F_config_second) {
    set req.backend = fastly.try_select_shield(ssl_shield_iad_va_us, F_config_second);

  } else if (req.backend == F_hosting_second) {
    set req.backend = fastly.try_select_shield(ssl_shield_iad_va_us, F_hosting_second);
  }
  # segmented-caching

  return(lookup);
}

sub vcl_hash {
  # page-lookup
  set req.hash += req.http.SF-Bucket;
  set req.hash += req.url;

#FASTLY hash
  return(hash);
}

sub vcl_hit {
#FASTLY hit
  # not-found
  if (req.http.SF-Hop == "edge" && obj.status != 200 && obj.status != 206 && obj.status != 304 && obj.status != 416 && obj.status < 500
    && (req.http.SF-Phase == "spa" || (req.http.SF-Phase == "not-found-page" && !obj.http.x-amz-meta-c)
      || (req.restarts >= 3 && (req.http.SF-Phase == "rewrite" || (obj.status == 404 && !obj.http.x-amz-meta-c))))) {
    error 604 "not found";
  }
  # segmented-caching

  # origin-trouble
  # Without a restart left, what S3 said in its trouble would be shown.
  if (req.http.SF-Hop == "edge" && req.restarts >= 3 && obj.status >= 500) {
    error 610 "origin trouble";
  }

  return(deliver);
}

sub vcl_miss {
#FASTLY miss
  if (req.backend.is_origin) {
    # s3-signing
    call sf_sign;

  } else {
    # edge-gate
    # The shield is a plain cache: what the config says and what conditions wait for the page are the edge's own business.
    unset bereq.http.SF-Config-*;
    unset bereq.http.SF-If-None-Match;
    unset bereq.http.SF-If-Modified-Since;
    unset bereq.http.SF-Range;
    unset bereq.http.SF-If-Range;
    # probe
    unset bereq.http.SF-Trusted;
    unset bereq.http.SF-Probe;
    # passwords
    unset bereq.http.SF-Credentials;

  }
  return(fetch);
}

sub vcl_pass {
#FASTLY pass
  if (req.backend.is_origin) {
    # s3-signing
    call sf_sign;

  } else {
    # edge-gate
    # The shield is a plain cache: what the config says and what conditions wait for the page are the edge's own business.
    unset bereq.http.SF-Config-*;
    unset bereq.http.SF-If-None-Match;
    unset bereq.http.SF-If-Modified-Since;
    unset bereq.http.SF-Range;
    unset bereq.http.SF-If-Range;
    # probe
    unset bereq.http.SF-Trusted;
    unset bereq.http.SF-Probe;
    # passwords
    unset bereq.http.SF-Credentials;

  }
  return(pass);
}

sub vcl_fetch {
  # surrogate-keys
  declare local var.sf_keys STRING;

#FASTLY fetch
  if (req.backend.is_origin) {
    # origin-headers
    header.filter_except(beresp, "Content-Type", "Content-Encoding", "Content-Language", "Content-Disposition", "Cache-Control",
      "ETag", "Last-Modified", "Date", "Surrogate-Key", "x-amz-meta-v", "x-amz-meta-s", "x-amz-meta-r", "x-amz-meta-i", "x-amz-meta-d", "x-amz-meta-t", "x-amz-meta-h", "x-amz-meta-c", "x-amz-meta-n", "x-amz-meta-e", "x-amz-meta-l", "x-amz-meta-m", "x-amz-meta-x", "x-amz-meta-g", "x-amz-meta-w", "x-amz-meta-o", "x-amz-meta-q", "x-amz-meta-b", "x-amz-meta-p");
    # surrogate-keys
    set var.sf_keys = "";
    if (req.http.SF-Bucket == "hosting" && req.url ~ "^/[^/]+/([^/]+)/([^/]+)/([^/]+)/(.*)$") {
      set var.sf_keys = "all env:" re.group.1 " s:" re.group.2 " r:" re.group.2 "/" re.group.3 " p:" substr(regsub(digest.hash_sha256(re.group.2 "/" re.group.4), "^0x", ""), 0, 16);
    } else if (req.http.SF-Bucket == "rules" && req.url ~ "^/[^/]+/([^/]+)/_sites/([^/]+)/") {
      set var.sf_keys = "all env:" re.group.1 " c:" re.group.2 " s:" re.group.2;
    } else if (req.http.SF-Bucket == "config" && req.url ~ "^/[^/]+/([^/]+)/([^/]+)$") {
      set var.sf_keys = "all env:" re.group.1 " d:" re.group.2;
      if (beresp.http.x-amz-meta-s ~ "^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$") {
        set var.sf_keys = var.sf_keys " c:" beresp.http.x-amz-meta-s " s:" beresp.http.x-amz-meta-s;
      }
    }
    if (beresp.http.Surrogate-Key) {
      set var.sf_keys = var.sf_keys " " beresp.http.Surrogate-Key;
    }
    set beresp.http.Surrogate-Key = var.sf_keys;
    # rule-buckets
    # A bucket that the config lists exists, so its absence is a fault and never "no rules".
    if (req.http.SF-Bucket == "rules" && beresp.status == 404) {
      set beresp.status = 503;
    }
    # second-region
    if (req.http.SF-Region == "second") {
      set beresp.http.SF-Region = "second";
    }
    # origin-trouble
    if (beresp.status != 200 && beresp.status != 404 && beresp.status != 304) {
      log {"syslog "} req.service_id {" sitefleet :: {"alarm":"origin","bucket":""} req.http.SF-Bucket {"","status":"} beresp.status {"}"};
      set beresp.status = 503;
    }

  }
  # config-lookup
  if (req.http.SF-Bucket == "config" && beresp.status == 200) {
    set beresp.cacheable = true;
    set beresp.ttl = 3600s;
    set beresp.stale_if_error = 86400s;
    set beresp.stale_while_revalidate = 0s;
    # A 304 would not refresh metadata, so the edge must not be able to ask for one.
    unset beresp.http.ETag;
    unset beresp.http.Last-Modified;
  }
  # unknown-host
  if (req.http.SF-Bucket == "config" && beresp.status == 404) {
    set beresp.cacheable = true;
    set beresp.ttl = 60s;
    set beresp.stale_if_error = 86400s;
    set beresp.stale_while_revalidate = 0s;
  }
  # page-lookup
  if (req.http.SF-Bucket == "hosting" && (beresp.status == 200 || beresp.status == 304)) {
    set beresp.cacheable = true;
    set beresp.ttl = 31536000s;
    set beresp.stale_if_error = 86400s;
    set beresp.stale_while_revalidate = 0s;
  }
  # rule-buckets
  if (req.http.SF-Bucket == "rules" && beresp.status == 200) {
    set beresp.cacheable = true;
    set beresp.ttl = 31536000s;
    set beresp.stale_if_error = 86400s;
    set beresp.stale_while_revalidate = 0s;
    # As with configs: a 304 would carry no metadata.
    unset beresp.http.ETag;
    unset beresp.http.Last-Modified;
  }
  # exact-redirects
  if (req.http.SF-Bucket == "hosting" && (beresp.status == 200 || beresp.status == 206) && beresp.http.x-amz-meta-l) {
    if (beresp.http.x-amz-meta-c ~ "^30[12378]$" && beresp.http.x-amz-meta-l ~ "^(?:/(?![/\\])|https?://[A-Za-z0-9])[!-~]*$") {
      set beresp.status = std.atoi(beresp.http.x-amz-meta-c);
      set beresp.http.Location = beresp.http.x-amz-meta-l;
      set beresp.http.Cache-Control = "public, max-age=0, must-revalidate";
      unset beresp.http.x-amz-meta-l;
      unset beresp.http.x-amz-meta-c;
      # Nothing may turn the redirect into a 304.
      unset beresp.http.ETag;
      unset beresp.http.Last-Modified;
      # 303, 307 and 308 are not cacheable by default.
      set beresp.cacheable = true;
      set beresp.ttl = 31536000s;
      set beresp.stale_if_error = 86400s;
    } else {
      set beresp.status = 503;
    }
  } else if (req.http.SF-Bucket == "hosting" && beresp.status >= 300 && beresp.status < 400 && beresp.status != 304 && beresp.http.Location && !req.backend.is_origin) {
    # The shield has already made it a redirect.
    set beresp.cacheable = true;
    set beresp.ttl = 31536000s;
    set beresp.stale_if_error = 86400s;
  }
  # alias-pages
  if (req.http.SF-Bucket == "hosting" && beresp.http.x-amz-meta-c && !beresp.http.Location && beresp.status < 500) {
    if (beresp.http.x-amz-meta-c ~ "^(?:404|410|451)$") {
      set beresp.status = std.atoi(beresp.http.x-amz-meta-c);
      set beresp.http.Cache-Control = if(beresp.http.x-amz-meta-c == "404", "no-store", "public, max-age=0, must-revalidate");
      unset beresp.http.ETag;
      unset beresp.http.Last-Modified;
      set beresp.cacheable = true;
      set beresp.ttl = 31536000s;
      set beresp.stale_if_error = 86400s;
      set beresp.stale_while_revalidate = 0s;
    } else {
      set beresp.status = 503;
    }
  }
  # packed-headers
  if (req.http.SF-Hop == "edge" && req.http.SF-Bucket == "hosting" && beresp.http.x-amz-meta-h && !beresp.http.Location) {
    if (beresp.http.x-amz-meta-h ~ "(?:^|\|)0=([^|]+)") {
      set beresp.http.SF-Header = re.group.1;
      call sf_set_header;
    }
    if (beresp.http.x-amz-meta-h ~ "(?:^|\|)1=([^|]+)") {
      set beresp.http.SF-Header = re.group.1;
      call sf_set_header;
    }
    if (beresp.http.x-amz-meta-h ~ "(?:^|\|)2=([^|]+)") {
      set beresp.http.SF-Header = re.group.1;
      call sf_set_header;
    }
    if (beresp.http.x-amz-meta-h ~ "(?:^|\|)3=([^|]+)") {
      set beresp.http.SF-Header = re.group.1;
      call sf_set_header;
    }
    if (beresp.http.x-amz-meta-h ~ "(?:^|\|)4=([^|]+)") {
      set beresp.http.SF-Header = re.group.1;
      call sf_set_header;
    }
    if (beresp.http.x-amz-meta-h ~ "(?:^|\|)5=([^|]+)") {
      set beresp.http.SF-Header = re.group.1;
      call sf_set_header;
    }
    if (beresp.http.x-amz-meta-h ~ "(?:^|\|)6=([^|]+)") {
      set beresp.http.SF-Header = re.group.1;
      call sf_set_header;
    }
    if (beresp.http.x-amz-meta-h ~ "(?:^|\|)7=([^|]+)") {
      set beresp.http.SF-Header = re.group.1;
      call sf_set_header;
    }
    if (beresp.http.x-amz-meta-h ~ "(?:^|\|)8=([^|]+)") {
      set beresp.http.SF-Header = re.group.1;
      call sf_set_header;
    }
    if (beresp.http.x-amz-meta-h ~ "(?:^|\|)9=([^|]+)") {
      set beresp.http.SF-Header = re.group.1;
      call sf_set_header;
    }
    if (beresp.http.x-amz-meta-h ~ "(?:^|\|)a=([^|]+)") {
      set beresp.http.SF-Header = re.group.1;
      call sf_set_header;
    }
    if (beresp.http.x-amz-meta-h ~ "(?:^|\|)b=([^|]+)") {
      set beresp.http.SF-Header = re.group.1;
      call sf_set_header;
    }
    if (beresp.http.x-amz-meta-h ~ "(?:^|\|)c=([^|]+)") {
      set beresp.http.SF-Header = re.group.1;
      call sf_set_header;
    }
    if (beresp.http.x-amz-meta-h ~ "(?:^|\|)d=([^|]+)") {
      set beresp.http.SF-Header = re.group.1;
      call sf_set_header;
    }
    if (beresp.http.x-amz-meta-h ~ "(?:^|\|)e=([^|]+)") {
      set beresp.http.SF-Header = re.group.1;
      call sf_set_header;
    }
    if (beresp.http.x-amz-meta-h ~ "(?:^|\|)f=([^|]+)") {
      set beresp.http.SF-Header = re.group.1;
      call sf_set_header;
    }
    unset beresp.http.SF-Header;
    unset beresp.http.x-amz-meta-h;
  }
  # not-found
  if (req.http.SF-Bucket == "hosting" && beresp.status == 404 && !beresp.http.x-amz-meta-c) {
    set beresp.cacheable = true;
    set beresp.ttl = 300s;
    set beresp.stale_if_error = 86400s;
    set beresp.stale_while_revalidate = 0s;
  }
  if (req.http.SF-Hop == "edge" && beresp.status != 200 && beresp.status != 206 && beresp.status != 304 && beresp.status != 416 && beresp.status < 500
    && (req.http.SF-Phase == "spa" || (req.http.SF-Phase == "not-found-page" && !beresp.http.x-amz-meta-c)
      || (req.restarts >= 3 && (req.http.SF-Phase == "rewrite" || (beresp.status == 404 && !beresp.http.x-amz-meta-c))))) {
    error 604 "not found";
  }
  # compression
  if (req.http.SF-Hop == "edge" && req.http.SF-Bucket == "hosting" && beresp.status == 200 && !beresp.http.Content-Encoding && beresp.http.Content-Type ~ "(?i)^(?:text/|application/(?:[a-z0-9.+-]*\+)?(?:json|xml|javascript|wasm)|application/(?:manifest|x-javascript|vnd\.ms-fontobject)|image/(?:svg\+xml|x-icon|vnd\.microsoft\.icon)|font/(?:ttf|otf|collection))") {
    set beresp.http.Vary = "Accept-Encoding";
    if (req.http.Accept-Encoding == "br") {
      set beresp.brotli = true;
    } else if (req.http.Accept-Encoding == "gzip") {
      set beresp.gzip = true;
    }
    if (req.http.Accept-Encoding && beresp.http.ETag && beresp.http.ETag !~ "^W/") {
      # Other bytes than S3's, so no longer its strong validator (RFC 9110 section 8.8.1).
      set beresp.http.ETag = "W/" beresp.http.ETag;
    }
  }
  # second-region
  if (beresp.http.SF-Region && beresp.ttl > 60s && (req.http.SF-Bucket == "config" || beresp.status == 404)) {
    set beresp.ttl = 60s;
  } else if (beresp.http.SF-Region && beresp.ttl > 600s) {
    set beresp.ttl = 600s;
  }
  # segmented-caching

  # origin-trouble
  if (beresp.http.SF-Stale) {
    # The shield had only a stale copy: ask it again soon.
    set beresp.ttl = 5s;
    unset beresp.http.SF-Stale;
  }
  if (beresp.status >= 500) {
    if (stale.exists) {
      return(deliver_stale);
    }
    if (req.http.SF-Hop == "edge" && req.restarts >= 3) {
      error 610 "origin trouble";
    }
    # A failure that "has not changed" would stay one.
    unset beresp.http.ETag;
    unset beresp.http.Last-Modified;
    # Cached for a moment, so that a crowd does not queue up for one failing request each.
    set beresp.cacheable = true;
    set beresp.ttl = 1s;
    set beresp.stale_if_error = 0s;
    set beresp.stale_while_revalidate = 0s;
  }

  return(deliver);
}

sub vcl_error {
#FASTLY error
  # Fastly puts `Retry-After: 0` on everything made here.
  unset obj.http.Retry-After;
  # pattern-redirects
  # Regions in trouble may have used up the restart that rules need: a redirect can be answered without one.
  if (obj.status == 604 && req.restarts >= 3 && req.http.SF-Phase == "page" && req.http.SF-Config-Q) {
    set req.http.SF-Rules-Late = "1";
    call sf_try_rules;
    if (req.http.SF-Phase == "redirect") {
      set obj.status = 601;
    }
  }
  # not-found
  if (obj.status == 503 && req.http.SF-Dead-End) {
    set obj.status = 604;
  }

  # method-policy
  if (obj.status == 603) {
    set obj.status = 403;
    set obj.response = "Forbidden";
    set obj.http.SF-Title = "Purging by URL is not allowed";
    set obj.http.SF-Text = "Purge by surrogate key through the API.";
  }
  if (obj.status == 602) {
    set obj.status = 405;
    set obj.response = "Method Not Allowed";
    set obj.http.Allow = "GET, HEAD";
    set obj.http.SF-Title = "Method not allowed";
    set obj.http.SF-Text = "This address can only be read.";
  }
  # path-hygiene
  if (obj.status == 605) {
    set obj.status = 400;
    set obj.response = "Bad Request";
    set obj.http.SF-Title = "Bad request";
    set obj.http.SF-Text = "The address is not one that can be looked up.";
  }
  if (obj.status == 609) {
    set obj.status = 414;
    set obj.response = "URI Too Long";
    set obj.http.SF-Title = "Address too long";
    set obj.http.SF-Text = "The address is longer than this server reads.";
  }
  # config-lookup
  if (obj.status == 607) {
    set obj.status = 500;
    set obj.response = "Internal Server Error";
    log {"syslog "} req.service_id {" sitefleet :: "} {"{"alarm":"unusable config","domain":""} json.escape(req.http.SF-Host) "%22}";
    set obj.http.SF-Title = "This site cannot be shown";
    set obj.http.SF-Text = "Its configuration is not one that this server understands. The operator has been told.";
  }
  # unknown-host
  if (obj.status == 600) {
    set obj.status = 404;
    set obj.response = "Not Found";
    set obj.http.X-Robots-Tag = "noindex";
    set obj.http.SF-Title = "No site here yet";
    set obj.http.SF-Text = "This domain points to us but belongs to no site. If it is yours, add it to your site.";
  }
  # redirect
  if (obj.status == 601) {
    set obj.status = std.atoi(req.http.SF-Status);
    set obj.response = if(req.http.SF-Status == "301", "Moved Permanently", if(req.http.SF-Status == "302", "Found", if(req.http.SF-Status == "303", "See Other", if(req.http.SF-Status == "307", "Temporary Redirect", "Permanent Redirect"))));
    set obj.http.Location = req.http.SF-Location;
    set obj.http.Cache-Control = "public, max-age=0, must-revalidate";
    synthetic {""};
    return(deliver);
  }
  # suspended
  if (obj.status == 606) {
    set obj.http.X-Robots-Tag = "noindex";
    if (req.http.SF-Config-X == "410") {
      set obj.status = 410;
      set obj.response = "Gone";
      set obj.http.SF-Title = "This site is gone";
      set obj.http.SF-Text = "It has been taken down.";
    } else {
      set obj.status = 503;
      set obj.response = "Service Unavailable";
      set obj.http.Retry-After = "3600";
      set obj.http.SF-Title = "This site is unavailable";
      set obj.http.SF-Text = "It has been suspended for now.";
    }
  }
  # expiry
  if (obj.status == 611) {
    set obj.status = 410;
    set obj.response = "Gone";
    set obj.http.X-Robots-Tag = "noindex";
    set obj.http.SF-Title = "This preview has expired";
    set obj.http.SF-Text = "It was shown for a limited time. Ask whoever sent you the link for a new one.";
  }
  # eu-only
  if (obj.status == 612) {
    set obj.status = 403;
    set obj.response = "Forbidden";
    set obj.http.SF-Title = "Not available where you are";
    set obj.http.SF-Text = "This site is shown in the European Union only.";
  }
  # passwords
  if (obj.status == 613) {
    set obj.status = 401;
    set obj.response = "Unauthorized";
    set obj.http.WWW-Authenticate = {"Basic realm=""} req.http.SF-Host req.http.SF-Area {"", charset="UTF-8""};
    set obj.http.X-Robots-Tag = "noindex";
    set obj.http.SF-Title = "Password needed";
    set obj.http.SF-Text = "This part of the site is protected. Enter its password; any user name will do.";
  }
  # not-found
  if (obj.status == 604) {
    set obj.status = 404;
    set obj.response = "Not Found";
    set obj.http.SF-Title = "Page not found";
    set obj.http.SF-Text = "There is nothing at this address.";
  }
  # segmented-caching

  # origin-trouble
  if (!obj.http.SF-Title && (obj.status == 610 || (obj.status >= 500 && obj.status < 600))) {
    if (stale.exists) {
      return(deliver_stale);
    }
    set obj.status = 503;
    set obj.response = "Service Unavailable";
    set obj.http.Retry-After = "30";
    set obj.http.SF-Title = "This site cannot be reached";
    set obj.http.SF-Text = "Its storage does not answer at the moment. Please try again soon.";
  }
  # error-page
  if (obj.http.SF-Title) {
    set obj.http.Content-Type = "text/html; charset=utf-8";
    set obj.http.Cache-Control = "no-store";
    synthetic {"<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>"} obj.http.SF-Title {"</title><style>:root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif } main { max-width: 34rem; margin: 18vh auto; padding: 0 1.5rem } small { opacity: .6 }</style><main><h1>"} obj.http.SF-Title {"</h1><p>"} obj.http.SF-Text {"</p><p><small>Request "} req.xid {"</small></p></main></html>"} LF;
  }

  return(deliver);
}

sub vcl_deliver {
  # probe
  declare local var.sf_seen STRING;
  # page-lookup
  declare local var.sf_missing BOOL;

  if (req.http.SF-Hop == "edge") {
    # probe
    # Fastly's own code in vcl_deliver takes the keys away.
    set var.sf_seen = "";
    if (req.http.SF-Trusted) {
      set var.sf_seen = resp.http.Surrogate-Key;
      if (req.http.SF-Phase == "config") {
        set req.http.SF-Config-Keys = var.sf_seen;
        set req.http.SF-Config-State = fastly_info.state;
      }
    }
    # config-lookup
    if (req.http.SF-Phase == "config" && resp.status == 200 && req.restarts < 3) {
      unset req.http.SF-Site;
      unset req.http.SF-Base;
      unset req.http.SF-Release;
      if (resp.http.x-amz-meta-v ~ "^(?:1|2|3)$" && resp.http.x-amz-meta-s ~ "^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$") {
        set req.http.SF-Site = resp.http.x-amz-meta-s;
        if (resp.http.x-amz-meta-r ~ "^[0-9a-z]{1,4}$") {
          set req.http.SF-Base = resp.http.x-amz-meta-r;
          # The release that is shown, for the log; pages are found by the base and the delta list.
          if (resp.http.x-amz-meta-i ~ "^[0-9a-z]{1,4}$") {
            set req.http.SF-Release = resp.http.x-amz-meta-i;
          }
        }
      }
      if (req.http.SF-Site && (req.http.SF-Base || resp.http.x-amz-meta-c || resp.http.x-amz-meta-x)) {
        set req.http.SF-Phase = "page";
        if (resp.http.x-amz-meta-d) {
          set req.http.SF-Config-D = resp.http.x-amz-meta-d;
        }
        if (resp.http.x-amz-meta-t) {
          set req.http.SF-Config-T = resp.http.x-amz-meta-t;
        }
        if (resp.http.x-amz-meta-h) {
          set req.http.SF-Config-H = resp.http.x-amz-meta-h;
        }
        if (resp.http.x-amz-meta-c) {
          set req.http.SF-Config-C = resp.http.x-amz-meta-c;
        }
        if (resp.http.x-amz-meta-n) {
          set req.http.SF-Config-N = resp.http.x-amz-meta-n;
        }
        if (resp.http.x-amz-meta-e) {
          set req.http.SF-Config-E = resp.http.x-amz-meta-e;
        }
        if (resp.http.x-amz-meta-l) {
          set req.http.SF-Config-L = resp.http.x-amz-meta-l;
        }
        if (resp.http.x-amz-meta-m) {
          set req.http.SF-Config-M = resp.http.x-amz-meta-m;
        }
        if (resp.http.x-amz-meta-x) {
          set req.http.SF-Config-X = resp.http.x-amz-meta-x;
        }
        if (resp.http.x-amz-meta-g) {
          set req.http.SF-Config-G = resp.http.x-amz-meta-g;
        }
        if (resp.http.x-amz-meta-w) {
          set req.http.SF-Config-W = resp.http.x-amz-meta-w;
        }
        if (resp.http.x-amz-meta-o) {
          set req.http.SF-Config-O = resp.http.x-amz-meta-o;
        }
        if (resp.http.x-amz-meta-q) {
          set req.http.SF-Config-Q = resp.http.x-amz-meta-q;
        }
        if (resp.http.x-amz-meta-b) {
          set req.http.SF-Config-B = resp.http.x-amz-meta-b;
        }
      } else {
        set req.http.SF-Phase = "unusable-config";
      }
      restart;
    }
    # unknown-host
    if (req.http.SF-Phase == "config" && resp.status == 404 && req.restarts < 3) {
      set req.http.SF-Phase = "unknown-host";
      restart;
    }
    # page-lookup
    # A page of a rule's own status has it from publishing, see alias-pages; S3's 404 has no metadata.
    if (req.http.SF-Phase == "page" && resp.status == 404 && !resp.http.x-amz-meta-c) {
      set var.sf_missing = true;
    }
    # canonical-path
    if (req.http.SF-Phase == "page" && (resp.status == 200 || resp.status == 206) && resp.http.x-amz-meta-p ~ "^/(?!/)[A-Za-z0-9._~\x25/-]*$" && resp.http.x-amz-meta-p != req.http.SF-Path && !req.http.SF-Is-404 && req.restarts < 3) {
      if (!req.http.SF-Config-L) {
        set req.http.SF-Location = resp.http.x-amz-meta-p req.http.SF-Query;
        set req.http.SF-Status = "308";
        set req.http.SF-Phase = "redirect";
        restart;
      }
      if (req.http.SF-Config-L != "2" || regsub(req.http.SF-Path, "/index\.html$", "/") != resp.http.x-amz-meta-p) {
        set var.sf_missing = true;
      }
    }
    # rule-buckets
    if (req.http.SF-Phase == "rules" && resp.status == 200 && req.restarts < 3) {
      unset req.http.SF-Config-B;
      if (resp.http.x-amz-meta-v ~ "^(?:1|2|3)$" && resp.http.x-amz-meta-s == req.http.SF-Site && resp.http.x-amz-meta-q) {
        set req.http.SF-Config-Q = resp.http.x-amz-meta-q;
        set req.http.SF-Phase = "page";
      } else {
        set req.http.SF-Phase = "unusable-config";
      }
      restart;
    }
    # pattern-redirects
    if (var.sf_missing && req.http.SF-Config-Q && req.restarts < 3) {
      set req.http.SF-Rules-Late = "1";
      call sf_try_rules;
      unset req.http.SF-Config-Q;
      if (req.http.SF-Phase != "page") {
        restart;
      }
    }
    # A rule leads to a page and no further: what is a rule itself there, or nothing, is not found.
    if (req.http.SF-Phase == "rewrite" && (resp.http.Location || resp.status == 404 || resp.status == 410 || resp.status == 451)) {
      set var.sf_missing = true;
    }
    # not-found
    if (var.sf_missing && req.restarts < 3) {
      call sf_not_found;
      restart;
    }
    # What is stale has come past vcl_hit, and here a page can be made only by a restart. The fourth is an error 503
    # (documentation/reference/vcl/statements/restart), which vcl_error makes the same page of.
    if ((resp.stale || fastly_info.state ~ "STALE") && !req.http.SF-Dead-End && resp.status != 200 && resp.status != 206 && resp.status != 304 && resp.status != 416 && resp.status < 500
      && (req.http.SF-Phase == "spa" || (req.http.SF-Phase == "not-found-page" && !resp.http.x-amz-meta-c)
        || (req.restarts >= 3 && (req.http.SF-Phase == "rewrite" || (resp.status == 404 && !resp.http.x-amz-meta-c))))) {
      set req.http.SF-Dead-End = "1";
      restart;
    }
    # second-region
    # A page can be answered on the last pass; after a config or rules there is always another one.
    if (resp.status >= 500 && !req.http.SF-Region && ((req.http.SF-Phase ~ "^(?:config|rules)$" && req.restarts < 2) || (req.http.SF-Phase ~ "^(?:page|rewrite|spa)$" && req.restarts < 3))) {
      set req.http.SF-Region = "second";
      set req.http.SF-Retry = req.http.SF-Phase;
      restart;
    }
    # segmented-caching

    # origin-trouble
    # Neither a config nor rules are ever shown: they were used above, or they are trouble whatever their status.
    if ((req.http.SF-Phase == "config" || req.http.SF-Phase == "rules" || (resp.status >= 500 && req.http.SF-Phase ~ "^(?:page|rewrite|spa|not-found-page)$")) && req.restarts < 3) {
      set req.http.SF-Phase = "trouble";
      restart;
    }

    # pattern-redirects
    if (req.http.SF-Phase == "rewrite" && (resp.status == 200 || resp.status == 206) && req.http.SF-Status != "200") {
      set resp.status = std.atoi(req.http.SF-Status);
      set resp.response = if(req.http.SF-Status == "404", "Not Found", if(req.http.SF-Status == "410", "Gone", "Unavailable For Legal Reasons"));
      set resp.http.Cache-Control = if(req.http.SF-Status == "404", "no-store", "public, max-age=0, must-revalidate");
      unset resp.http.ETag;
      unset resp.http.Last-Modified;
    }
    # exact-redirects
    if (req.http.SF-Phase == "page" && resp.http.Location) {
      set req.http.SF-Location = resp.http.Location;
      call sf_keep_query;
      set resp.http.Location = req.http.SF-Location;
    }
    # not-found
    # Another status here is that of an alias page, whose own would be wrong for a miss.
    if (resp.status < 500 && (req.http.SF-Phase == "not-found-page" || (resp.status == 200 && req.http.SF-Phase == "page" && req.http.SF-Is-404))) {
      set resp.status = 404;
      set resp.response = "Not Found";
      set resp.http.Cache-Control = "no-store";
      unset resp.http.ETag;
      unset resp.http.Last-Modified;
    }
    # response-headers
    # A 304 has lost the page's own headers, and what it does have replaces what browsers keep (RFC 9111 section 3.2).
    if (resp.status != 304) {
      if (!resp.http.X-Content-Type-Options && resp.http.SF-Without !~ ",x-content-type-options,") {
        set resp.http.X-Content-Type-Options = "nosniff";
      }
      if (!resp.http.Referrer-Policy && resp.http.SF-Without !~ ",referrer-policy,") {
        set resp.http.Referrer-Policy = "strict-origin-when-cross-origin";
      }
      # Without it browsers would guess how long to keep a file (RFC 9111 section 4.2.2).
      if (!resp.http.Cache-Control && resp.http.SF-Without !~ ",cache-control,") {
        set resp.http.Cache-Control = "public, max-age=0, must-revalidate";
      }
    }
    if (req.http.SF-Private) {
      # Behind a password: for the visitor's own browser, not for caches that others share (RFC 9111 section 5.2.2.7).
      if (!resp.http.Cache-Control && resp.status != 304) {
        set resp.http.Cache-Control = "private";
      } else if (resp.http.Cache-Control && resp.http.Cache-Control !~ "(?i)(?:^|[ ,])no-store(?:[ ,]|$)") {
        set resp.http.Cache-Control = "private" regsuball("," resp.http.Cache-Control, "(?i),[ \t]*(?:public|private|s-maxage)(?:[ \t]*=[^,]*)?[ \t]*(?=,|$)", "");
      }
    }
    if (resp.stale || fastly_info.state ~ "STALE") {
      set resp.http.Cache-Status = "sitefleet; hit; detail=stale";
    } else if (fastly_info.state ~ "PASS") {
      set resp.http.Cache-Status = "sitefleet; fwd=bypass";
    } else if (fastly_info.state ~ "^HIT(?!-SYNTH)") {
      set resp.http.Cache-Status = "sitefleet; hit";
    } else if (fastly_info.state ~ "^MISS") {
      set resp.http.Cache-Status = "sitefleet; fwd=uri-miss";
    }
    # hsts
    if (fastly_info.edge.is_tls && req.http.SF-Config-H ~ "^[0-9]{1,10}$") {
      set resp.http.Strict-Transport-Security = "max-age=" req.http.SF-Config-H;
    }
    # noindex
    if (req.http.SF-Config-M == "1") {
      set resp.http.X-Robots-Tag = "noindex";
    }

  } else {
    # origin-trouble
    if (resp.stale || fastly_info.state ~ "STALE") {
      set resp.http.SF-Stale = "1";
    }

  }
#FASTLY deliver
  # edge-gate
  if (req.http.SF-Hop == "edge") {
    unset resp.http.x-amz-*;
    unset resp.http.SF-*;
    unset resp.http.Surrogate-Key;
    unset resp.http.Surrogate-Control;
    unset resp.http.Server;
    unset resp.http.Age;
  }
  # version-marker
  if (req.http.SF-Hop == "edge" && req.http.SF-Trusted) {
    set resp.http.SF-Revision = "f2af0c79a01e95bb";
    set resp.http.SF-Version = req.vcl.version;
  }
  # probe
  if (req.http.SF-Hop == "edge" && req.http.SF-Trusted) {
    if (req.http.SF-Release || req.http.SF-Base) {
      set resp.http.SF-Release = if(req.http.SF-Release, req.http.SF-Release, req.http.SF-Base);
    }
    if (var.sf_seen != "") {
      set resp.http.SF-Keys = var.sf_seen;
    }
    set resp.http.SF-State = fastly_info.state;
    if (req.http.SF-Config-State) {
      # Of a bucket that gave no answer there are none.
      if (req.http.SF-Config-Keys != "") {
        set resp.http.SF-Config-Keys = req.http.SF-Config-Keys;
      }
      set resp.http.SF-Config-State = req.http.SF-Config-State;
    }
  }

  return(deliver);
}

sub vcl_log {
#FASTLY log
  if (req.http.SF-Hop == "edge") {
    # log
    log {"syslog "} req.service_id {" sitefleet :: "}
      {"{"time":""} strftime({"%Y-%m-%dT%H:%M:%SZ"}, time.start)
      {"","request":""} req.xid
      {"","domain":""} json.escape(if(req.http.SF-Host, req.http.SF-Host, ""))
      {"","site":""} json.escape(if(req.http.SF-Site, req.http.SF-Site, ""))
      {"","site_env":""} json.escape(if(req.http.SF-Site-Env, req.http.SF-Site-Env, ""))
      {"","release":""} json.escape(if(req.http.SF-Release, req.http.SF-Release, if(req.http.SF-Base, req.http.SF-Base, "")))
      {"","method":""} json.escape(req.method)
      {"","path":""} json.escape(if(req.http.SF-Asked, req.http.SF-Asked, if(req.http.SF-Path, req.http.SF-Path, "")))
      {"","phase":""} json.escape(if(req.http.SF-Phase, req.http.SF-Phase, ""))
      {"","status":"} resp.status
      {","cache":""} json.escape(fastly_info.state)
      {"","restarts":"} req.restarts
      {","bytes":"} resp.bytes_written
      {","ms":"} time.elapsed.msec
      {","workspace_free":"} workspace.bytes_free
      {"}"};

  }
  return(deliver);
}
