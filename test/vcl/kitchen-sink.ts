/** VCL that uses every production of the grammar at least once. */
export const KITCHEN_SINK = `pragma optional_param max_backends 5;
C!
W!
import std;

# A comment, // another
/* and
   a long one */
acl internal {
  "192.168.0.0"/16;
  !"192.168.1.1"; "localhost";
  "2001:db8::1"/128;
}

probe checker { .request = "HEAD / HTTP/1.1" "Host: x" "Connection: close"; .dummy = true; }

backend F_origin {
  .host = "origin.example.com";
  .port = "443";
  .ssl = true;
  .connect_timeout = 1s;
  .first_byte_timeout = 1500ms;
  .max_connections = 200;
  .probe = {
    .request = "HEAD /health HTTP/1.1" "Host: origin.example.com" "Connection: close";
    .interval = 60 s; .timeout = 2.5s; .window = 5; .threshold = 1; .initial = 0;
  }
}
backend F_other { .host = "other.example.com"; .probe = checker; }

director balanced random {
  .quorum = 50%;
  .retries = 3;
  { .backend = F_origin; .weight = 2; }
  { .backend = F_other; .weight = 1; }
}
director first fallback { { .backend = F_origin; } { .backend = F_other; } }
director ssl_shield_iad_va_us shield { .shield = "iad-va-us"; .is_ssl = true; }

table plain {
  "a": "b",
  "c": {"long "d" text"}
}
table numbers INTEGER { "one": 1, "minus": -1, "hex": 0xff, }
table floats FLOAT { "half": 0.5, "e": 1e3, "hex": 0x1.8p3 }
table times RTIME { "day": 1d, "week": 1w, "year": 1y, }
table flags BOOL { "yes": true, "no": false }
table origins BACKEND { "x": F_origin }
table patterns REGEX { "p": "^/(a|b)" }
table lists ACL { "p": internal }

penaltybox pb {}
ratecounter rc { # empty
}

sub plain_sub {
  set req.http.X-Plain = "1";
}

sub functional(STRING var.path, INTEGER var.count) BOOL {
  if (var.path == "/" && var.count > 0) {
    return true;
  }
  return (var.path ~ "^/x");
}

sub vcl_recv {
#FASTLY recv
  declare local var.s STRING;
  declare local var.i INTEGER = 10;
  declare local var.t TIME;
  declare local var.b BOOL;
  declare block var.r RTIME;
  set var.s = "a" req.http.Host + "b" {"c"} {X"d "} e"X} LF;
  set var.s = "bytes: %41%u00e9%u{1F600} %25 %22" if(req.http.A, "x", "y") std.tolower("Q");
  set var.s += "more";
  set var.i = -9223372036854775808;
  set var.i *= 2; set var.i /= 3; set var.i %= 7; set var.i |= 1; set var.i &= 0xFF; set var.i ^= 3;
  set var.i <<= 1; set var.i >>= 1; set var.i rol= 3; set var.i ror= 3; set var.i -= 1;
  set var.b = (req.http.Host == "example.com" || !req.http.Fastly-SSL);
  set var.b &&= true;
  set var.b ||= false;
  set var.r = 5 m;
  set req.http.Expires = now + 5m;
  set req.http.Cookie = "expires=" now - 1d ";";
  set req.http.Cookie:session-id = "abc";
  add req.http.X-Multi = "1" + "2";
  unset req.http.X-Fastly-*;
  remove req.http.Cookie:other;
  call plain_sub;
  call plain_sub();
  header.unset(req, "X-Y");
  if (client.ip ~ internal && (req.url.path !~ "(?i)\\.png$" || var.i >= 5)) {
    set req.backend = F_other;
  } else if (req.http.A != "b") {
    esi;
  } elsif (!functional(req.url.path, 1)) {
    goto done;
  } elseif (fastly.ff.visits_this_service == 0) {
    error 601 "go " req.url;
  } else {
    error table.lookup_integer(numbers, "one", 600) "bar";
  }
  switch (req.http.Host) {
    case "a.example.com":
      set req.http.Site = "a";
      break;
    case ~ "^b\\.":
      set req.http.Site = "b";
      fallthrough;
    default:
      { log {"syslog "} req.service_id {" :: "} var.s; }
      break;
  }
  switch (var.s) { default: error; }
done:
  if (req.restarts > 0) { restart; }
  return(lookup);
}

sub vcl_error {
  #fastly error
  if (obj.status == 601) {
    set obj.http.Location = "https://" req.http.host req.url;
    synthetic {"<!doctype html>
<title>Moved</title>"};
    synthetic.base64 "aGVsbG8=";
    return deliver;
  }
  if (obj.status == 404) { return(deliver); }
  error var.x;
  error 404;
  return;
}
`;
