import { createServer } from "node:http";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { onTestFinished } from "vitest";
import { listenOnLoopback, shut } from "./loopback-server.ts";

export interface SeenRequest {
  readonly method: string;
  /** Path with query, still encoded. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface ScriptedAnswer {
  /** Default 200. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is; anything else as JSON. */
  readonly body?: unknown;
}

/** What happens to one request: an answer, a reset of the connection, no answer at all, or half an answer. */
export type Reaction = ScriptedAnswer | "reset" | "silence" | "half";

export interface ScriptedServer {
  readonly url: string;
  /** Every request so far, in the order in which they came. */
  readonly seen: readonly SeenRequest[];
}

/** An HTTP server on loopback whose every reaction the test decides; it closes with the test. */
export async function startScriptedServer(
  react: (request: SeenRequest, count: number) => Reaction | Promise<Reaction>,
): Promise<ScriptedServer> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    request.on("end", () => {
      const entry: SeenRequest = {
        method: request.method ?? "",
        url: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks).toString("utf8"),
      };
      seen.push(entry);
      void Promise.resolve(react(entry, seen.length)).then((reaction) => answer(response, reaction));
    });
  });
  const port = await listenOnLoopback(server);
  onTestFinished(() => shut(server));
  return { url: `http://127.0.0.1:${port}`, seen };
}

function answer(response: ServerResponse, reaction: Reaction): void {
  if (reaction === "silence") return;
  if (reaction === "reset") {
    response.socket?.resetAndDestroy();
    return;
  }
  if (reaction === "half") {
    response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
    response.write('{"number":', () => response.socket?.resetAndDestroy());
    return;
  }
  const { status = 200, headers = {}, body = "" } = reaction;
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}
