/** Sends requests to a server; each message is an order, each answer what came of it. */
import { connect } from "node:net";
import { percentile } from "./statistics.ts";

export interface LoadOrder {
  readonly port: number;
  readonly path: string;
  /** Asked in turn by each connection. */
  readonly hosts: readonly string[];
  readonly connections: number;
  readonly seconds: number;
  /** Each request on a connection of its own: for comparing with a server that keeps none alive. */
  readonly reconnect?: boolean;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

interface Run {
  readonly order: LoadOrder;
  readonly requests: readonly Buffer[];
  readonly micros: number[];
  next: number;
  stopping: boolean;
}

process.on("message", (order: LoadOrder) => {
  void sendLoad(order).then((result) => process.send?.(result));
});

async function sendLoad(order: LoadOrder): Promise<LoadResult> {
  const lines = ["Accept: text/html", "Accept-Encoding: gzip", "User-Agent: bench"];
  if (order.reconnect) lines.push("Connection: close");
  const requests = order.hosts.map((host) =>
    Buffer.from(`GET ${order.path} HTTP/1.1\r\nHost: ${host}\r\n${lines.join("\r\n")}\r\n\r\n`),
  );
  const run: Run = { order, requests, micros: [], next: 0, stopping: false };
  const startedMs = performance.now();
  const stop = setTimeout(() => (run.stopping = true), order.seconds * 1000);
  const client = order.reconnect ? reconnecting : keepAsking;
  await Promise.all(Array.from({ length: order.connections }, () => client(run)));
  clearTimeout(stop);
  return {
    requests: run.micros.length,
    seconds: (performance.now() - startedMs) / 1000,
    p50Micros: Math.round(percentile(run.micros, 0.5)),
    p99Micros: Math.round(percentile(run.micros, 0.99)),
  };
}

const LAST_CHUNK = "\r\n0\r\n\r\n";

/** Of a 200 whose body begins at `start`; `Infinity` = until the last chunk, `undefined` = no answer to count. */
function bytesMissing(text: string, start: number): number | undefined {
  if (!text.startsWith("HTTP/1.1 200 ")) return undefined;
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
  if (length !== undefined) return start + Number(length) - text.length;
  if (!/\r\ntransfer-encoding: chunked/i.test(text)) return undefined;
  return text.endsWith(LAST_CHUNK) ? 0 : Infinity;
}

/** One request after the other, each over a connection of its own. */
async function reconnecting(run: Run): Promise<void> {
  while (!run.stopping) await keepAsking(run, 1);
}

/** One connection, one request at a time, until the run stops; an answer other than 200 with a known end ends it all. */
function keepAsking(run: Run, most = Infinity): Promise<void> {
  return new Promise((resolve, reject) => {
    let askedMs = performance.now();
    let asked = 0;
    let missing = 0;
    let head = "";
    const socket = connect({ port: run.order.port, host: "127.0.0.1", noDelay: true }, () => ask());
    const ask = (): void => {
      run.next = (run.next + 1) % run.requests.length;
      // What connecting took belongs to the first request.
      if (asked > 0) askedMs = performance.now();
      asked += 1;
      socket.write(run.requests[run.next] ?? "");
    };
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      if (missing === Infinity) missing = chunk.endsWith(LAST_CHUNK) ? 0 : Infinity;
      else if (missing > 0) missing -= chunk.length;
      else {
        head += chunk;
        const end = head.indexOf("\r\n\r\n");
        if (end === -1) return;
        const left = bytesMissing(head, end + 4);
        if (left === undefined) {
          socket.destroy(new Error(`the server answered: ${head.slice(0, 200)}`));
          return;
        }
        missing = left;
        head = "";
      }
      if (missing > 0) return;
      run.micros.push((performance.now() - askedMs) * 1000);
      if (run.stopping || asked >= most) socket.destroy();
      else ask();
    });
    socket.on("error", reject);
    socket.on("close", () => {
      // Only the end of a run may cut a connection: an answer that is missing is not to look like a fast one.
      if (run.stopping || asked >= most) resolve();
      else reject(new Error(`the server hung up after ${asked} requests`));
    });
  });
}
