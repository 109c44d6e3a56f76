import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isErrno } from "../lib/caught.ts";
import { trusting } from "../lib/tls-trust.ts";
import type { RequestSpec } from "./case.ts";
import type { Connections } from "./connections.ts";
import { hostAt } from "./target.ts";
import type { ConformanceTarget } from "./target.ts";

/** An answer as it came; the body as latin1 text, still encoded where Content-Encoding says so. */
export interface Answer {
  readonly status: number;
  /** Lower-case names; several lines of one name joined by `, `. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

export interface SendContext {
  readonly target: ConformanceTarget;
  /** The last answer's ETag, for `{etag}`. */
  readonly etag: string;
  /** Missing = a connection of its own. */
  readonly connections?: Connections;
}

const TIMEOUT_MS = 20_000;

/** Sends one request exactly as written: node's client alters neither path nor header values. */
export async function send(spec: RequestSpec, context: SendContext): Promise<Answer> {
  const once = await attempt(spec, context);
  if (once !== "closed") return once;
  // The connection was idle, and the edge closed it just when the request was on its way: nobody has read it.
  const again = await attempt(spec, { target: context.target, etag: context.etag });
  if (again === "closed") throw new Error("the edge closed a new connection without an answer");
  return again;
}

/** The answer, or `closed` where a connection that had been used before was gone. */
function attempt(spec: RequestSpec, context: SendContext): Promise<Answer | "closed"> {
  const { target, connections } = context;
  const base = new URL(isSentOverTls(spec, target) ? (target.https ?? target.http) : target.http);
  const host = hostAt(target, spec.host);
  const options = {
    hostname: base.hostname,
    port: base.port || (base.protocol === "https:" ? 443 : 80),
    method: spec.method ?? "GET",
    path: spec.path ?? "/",
    headers: headersFor(spec, host, context),
    setHost: false,
    timeout: TIMEOUT_MS,
  } as const;
  return new Promise((resolve, reject) => {
    const tls = { servername: host, ...trusting(target.ca) };
    const request =
      base.protocol === "https:"
        ? httpsRequest({ ...options, ...tls, agent: connections?.https ?? false })
        : httpRequest({ ...options, agent: connections?.http ?? false });
    request.on("response", (response) => resolve(readAnswer(response)));
    request.on("timeout", () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    request.on("error", (error) => {
      if (request.reusedSocket && (isErrno(error, "ECONNRESET") || isErrno(error, "EPIPE")))
        resolve("closed");
      else reject(error);
    });
    request.end();
  });
}

/** Whether a request goes over TLS, which it does not need to say where a target has nothing else. */
export function isSentOverTls(spec: RequestSpec, { capabilities, https }: ConformanceTarget): boolean {
  return https !== undefined && (spec.tls ?? !capabilities.has("plain-http"));
}

function headersFor(spec: RequestSpec, host: string, context: SendContext): Record<string, string> {
  const shown = (spec.hostHeader ?? "{host}").replace("{host}", host).replace("{HOST}", host.toUpperCase());
  const headers: Record<string, string> = { Host: shown };
  if (spec.country !== undefined) headers[context.target.countryHeader ?? ""] = spec.country;
  for (const [name, value] of Object.entries(spec.headers ?? {})) {
    headers[name] = value.replace("{etag}", context.etag).replace("{debug}", context.target.debugToken ?? "");
  }
  return headers;
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(Buffer.from(chunk));
  const headers = new Map<string, string>();
  for (let i = 0; i + 1 < response.rawHeaders.length; i += 2) {
    const name = (response.rawHeaders[i] ?? "").toLowerCase();
    const value = response.rawHeaders[i + 1] ?? "";
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return { status: response.statusCode ?? 0, headers, body: Buffer.concat(chunks) };
}
