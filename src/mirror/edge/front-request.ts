import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { HeaderList } from "../../http/header-list.ts";
import { CLIENT_IP_FACT, parseClientFacts } from "../../vcl/client-facts.ts";
import type { TlsInfo } from "../../vcl/runtime.ts";
import { LOCAL_NAMES } from "./certificate-authority.ts";
import { findCountry } from "./countries.ts";
import { normaliseAcceptEncoding } from "./compression.ts";
import type { Refusal } from "./fastly-pages.ts";
import { isLoopback, TEST_FACTS_HEADER, TEST_POP_HEADER } from "./geo.ts";
import type { Connection, HopRequest, RequestBody } from "./message.ts";
import type { Pop } from "./parts.ts";
import { checkRequest, LIMITS } from "./request-checks.ts";
import type { CheckedRequest } from "./request-checks.ts";
import { hostName } from "./service-directory.ts";

/** A client's request ready for the first POP, or why it is refused. */
export type FrontRequest =
  { readonly ok: true; readonly pop: Pop; readonly request: HopRequest } | ({ readonly ok: false } & Refusal);

/** Who is at the other end of a connection. */
export interface FrontClient {
  readonly ip: string;
  readonly port: number;
  readonly tls: TlsInfo | null;
}

/** A client's message in either protocol, before anything is checked. */
export interface FrontMessage {
  readonly method: string;
  readonly target: string;
  /** `1.1`, `2` and the like. */
  readonly version: string;
  readonly headers: HeaderList;
  readonly hasBody: boolean;
  /** The body, once; throws when the client leaves before its end. */
  chunks(): AsyncIterable<unknown>;
  readonly client: FrontClient;
  /** Requests on this connection, this one included. */
  readonly requests: number;
}

/** What the front knows besides the message. */
export interface FrontContext {
  /** The POP that a test asks for by its code, or with `null` the one that clients reach unasked. */
  popOf(code: string | null): Pop | undefined;
  /** Header by which a test on this machine says where it is. */
  readonly countryHeader: string;
}

/**
 * Reads the head of a client's message: checks it, and adds and removes what Fastly does before vcl_recv. The body is
 * read by `readFrontBody`, once the request's turn has come.
 */
export function readFrontRequest(message: FrontMessage, context: FrontContext): FrontRequest {
  const { headers, client } = message;
  const { tls, ip: peer } = client;
  const checked = checkRequest(message);
  if (!checked.ok) return checked;
  if (tls !== null && !isCertified(checked.host, tls)) return MISDIRECTED;
  const given = takeTestHeader(headers, { name: context.countryHeader, peer });
  const country = given === null ? undefined : findCountry(given);
  if (given !== null && country === undefined) {
    return { ok: false, status: 400, reason: `${context.countryHeader} is no ISO 3166-1 country code` };
  }
  const asked = takeTestHeader(headers, { name: TEST_POP_HEADER, peer });
  const pop = context.popOf(asked);
  if (pop === undefined)
    return { ok: false, status: 400, reason: `${TEST_POP_HEADER} names no POP of this edge` };
  const fixture = takeTestHeader(headers, { name: TEST_FACTS_HEADER, peer });
  const parsed = fixture === null ? null : parseClientFacts(fixture);
  if (parsed?.ok === false) {
    return { ok: false, status: 400, reason: `${TEST_FACTS_HEADER}: ${parsed.reason}` };
  }
  const ip = String(parsed?.facts.get(CLIENT_IP_FACT) ?? peer);
  return firstRequest(checked, {
    pop,
    headers,
    proto: `HTTP/${message.version}`,
    connection: {
      ip,
      port: client.port,
      requests: message.requests,
      tls,
      edgeIsTls: tls !== null,
      ...(country === undefined ? {} : { country }),
      ...(parsed === null ? {} : { facts: parsed.facts }),
    },
  });
}

/** What a checked request needs besides its request line. */
interface Arrival {
  readonly pop: Pop;
  /** Changed: Fastly adds its own. */
  readonly headers: HeaderList;
  readonly proto: string;
  readonly connection: Connection;
}

/** A checked request as its first POP gets it. */
function firstRequest(
  { method, url, host }: Extract<CheckedRequest, { ok: true }>,
  { pop, headers, proto, connection }: Arrival,
): FrontRequest {
  const arrived = headers.clone();
  prepareHeaders(headers, { host, ip: connection.ip, isTls: connection.edgeIsTls, identity: pop.identity });
  const request = { method, url, proto, headers, arrived, body: null, connection, trustedPurge: false };
  return { ok: true, pop, request };
}

/** Fastly's words (guides/common-400-errors, 421), without the fingerprint of the certificate. */
const MISDIRECTED: FrontRequest = {
  ok: false,
  status: 421,
  reason: "Misdirected Request",
  text:
    "Requested host does not match any Subject Alternative Names (SANs) on TLS certificate in use with this " +
    "connection.\r\n\r\nVisit https://docs.fastly.com/en/guides/common-400-errors#error-421-misdirected-request " +
    "for more information.\r\n\r\n",
};

/** Whether the certificate that this connection began with is one for the Host: it has the name that was asked for, and no other. */
function isCertified(host: string, { servername }: TlsInfo): boolean {
  const name = hostName(host);
  return servername === null ? LOCAL_NAMES.some((one) => one === name) : hostName(servername) === name;
}

/**
 * Takes the test header out of the request, whoever sent it: VCL never sees it, and only a client on this machine is
 * heard, also where the edge listens for others.
 */
function takeTestHeader(
  headers: HeaderList,
  from: { readonly name: string; readonly peer: string },
): string | null {
  const given = headers.get(from.name);
  headers.unset(from.name);
  return isLoopback(from.peer) ? given : null;
}

interface ClientFacts {
  readonly host: string;
  readonly ip: string;
  readonly isTls: boolean;
  readonly identity: string;
}

/**
 * Headers as they reach vcl_recv. Fastly-FF and Fastly-SSL say where a request comes from, so a client's own are
 * dropped. Fastly-Client-IP is added only where it is missing (http-headers/Fastly-Client-IP), X-Forwarded-For
 * grows on TLS connections only (http-headers/X-Forwarded-For).
 */
export function prepareHeaders(headers: HeaderList, client: ClientFacts): void {
  headers.set("Host", client.host);
  headers.unset("Fastly-FF");
  headers.unset("Fastly-SSL");
  headers.unset("Fastly-Cookie-Overflow");
  if (client.isTls) {
    headers.set("Fastly-SSL", "1");
    headers.set("X-Forwarded-For", [...headers.getAll("X-Forwarded-For"), client.ip].join(", "));
  }
  if (!headers.has("Fastly-Client-IP")) headers.set("Fastly-Client-IP", client.ip);
  headers.set("X-Forwarded-Host", client.host);
  headers.set("X-Forwarded-Server", client.identity);
  normaliseAcceptEncoding(headers);
  const cookie = headers.getAll("Cookie").reduce((sum, line) => sum + line.length, 0);
  if (cookie > LIMITS.cookieBytes) {
    headers.unset("Cookie");
    headers.set("Fastly-Cookie-Overflow", "1");
  }
}

/** Small bodies whole, so that VCL can look at them; others as they come. Throws when the client leaves before the end. */
export async function readFrontBody(message: FrontMessage): Promise<RequestBody | null> {
  if (!message.hasBody) return null;
  const declared = message.headers.get("Content-Length");
  const length = declared === null ? null : Number(declared);
  if (length === null || length > LIMITS.bodyBytes) {
    return { kind: "stream", chunks: buffersOf(message), length };
  }
  const chunks: Buffer[] = [];
  for await (const chunk of buffersOf(message)) chunks.push(chunk);
  return { kind: "bytes", bytes: Buffer.concat(chunks) };
}

async function* buffersOf(message: FrontMessage): AsyncGenerator<Buffer> {
  for await (const chunk of message.chunks()) if (Buffer.isBuffer(chunk)) yield chunk;
}

/** What a connection tells of its client. */
export function clientOf(socket: Socket): FrontClient {
  return {
    ip: plainAddress(socket.remoteAddress ?? ""),
    port: socket.remotePort ?? 0,
    tls: socket instanceof TLSSocket ? tlsInfo(socket) : null,
  };
}

function tlsInfo(socket: TLSSocket): TlsInfo {
  const servername: unknown = socket.servername;
  return {
    protocol: socket.getProtocol() ?? "",
    cipher: socket.getCipher().name,
    servername: typeof servername === "string" ? servername : null,
  };
}

function plainAddress(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}
