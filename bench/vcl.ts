import { renderService } from "../src/render/render.ts";
import { localEnvironment } from "../src/settings/local.ts";
import { checkProgram } from "../src/vcl/checker.ts";
import { compileService } from "../src/vcl/compile-service.ts";
import { compileProgram } from "../src/vcl/compiler.ts";
import type { Program, Transaction, VclState } from "../src/vcl/runtime.ts";
import type { ServiceSources } from "../src/vcl/service.ts";
import { parseService } from "../src/vcl/service.ts";
import { makeObject, makeRequest, makeResponse, makeTransaction } from "../test/support/transaction.ts";
import { TEMPLATES } from "./project.ts";
import { load, rounded, spread } from "./statistics.ts";

/** What the control plane adds to our VCL. */
const PRELUDE = `
backend F_config { .host = "127.0.0.1"; .port = "8082"; }
backend F_hosting { .host = "127.0.0.1"; .port = "8082"; }
director ssl_shield_iad_va_us shield { .shield = "iad-va-us"; .is_ssl = true; }
table sitefleet_private { "config_segment": "s", "config_s3_key": "a:b", "hosting_s3_key": "a:b" }
`;

const COMPILES = 21;
const BATCH = 500;
const BATCHES = 30;
const WARM_UP = 6;

/**
 * The rendered service: what parsing, checking and compiling it takes, the first time and warm, and what the VCL of
 * one warm request costs (both passes and the log, without the edge around it), in processor time.
 */
export function measureVcl(): Promise<object> {
  const loadBefore = load();
  const sources = renderedService();
  const steps = Array.from({ length: COMPILES }, () => timeSteps(sources));
  const [first, ...warm] = steps;
  const program = compileService(sources, { tables: new Map() });
  return Promise.resolve({
    load: [loadBefore, load()],
    bytes: sources.main.text.length,
    findings: program.warnings.length,
    firstMs: first,
    warmMs: {
      parse: spread(warm.map(({ parse }) => parse)),
      check: spread(warm.map(({ check }) => check)),
      compile: spread(warm.map(({ compile }) => compile)),
    },
    request: timeRequests(program),
    megabyte: timeMegabyte(sources),
  });
}

function renderedService(): ServiceSources {
  const url = "http://127.0.0.1:8080";
  const environment = localEnvironment({
    pid: 1,
    edge: { http: url, https: "https://127.0.0.1:8443", ca: "ca.pem" },
    api: { url, token: "token" },
    s3: { url, region: "us-east-1", accessKeyId: "id", secretAccessKey: "secret", edgeKey: "id:secret" },
    configSegment: "segment",
  });
  const [file] = renderService(environment, { templates: TEMPLATES }).files;
  return {
    main: { name: "main.vcl", text: file?.content ?? "" },
    includes: new Map(),
    prelude: [{ name: "prelude", text: PRELUDE }],
    macros: new Map(),
  };
}

const MEGABYTE = 1_000_000;
const MEGABYTE_RUNS = 7;

/** Parsing and checking a file of nearly Fastly's largest size: our subroutines again and again under other names. */
function timeMegabyte(sources: ServiceSources): object {
  const text = repeated(sources.main.text, MEGABYTE);
  const large = { ...sources, main: { name: "large.vcl", text } };
  const runs = Array.from({ length: MEGABYTE_RUNS }, () => {
    const before = process.cpuUsage();
    const steps = timed(() => checkProgram(parseService(large)));
    const spent = process.cpuUsage(before);
    return { ms: steps.ms, cpuMs: rounded((spent.user + spent.system) / 1000) };
  });
  const [first, ...warm] = runs;
  return {
    bytes: text.length,
    first,
    warmMs: spread(warm.map(({ ms }) => ms)),
    warmCpuMs: spread(warm.map(({ cpuMs }) => cpuMs)),
  };
}

const SUBROUTINE = /^sub ((?!vcl_)[a-z0-9_]+)[^{]*\{\n[\s\S]*?^\}\n/gm;

function repeated(text: string, bytes: number): string {
  const subs = [...text.matchAll(SUBROUTINE)];
  const names = new Set(subs.map(([, name = ""]) => name));
  const parts = [text];
  let size = text.length;
  for (let round = 0; ; round += 1) {
    for (const [sub] of subs) {
      const copy = sub.replaceAll(/[a-z][a-z0-9_]*/g, (word) =>
        names.has(word) ? `${word}_${round}` : word,
      );
      size += copy.length;
      if (size > bytes) return parts.join("");
      parts.push(copy);
    }
  }
}

function timeSteps(sources: ServiceSources): { parse: number; check: number; compile: number } {
  const parsed = timed(() => parseService(sources));
  const checked = timed(() => checkProgram(parsed.result));
  const compiled = timed(() =>
    compileProgram(parsed.result, { tables: new Map(), warnings: checked.result }),
  );
  return { parse: parsed.ms, check: checked.ms, compile: compiled.ms };
}

function timed<T>(work: () => T): { readonly result: T; readonly ms: number } {
  const startedMs = performance.now();
  const result = work();
  return { result, ms: rounded(performance.now() - startedMs) };
}

const CONFIG_HEADERS = [
  ["x-amz-meta-v", "1"],
  ["x-amz-meta-s", "demo"],
  ["x-amz-meta-r", "a"],
] as const;
const REQUEST_STATES: readonly VclState[] = ["recv", "hash", "hit", "deliver"];

interface Prepared {
  readonly t: Transaction;
  readonly object: ReturnType<typeof makeObject>;
  readonly response: ReturnType<typeof makeResponse>;
}

/** What the edge would bring along, made before the clock runs. */
function prepare(): Prepared {
  const headers = [
    ["Host", "www.example.com"],
    ["User-Agent", "bench"],
    ["Accept", "text/html"],
    ["Accept-Encoding", "gzip"],
  ] as const;
  return {
    t: makeTransaction({ req: makeRequest("/docs/start?utm_source=x", headers) }),
    object: makeObject({ headers: makeResponse(200, CONFIG_HEADERS).headers }),
    response: makeResponse(200, CONFIG_HEADERS),
  };
}

/** Both passes; the number of subroutines that ran. */
function runRequest(program: Program, { t, object, response }: Prepared): number {
  let runs = 0;
  for (const pass of [0, 1]) {
    t.restarts = pass;
    t.hash = "";
    t.obj = object;
    for (const state of REQUEST_STATES) {
      if (state === "deliver") t.resp = response;
      const action = program.run(state, t);
      runs += 1;
      if (action.do === "error" || action.do === "restart") break;
    }
  }
  program.run("log", t);
  return runs + 1;
}

function timeRequests(program: Program): object {
  const micros: number[] = [];
  let states = 0;
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const requests = Array.from({ length: BATCH }, prepare);
    const before = process.cpuUsage();
    for (const request of requests) states += runRequest(program, request);
    const spent = process.cpuUsage(before);
    // The first batches warm the compiler up.
    if (batch >= WARM_UP) micros.push((spent.user + spent.system) / BATCH);
  }
  return { subroutines: states / (BATCH * BATCHES), cpuMicros: spread(micros) };
}
