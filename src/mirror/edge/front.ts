import type { Server as NetServer, Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Server as TlsServer, TLSSocket } from "node:tls";
import { listenOn } from "../listen.ts";
import type { FrontService } from "./front-answer.ts";
import { Http1Front } from "./front-http1.ts";
import { Http2Front } from "./front-http2.ts";
import { FRONT_LIMITS } from "./front-limits.ts";
import type { FrontLimits } from "./front-limits.ts";
import type { CertificateAuthority } from "./certificate-authority.ts";

export interface FrontOptions extends Omit<FrontService, "limits"> {
  readonly host: string;
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly authority: CertificateAuthority;
  /** What listens and the flag that says where, for messages; the edge itself unless given. */
  readonly named?: { readonly what: string; readonly flag: string };
  /** What is not given is as in `FRONT_LIMITS`. */
  readonly limits?: Partial<FrontLimits>;
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

/** Starts both servers: HTTP/1.1 on one, HTTP/2 and HTTP/1.1 over TLS on the other. `mirror/port-in-use` when a port is taken. */
export async function startFront(options: FrontOptions): Promise<Front> {
  const limits = { ...FRONT_LIMITS, ...options.limits };
  const service: FrontService = {
    limits,
    countryHeader: options.countryHeader,
    popOf: (code) => options.popOf(code),
    handle: (pop, request) => options.handle(pop, request),
  };
  const http1 = new Http1Front(service);
  const http2 = new Http2Front(service);
  const tls = await tlsListener(options, limits);
  tls.on("secureConnection", (socket: TLSSocket) => {
    if (socket.alpnProtocol === "h2") http2.adopt(socket);
    else http1.adopt(socket);
  });
  // A handshake that fails or takes too long: without a listener the connection would stay open.
  tls.on("tlsClientError", (_error: Error, socket: TLSSocket) => void socket.destroy());
  const sockets = trackSockets(tls);
  for (const server of [http1.server, tls]) {
    server.on("error", (error: Error) => {
      if (server.listening) options.onTrouble(error);
    });
  }
  const { host, named } = options;
  const at = { host, port: options.httpPort, what: "the edge", flag: "--edge-port", ...named };
  const httpPort = await listenOn(http1.server, at);
  const close = async (): Promise<void> => {
    const accepted = closeListener(tls);
    // A handshake that has not ended by then is cut with the rest.
    const cut = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, limits.closeGrace);
    await Promise.all([http1.close(), http2.close(), accepted]);
    clearTimeout(cut);
  };
  try {
    const tlsNamed = { what: "the edge's TLS", flag: "--edge-tls-port", ...named };
    const tlsAt = { host, port: options.httpsPort, ...tlsNamed };
    return { httpPort, httpsPort: await listenOn(tls, tlsAt), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function tlsListener({ authority }: FrontOptions, limits: FrontLimits): Promise<TlsServer> {
  return createTlsServer({
    ...(await authority.fallback()),
    ALPNProtocols: ["h2", "http/1.1"],
    minVersion: "TLSv1.2",
    handshakeTimeout: limits.handshakeTimeout,
    noDelay: true,
    SNICallback: (name, done) => {
      authority.contextFor(name).then(
        (context) => done(null, context),
        (error: unknown) => done(error instanceof Error ? error : new Error("no certificate")),
      );
    },
  });
}

/** The connections below TLS, whatever has become of them above. */
function trackSockets(server: NetServer): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return sockets;
}

function closeListener(server: NetServer): Promise<void> {
  return new Promise((resolve) => {
    if (server.listening) server.close(() => resolve());
    else resolve();
  });
}
