import { setMaxListeners } from "node:events";

import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  paginateListObjectsV2,
} from "@aws-sdk/client-s3";
import type { HeadObjectCommandOutput, S3ClientConfig } from "@aws-sdk/client-s3";

import type { Clock } from "../lib/clock.ts";
import { SitefleetError } from "../lib/errors.ts";
import type { Location, StoreKeys } from "../settings/environment.ts";
import { isFileBody, readFileBody } from "./file-body.ts";
import type {
  CopyInput,
  CopyOutcome,
  DeleteFailure,
  DeleteInput,
  DeleteManyInput,
  DeleteOutcome,
  GetOutcome,
  HeadOutcome,
  KeyInput,
  ListInput,
  ListedEntry,
  ObjectHeaders,
  ObjectStore,
  PutInput,
  SiteStore,
  StoredObject,
  WriteOutcome,
} from "./object-store.ts";
import { errorFacts, toStoreError } from "./store-error.ts";

/** Connections to the store; uploads run this many at a time at most. */
export const STORE_CONNECTIONS = 64;
const MAX_ATTEMPTS = 4;
const CONNECT_TIMEOUT_MS = 5_000;
/** A request on which nothing moves for this long is given up and tried again. */
const IDLE_TIMEOUT_MS = 60_000;
/** Records, configs and manifests are far smaller; a foreign object must not fill the memory. */
const READ_LIMIT = 256 * 1024 * 1024;
/** DeleteObjects takes no more keys in a request (S3 API reference, DeleteObjects). */
const DELETE_BATCH = 1_000;
/** How often a conditional write is repeated when S3 says that it ran into another write (409). */
const CONFLICT_ATTEMPTS = 4;

/** Both buckets of one location over one set of connections. Close it when done. */
export class S3SiteStore implements SiteStore {
  readonly config: ObjectStore;
  readonly hosting: ObjectStore;
  readonly #client: S3Client;

  constructor(options: {
    readonly location: Location;
    /** Absent = the AWS SDK's default chain. */
    readonly keys: StoreKeys | undefined;
    readonly clock: Clock;
  }) {
    const { location, clock } = options;
    this.#client = new S3Client(clientConfig(location, options.keys));
    const where = location.endpoint ?? location.region;
    const bucketStore = (bucket: string): ObjectStore =>
      new S3BucketStore({ client: this.#client, bucket, where, clock });
    this.config = bucketStore(location.configBucket);
    this.hosting = bucketStore(location.hostingBucket);
  }

  close(): void {
    this.#client.destroy();
  }
}

function clientConfig(location: Location, keys: StoreKeys | undefined): S3ClientConfig {
  const sockets = { maxSockets: STORE_CONNECTIONS, keepAlive: true };
  return {
    region: location.region,
    forcePathStyle: location.pathStyle,
    maxAttempts: MAX_ATTEMPTS,
    retryMode: "standard",
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: IDLE_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      httpAgent: sockets,
      httpsAgent: sockets,
    },
    ...(location.endpoint === undefined ? {} : { endpoint: location.endpoint }),
    ...(keys === undefined
      ? {}
      : {
          credentials: {
            accessKeyId: keys.accessKeyId,
            secretAccessKey: keys.secretAccessKey.reveal(),
          },
        }),
  };
}

/** One bucket over the S3 API. */
class S3BucketStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #where: string;
  readonly #clock: Clock;

  constructor(options: {
    readonly client: S3Client;
    readonly bucket: string;
    readonly where: string;
    readonly clock: Clock;
  }) {
    this.#client = options.client;
    this.#bucket = options.bucket;
    this.#where = options.where;
    this.#clock = options.clock;
  }

  async put(input: PutInput): Promise<WriteOutcome> {
    const { condition, headers, body } = input;
    const bytes = isFileBody(body) ? await readFileBody(body) : body;
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: input.key,
      // The SDK takes an empty string for no body at all.
      Body: typeof bytes === "string" ? Buffer.from(bytes) : bytes,
      Metadata: { ...input.metadata },
      ...sdkHeaders(headers),
      ...(condition?.kind === "absent" ? { IfNoneMatch: "*" } : {}),
      ...(condition?.kind === "etag" ? { IfMatch: condition.etag } : {}),
    });
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#run({ operation: "PutObject", ...input }, async (options) => {
        const { ETag: etag } = await this.#client.send(command, options);
        return { kind: "ok" as const, etag: needed(etag, input.key) };
      });
      if (outcome.kind === "ok") return outcome;
      // S3 says 409 when another write of the key was under way: only then is it open whether the condition holds.
      if (outcome.status !== 409 || attempt === CONFLICT_ATTEMPTS) return { kind: "precondition-failed" };
      await this.#clock.sleep(50 * 2 ** attempt, input.signal);
    }
  }

  async get(input: KeyInput): Promise<GetOutcome> {
    const command = new GetObjectCommand({ Bucket: this.#bucket, Key: input.key });
    const outcome = await this.#run({ operation: "GetObject", ...input }, async (options) => {
      const answer = await this.#client.send(command, options);
      const object = storedObject(answer, input.key);
      if (object.size > READ_LIMIT) {
        throw new SitefleetError("site/unreadable", `"${input.key}" has ${object.size} bytes`);
      }
      const body = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      return { kind: "ok" as const, object, body };
    });
    return outcome.kind === "ok" ? outcome : { kind: "not-found" };
  }

  async head(input: KeyInput): Promise<HeadOutcome> {
    const command = new HeadObjectCommand({ Bucket: this.#bucket, Key: input.key });
    const outcome = await this.#run({ operation: "HeadObject", ...input }, async (options) => {
      const answer = await this.#client.send(command, options);
      return { kind: "ok" as const, object: storedObject(answer, input.key) };
    });
    return outcome.kind === "ok" ? outcome : { kind: "not-found" };
  }

  async copy(input: CopyInput): Promise<CopyOutcome> {
    const command = new CopyObjectCommand({
      Bucket: this.#bucket,
      Key: input.to,
      // The header's value is a URL-encoded path; the SDK sends it as it is.
      CopySource: `${this.#bucket}/${input.from.split("/").map(encodeURIComponent).join("/")}`,
      MetadataDirective: input.replace === undefined ? "COPY" : "REPLACE",
      ...(input.replace && { ...sdkHeaders(input.replace.headers), Metadata: { ...input.replace.metadata } }),
    });
    const request = { operation: "CopyObject", key: input.from, signal: input.signal };
    const outcome = await this.#run(request, async (options) => {
      const { CopyObjectResult: result } = await this.#client.send(command, options);
      return { kind: "ok" as const, etag: needed(result?.ETag, input.to) };
    });
    return outcome.kind === "ok" ? outcome : { kind: "not-found" };
  }

  async delete(input: DeleteInput): Promise<DeleteOutcome> {
    const command = new DeleteObjectCommand({
      Bucket: this.#bucket,
      Key: input.key,
      ...(input.etag === undefined ? {} : { IfMatch: input.etag }),
    });
    const outcome = await this.#run({ operation: "DeleteObject", ...input }, async (options) => {
      await this.#client.send(command, options);
      return { kind: "ok" as const };
    });
    if (outcome.kind === "ok" || outcome.status === 404) return { kind: "ok" };
    return { kind: "precondition-failed" };
  }

  async deleteMany({ keys, signal }: DeleteManyInput): Promise<readonly DeleteFailure[]> {
    const failures: DeleteFailure[] = [];
    for (const batch of batches(keys, DELETE_BATCH)) {
      const [first = ""] = batch;
      const command = new DeleteObjectsCommand({
        Bucket: this.#bucket,
        Delete: { Objects: batch.map((Key) => ({ Key })), Quiet: true },
      });
      const request = { operation: "DeleteObjects", key: first, signal };
      const outcome = await this.#run(request, async (options) => {
        const { Errors = [] } = await this.#client.send(command, options);
        return { kind: "ok" as const, errors: Errors };
      });
      if (outcome.kind !== "ok") continue;
      for (const { Key: key = "", Code: code = "", Message: message = "" } of outcome.errors) {
        if (code !== "NoSuchKey") failures.push({ key, code, message });
      }
    }
    return failures;
  }

  async *list(input: ListInput): AsyncGenerator<ListedEntry> {
    const pages = paginateListObjectsV2(
      { client: this.#client },
      { Bucket: this.#bucket, Prefix: input.prefix, Delimiter: input.delimiter },
      { abortSignal: input.signal },
    )[Symbol.asyncIterator]();
    for (;;) {
      const page = await this.#run(
        { operation: "ListObjectsV2", key: input.prefix, signal: input.signal },
        async () => ({ kind: "ok" as const, next: await pages.next() }),
      );
      if (page.kind !== "ok" || page.next.done === true) return;
      for (const { Prefix: key } of page.next.value.CommonPrefixes ?? []) {
        if (key !== undefined) yield { kind: "prefix", key };
      }
      for (const { Key: key, Size: size = 0, ETag: etag = "" } of page.next.value.Contents ?? []) {
        if (key !== undefined) yield { kind: "object", key, size, etag };
      }
    }
  }

  /** Runs a request; "no such key" and "condition does not hold" are outcomes, the rest is thrown as our error. */
  async #run<T extends { readonly kind: "ok" }>(
    request: { readonly operation: string; readonly key: string; readonly signal: AbortSignal },
    send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T | { readonly kind: "declined"; readonly status: 404 | 409 | 412 }> {
    // Every request under way listens for Ctrl-C; Node takes more than ten listeners for a leak.
    setMaxListeners(0, request.signal);
    try {
      return await send({ abortSignal: request.signal });
    } catch (error) {
      request.signal.throwIfAborted();
      if (error instanceof SitefleetError) throw error;
      const status = declinedStatus(error);
      if (status !== undefined) return { kind: "declined", status };
      const { operation, key } = request;
      throw toStoreError(error, { operation, key, bucket: this.#bucket, where: this.#where });
    }
  }
}

function* batches(keys: Iterable<string>, size: number): Generator<readonly string[]> {
  let batch: string[] = [];
  for (const key of keys) {
    batch.push(key);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function sdkHeaders(headers: ObjectHeaders | undefined) {
  return {
    ContentType: headers?.contentType,
    CacheControl: headers?.cacheControl,
    ContentEncoding: headers?.contentEncoding,
    ContentDisposition: headers?.contentDisposition,
    ContentLanguage: headers?.contentLanguage,
  };
}

function declinedStatus(error: unknown): 404 | 409 | 412 | undefined {
  const { name, status } = errorFacts(error);
  // A HEAD has no body, so its 404 comes without a code.
  if (name === "NoSuchKey" || name === "NotFound") return 404;
  if (name === "ConditionalRequestConflict") return 409;
  return status === 412 ? 412 : undefined;
}

function storedObject(answer: Omit<HeadObjectCommandOutput, "Body">, key: string): StoredObject {
  return {
    etag: needed(answer.ETag, key),
    metadata: answer.Metadata ?? {},
    headers: {
      ...(answer.ContentType === undefined ? {} : { contentType: answer.ContentType }),
      ...(answer.CacheControl === undefined ? {} : { cacheControl: answer.CacheControl }),
      ...(answer.ContentEncoding === undefined ? {} : { contentEncoding: answer.ContentEncoding }),
      ...(answer.ContentDisposition === undefined ? {} : { contentDisposition: answer.ContentDisposition }),
      ...(answer.ContentLanguage === undefined ? {} : { contentLanguage: answer.ContentLanguage }),
    },
    size: answer.ContentLength ?? 0,
  };
}

function needed(etag: string | undefined, key: string): string {
  if (etag !== undefined && etag !== "") return etag;
  throw new SitefleetError("store/refused", `the store's answer for "${key}" has no ETag`, {
    hint: "the store must speak S3: ETags on every object, conditional writes",
  });
}
