import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Server as NetServer, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { HeaderList } from "../../http/header-list.ts";
import { answerClient } from "./front-answer.ts";
import type { FrontService } from "./front-answer.ts";
import { MAX_HEADER_BLOCK } from "./front-limits.ts";
import type { FrontLimits } from "./front-limits.ts";
import { clientOf, readFrontRequest } from "./front-request.ts";
import type { FrontMessage } from "./front-request.ts";
import { http1Sink } from "./front-response.ts";
import { expectsContinue } from "./request-checks.ts";
import { answerUpgrade, headWithoutUpgrade, mayUpgrade } from "./front-upgrade.ts";

/** A request whose answer has not gone out yet. */
interface Turn {
  readonly message: IncomingMessage;
  readonly out: ServerResponse;
  readonly done: Promise<void>;
}

/** What is known of a client's connection. */
interface Conversation {
  readonly gone: Promise<void>;
  requests: number;
  /** In the order they came, which is the order they are answered in. */
  readonly turns: Turn[];
  /** What comes after a refused request may be a part of it: nothing of it is a request any more. */
  refused: boolean;
  /** The last words, when the answers before have gone out; empty = none. */
  farewell: string | null;
}

/**
 * HTTP/1.1 for the plain port and for TLS clients that do not speak HTTP/2. Requests of one connection run one after
 * the other, as on Varnish. Nothing that follows a refused request runs (RFC 9112 §11.2).
 */
export class Http1Front {
  readonly server: Server;
  readonly #service: FrontService;
  readonly #conversations = new Map<Duplex, Conversation>();
  #closing = false;

  constructor(service: FrontService) {
    this.#service = service;
    this.server = createServer(serverOptions(service.limits), (message, out) => this.#ask(message, out));
    // The checks count the lines themselves: node would drop those beyond its limit without a word.
    this.server.maxHeadersCount = 0;
    // Node would tell every client to go on, and answer other expectations, before anything was checked.
    const ask = (message: IncomingMessage, out: ServerResponse): void => this.#ask(message, out);
    this.server.on("checkContinue", ask);
    this.server.on("checkExpectation", ask);
    this.server.on("connection", (socket: Socket) => this.#greet(socket));
    this.server.on("clientError", (error: NodeJS.ErrnoException, socket) => this.#fault(error, socket));
    this.server.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(incoming, socket, head),
    );
    this.server.on("connect", (_request: IncomingMessage, socket: Duplex) => this.#refuseTunnel(socket));
  }

  /** Takes over a connection that another listener has accepted. */
  adopt(socket: Socket): void {
    this.server.emit("connection", socket);
  }

  /**
   * Accepts no more, lets requests under way finish for a while, then cuts. Node's own `close` cuts answers that are
   * written but not yet read, so the connections are ended here and it comes last.
   */
  async close(): Promise<void> {
    this.#closing = true;
    const accepted = new Promise<void>((resolve) => {
      if (!this.server.listening) resolve();
      else NetServer.prototype.close.call(this.server, () => resolve());
    });
    for (const [socket, { turns }] of this.#conversations) if (turns.length === 0) socket.destroy();
    const cut = setTimeout(() => {
      for (const socket of this.#conversations.keys()) socket.destroy();
    }, this.#service.limits.closeGrace);
    await accepted;
    await Promise.all([...this.#conversations.values()].map(({ gone }) => gone));
    clearTimeout(cut);
    this.server.close(() => undefined);
  }

  #greet(socket: Socket): void {
    if (this.#closing) {
      socket.destroy();
      return;
    }
    // A connection that is read again is known already.
    if (this.#conversations.has(socket)) return;
    const gone = closed(socket).then(() => void this.#conversations.delete(socket));
    this.#conversations.set(socket, { gone, requests: 0, turns: [], refused: false, farewell: null });
  }

  #ask(incoming: IncomingMessage, out: ServerResponse): void {
    const conversation = this.#conversations.get(incoming.socket);
    if (conversation === undefined || conversation.refused) return;
    if (conversation.turns.length >= this.#service.limits.pipelined) {
      conversation.refused = true;
      conversation.farewell = "";
      return;
    }
    conversation.requests += 1;
    // A client that leaves is no error of ours; without a listener it would be an uncaught one.
    incoming.on("error", () => undefined);
    out.on("error", () => undefined);
    const received = messageOf(incoming, conversation.requests);
    // HTTP/1.0 knows of no interim responses, whatever its client asks for (RFC 9110 §10.1.1).
    const knows = received.version !== "1.0";
    const waits = knows && received.hasBody && expectsContinue(received.headers);
    const message = waits ? this.#askedOn(received, out) : received;
    const front = readFrontRequest(message, this.#service);
    if (!front.ok) {
      conversation.refused = true;
      out.shouldKeepAlive = false;
    }
    const before = conversation.turns.at(-1);
    const run = async (): Promise<void> => {
      const gone = closed(out);
      if (before !== undefined) await before.done;
      if (incoming.socket.destroyed) return;
      if (this.#closing) out.shouldKeepAlive = false;
      const sink = http1Sink(out, this.#service.limits);
      await answerClient({ message, front, sink }, (pop, request) => this.#service.handle(pop, request));
      if (!incoming.socket.destroyed) await gone;
    };
    const turn: Turn = { message: incoming, out, done: run() };
    conversation.turns.push(turn);
    void turn.done.then(() => this.#endTurn(incoming.socket, conversation));
  }

  /**
   * Tells a client that waits with its body to go on once the body is wanted. Until then nobody knows whether the next
   * bytes will be the body or another request, so an answer without it ends the connection (RFC 9110 §10.1.1).
   */
  #askedOn(message: FrontMessage, out: ServerResponse): FrontMessage {
    const { shouldKeepAlive } = out;
    out.shouldKeepAlive = false;
    const chunks = (): AsyncIterable<unknown> => {
      out.shouldKeepAlive = shouldKeepAlive && !this.#closing;
      if (!out.headersSent) out.writeContinue();
      return message.chunks();
    };
    return { ...message, chunks };
  }

  /** A request for another protocol; one that cannot be a WebSocket's is read again without its wish. */
  #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const conversation = this.#conversations.get(socket);
    if (conversation === undefined || conversation.refused || !(socket instanceof Socket)) {
      socket.destroy();
      return;
    }
    if (conversation.turns.length > 0) {
      // Whoever asks for another protocol has to wait for what the old one still owes.
      conversation.refused = true;
      conversation.farewell = rawAnswer(400, "Bad Request");
      return;
    }
    if (!mayUpgrade(incoming)) {
      socket.unshift(Buffer.concat([headWithoutUpgrade(incoming), head]));
      this.adopt(socket);
      return;
    }
    conversation.requests += 1;
    const front = readFrontRequest(messageOf(incoming, conversation.requests), this.#service);
    void answerUpgrade({ incoming, front, socket, head }, this.#service);
  }

  #refuseTunnel(socket: Duplex): void {
    const conversation = this.#conversations.get(socket);
    const words = rawAnswer(405, "Method Not Allowed");
    if (conversation === undefined || conversation.refused) return;
    conversation.refused = true;
    if (conversation.turns.length > 0) conversation.farewell = words;
    else this.#endWith(socket, words);
  }

  #endTurn(socket: Duplex, conversation: Conversation): void {
    conversation.turns.shift();
    if (conversation.turns.length > 0) return;
    if (conversation.farewell !== null) this.#endWith(socket, conversation.farewell);
    else if (this.#closing) this.#endWith(socket, "");
  }

  /**
   * What node's parser refuses, and requests that take too long. Answers of earlier requests go first, or the client
   * would take ours for one of them.
   */
  #fault(error: NodeJS.ErrnoException, socket: Duplex): void {
    const conversation = this.#conversations.get(socket);
    if (conversation === undefined || !socket.writable || error.code === "ECONNRESET") {
      socket.destroy();
      return;
    }
    if (conversation.refused) return;
    conversation.refused = true;
    const { turns } = conversation;
    const last = turns.at(-1);
    if (last === undefined) this.#endWith(socket, answerToFault(error));
    // Bytes after the last request of a connection: nobody reads them.
    else if (error.code === "HPE_CLOSED_CONNECTION") conversation.farewell = "";
    else if (last.message.complete) conversation.farewell = answerToFault(error);
    else if (turns.length === 1 && !last.out.headersSent) this.#endWith(socket, answerToFault(error));
    else socket.destroy();
  }

  /** Says the last words; a client that does not leave then is cut off. */
  #endWith(socket: Duplex, words: string): void {
    if (socket.destroyed) return;
    socket.end(words, "latin1");
    const cut = setTimeout(() => socket.destroy(), this.#service.limits.closeGrace);
    socket.once("close", () => clearTimeout(cut));
  }
}

function serverOptions(limits: FrontLimits) {
  return {
    maxHeaderSize: MAX_HEADER_BLOCK,
    // A request without Host is refused by our own rule, with our own answer.
    requireHostHeader: false,
    keepAliveTimeout: limits.keepAliveTimeout,
    headersTimeout: Math.min(limits.headersTimeout, limits.requestTimeout),
    requestTimeout: limits.requestTimeout,
    connectionsCheckingInterval: limits.checkInterval,
    noDelay: true,
  } as const;
}

function messageOf(incoming: IncomingMessage, requests: number): FrontMessage {
  const headers = HeaderList.fromFlat(incoming.rawHeaders);
  return {
    method: incoming.method ?? "GET",
    target: incoming.url ?? "/",
    version: incoming.httpVersion,
    headers,
    // The parser has refused what is no plain decimal number.
    hasBody: headers.has("Transfer-Encoding") || Number(headers.get("Content-Length") ?? 0) > 0,
    // A backend that stops reading must not take the client's connection with it: the answer still has to go out.
    chunks: () => incoming.iterator({ destroyOnReturn: false }),
    client: clientOf(incoming.socket),
    requests,
  };
}

function closed(stream: Duplex | ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (stream.closed) resolve();
    else stream.once("close", () => resolve());
  });
}

function answerToFault(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      // As for what fits the parser and is still too much.
      return rawAnswer(503, "Header overflow");
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return rawAnswer(413, "Content Too Large");
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return rawAnswer(408, "Request Timeout");
    default:
      return rawAnswer(400, "Bad Request");
  }
}

function rawAnswer(status: number, reason: string): string {
  const body = `${reason}\n`;
  return `HTTP/1.1 ${status} ${reason}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
}
