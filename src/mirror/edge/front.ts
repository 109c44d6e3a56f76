import { createServer as createHttpServer } from "node:http";
import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Server as HttpsServer } from "node:https";
import type { Duplex } from "node:stream";
import { listenOn } from "../listen.ts";
import { refusal } from "./fastly-pages.ts";
import { readFrontRequest } from "./front-request.ts";
import { writeResponse } from "./front-response.ts";
import type { HopRequest, HopResponse } from "./message.ts";
import type { Pop } from "./parts.ts";
import type { CertificateAuthority } from "./certificate-authority.ts";

export interface FrontOptions {
  readonly host: string;
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly authority: CertificateAuthority;
  /** The POP of a code, or with `null` the one that clients reach unasked. */
  popOf(code: string | null): Pop | undefined;
  readonly countryHeader: string;
  handle(pop: Pop, request: HopRequest): Promise<HopResponse>;
  /** Trouble of a listener while it runs, such as no file descriptors left for a new connection. */
  onTrouble(error: Error): void;
}

/** The listening servers. */
export interface Front {
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Stops accepting, lets requests under way finish for a while, then cuts. */
  close(): Promise<void>;
}

/** Node's own limit lies above ours, so that our answer is the one that is given. */
const SERVER_OPTIONS = {
  maxHeaderSize: 128 * 1024,
  requireHostHeader: false,
  keepAliveTimeout: 60_000,
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 5_000,
  noDelay: true,
} as const;

/** How long `close` waits for requests under way, milliseconds. */
const CLOSE_GRACE = 2_000;

/** Starts both servers. `mirror/port-in-use` when a port is taken. */
export async function startFront(options: FrontOptions): Promise<Front> {
  const listener = requestListener(options);
  const http = createHttpServer(SERVER_OPTIONS, listener);
  const https = createHttpsServer(
    {
      ...SERVER_OPTIONS,
      ...(await options.authority.fallback()),
      ALPNProtocols: ["http/1.1"],
      minVersion: "TLSv1.2",
      handshakeTimeout: 10_000,
      SNICallback: (name, done) => {
        options.authority.contextFor(name).then(
          (context) => done(null, context),
          (error: unknown) => done(error instanceof Error ? error : new Error("no certificate")),
        );
      },
    },
    listener,
  );
  for (const server of [http, https]) {
    // The checks count the lines themselves: node would drop those beyond its limit without a word.
    server.maxHeadersCount = 0;
    server.on("clientError", answerClientError);
    server.on("error", (error: Error) => {
      if (server.listening) options.onTrouble(error);
    });
    server.on("connect", (_request: IncomingMessage, socket: Duplex) =>
      socket.end(rawAnswer(405, "Method Not Allowed")),
    );
  }
  const httpPort = await listenOn(http, {
    host: options.host,
    port: options.httpPort,
    what: "the edge",
    flag: "--edge-port",
  });
  try {
    const httpsPort = await listenOn(https, {
      host: options.host,
      port: options.httpsPort,
      what: "the edge's TLS",
      flag: "--edge-tls-port",
    });
    return { httpPort, httpsPort, close: () => closeAll([http, https]) };
  } catch (error) {
    await closeAll([http, https]);
    throw error;
  }
}

function requestListener(options: FrontOptions): (message: IncomingMessage, out: ServerResponse) => void {
  const counts = new WeakMap<object, number>();
  return (message, out) => {
    const requests = (counts.get(message.socket) ?? 0) + 1;
    counts.set(message.socket, requests);
    void answer(message, out, { options, requests });
  };
}

async function answer(
  message: IncomingMessage,
  out: ServerResponse,
  context: { readonly options: FrontOptions; readonly requests: number },
): Promise<void> {
  const { options, requests } = context;
  // A client that leaves is no error of ours; without a listener it would be an uncaught one.
  message.on("error", () => undefined);
  out.on("error", () => undefined);
  try {
    const front = await readFrontRequest(message, {
      requests,
      popOf: (code) => options.popOf(code),
      countryHeader: options.countryHeader,
    });
    const response = front.ok
      ? await options.handle(front.pop, front.request)
      : refusal(front.status, front.reason);
    // What is left of a refused request's body cannot be told from the next request.
    if (!front.ok) out.shouldKeepAlive = false;
    await writeResponse(response, out);
  } catch {
    // Only the client's own connection can fail here: the life cycle answers for everything else.
    out.destroy();
  }
}

/** Answers what node's parser refuses, before there is a request. */
function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  if (error.code === "HPE_HEADER_OVERFLOW") socket.end(rawAnswer(431, "Request Header Fields Too Large"));
  else if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") socket.end(rawAnswer(408, "Request Timeout"));
  else socket.end(rawAnswer(400, "Bad Request"));
}

function rawAnswer(status: number, reason: string): string {
  const body = `${reason}\n`;
  return `HTTP/1.1 ${status} ${reason}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
}

async function closeAll(servers: readonly (HttpServer | HttpsServer)[]): Promise<void> {
  await Promise.all(
    servers.map(
      (server) =>
        new Promise<void>((resolve) => {
          if (!server.listening) return resolve();
          const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE);
          server.close(() => {
            clearTimeout(cut);
            resolve();
          });
          server.closeIdleConnections();
        }),
    ),
  );
}
