import { createServer } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { FakeClock } from "../support/fake-clock.ts";
import type { CaseRequest } from "./cases.ts";
import { wireValue } from "./wire-values.ts";
import { listenOnLoopback, shut } from "../support/loopback-server.ts";

/** What the origin saw of one request, and the headers of its answer that the client is to find. */
export interface OriginSaw {
  readonly number: number;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly sent: ReadonlyMap<string, string>;
}

interface Script {
  readonly requests: readonly CaseRequest[];
  readonly seen: OriginSaw[];
  /** ETag and Last-Modified that a request of this number was answered with. */
  readonly validators: Map<number, ReadonlyMap<string, string>>;
}

/** The origin of all cases at once: the first part of a path below `/test/` says whose script answers. */
export interface ScriptedOrigin {
  readonly port: number;
  /** Registers a case; what it returns grows with every request that reaches the origin. */
  script(token: string, requests: readonly CaseRequest[]): readonly OriginSaw[];
  close(): Promise<void>;
}

interface OriginOptions {
  readonly clock: FakeClock;
  /** Waits on behalf of a case whose origin is slow. */
  readonly sleep: (ms: number) => Promise<void>;
}

export async function startScriptedOrigin(options: OriginOptions): Promise<ScriptedOrigin> {
  const scripts = new Map<string, Script>();
  const server = createServer((request, response) => {
    const token = /^\/test\/([^/?]+)/.exec(request.url ?? "")?.[1] ?? "";
    const script = scripts.get(token);
    request.resume();
    request.on("end", () => void answer({ script, token, request, response }, options));
  });
  const port = await listenOnLoopback(server);
  return {
    port,
    script(token, requests) {
      const script: Script = { requests, seen: [], validators: new Map() };
      scripts.set(token, script);
      return script.seen;
    },
    close: () => shut(server),
  };
}

interface Turn {
  readonly script: Script | undefined;
  readonly token: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

async function answer(turn: Turn, { clock, sleep }: OriginOptions): Promise<void> {
  const { script, token, request, response } = turn;
  const given = Number.parseInt(String(request.headers["req-num"]), 10);
  const number = Number.isNaN(given) ? (script?.seen.length ?? 0) + 1 : given;
  const config = script?.requests[number - 1];
  if (script === undefined || config === undefined) {
    response.writeHead(409).end(`no script for request ${number} of ${token}`);
    return;
  }
  if (config.response_pause !== undefined) await sleep(config.response_pause * 1000);
  for (const [status, headers = []] of config.interim_responses) {
    if (status === 102) response.writeProcessing();
    else response.writeEarlyHints(Object.fromEntries(headers));
  }
  const [status, reason] = statusOf(config, formerValidators(script, number), request);
  response.statusCode = status;
  response.statusMessage = reason;
  const sent = setHeaders(config, { request, response, now: clock.now(), count: script.seen.length + 1 });
  script.validators.set(number, validatorsOf(response));
  script.seen.push({ number, method: request.method ?? "", headers: request.headers, sent });
  response.setHeader("Request-Numbers", script.seen.map((saw) => saw.number).join(" "));
  if (config.disconnect) response.socket?.destroy();
  else if (status === 204 || status === 304) response.end();
  else response.end(config.response_body ?? token);
}

/** The validators of the answer before, or those it would have had when the cache answered. */
function formerValidators(script: Script, number: number): ReadonlyMap<string, string> {
  const sent = script.validators.get(number - 1);
  if (sent !== undefined) return sent;
  const unsent = script.requests[number - 2]?.response_headers ?? [];
  return new Map(unsent.map(([name, value]) => [name.toLowerCase(), String(value)]));
}

/** A request that is to be a validation is answered 304, or 999 where it does not carry the validator sent before. */
function statusOf(
  config: CaseRequest,
  former: ReadonlyMap<string, string>,
  request: IncomingMessage,
): readonly [number, string] {
  const { expected_type: type, response_status: status = [200, "OK"] } = config;
  if (type !== "etag_validated" && type !== "lm_validated") return status;
  const { "if-none-match": tag, "if-modified-since": since } = request.headers;
  const holds =
    (tag !== undefined && tag === former.get("etag")) ||
    (since !== undefined && since === former.get("last-modified"));
  return holds ? [304, "Not Modified"] : [999, "304 Not Generated"];
}

interface Setting {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly now: number;
  /** How many requests have reached the origin, this one included. */
  readonly count: number;
}

/** Sets all headers; those that the client is to find come back, by their names as written. */
function setHeaders(config: CaseRequest, setting: Setting): Map<string, string> {
  const { request, response, now, count } = setting;
  const capability = String(request.headers["surrogate-capability"] ?? "");
  const meaning = { now, baseUrl: request.url ?? "", capability };
  response.sendDate = false;
  response.setHeader("Server-Base-Url", meaning.baseUrl);
  response.setHeader("Server-Request-Count", count);
  response.setHeader("Client-Request-Count", String(request.headers["req-num"] ?? ""));
  response.setHeader("Server-Now", now);
  response.setHeader("Capability-Seen", capability);
  const looked = new Map<string, string>();
  for (const header of config.response_headers) {
    const [name, , lookedFor = true] = header;
    const value = String(wireValue(header, config, meaning));
    response.appendHeader(name, value);
    if (lookedFor) looked.set(name, [response.getHeader(name)].flat().join(", "));
  }
  if (!response.hasHeader("Content-Type")) response.setHeader("Content-Type", "text/plain");
  if (!response.hasHeader("Date")) response.setHeader("Date", new Date(now).toUTCString());
  return looked;
}

function validatorsOf(response: ServerResponse): ReadonlyMap<string, string> {
  const validators = new Map<string, string>();
  for (const name of ["etag", "last-modified"]) {
    const value = response.getHeader(name);
    if (typeof value === "string") validators.set(name, value);
  }
  return validators;
}
