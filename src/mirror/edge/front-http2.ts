import { constants, performServerHandshake } from "node:http2";
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { TLSSocket } from "node:tls";
import { HeaderList } from "../../http/header-list.ts";
import { answerClient } from "./front-answer.ts";
import type { FrontService } from "./front-answer.ts";
import { http2ResponseHead, MALFORMED, readHttp2Head } from "./front-http2-head.ts";
import { MAX_HEADER_BLOCK } from "./front-limits.ts";
import type { FrontLimits } from "./front-limits.ts";
import { clientOf, readFrontRequest } from "./front-request.ts";
import type { FrontClient, FrontMessage, FrontRequest } from "./front-request.ts";
import { http2Sink } from "./front-response.ts";
import { expectsContinue } from "./request-checks.ts";

/** A malformed message may be answered before its stream ends (RFC 9113 §8.1.1): a status says more than a reset. */
const BAD_REQUEST: FrontRequest = { ok: false, status: 400, reason: "Bad Request" };
const UNREADABLE = { method: "", target: "", headers: new HeaderList() } as const;

/** HTTP/2 for TLS clients that chose it (RFC 9113 §3.2). */
export class Http2Front {
  readonly #service: FrontService;
  readonly #conversations = new Map<ServerHttp2Session, Conversation>();
  #closing = false;

  constructor(service: FrontService) {
    this.#service = service;
  }

  /** Takes over a connection whose TLS handshake has agreed on `h2`. */
  adopt(socket: TLSSocket): void {
    if (this.#closing) {
      socket.destroy();
      return;
    }
    const session = performServerHandshake(socket, sessionOptions(this.#service.limits));
    const conversation = new Conversation(session, { service: this.#service, client: clientOf(socket) });
    this.#conversations.set(session, conversation);
    session.once("close", () => this.#conversations.delete(session));
  }

  /** Sends GOAWAY, lets streams under way finish for a while, then cuts. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#conversations.values()].map((conversation) => conversation.close()));
  }
}

function sessionOptions(limits: FrontLimits) {
  return {
    settings: { maxConcurrentStreams: limits.streams, maxHeaderListSize: MAX_HEADER_BLOCK },
    // The edge's own limit of header lines is lower, and answers 503 rather than resetting the stream.
    maxHeaderListPairs: 2048,
    maxSettings: 32,
    maxSessionRejectedStreams: limits.streams,
    maxSessionInvalidFrames: 100,
  };
}

/** One client's connection: its streams, and the patience with it. */
class Conversation {
  readonly #session: ServerHttp2Session;
  readonly #service: FrontService;
  readonly #client: FrontClient;
  readonly #closed: Promise<void>;
  #open = 0;
  #requests = 0;
  /** Cancelled requests and control frames that no answer has made good for. */
  #unpaid = 0;
  #timer: NodeJS.Timeout;

  constructor(
    session: ServerHttp2Session,
    by: { readonly service: FrontService; readonly client: FrontClient },
  ) {
    this.#session = session;
    this.#service = by.service;
    this.#client = by.client;
    this.#closed = new Promise((resolve) => session.once("close", () => resolve()));
    // A client that breaks the protocol loses its connection, which is all there is to do about it.
    session.on("error", () => undefined);
    session.on(
      "stream",
      (stream: ServerHttp2Stream, _headers: IncomingHttpHeaders, flags: number, flat: string[]) =>
        this.#ask(stream, { flags, flat }),
    );
    session.on("ping", () => this.#owe());
    session.on("remoteSettings", () => this.#owe());
    session.once("close", () => clearTimeout(this.#timer));
    this.#timer = setTimeout(() => void this.close(), by.service.limits.headersTimeout);
  }

  /** Takes no more requests; cuts what has not ended after the grace. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#session.close();
    const cut = setTimeout(() => this.#session.destroy(), this.#service.limits.closeGrace);
    await this.#closed;
    clearTimeout(cut);
  }

  #ask(stream: ServerHttp2Stream, block: { readonly flags: number; readonly flat: readonly string[] }): void {
    // A client that leaves is no error of ours; without a listener it would be an uncaught one.
    stream.on("error", () => undefined);
    this.#requests += 1;
    // Cancelled before its turn: nothing is done for it, but it counts.
    if (stream.destroyed || stream.closed) return this.#owe();
    this.#open += 1;
    clearTimeout(this.#timer);
    stream.once("close", () => this.#settle(stream));
    const hasBody = (block.flags & constants.NGHTTP2_FLAG_END_STREAM) === 0;
    const head = readHttp2Head(block.flat);
    const malformed = head === MALFORMED;
    const message: FrontMessage = {
      ...(malformed ? UNREADABLE : head),
      version: "2",
      hasBody,
      chunks: () => {
        if (!malformed && expectsContinue(head.headers)) sendContinue(stream);
        return wholeBody(stream);
      },
      client: this.#client,
      requests: this.#requests,
    };
    if (hasBody) this.#limitBody(stream);
    void this.#answer(stream, message, malformed ? BAD_REQUEST : readFrontRequest(message, this.#service));
  }

  async #answer(stream: ServerHttp2Stream, message: FrontMessage, front: FrontRequest): Promise<void> {
    const sink = http2Sink(stream, { method: message.method, limits: this.#service.limits });
    const sendEarlyHints = (lines: readonly string[]): void => sendHints(stream, lines);
    await answerClient({ message, front, sink }, (pop, request) =>
      this.#service.handle(pop, { ...request, sendEarlyHints }),
    );
    if (!message.hasBody || stream.readableEnded) return;
    // The answer is complete, what the client still sends is of no use (RFC 9113 §8.1).
    const end = (): void => stream.close(constants.NGHTTP2_NO_ERROR);
    if (stream.writableFinished) end();
    else stream.once("finish", end);
  }

  /** A body that takes too long: 408, or the end of an answer that has begun. */
  #limitBody(stream: ServerHttp2Stream): void {
    const late = setTimeout(() => {
      if (stream.headersSent || stream.destroyed) {
        stream.destroy(new Error("the request takes too long"));
        return;
      }
      stream.respond({ ":status": 408 }, { endStream: true });
      stream.close(constants.NGHTTP2_NO_ERROR);
    }, this.#service.limits.requestTimeout);
    const stop = (): void => clearTimeout(late);
    stream.once("end", stop);
    stream.once("close", stop);
  }

  #settle(stream: ServerHttp2Stream): void {
    this.#open -= 1;
    // A stream that was reset ends its writing side as well, so that says nothing.
    const isAnswered = !stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR;
    if (isAnswered) this.#unpaid = Math.max(0, this.#unpaid - 1);
    else this.#owe();
    if (this.#open > 0 || this.#session.closed) return;
    this.#timer = setTimeout(() => void this.close(), this.#service.limits.keepAliveTimeout);
  }

  /** One more thing done for nothing; beyond the limit the client is told to calm down and cut off. */
  #owe(): void {
    this.#unpaid += 1;
    if (this.#unpaid <= this.#service.limits.unpaidFrames || this.#session.destroyed) return;
    this.#session.destroy(new Error("too many cancelled requests"), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }
}

/**
 * The chunks of a request body. A client that resets its stream with NO_ERROR gives up a body as with any other code,
 * but node ends the stream as if it were complete.
 */
async function* wholeBody(stream: ServerHttp2Stream): AsyncGenerator {
  yield* stream.iterator({ destroyOnReturn: false });
  if (stream.aborted) throw new Error("the client gave up its request");
}

/** Tells a client that waits with its body that it is wanted now. */
function sendContinue(stream: ServerHttp2Stream): void {
  if (!stream.destroyed && !stream.headersSent) stream.additionalHeaders({ ":status": 100 });
}

/** A 103 with the header lines that can stand in one (RFC 8297 §2); none once the answer has begun or the client left. */
function sendHints(stream: ServerHttp2Stream, lines: readonly string[]): void {
  if (stream.destroyed || stream.headersSent) return;
  const flat = lines.flatMap((line) => {
    const [, name, value] =
      /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : [name, value];
  });
  if (flat.length > 0) stream.additionalHeaders(http2ResponseHead(103, flat));
}
