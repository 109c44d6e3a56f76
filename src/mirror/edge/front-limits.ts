/** What one client may take of a listener. Times in milliseconds. */
export interface FrontLimits {
  /** From the first byte of a request to the end of its headers; also how long a new connection may stay silent. */
  readonly headersTimeout: number;
  /** From the first byte of a request to the end of its body. */
  readonly requestTimeout: number;
  /** How long a connection stays open without a request. */
  readonly keepAliveTimeout: number;
  readonly handshakeTimeout: number;
  /** How long a client may take nothing of an answer that waits for it. */
  readonly sendTimeout: number;
  /** How long nothing may go either way through a WebSocket. Ours: no page of Fastly's says. */
  readonly tunnelTimeout: number;
  /** How often the first two are looked at on HTTP/1.1. */
  readonly checkInterval: number;
  /** How long `close` waits for requests under way, and a refused client has to read why. */
  readonly closeGrace: number;
  /** Requests that an HTTP/1.1 client may send ahead of their answers. */
  readonly pipelined: number;
  /** Streams under way at once on an HTTP/2 connection. */
  readonly streams: number;
  /**
   * HTTP/2 requests that a client may cancel, and PING and SETTINGS frames it may send, beyond those it is answered:
   * each answer makes good for one (CVE-2023-44487 and the floods of CVE-2019-9512 and 9515).
   */
  readonly unpaidFrames: number;
}

/** Node's own limit of a header block lies above the edge's, so that the edge's answer is the one that is given. */
export const MAX_HEADER_BLOCK = 128 * 1024;

export const FRONT_LIMITS: FrontLimits = {
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 60_000,
  handshakeTimeout: 10_000,
  sendTimeout: 60_000,
  tunnelTimeout: 600_000,
  checkInterval: 5_000,
  closeGrace: 2_000,
  pipelined: 100,
  streams: 100,
  unpaidFrames: 200,
};
