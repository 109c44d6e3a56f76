import { createServer, request } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { listenOnLoopback, shut } from "./loopback-server.ts";

/** A proxy that stops the world at one call: it is never answered, and the test decides what dies meanwhile. */
export interface KillGate {
  readonly url: string;
  /** Calls so far, as `METHOD /path`. */
  readonly calls: readonly string[];
  /** Resolves when the call that the gate waits for has come, with the call. */
  readonly reached: Promise<string>;
  close(): Promise<void>;
}

/**
 * Opens a gate in front of an HTTP server. The first call that `isMeant` is stopped: `before` the server sees it, or
 * `after` the server has done its work; all others pass as they are, so that signatures stay right.
 */
export async function openKillGate(
  upstream: string,
  isMeant: (call: string) => boolean,
  when: "before" | "after" = "before",
): Promise<KillGate> {
  const calls: string[] = [];
  let tell: (call: string) => void = () => undefined;
  const reached = new Promise<string>((resolve) => (tell = resolve));
  let armed = true;
  const serve = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const call = `${incoming.method} ${incoming.url}`;
    calls.push(call);
    const stopped = armed && isMeant(call);
    if (stopped) armed = false;
    if (stopped && when === "before") return tell(call);
    const { method, url, headers } = incoming;
    const onward = request(upstream + url, { method, headers }, (answer) => {
      if (stopped) {
        answer.resume();
        return tell(call);
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    // A client or server that was killed leaves broken connections on both sides: each breaks the other's.
    onward.on("error", () => outgoing.destroy());
    outgoing.on("error", () => onward.destroy());
    incoming.pipe(onward);
  };
  const server = createServer(serve);
  const port = await listenOnLoopback(server);
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    reached,
    close: () => shut(server),
  };
}
