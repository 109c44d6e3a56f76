import { compiledService } from "../mirror/edge/service-vcl.ts";
import type { Program } from "../../src/vcl/runtime.ts";

/**
 * The program that the published results fit: Fastly's boilerplate of those years, which asks a second time after
 * 500 and 503 and passes `private` (but not `no-store`), of a service whose own default TTL is 0.
 */
export function olderService(port: number): Program {
  return compiledService(port, {
    fetch: `
  if ((beresp.status == 500 || beresp.status == 503) && req.restarts < 1 && (req.method == "GET" || req.method == "HEAD")) {
    restart;
  }
  if (req.restarts > 0) {
    set beresp.http.Fastly-Restarts = req.restarts;
  }
  if (beresp.http.Set-Cookie) {
    set req.http.Fastly-Cachetype = "SETCOOKIE";
    return(pass);
  }
  if (beresp.http.Cache-Control ~ "private") {
    set req.http.Fastly-Cachetype = "PRIVATE";
    return(pass);
  }
  if (beresp.status == 500 || beresp.status == 503) {
    set req.http.Fastly-Cachetype = "ERROR";
    set beresp.ttl = 1s;
    set beresp.grace = 5s;
    return(deliver);
  }
  if (beresp.http.Expires || beresp.http.Surrogate-Control ~ "max-age" || beresp.http.Cache-Control ~ "(s-maxage|max-age)") {
    # The ttl that the response itself gave.
  } else {
    set beresp.ttl = 0s;
  }`,
  });
}
