import { createServer, request } from "node:http";
import type { ServerResponse } from "node:http";
import { listenOnLoopback, shut } from "./loopback-server.ts";

/** How a gate treats the edge's requests: passes them, breaks their connections, or answers 403 as S3 does. */
export type GateState = "normal" | "refuse" | "forbid";

/** An address of the S3 server that a test can shut; requests pass unchanged, so that signatures hold. */
export interface OriginGate {
  readonly port: number;
  state: GateState;
  /** Requests that have come, as `METHOD path` and the range that they ask for. */
  readonly calls: readonly string[];
  close(): Promise<void>;
}

/** What a store behind a proxy also says; none of it is for visitors. */
const STORE_HEADERS = [
  "Set-Cookie",
  "balancer=node-7; Path=/",
  "Strict-Transport-Security",
  "max-age=31536000; includeSubDomains",
  "Content-Security-Policy",
  "block-all-mixed-content",
  "X-Store-Node",
  "7",
  "Vary",
  "Origin, User-Agent",
] as const;

const FORBIDDEN =
  '<?xml version="1.0"?><Error><Code>AccessDenied</Code><BucketName>private</BucketName></Error>';

export async function openOriginGate(upstream: string): Promise<OriginGate> {
  const target = new URL(upstream);
  const calls: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const range = incoming.headers.range === undefined ? "" : ` ${incoming.headers.range}`;
    calls.push(`${incoming.method} ${incoming.url}${range}`);
    if (gate.state === "refuse") return incoming.socket.destroy();
    if (gate.state === "forbid") {
      outgoing.writeHead(403, { "content-type": "application/xml" });
      return outgoing.end(FORBIDDEN);
    }
    const forward = request(
      {
        host: target.hostname,
        port: target.port,
        method: incoming.method,
        path: incoming.url,
        headers: incoming.rawHeaders,
        setHost: false,
      },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, [...answer.rawHeaders, ...STORE_HEADERS]);
        answer.pipe(outgoing);
      },
    );
    forward.on("error", () => breakOff(outgoing));
    return incoming.pipe(forward);
  });
  const gate: OriginGate = {
    port: await listenOnLoopback(server),
    state: "normal",
    calls,
    close: () => shut(server),
  };
  return gate;
}

function breakOff(outgoing: ServerResponse): void {
  outgoing.socket?.destroy();
}
