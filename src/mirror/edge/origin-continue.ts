import diagnostics from "node:diagnostics_channel";
import { Socket } from "node:net";
import { buildConnector } from "undici";

/** Published by undici when it has written the head of a request (undici: docs/api/DiagnosticsChannel). */
const HEAD_SENT = "undici:client:sendHeaders";

const CONTINUE = /^HTTP\/1\.1 100(?=[ \r])/;
const INTERIM = /^HTTP\/1\.1 1\d\d[ \r]/;

/**
 * Takes a `100 Continue` that nobody has asked for as what any client must take it for, one more interim response
 * (RFC 9110 §15.2): undici would end the connection. It is given to undici as a 102, a response of the same length that
 * means as little. Only looked for where a response begins, so that no byte of a body is touched.
 */
class ContinueReader {
  #begins = false;

  /** The head of a request has gone out. */
  sent(): void {
    this.#begins = true;
  }

  /** Changes what came from the connection where that has to be; the rest of what comes later stays as it is. */
  read(bytes: Buffer): void {
    for (let at = 0; this.#begins && at < bytes.length;) {
      const head = bytes.toString("latin1", at, at + 16);
      this.#begins = INTERIM.test(head);
      if (!this.#begins) return;
      if (CONTINUE.test(head)) bytes.write("2", at + "HTTP/1.1 10".length, "latin1");
      const end = bytes.indexOf("\r\n\r\n", at);
      // An interim response that comes in pieces: what is after it is taken as it is.
      this.#begins = end !== -1;
      at = end + 4;
    }
  }
}

/** Makes connections whose `100 Continue` is understood, until it is closed. */
export class OriginConnector {
  readonly #readers = new WeakMap<Socket, ContinueReader>();

  constructor() {
    diagnostics.subscribe(HEAD_SENT, this.#onSent);
  }

  /** As undici's own connector with these options. */
  connectorOf(options: buildConnector.BuildOptions): buildConnector.connector {
    const connect = buildConnector(options);
    return (target, done) =>
      connect(target, (...[error, socket]) => {
        if (error !== null) return done(error, null);
        this.#watch(socket);
        return done(null, socket);
      });
  }

  close(): void {
    diagnostics.unsubscribe(HEAD_SENT, this.#onSent);
  }

  #watch(socket: Socket): void {
    const reader = new ContinueReader();
    this.#readers.set(socket, reader);
    const read = socket.read.bind(socket);
    socket.read = (size?: number): unknown => {
      const bytes: unknown = read(size);
      if (Buffer.isBuffer(bytes)) reader.read(bytes);
      return bytes;
    };
  }

  readonly #onSent = (message: unknown): void => {
    if (typeof message !== "object" || message === null || !("socket" in message)) return;
    const { socket } = message;
    if (socket instanceof Socket) this.#readers.get(socket)?.sent();
  };
}
