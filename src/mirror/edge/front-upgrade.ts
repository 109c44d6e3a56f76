import { ServerResponse } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { refusal } from "./fastly-pages.ts";
import type { FrontService } from "./front-answer.ts";
import type { FrontRequest } from "./front-request.ts";
import { cleanHeaders, http1Sink, writeResponse } from "./front-response.ts";
import type { HopResponse, Tunnel } from "./message.ts";

/**
 * Whether a request that asks for another protocol could be a WebSocket's opening (RFC 6455 §4.1: a GET, which has no
 * body). Others, such as a POST that offers h2c, are served as if they had not asked (RFC 9110 §7.8).
 */
export function mayUpgrade(incoming: IncomingMessage): boolean {
  const { headers } = incoming;
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0;
  return incoming.method === "GET" && incoming.httpVersion === "1.1" && !hasBody;
}

/**
 * The head of a request as bytes once more, without the `upgrade` of its Connection header: put back before the bytes
 * that follow it, it is read as any other request.
 */
export function headWithoutUpgrade(incoming: IncomingMessage): Buffer {
  const lines = [`${incoming.method} ${incoming.url} HTTP/${incoming.httpVersion}`];
  const { rawHeaders } = incoming;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    const value = rawHeaders[i + 1] ?? "";
    if (name.toLowerCase() !== "connection") lines.push(`${name}: ${value}`);
    else {
      const options = value.split(",").filter((option) => option.trim().toLowerCase() !== "upgrade");
      if (options.length > 0) lines.push(`${name}: ${options.join(",").trim()}`);
    }
  }
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

/** A request for another protocol, with the connection that it came on and what came behind it. */
export interface UpgradeTurn {
  readonly incoming: IncomingMessage;
  readonly front: FrontRequest;
  readonly socket: Socket;
  readonly head: Buffer;
}

/**
 * Answers it: with the backend's connection where VCL handed it on and the backend agreed, else as any other request,
 * after which the connection ends.
 */
export async function answerUpgrade(turn: UpgradeTurn, service: FrontService): Promise<void> {
  const { incoming, front, socket, head } = turn;
  socket.on("error", () => undefined);
  try {
    const response = front.ok
      ? await service.handle(front.pop, { ...front.request, canUpgrade: true })
      : refusal(front);
    const { tunnel } = response;
    if (tunnel !== undefined) {
      const headerBytes = switchProtocols(socket, response);
      response.sent({ headerBytes, bodyBytes: 0 });
      joinTunnel({ client: socket, head, tunnel, idle: service.limits.tunnelTimeout });
      return;
    }
    const out = new ServerResponse(incoming);
    out.shouldKeepAlive = false;
    out.on("error", () => undefined);
    out.on("finish", () => socket.destroySoon());
    out.assignSocket(socket);
    await writeResponse(response, http1Sink(out, service.limits));
  } catch {
    // Only the client's own connection can fail here.
    socket.destroy();
  }
}

/** Sends the 101. Bytes of its header lines. */
function switchProtocols(socket: Duplex, response: HopResponse): number {
  const flat = cleanHeaders(response);
  const lines = ["HTTP/1.1 101 Switching Protocols"];
  for (let i = 0; i + 1 < flat.length; i += 2) lines.push(`${flat[i]}: ${flat[i + 1]}`);
  socket.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  return flat.reduce((sum, part) => sum + part.length + 2, 0);
}

/** A connection that can end for want of traffic, as those of node:net and node:tls. */
export interface IdleDuplex extends Duplex {
  setTimeout(time: number, idle?: () => void): unknown;
}

/** Who asked, what came behind the request already, and the backend that agreed. */
export interface TunnelEnds {
  readonly client: IdleDuplex;
  readonly head: Buffer;
  readonly tunnel: Tunnel;
  /** How long neither side may say anything, milliseconds. */
  readonly idle: number;
}

/**
 * Carries bytes both ways, each side at the speed at which the other reads, until both have ended, one breaks, or
 * nothing has gone either way for the time.
 */
function joinTunnel({ client, head, tunnel, idle }: TunnelEnds): void {
  const backend = tunnel.socket;
  const cut = (): void => {
    client.destroy();
    backend.destroy();
  };
  for (const [side, other] of [
    [client, backend],
    [backend, client],
  ] as const) {
    side.on("error", cut);
    // What the other side has still to read goes out before its end.
    side.once("close", () => other.end(() => other.destroy()));
  }
  client.setTimeout(idle, cut);
  if (tunnel.head.length > 0) client.write(tunnel.head);
  if (head.length > 0) backend.write(head);
  client.pipe(backend);
  backend.pipe(client);
}
