import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { request } from "undici";
import { onTestFinished } from "vitest";

/**
 * What happens to one call: it passes; its connection breaks before the server sees it or after the server did the
 * work; or the client gets another answer than the server's, before or after the work.
 */
export type Fault =
  | "pass"
  | "lost"
  | "lost-after"
  | {
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
      readonly after?: boolean;
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
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of incoming) if (chunk instanceof Uint8Array) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString("utf8");
    const call = { method: incoming.method ?? "", url: incoming.url ?? "", body };
    calls.push(call);
    const fault = await decide(call, calls);
    const drop = (): void => void outgoing.socket?.resetAndDestroy();
    if (fault === "lost") return drop();
    if (typeof fault === "object" && !fault.after) {
      outgoing.writeHead(fault.status, { "content-type": "application/json", ...fault.headers });
      outgoing.end(JSON.stringify(fault.body ?? {}));
      return;
    }
    const { host: _, connection: __, "content-length": ___, ...headers } = incoming.headers;
    const answer = await request(`${upstream}${call.url}`, {
      method: methodOf(call.method),
      headers,
      body: body === "" ? null : body,
    });
    const text = await answer.body.text();
    if (fault === "lost-after") return drop();
    if (typeof fault === "object") {
      outgoing.writeHead(fault.status, { "content-type": "application/json", ...fault.headers });
      outgoing.end(JSON.stringify(fault.body ?? {}));
      return;
    }
    outgoing.writeHead(answer.statusCode, { "content-type": "application/json" });
    outgoing.end(text);
  };
  const server = createServer((incoming, outgoing) => void serve(incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    calls,
    writes: () => calls.filter(({ method }) => method !== "GET").map(({ method, url }) => `${method} ${url}`),
  };
}

function methodOf(text: string): "GET" | "POST" | "PUT" | "PATCH" | "DELETE" {
  if (text === "GET" || text === "POST" || text === "PUT" || text === "PATCH" || text === "DELETE")
    return text;
  throw new Error(`unexpected method ${text}`);
}
