import { createServer, request } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { onTestFinished } from "vitest";
import { listenOnLoopback, shut } from "./loopback-server.ts";

/**
 * What happens to one request: it passes; its connection breaks before the server sees it or after the server did the
 * work; half of its body arrives; a byte of its body or of the answer's is another; half of the answer arrives; it gets
 * an error of S3 instead, as XML.
 */
export type S3Fault =
  | "pass"
  | "lost"
  | "lost-after"
  | "cut"
  | "damaged"
  | "damaged-answer"
  | "cut-answer"
  | { readonly status: number; readonly code: string; readonly headers?: Readonly<Record<string, string>> };

export interface S3Call {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
}

export interface S3FaultProxy {
  readonly url: string;
  readonly calls: readonly S3Call[];
}

/** A proxy in front of an S3 server that leaves headers, `host` among them, and bytes as they are; closes with the test. */
export async function startS3FaultProxy(
  upstream: string,
  decide: (call: S3Call, number: number) => S3Fault,
): Promise<S3FaultProxy> {
  const calls: S3Call[] = [];
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const call = { method: incoming.method ?? "", url: incoming.url ?? "", headers: incoming.headers };
    calls.push(call);
    const fault = decide(call, calls.length);
    const drop = (): void => void outgoing.socket?.resetAndDestroy();
    let body: Buffer;
    try {
      body = await bytesOf(incoming);
    } catch (error) {
      // The client broke off; a server would see the same.
      if (incoming.destroyed) return drop();
      throw error;
    }
    if (fault === "lost") return drop();
    if (typeof fault === "object") {
      outgoing.writeHead(fault.status, { "content-type": "application/xml", ...fault.headers });
      outgoing.end(
        `<?xml version="1.0"?><Error><Code>${fault.code}</Code><Message>a &amp; b</Message></Error>`,
      );
      return;
    }
    const answer = await forward(upstream, call, fault === "damaged" ? damaged(body) : body, fault === "cut");
    if (answer === undefined || fault === "lost-after") return drop();
    outgoing.writeHead(answer.status, answer.headers);
    if (fault !== "cut-answer") {
      outgoing.end(fault === "damaged-answer" ? damaged(answer.body) : answer.body);
      return;
    }
    outgoing.write(answer.body.subarray(0, answer.body.length / 2), drop);
  };
  const server = createServer((incoming, outgoing) => void serve(incoming, outgoing));
  const port = await listenOnLoopback(server);
  onTestFinished(() => shut(server));
  return { url: `http://127.0.0.1:${port}`, calls };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** `undefined` when only half was sent, as by a client that dies. */
function forward(upstream: string, call: S3Call, body: Buffer, half: boolean): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      new URL(call.url, upstream),
      { method: call.method, headers: call.headers, agent: false },
      (response) => {
        bytesOf(response).then(
          (bytes) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes }),
          reject,
        );
      },
    );
    outgoing.on("error", (error) => (half ? resolve(undefined) : reject(error)));
    if (half) {
      outgoing.write(body.subarray(0, body.length / 2), () => outgoing.destroy());
      outgoing.on("close", () => resolve(undefined));
    } else outgoing.end(body);
  });
}

async function bytesOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming) if (chunk instanceof Uint8Array) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function damaged(body: Buffer): Buffer {
  const other = Buffer.from(body);
  if (other.length > 0) other[0] = (other[0] ?? 0) ^ 1;
  return other;
}
