import { createServer, request } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { listenOnLoopback, shut } from "./loopback-server.ts";

/** Proxies in front of S3 and the API that number the calls to both together, and let a caller die at any of them. */
export interface CallGate {
  readonly s3: string;
  readonly api: string;
  /** Calls since it was armed, as `METHOD /path`. */
  readonly calls: readonly string[];
  /**
   * From one call on, the `at`th from now (from 1) or the first that it is true of, nothing gets through: as if the caller
   * had died. `cut` breaks the connections, for a caller in this process; `hold` answers nothing, for one that is killed.
   */
  arm(at: number | ((call: string) => boolean), how: "cut" | "hold"): void;
  /** Lets everything through again and breaks what is held. */
  disarm(): void;
  /** Lets everything through again, also what is held. */
  release(): void;
  /** Resolves when a call is held, with the call. */
  reached(): Promise<string>;
  close(): Promise<void>;
}

/** Opens a gate in front of both servers. */
export async function openCallGate(upstream: {
  readonly s3: string;
  readonly api: string;
}): Promise<CallGate> {
  const calls: string[] = [];
  const held = new Map<ServerResponse, () => void>();
  let isDue: (call: string) => boolean = () => false;
  let how: "cut" | "hold" = "cut";
  let closed = false;
  let tell: (call: string) => void = () => undefined;
  let reached = Promise.resolve("");
  const serve =
    (to: string) =>
    (incoming: IncomingMessage, outgoing: ServerResponse): void => {
      const call = `${incoming.method} ${incoming.url}`;
      calls.push(call);
      closed ||= isDue(call);
      if (!closed) return forward(to, incoming, outgoing);
      tell(call);
      if (how === "hold") held.set(outgoing, () => forward(to, incoming, outgoing));
      else incoming.socket.destroy();
    };
  const open = (): void => {
    closed = false;
    isDue = () => false;
  };
  const servers = [createServer(serve(upstream.s3)), createServer(serve(upstream.api))] as const;
  const [s3, api] = await Promise.all(servers.map(listen));
  return {
    s3: s3 ?? "",
    api: api ?? "",
    calls,
    arm(at, manner) {
      calls.length = 0;
      isDue = typeof at === "number" ? () => calls.length >= at : at;
      how = manner;
      reached = new Promise((resolve) => (tell = resolve));
    },
    disarm() {
      open();
      for (const outgoing of held.keys()) outgoing.destroy();
      held.clear();
    },
    release() {
      open();
      for (const goOn of held.values()) goOn();
      held.clear();
    },
    reached: () => reached,
    async close() {
      await Promise.all(servers.map(shut));
    },
  };
}

function forward(to: string, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { method, url, headers } = incoming;
  const onward = request(to + url, { method, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  // A caller that died leaves broken connections on both sides: each breaks the other's.
  onward.on("error", () => outgoing.destroy());
  outgoing.on("error", () => onward.destroy());
  incoming.pipe(onward);
}

async function listen(server: Server): Promise<string> {
  return `http://127.0.0.1:${await listenOnLoopback(server)}`;
}
