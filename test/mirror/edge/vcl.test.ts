import { expect, test } from "vitest";
import { macroBody } from "../../../src/mirror/api/macros.ts";
import { EMPTY_VERSION } from "../../../src/mirror/api/state.ts";
import { compileService } from "../../../src/vcl/compile-service.ts";
import type { Program, VclState } from "../../../src/vcl/runtime.ts";
import type { Source } from "../../../src/vcl/source.ts";
import { VCL_STATES } from "../../../src/vcl/states.ts";
import { serviceOf, startOrigin, testEdge, until } from "./harness.ts";
import type { Origin, TestEdge } from "./harness.ts";

/** A service of two passes: a config lookup, a restart, the page; both through the shield. */
const MAIN = `
sub choose {
  set req.backend = fastly.try_select_shield(ssl_shield_iad_va_us, F_origin);
}
sub vcl_recv {
  #FASTLY recv
  if (fastly.ff.visits_this_service == 0 && req.restarts == 0) {
    set req.http.SF-Path = req.url;
    set req.url = "/config/" req.http.host;
  } else if (fastly.ff.visits_this_service == 0) {
    set req.http.Fastly-Force-Shield = "1";
    set req.url = "/site/" req.http.SF-Site req.http.SF-Path;
  }
  call choose;
  if (req.method != "HEAD" && req.method != "GET" && req.method != "FASTLYPURGE") {
    return(pass);
  }
  return(lookup);
}
sub vcl_hash {
  set req.hash += req.url;
  set req.hash += req.http.host;
  #FASTLY hash
  return(hash);
}
sub vcl_hit {
  #FASTLY hit
  return(deliver);
}
sub vcl_miss {
  #FASTLY miss
  if (req.backend.is_origin) {
    set bereq.http.X-Signed = "yes";
  }
  return(fetch);
}
sub vcl_pass {
  #FASTLY pass
  return(pass);
}
sub vcl_fetch {
  #FASTLY fetch
  set beresp.http.Surrogate-Key = if(beresp.http.Surrogate-Key, beresp.http.Surrogate-Key " ", "") "all";
  set beresp.ttl = 3600s;
  if (beresp.http.Content-Type ~ "^text/") {
    if (req.http.Accept-Encoding == "br") { set beresp.brotli = true; } else { set beresp.gzip = true; }
  }
  return(deliver);
}
sub vcl_error {
  #FASTLY error
  if (obj.status == 601) {
    set obj.status = 404;
    synthetic {"nothing here"};
    return(deliver);
  }
  return(deliver);
}
sub vcl_deliver {
  #FASTLY deliver
  if (fastly.ff.visits_this_service == 0 && req.restarts == 0 && resp.http.x-amz-meta-s) {
    set req.http.SF-Site = resp.http.x-amz-meta-s;
    restart;
  }
  return(deliver);
}
sub vcl_log {
  #FASTLY log
  log "status=" resp.status " state=" fastly_info.state " restarts=" req.restarts;
  return(deliver);
}
`;

function preludeOf(port: number): string {
  return `
backend F_origin { .host = "127.0.0.1"; .port = "${port}"; }
director ssl_shield_iad_va_us shield { .shield = "iad-va-us"; .is_ssl = true; }
`;
}

function source(name: string, text: string): Source {
  return { name, text };
}

function compile(port: number): Program {
  const macros = new Map<VclState, Source>(
    VCL_STATES.map((state) => [state, source(`macro ${state}`, macroBody(state, EMPTY_VERSION, []))]),
  );
  const prelude = [source("prelude", preludeOf(port))];
  const sources = { main: source("main.vcl", MAIN), includes: new Map(), prelude, macros };
  return compileService(sources, { tables: new Map() });
}

async function realVcl(): Promise<TestEdge & { origin: Origin }> {
  const origin = await startOrigin((request, response) => {
    if (request.url.startsWith("/config/")) response.writeHead(200, { "x-amz-meta-s": "shop" }).end("{}");
    else
      response
        .writeHead(200, { "Content-Type": "text/html", "Surrogate-Key": "page" })
        .end(`page ${request.url}`);
  });
  return { ...(await testEdge(serviceOf(compile(origin.port)))), origin };
}

test("compiled VCL serves a page in two passes through the shield, and warm from the edge", async () => {
  const { ask, edge, logs, origin } = await realVcl();
  const cold = await ask("/about");
  expect([cold.status, cold.text]).toEqual([200, "page /site/shop/about"]);
  expect(origin.seen.map((request) => request.url)).toEqual(["/config/www.example.com", "/site/shop/about"]);
  expect(origin.seen.every((request) => request.headers.get("X-Signed") === "yes")).toBe(true);
  expect(cold.headers.has("Surrogate-Key")).toBe(false);
  const warm = await ask("/about");
  expect(warm.text).toBe("page /site/shop/about");
  expect(origin.seen).toHaveLength(2);
  expect([edge.stats().get("LHR")?.objects, edge.stats().get("IAD")?.objects]).toEqual([2, 2]);
  await until(() => logs.filter((line) => line.pop === "LHR").length === 2);
  expect(logs.filter((line) => line.pop === "LHR").map((line) => line.line)).toEqual([
    "status=200 state=MISS-CLUSTER restarts=1",
    "status=200 state=HIT-CLUSTER restarts=1",
  ]);
});

test("the macros' X-Cache lines tell of every pass and hop", async () => {
  const { ask } = await realVcl();
  const cold = await ask("/about");
  expect(cold.headers.get("X-Cache")).toBe("MISS, MISS, MISS, MISS");
  expect(cold.headers.get("X-Served-By")?.split(", ")).toHaveLength(4);
  const warm = await ask("/about");
  expect(warm.headers.get("X-Cache")?.split(", ").at(-1)).toBe("HIT");
  expect(warm.headers.get("X-Cache-Hits")?.split(", ").at(-1)).toBe("1");
});

test("purges by key, all and URL reach what compiled VCL stored", async () => {
  const { ask, edge, origin } = await realVcl();
  await ask("/about");
  await edge.purge({ serviceId: "svc", scope: { kind: "keys", keys: ["page"] }, soft: false });
  await ask("/about");
  expect(origin.seen).toHaveLength(3);
  await edge.purge({ serviceId: "svc", scope: { kind: "all" }, soft: false });
  await ask("/about");
  expect(origin.seen).toHaveLength(5);
});
