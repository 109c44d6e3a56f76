import { HeaderList } from "../http/header-list.ts";
import { reasonOf } from "../http/status-reasons.ts";
import { BackendFailure } from "../mirror/edge/backend-failure.ts";
import { EMPTY_BODY, bodyOf } from "../mirror/edge/body.ts";
import { isNotModified } from "../mirror/edge/conditional.ts";
import type { BackendReply, Origins } from "../mirror/edge/origin.ts";
import { chooseRange } from "../mirror/edge/ranges.ts";
import type { BackendSpec, RequestMessage } from "../vcl/runtime.ts";
import { assertNever } from "../lib/errors.ts";
import type { OriginFault } from "./origin-fault.ts";
import type { OriginObject } from "./origin-object.ts";
import type { Found, ObjectView } from "./object-view.ts";
import type { BucketName } from "./site-source.ts";
import { StoreAsk } from "./store-ask.ts";

/** The store that a backend of ours stands for. */
export interface StoreBackend {
  readonly bucket: BucketName;
  readonly second: boolean;
  /** Path before the key. */
  readonly prefix: string;
}

/** What one side asked of the stores, and what is wrong with them, while one request is answered. */
export interface OriginTurn {
  readonly asked: StoreAsk[];
  readonly fault: OriginFault | undefined;
}

/**
 * Backends that answer without a socket. Those by our own names are the stores; any other one answers everything with a
 * page that says what was asked.
 */
export class MemoryOrigins implements Origins {
  turn: OriginTurn = { asked: [], fault: undefined };
  readonly #view: ObjectView;
  readonly #stores: ReadonlyMap<string, StoreBackend>;

  constructor(view: ObjectView, stores: ReadonlyMap<string, StoreBackend>) {
    this.#view = view;
    this.#stores = stores;
  }

  async fetch(spec: BackendSpec, bereq: RequestMessage): Promise<BackendReply> {
    const store = this.#stores.get(spec.name);
    const query = bereq.url.indexOf("?");
    const path = query === -1 ? bereq.url : bereq.url.slice(0, query);
    if (store === undefined) return this.#other(spec, bereq);
    const key = keyOf(path, store.prefix);
    const { asked, fault } = this.turn;
    const label = `${store.second ? "second " : ""}${store.bucket} ${key ?? path}`;
    const applies = fault?.bucket === store.bucket && (fault.regions === "all" || !store.second);
    if (fault !== undefined && applies) {
      asked.push(new StoreAsk({ what: label, outcome: fault.kind }));
      return faulty(spec, fault);
    }
    // S3 looks at who asks before it looks for the key; the signature itself is not computed again, but both sides' must be the same one.
    const isSigned = bereq.headers.has("Authorization");
    const found = key === null || !isSigned ? null : this.#view.find(store.bucket, key);
    const object = found instanceof Promise ? await found : found;
    const reply = isSigned ? answerOf(spec, bereq, object) : errorReply(spec, 403);
    const { method, url } = bereq;
    const what = method === "GET" ? label : `${method} ${label}`;
    const way = { spec, url, headers: bereq.headers.clone() };
    asked.push(new StoreAsk({ what, outcome: String(reply.status), way }));
    return reply;
  }

  connectionsTo(): { readonly open: number; readonly used: number } {
    return { open: 0, used: 0 };
  }

  #other(spec: BackendSpec, bereq: RequestMessage): BackendReply {
    const host = bereq.headers.get("Host") ?? "";
    const what = `backend ${spec.name} ${bereq.method} ${host}${bereq.url}`;
    const way = { spec, url: bereq.url, headers: bereq.headers.clone() };
    this.turn.asked.push(new StoreAsk({ what, outcome: "200", way }));
    return reply(spec, {
      status: 200,
      headers: HeaderList.from([["Content-Type", "text/plain"]]),
      text: `${what}\n`,
    });
  }
}

/** The key that a path names, its escapes undone; `null` = outside the bucket, or no key at all. */
function keyOf(path: string, prefix: string): string | null {
  if (!path.startsWith(`${prefix}/`)) return null;
  const encoded = path.slice(prefix.length + 1);
  if (!encoded.includes("%")) return encoded;
  try {
    return decodeURIComponent(encoded);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}

/** S3's answer to a GET or HEAD of an object: the whole, a range, or word that it has not changed. */
function answerOf(spec: BackendSpec, bereq: RequestMessage, object: Found): BackendReply {
  if (object === null) return errorReply(spec, 404);
  const headers = HeaderList.fromFlat(object.headers);
  if (isNotModified(bereq.headers, headers)) {
    return { ...reply(spec, { status: 304, headers, text: "" }), body: EMPTY_BODY };
  }
  const part = bereq.method === "GET" ? rangeOf(bereq, object) : null;
  const { body } = object;
  if (part === null) {
    headers.set("Content-Length", String(body.length));
    const sent = bereq.method === "HEAD" ? EMPTY_BODY : ({ kind: "bytes", bytes: body } as const);
    return { ...reply(spec, { status: 200, headers, text: "" }), body: sent };
  }
  const bytes = body.subarray(part.start, part.end);
  headers.set("Content-Length", String(bytes.length));
  headers.set("Content-Range", `bytes ${part.start}-${part.end - 1}/${body.length}`);
  return { ...reply(spec, { status: 206, headers, text: "" }), body: { kind: "bytes", bytes } };
}

function rangeOf(
  bereq: RequestMessage,
  { body }: OriginObject,
): { readonly start: number; readonly end: number } | null {
  const range = bereq.headers.get("Range");
  if (range === null) return null;
  const choice = chooseRange(range, body.length);
  return choice.kind === "part" ? choice : null;
}

function faulty(spec: BackendSpec, { kind }: OriginFault): BackendReply {
  switch (kind) {
    case "403":
    case "500":
    case "503":
      return errorReply(spec, Number(kind));
    case "timeout":
      throw new BackendFailure("first byte timeout");
    case "refused":
      throw new BackendFailure("Connection refused");
    default:
      return assertNever(kind);
  }
}

function errorReply(spec: BackendSpec, status: number): BackendReply {
  const headers = HeaderList.from([
    ["Content-Type", "application/xml"],
    ["Server", "AmazonS3"],
  ]);
  return reply(spec, { status, headers, text: `<Error><Code>${status}</Code></Error>` });
}

function reply(
  spec: BackendSpec,
  answer: { readonly status: number; readonly headers: HeaderList; readonly text: string },
): BackendReply {
  const { status, headers, text } = answer;
  return {
    status,
    reason: reasonOf(status),
    headers,
    body: bodyOf(text),
    backend: { name: spec.name, ip: null, port: spec.port },
  };
}
