const BOILERPLATE = `sub vcl_recv {
#FASTLY recv

  # Only these have answers that a cache may keep.
  if (req.method != "HEAD" && req.method != "GET" && req.method != "FASTLYPURGE") {
    return(pass);
  }
  return(lookup);
}

sub vcl_hash {
{hash}#FASTLY hash
  return(hash);
}

sub vcl_hit {
#FASTLY hit
  return(deliver);
}

sub vcl_miss {
#FASTLY miss
  return(fetch);
}

sub vcl_pass {
#FASTLY pass
  return(pass);
}

sub vcl_fetch {
#FASTLY fetch

  # Personal or explicitly private answers are not stored.
  if (beresp.http.Set-Cookie) {
    return(pass);
  }
  if (beresp.http.Cache-Control ~ "(?:private|no-store)") {
    return(pass);
  }

  # An answer that says nothing about its life gets the default of the service.
  if (!beresp.http.Expires
    && !beresp.http.Surrogate-Control ~ "max-age"
    && !beresp.http.Cache-Control ~ "(?:s-maxage|max-age)") {
    set beresp.ttl = {default_ttl}s;
  }
  return(deliver);
}

sub vcl_error {
#FASTLY error
  return(deliver);
}

sub vcl_deliver {
#FASTLY deliver
  return(deliver);
}

sub vcl_log {
#FASTLY log
}
`;

const HASH = `  set req.hash += req.url;
  set req.hash += req.http.host;
`;

/**
 * The main VCL of a version that has none of its own: the behaviour Fastly documents for its boilerplate
 * (guides/vcl/using-vcl, "boilerplate"). `defaultTtl` is what `general.default_ttl` says, in seconds. With
 * `hashInMacro` URL and Host are the macro's to hash.
 */
export function boilerplate(defaultTtl: number, hashInMacro = false): string {
  return BOILERPLATE.replace("{default_ttl}", String(defaultTtl)).replace("{hash}", hashInMacro ? "" : HASH);
}
