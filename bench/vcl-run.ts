import { readFileSync } from "node:fs";
import { compileService } from "../src/vcl/compile-service.ts";
import type { Transaction, VclState } from "../src/vcl/runtime.ts";
import type { ServiceSources } from "../src/vcl/service.ts";
import { makeObject, makeRequest, makeResponse, makeTransaction } from "../test/support/transaction.ts";

/**
 * What one warm request costs inside VCL: both passes of the rendered service, config hit, restart, page hit
 * (recv, hash, hit, deliver, recv, hash, hit, deliver, log), and what compiling it costs, in processor time. Prints JSON.
 */
const PRELUDE = `
backend F_config { .host = "127.0.0.1"; .port = "8082"; }
backend F_hosting { .host = "127.0.0.1"; .port = "8082"; }
director ssl_shield_iad_va_us shield { .shield = "iad-va-us"; .is_ssl = true; }
table sitefleet_private { "config_segment": "s", "config_s3_key": "a:b", "hosting_s3_key": "a:b" }
`;

function goldenService(): ServiceSources {
  const text = readFileSync(new URL("../test/golden/local.vcl", import.meta.url), "latin1");
  return {
    main: { name: "main.vcl", text },
    includes: new Map(),
    prelude: [{ name: "prelude", text: PRELUDE }],
    macros: new Map(),
  };
}

const BATCH = 500;
const BATCHES = 30;
const WARM_UP = 6;
const COMPILES = 20;

const REQUEST_STATES: readonly VclState[] = ["recv", "hash", "hit", "deliver"];

function freshRequest(): Transaction {
  return makeTransaction({
    req: makeRequest("/docs/start?utm_source=x", [
      ["Host", "www.example.com"],
      ["User-Agent", "bench"],
      ["Accept", "text/html"],
      ["Accept-Encoding", "gzip"],
    ]),
  });
}

const program = compileService(goldenService(), { tables: new Map() });
const CONFIG_HEADERS = [
  ["x-amz-meta-v", "1"],
  ["x-amz-meta-s", "demo"],
  ["x-amz-meta-r", "a"],
] as const;

interface Prepared {
  readonly t: Transaction;
  readonly object: ReturnType<typeof makeObject>;
  readonly response: ReturnType<typeof makeResponse>;
}

/** What the edge would bring along, made before the clock runs. */
function prepare(): readonly Prepared[] {
  return Array.from({ length: BATCH }, () => ({
    t: freshRequest(),
    object: makeObject({ headers: makeResponse(200, CONFIG_HEADERS).headers }),
    response: makeResponse(200, CONFIG_HEADERS),
  }));
}

function runRequest({ t, object, response }: Prepared): number {
  let runs = 0;
  for (const pass of [0, 1]) {
    t.restarts = pass;
    t.hash = "";
    t.obj = object;
    for (const state of REQUEST_STATES) {
      if (state === "deliver") t.resp = response;
      const action = program.run(state, t);
      runs++;
      if (action.do === "error" || action.do === "restart") break;
    }
  }
  program.run("log", t);
  return runs + 1;
}

/** Processor time in µs, so that a busy machine changes the figure little. */
function processorTime(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const spent = process.cpuUsage(before);
  return spent.user + spent.system;
}

let states = 0;
let micros = 0;
for (let batch = 0; batch < BATCHES; batch++) {
  const requests = prepare();
  const spent = processorTime(() => {
    for (const request of requests) states += runRequest(request);
  });
  // The first batches warm the compiler up.
  if (batch < WARM_UP) states = 0;
  else micros += spent;
}
const requests = (BATCHES - WARM_UP) * BATCH;
const compile = processorTime(() => {
  for (let i = 0; i < COMPILES; i++) compileService(goldenService(), { tables: new Map() });
});

console.log(
  JSON.stringify({
    bench: "vcl-run",
    statesPerRequest: states / requests,
    usPerRequest: Number((micros / requests).toFixed(1)),
    usPerState: Number((micros / states).toFixed(2)),
    compileMs: Number((compile / 1000 / COMPILES).toFixed(1)),
  }),
);
