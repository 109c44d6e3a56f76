/**
 * Measures the mirror's S3 server: PUT and GET per second over kept-alive connections with requests signed beforehand,
 * and the start with 100,000 objects in the bucket. Prints one JSON document.
 */
import { createHash, createHmac, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fork } from "node:child_process";
import { Pool } from "undici";
import { systemClock } from "../src/lib/clock.ts";
import { startS3Server } from "../src/mirror/s3/server.ts";
import type { S3Server } from "../src/mirror/s3/server.ts";

const REGION = "us-east-1";
const CREDENTIAL = { accessKeyId: "AKIDBENCH", secretAccessKey: "bench", access: "full" } as const;
const BUCKET = "bench";
const CONNECTIONS = 32;
const BODY = randomBytes(2048);

interface SignedRequest {
  readonly method: "GET" | "PUT";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

interface Rate {
  readonly requests: number;
  readonly perSecond: number;
  /** Processor time of the server, which a busy machine stretches less than the clock. */
  readonly cpuMicrosPerRequest: number;
}

/** A server in another process. */
interface Target {
  readonly url: string;
  /** Microseconds of processor time it has used. */
  cpuMicros(): Promise<number>;
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

/** Signs requests of one kind for one host, keeping the day's key. */
function makeSigner(host: string): (method: "GET" | "PUT", key: string) => SignedRequest {
  const timestamp = new Date(systemClock.now()).toISOString().replace(/[-:]|\.\d{3}/g, "");
  const date = timestamp.slice(0, 8);
  const scope = `${date}/${REGION}/s3/aws4_request`;
  const signingKey = hmac(
    hmac(hmac(hmac(`AWS4${CREDENTIAL.secretAccessKey}`, date), REGION), "s3"),
    "aws4_request",
  );
  const metadata = { "x-amz-meta-a": "1", "x-amz-meta-b": "two" };
  return (method, key) => {
    const path = `/${BUCKET}/${key}`;
    const headers: Record<string, string> = {
      host,
      "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
      "x-amz-date": timestamp,
      ...(method === "PUT" ? metadata : {}),
    };
    const names = Object.keys(headers).sort();
    const lines = names.map((name) => `${name}:${headers[name] ?? ""}\n`).join("");
    const canonical = `${method}\n${path}\n\n${lines}\n${names.join(";")}\nUNSIGNED-PAYLOAD`;
    const hash = createHash("sha256").update(canonical).digest("hex");
    const signature = hmac(signingKey, `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${hash}`).toString("hex");
    headers["authorization"] =
      `AWS4-HMAC-SHA256 Credential=${CREDENTIAL.accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
    return { method, path, headers, body: method === "PUT" ? BODY : null };
  };
}

/** Sends all requests, so many at a time, and says how fast they were answered. */
async function measure(target: Target, requests: readonly SignedRequest[]): Promise<Rate> {
  const { url } = target;
  const cpuBefore = await target.cpuMicros();
  const pool = new Pool(url, { connections: CONNECTIONS, pipelining: 1 });
  const queue = requests.values();
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      for (const { method, path, headers, body } of queue) {
        const response = await pool.request({ method, path, headers, body });
        await response.body.arrayBuffer();
        if (response.statusCode !== 200) throw new Error(`${method} ${path} answered ${response.statusCode}`);
      }
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  await pool.close();
  const cpuMicros = (await target.cpuMicros()) - cpuBefore;
  return {
    requests: requests.length,
    perSecond: Math.round(requests.length / seconds),
    cpuMicrosPerRequest: Math.round(cpuMicros / requests.length),
  };
}

function start(
  dir: string,
  { fsync, port }: { readonly fsync: boolean; readonly port: number },
): Promise<S3Server> {
  return startS3Server({
    dir,
    port,
    region: REGION,
    credentials: [CREDENTIAL],
    clock: systemClock,
    buckets: [BUCKET],
    fsync,
  });
}

/** The server in a process of its own, so that client and server each have a core. */
async function withServerProcess<T>(
  dir: string,
  { fsync, use }: { readonly fsync: boolean; readonly use: (target: Target) => Promise<T> },
): Promise<{ readonly result: T; readonly startMs: number; readonly rssMb: number }> {
  const child = fork(fileURLToPath(import.meta.url), ["--serve", dir, String(fsync)]);
  const ready = await nextMessage(child);
  try {
    const ask = (): Promise<Report> => {
      const answer = nextMessage(child);
      child.send("report");
      return answer;
    };
    const result = await use({ url: ready.url, cpuMicros: async () => (await ask()).cpuMicros });
    const report = await ask();
    return { result, startMs: ready.startMs, rssMb: report.rssMb };
  } finally {
    child.kill("SIGKILL");
  }
}

interface Report {
  readonly url: string;
  readonly startMs: number;
  readonly rssMb: number;
  readonly cpuMicros: number;
}

function nextMessage(child: ReturnType<typeof fork>): Promise<Report> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`the server process ended with ${code}`));
    child.once("exit", onExit);
    child.once("message", (message) => {
      child.off("exit", onExit);
      resolve(message as Report);
    });
  });
}

async function serve(dir: string, fsync: boolean): Promise<void> {
  const startedMs = performance.now();
  const server = await start(dir, { fsync, port: 0 });
  const startMs = Math.round(performance.now() - startedMs);
  const report = (): void => {
    const cpu = process.cpuUsage();
    process.send?.({
      url: server.url,
      startMs,
      cpuMicros: cpu.user + cpu.system,
      rssMb: Math.round(process.memoryUsage.rss() / 2 ** 20),
    } satisfies Report);
  };
  process.on("message", report);
  report();
}

async function measureRates(fsync: boolean, count: number): Promise<object> {
  const dir = await mkdtemp(join(tmpdir(), "sitefleet-bench-"));
  try {
    const { result, rssMb } = await withServerProcess(dir, {
      fsync,
      use: async (target) => {
        const sign = makeSigner(new URL(target.url).host);
        const keys = Array.from({ length: count }, (_, index) => `site/${index}.html`);
        await measure(
          target,
          keys.slice(0, 500).map((key) => sign("PUT", key)),
        );
        const put = await measure(
          target,
          keys.map((key) => sign("PUT", key)),
        );
        const get = await measure(
          target,
          [...keys, ...keys].map((key) => sign("GET", key)),
        );
        return { put, get };
      },
    });
    return { ...result, rssMb };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function measureStart(objects: number): Promise<object> {
  const dir = await mkdtemp(join(tmpdir(), "sitefleet-bench-"));
  try {
    const fill = await withServerProcess(dir, {
      fsync: false,
      use: (target) => {
        const sign = makeSigner(new URL(target.url).host);
        const keys = Array.from(
          { length: objects },
          (_, index) => `production/www${index}.example.com/${index.toString(36)}secret`,
        );
        return measure(
          target,
          keys.map((key) => ({ ...sign("PUT", key), body: BODY.subarray(0, 200) })),
        );
      },
    });
    const again = await withServerProcess(dir, { fsync: false, use: () => Promise.resolve() });
    return { objects, putPerSecond: fill.result.perSecond, startMs: again.startMs, rssMb: again.rssMb };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

const [mode, dir = "", fsync = ""] = process.argv.slice(2);
if (mode === "--serve") await serve(dir, fsync === "true");
else {
  const result = {
    memory: await measureRates(false, 10_000),
    fsync: await measureRates(true, 3_000),
    start: await measureStart(100_000),
  };
  console.log(
    JSON.stringify({ bench: "s3", connections: CONNECTIONS, bodyBytes: BODY.length, ...result }, null, 2),
  );
}
