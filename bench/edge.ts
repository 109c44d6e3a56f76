/**
 * Warm hits through the edge over keep-alive: compiled VCL of two passes (config lookup, restart, page). Prints one
 * JSON line. The client runs in a child process.
 */
import { fork } from "node:child_process";
import { createServer } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../src/lib/clock.ts";
import { startEdge } from "../src/mirror/edge/edge.ts";
import { compileService } from "../src/vcl/compile-service.ts";
import type { Program } from "../src/vcl/runtime.ts";

const SECONDS = 4;
const CONNECTIONS = 32;

/** Keeps every connection busy with one request at a time until the time is up; resolves with the number of answers. */
async function load(port: number): Promise<{ requests: number; seconds: number }> {
  const request = Buffer.from(
    "GET /page HTTP/1.1\r\nHost: www.example.com\r\nAccept-Encoding: gzip\r\nUser-Agent: bench\r\n\r\n",
  );
  let requests = 0;
  let stopping = false;
  const run = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(request));
      let pending = "";
      socket.setEncoding("latin1");
      socket.on("data", (chunk: string) => {
        pending += chunk;
        const head = pending.indexOf("\r\n\r\n");
        const length = /content-length: (\d+)/i.exec(pending)?.[1];
        if (head === -1 || length === undefined || pending.length < head + 4 + Number(length)) return;
        pending = "";
        requests += 1;
        if (stopping) socket.destroy();
        else socket.write(request);
      });
      socket.on("close", resolve);
      socket.on("error", reject);
    });
  const started = process.hrtime.bigint();
  const all = Promise.all(Array.from({ length: CONNECTIONS }, run));
  setTimeout(() => (stopping = true), SECONDS * 1000);
  await all;
  return { requests, seconds: Number(process.hrtime.bigint() - started) / 1e9 };
}

/** Boilerplate of two passes: config lookup, restart, page. */
const MAIN = `
sub vcl_recv {
  if (req.restarts == 0) {
    set req.http.SF-Path = req.url;
    set req.url = "/config/" req.http.host;
  } else {
    set req.http.Fastly-Force-Shield = "1";
    set req.url = "/site/" req.http.SF-Site req.http.SF-Path;
  }
  if (req.method != "HEAD" && req.method != "GET") { return(pass); }
  return(lookup);
}
sub vcl_hash {
  set req.hash += req.url;
  set req.hash += req.http.host;
  set req.hash += req.vcl.generation;
  return(hash);
}
sub vcl_fetch {
  set beresp.ttl = 3600s;
  return(deliver);
}
sub vcl_deliver {
  if (req.restarts == 0 && resp.http.x-amz-meta-s ~ "^[a-z0-9-]+$") {
    set req.http.SF-Site = resp.http.x-amz-meta-s;
    restart;
  }
  set resp.http.X-Cache = if(fastly_info.state ~ "^HIT", "HIT", "MISS");
  return(deliver);
}
`;

function twoPassProgram(port: number): Program {
  const backend = `backend F_origin { .host = "127.0.0.1"; .port = "${port}"; }`;
  const prelude = [{ name: "backends", text: backend }];
  const main = { name: "main.vcl", text: MAIN };
  return compileService({ main, includes: new Map(), prelude, macros: new Map() }, { tables: new Map() });
}

async function main(): Promise<void> {
  const origin = createServer((request, response) => {
    const headers = {
      "Content-Type": "text/html",
      "Cache-Control": "max-age=3600",
      ETag: '"abc"',
      "x-amz-meta-s": "site",
    };
    response
      .writeHead(200, headers)
      .end(request.url?.startsWith("/config/") === true ? "{}" : "x".repeat(4096));
  });
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
  const stateDir = await mkdtemp(join(tmpdir(), "sitefleet-bench-"));
  const edge = await startEdge({
    httpPort: 0,
    httpsPort: 0,
    stateDir,
    clock: systemClock,
    onLog: () => undefined,
  });
  const program = twoPassProgram((origin.address() as AddressInfo).port);
  edge.activate({ id: "bench", name: "bench", version: 1, domains: ["www.example.com"], program });
  const client = fork(fileURLToPath(import.meta.url), [String(edge.httpPort)]);
  const before = process.cpuUsage();
  const figures = await new Promise<{ requests: number; seconds: number }>((resolve) =>
    client.once("message", (message) => resolve(message as { requests: number; seconds: number })),
  );
  const cpu = process.cpuUsage(before);
  const cpuSeconds = (cpu.user + cpu.system) / 1e6;
  console.log(
    JSON.stringify({
      bench: "edge warm hit, two passes",
      requestsPerSecond: Math.round(figures.requests / figures.seconds),
      requestsPerCpuSecond: Math.round(figures.requests / cpuSeconds),
      microsecondsOfCpu: Math.round((cpuSeconds / figures.requests) * 1e6),
      rssMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
    }),
  );
  await edge.close();
  origin.close();
  await rm(stateDir, { recursive: true, force: true });
}

const [port] = process.argv.slice(2);
if (port === undefined) await main();
else {
  process.send?.(await load(Number(port)));
  process.disconnect();
}
