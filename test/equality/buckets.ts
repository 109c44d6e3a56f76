import { createHash } from "node:crypto";
import { HeaderList } from "../../src/http/header-list.ts";
import type { HeaderLine } from "../../src/http/header-list.ts";
import { reasonOf } from "../../src/http/status-reasons.ts";
import { BackendFailure } from "../../src/mirror/edge/backend-failure.ts";
import { bodyOf } from "../../src/mirror/edge/body.ts";
import { isNotModified } from "../../src/mirror/edge/conditional.ts";
import type { BackendReply, Origins } from "../../src/mirror/edge/origin.ts";
import { chooseRange } from "../../src/mirror/edge/ranges.ts";
import { parseRequest } from "../../src/mirror/s3/request.ts";
import { S3Error } from "../../src/mirror/s3/s3-error.ts";
import { SignatureVerifier } from "../../src/mirror/s3/signature.ts";
import type { Clock } from "../../src/lib/clock.ts";
import type { Origin } from "../../src/render/origins.ts";
import type { BackendSpec, RequestMessage } from "../../src/vcl/runtime.ts";
import type { BucketName, CaseObject, Mood } from "./equality-case.ts";

/** What an edge asked of a bucket, and what it was told. */
export interface Asked {
  readonly bucket: BucketName;
  readonly method: string;
  /** As sent, with the bucket in path style. */
  readonly path: string;
  /** All that the bucket is told besides: names in lower case, sorted. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Status, or how it failed. */
  readonly answer: string;
}

export interface BucketsInit {
  readonly objects: readonly CaseObject[];
  /** Header lines that all answers have besides. */
  readonly noise: readonly HeaderLine[];
  readonly origins: readonly Origin[];
  /** Last segment of configs' keys. */
  readonly segment: string;
  readonly key: { readonly id: string; readonly secret: string };
  readonly clock: Clock;
}

/** Same for every object: when it was written is no part of what is compared. */
const LAST_MODIFIED = "Thu, 01 Jan 2026 00:00:00 GMT";

/** The buckets of all regions, with S3's conditions, ranges and signatures, without a socket. */
export class Buckets implements Origins {
  moods: Readonly<Partial<Record<BucketName, Mood>>> = {};
  asked: Asked[] = [];
  readonly #objects = new Map<string, CaseObject>();
  readonly #init: BucketsInit;

  constructor(init: BucketsInit) {
    this.#init = init;
    for (const object of init.objects) this.put(object);
  }

  put(object: CaseObject): void {
    this.#objects.set(`${object.bucket} ${object.key}`, object);
  }

  async fetch(spec: BackendSpec, bereq: RequestMessage): Promise<BackendReply> {
    const origin = this.#originOf(spec);
    const mood = this.moods[origin.name];
    const answer = (text: string): void => void this.asked.push(askedOf(origin.name, bereq, text));
    if (mood === "timeout" || mood === "refused") {
      answer(mood);
      throw new BackendFailure(mood === "timeout" ? "first byte timeout" : "Connection refused");
    }
    const reply = this.#answerOf(origin, bereq, mood);
    for (const [name, value] of this.#init.noise) reply.headers.add(name, value);
    answer(String(reply.status));
    return { ...reply, backend: { name: spec.name, ip: null, port: spec.port } };
  }

  connectionsTo(): { readonly open: number; readonly used: number } {
    return { open: 0, used: 0 };
  }

  #originOf({ name }: BackendSpec): Origin {
    const origin = this.#init.origins.find((one) => one.name === name || one.backend === name);
    if (origin === undefined) throw new Error(`the settings have no bucket behind the backend "${name}"`);
    return origin;
  }

  #answerOf(origin: Origin, bereq: RequestMessage, mood: Mood | undefined): Reply {
    if (mood !== undefined && mood !== "empty") return errorReply(Number(mood), "Trouble");
    const refusal = this.#refusalOf(origin, bereq);
    if (refusal !== null) return errorReply(403, refusal);
    const object = mood === "empty" ? undefined : this.#find(origin, bereq.url);
    return object === undefined ? errorReply(404, "NoSuchKey") : objectReply(bereq, object);
  }

  /** S3's own view of the signature. */
  #refusalOf(origin: Origin, bereq: RequestMessage): string | null {
    const { key, clock } = this.#init;
    const credential = { accessKeyId: key.id, secretAccessKey: key.secret, access: "read" } as const;
    const verifier = new SignatureVerifier({ credentials: [credential], region: origin.region });
    try {
      const rawHeaders = [...bereq.headers].flat();
      verifier.verify(
        parseRequest({ id: "1", method: bereq.method, url: bereq.url, rawHeaders }),
        clock.now(),
      );
      return bereq.headers.get("Host") === origin.host ? null : "WrongHost";
    } catch (error) {
      if (error instanceof S3Error) return error.code;
      throw error;
    }
  }

  #find({ bucket, prefix }: Origin, url: string): CaseObject | undefined {
    if (!url.startsWith(`${prefix}/`)) return undefined;
    const key = url.slice(prefix.length + 1);
    const end = `/${this.#init.segment}`;
    return (
      this.#objects.get(`${bucket} ${key}`) ??
      (bucket === "config" && key.endsWith(end)
        ? this.#objects.get(`${bucket} ${key.slice(0, -end.length)}/`)
        : undefined)
    );
  }
}

type Reply = Omit<BackendReply, "backend">;

function askedOf(bucket: BucketName, { method, url, headers }: RequestMessage, answer: string): Asked {
  const lines = [...headers].map(([name, value]) => [name.toLowerCase(), value] as const);
  return {
    bucket,
    method,
    path: url,
    headers: lines.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
    answer,
  };
}

/** Blanks, and no other bytes that Unicode has for some. */
function trimmed(value: string): string {
  return value.replace(/^[ \t]+|[ \t]+$/g, "");
}

function objectReply(bereq: RequestMessage, object: CaseObject): Reply {
  const bytes = bytesOf(object);
  const headers = HeaderList.from([
    ["ETag", `"${createHash("md5").update(bytes).digest("hex")}"`],
    ["Last-Modified", LAST_MODIFIED],
    ["Accept-Ranges", "bytes"],
    ...object.headers,
    // Blanks at the ends of a value are none of it (RFC 9110 section 5.5).
    ...Object.entries(object.metadata).map(
      ([name, value]) => [`x-amz-meta-${name}`, trimmed(value)] as const,
    ),
    ["Server", "AmazonS3"],
    ["x-amz-request-id", "REQUEST"],
  ]);
  if ((bereq.headers.get("If-Match") ?? headers.get("ETag")) !== headers.get("ETag"))
    return errorReply(412, "PreconditionFailed");
  if (isNotModified(bereq.headers, headers)) return { ...plainReply(304, headers), body: bodyOf("") };
  const range = bereq.headers.get("Range");
  const choice = range === null ? null : chooseRange(range, bytes.length);
  if (choice?.kind === "unsatisfiable") {
    const refusal = errorReply(416, "InvalidRange");
    refusal.headers.set("Content-Range", `bytes */${bytes.length}`);
    return refusal;
  }
  if (choice?.kind !== "part") {
    headers.set("Content-Length", String(bytes.length));
    return { ...plainReply(200, headers), body: { kind: "bytes", bytes } };
  }
  const part = bytes.subarray(choice.start, choice.end);
  headers.set("Content-Length", String(part.length));
  headers.set("Content-Range", `bytes ${choice.start}-${choice.end - 1}/${bytes.length}`);
  return { ...plainReply(206, headers), body: { kind: "bytes", bytes: part } };
}

/** The bytes that a text stands for. */
export function bytesOf({ body }: Pick<CaseObject, "body">): Buffer {
  return Buffer.from(body.text.repeat(body.times), "utf8");
}

function errorReply(status: number, code: string): Reply {
  const text = `<Error><Code>${code}</Code></Error>`;
  const headers = HeaderList.from([
    ["Content-Type", "application/xml"],
    ["Content-Length", String(text.length)],
    ["Server", "AmazonS3"],
    ["x-amz-request-id", "REQUEST"],
  ]);
  return { ...plainReply(status, headers), body: bodyOf(text) };
}

function plainReply(status: number, headers: HeaderList): Omit<Reply, "body"> {
  return { status, reason: reasonOf(status), headers };
}
