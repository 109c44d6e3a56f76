import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { request } from "undici";
import { onTestFinished } from "vitest";
import { giveUpCall } from "./given-up-calls.ts";
import { listenOnLoopback, shut } from "./loopback-server.ts";

/**
 * What happens to one call: it passes; its connection breaks before the server sees it or after the server did the
 * work; nothing is ever answered, before or after the work, until the client's time is over, which it is at once; or the
 * client gets another answer than the server's, before or after the work, or the server's own with other headers or
 * another body.
 */
export type Fault =
  | "pass"
  | "lost"
  | "lost-after"
  | "silence"
  | "silence-after"
  | {
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
      readonly after?: boolean;
    }
  | {
      readonly headers?: Readonly<Record<string, string>>;
      /** Fields to put into the server's answer. */
      readonly fields?: Readonly<Record<string, unknown>>;
    };

export interface ProxiedCall {
  readonly method: string;
  readonly url: string;
  readonly body: string;
}

export interface FaultProxy {
  readonly url: string;
  /** Every call so far. */
  readonly calls: readonly ProxiedCall[];
  /** Calls that change something, as `METHOD /path`. */
  writes(): readonly string[];
}

/** An HTTP proxy in front of `upstream` in which the test decides call by call; it closes with the test. */
export async function startFaultProxy(
  upstream: string,
  decide: (call: ProxiedCall, calls: readonly ProxiedCall[]) => Fault | Promise<Fault>,
): Promise<FaultProxy> {
  const calls: ProxiedCall[] = [];
  const silent = ({ method, url }: ProxiedCall): void => giveUpCall({ port, method, path: url });
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of incoming) if (chunk instanceof Uint8Array) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const call = { method: incoming.method ?? "", url: incoming.url ?? "", body: bytes.toString("utf8") };
    calls.push(call);
    const fault = await decide(call, calls);
    if (fault === "lost") return void outgoing.socket?.resetAndDestroy();
    if (fault === "silence") return silent(call);
    if (typeof fault === "object" && "status" in fault && !fault.after) return answerWith(outgoing, fault);
    const answer = await forward(upstream, { call, bytes, incoming });
    if (fault === "lost-after") return void outgoing.socket?.resetAndDestroy();
    if (fault === "silence-after") return silent(call);
    if (typeof fault === "object" && "status" in fault) return answerWith(outgoing, fault);
    const edit = typeof fault === "object" ? fault : {};
    outgoing.writeHead(answer.status, { ...answer.headers, ...edit.headers });
    outgoing.end(
      edit.fields === undefined
        ? answer.text
        : JSON.stringify(Object.assign(JSON.parse(answer.text), edit.fields)),
    );
  };
  const server = createServer((incoming, outgoing) => void serve(incoming, outgoing));
  const port = await listenOnLoopback(server);
  onTestFinished(() => shut(server));
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    writes: () => calls.filter(({ method }) => method !== "GET").map(({ method, url }) => `${method} ${url}`),
  };
}

function answerWith(
  outgoing: ServerResponse,
  fault: {
    readonly status: number;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  },
): void {
  outgoing.writeHead(fault.status, { "content-type": "application/json", ...fault.headers });
  outgoing.end(JSON.stringify(fault.body ?? {}));
}

/** Headers that the API sends and that its clients read. */
const PASSED = ["content-type", "fastly-ratelimit-remaining", "fastly-ratelimit-reset"];

async function forward(
  upstream: string,
  sent: { readonly call: ProxiedCall; readonly bytes: Buffer; readonly incoming: IncomingMessage },
): Promise<{
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}> {
  const { call, bytes, incoming } = sent;
  const { host: _, connection: __, "content-length": ___, ...headers } = incoming.headers;
  const answer = await request(`${upstream}${call.url}`, {
    method: methodOf(call.method),
    headers,
    body: bytes.length === 0 ? null : bytes,
  });
  const passed = PASSED.flatMap((name) => {
    const value = answer.headers[name];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  return {
    status: answer.statusCode,
    headers: Object.fromEntries(passed),
    text: await answer.body.text(),
  };
}

function methodOf(text: string): "GET" | "POST" | "PUT" | "PATCH" | "DELETE" {
  if (text === "GET" || text === "POST" || text === "PUT" || text === "PATCH" || text === "DELETE")
    return text;
  throw new Error(`unexpected method ${text}`);
}
