import { setMaxListeners } from "node:events";

import type { Clock } from "../lib/clock.ts";
import { SitefleetError } from "../lib/errors.ts";
import type { HttpAnswer } from "../lib/http-exchange.ts";
import type { Location, StoreKeys } from "../settings/environment.ts";
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
  ObjectStore,
  PutInput,
  SiteStore,
  WriteOutcome,
} from "./object-store.ts";
import { checkStored, copyHeaders, putHeaders, sha256Of, storedObject } from "./object-headers.ts";
import { copiedEtag } from "./s3-answer.ts";
import { S3Credentials, defaultChain } from "./s3-credentials.ts";
import type { KeySource } from "./s3-credentials.ts";
import { bucketEndpoint } from "./s3-endpoint.ts";
import type { BucketEndpoint } from "./s3-endpoint.ts";
import { PAGE_LIMIT, listQuery, readListing } from "./s3-listing.ts";
import type { ListedPage } from "./s3-listing.ts";
import { S3Requests } from "./s3-requests.ts";
import type { S3Request } from "./s3-requests.ts";
import type { HeaderField } from "./s3-signature.ts";
import type { SdkClient } from "./sdk-client.ts";
import { errorFacts, toStoreError } from "./store-error.ts";

/** Records, configs and manifests are far smaller; a foreign object must not fill the memory. */
const READ_LIMIT = 256 * 1024 * 1024;
/** Answers that are no objects: errors and the result of a copy. */
const ANSWER_LIMIT = 1024 * 1024;
/** How often a conditional write is repeated when S3 says that it ran into another write (409). */
const CONFLICT_ATTEMPTS = 4;
/** DeleteObjects takes no more keys in a request (S3 API reference, DeleteObjects). */
const DELETE_BATCH = 1_000;

interface Shared {
  readonly requests: S3Requests;
  readonly credentials: S3Credentials;
  readonly sdk: () => Promise<SdkClient>;
  readonly location: Location;
  readonly clock: Clock;
}

/** Both buckets of one location over one set of connections. Close it when done. */
export class S3SiteStore implements SiteStore {
  readonly config: ObjectStore;
  readonly hosting: ObjectStore;
  readonly #requests: S3Requests;
  #sdk: Promise<SdkClient> | undefined;

  constructor(options: {
    readonly location: Location;
    /** Absent = `keySource`. */
    readonly keys: StoreKeys | undefined;
    readonly clock: Clock;
    /** Absent = the AWS SDK's default chain. */
    readonly keySource?: KeySource;
  }) {
    const { location, clock, keySource = defaultChain(location.region) } = options;
    const credentials = new S3Credentials(options.keys, keySource);
    const requests = new S3Requests({ credentials, region: location.region, clock });
    const open = async (): Promise<SdkClient> =>
      (await import("./sdk-client.ts")).openSdkClient(location, credentials);
    const shared: Shared = { requests, credentials, location, clock, sdk: () => (this.#sdk ??= open()) };
    this.#requests = requests;
    this.config = new S3BucketStore(shared, location.configBucket);
    this.hosting = new S3BucketStore(shared, location.hostingBucket);
  }

  readonly clockOffset = (): number | undefined => this.#requests.storeOffset;

  close(): void {
    this.#requests.close();
    // Whoever waited for the SDK has its failure; here it only means that there is nothing to close.
    this.#sdk?.then(
      (sdk) => sdk.close(),
      () => undefined,
    );
  }
}

/** One bucket over the S3 API. */
class S3BucketStore implements ObjectStore {
  readonly #shared: Shared;
  readonly #bucket: string;
  readonly #endpoint: BucketEndpoint;

  constructor(shared: Shared, bucket: string) {
    this.#shared = shared;
    this.#bucket = bucket;
    this.#endpoint = bucketEndpoint(shared.location, bucket);
  }

  async put(input: PutInput): Promise<WriteOutcome> {
    const { key, body: content, signal } = input;
    const sha256 = sha256Of(input);
    const request = {
      method: "PUT" as const,
      key,
      headers: putHeaders(input, sha256),
      body: { content, sha256 },
      readLimit: ANSWER_LIMIT,
      signal,
    };
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#send("PutObject", request);
      if (outcome.kind === "ok") return { kind: "ok", etag: needed(outcome.answer.headers.etag, key) };
      // S3 says 409 when another write of the key was under way: only then is it open whether the condition holds.
      if (outcome.status !== 409 || attempt === CONFLICT_ATTEMPTS) return { kind: "precondition-failed" };
      await this.#shared.clock.sleep(50 * 2 ** attempt, signal);
    }
  }

  async get({ key, signal }: KeyInput): Promise<GetOutcome> {
    const outcome = await this.#send("GetObject", {
      method: "GET",
      key,
      headers: [["x-amz-checksum-mode", "ENABLED"]],
      check: checkStored,
      readLimit: READ_LIMIT,
      signal,
    });
    if (outcome.kind !== "ok") return { kind: "not-found" };
    const { headers, body } = outcome.answer;
    const etag = needed(headers.etag, key);
    return { kind: "ok", object: storedObject(headers, { etag, size: body.length }), body };
  }

  async head({ key, signal }: KeyInput): Promise<HeadOutcome> {
    const request = { method: "HEAD" as const, key, headers: [], readLimit: ANSWER_LIMIT, signal };
    const outcome = await this.#send("HeadObject", request);
    if (outcome.kind !== "ok") return { kind: "not-found" };
    const { headers } = outcome.answer;
    const size = Number(headers["content-length"] ?? 0);
    return { kind: "ok", object: storedObject(headers, { etag: needed(headers.etag, key), size }) };
  }

  async copy(input: CopyInput): Promise<CopyOutcome> {
    const { from, to, signal } = input;
    const outcome = await this.#send(
      "CopyObject",
      {
        method: "PUT",
        key: to,
        headers: copyHeaders(input, this.#bucket),
        mayFailInside: true,
        readLimit: ANSWER_LIMIT,
        signal,
      },
      from,
    );
    if (outcome.kind !== "ok") return { kind: "not-found" };
    return { kind: "ok", etag: needed(copiedEtag(outcome.answer), to) };
  }

  async delete({ key, etag, signal }: DeleteInput): Promise<DeleteOutcome> {
    const headers: HeaderField[] = etag === undefined ? [] : [["if-match", etag]];
    const request = { method: "DELETE" as const, key, headers, readLimit: ANSWER_LIMIT, signal };
    const outcome = await this.#send("DeleteObject", request);
    if (outcome.kind === "ok" || outcome.status === 404) return { kind: "ok" };
    return { kind: "precondition-failed" };
  }

  async deleteMany({ keys, signal }: DeleteManyInput): Promise<readonly DeleteFailure[]> {
    const failures: DeleteFailure[] = [];
    for (const batch of batches(keys, DELETE_BATCH)) {
      const request = { operation: "DeleteObjects", key: batch[0] ?? "", signal };
      const failed = await this.#withSdk(request, (sdk) =>
        sdk.deleteBatch(this.#bucket, { keys: batch, signal }),
      );
      failures.push(...failed);
    }
    return failures;
  }

  async *list(input: ListInput): AsyncGenerator<ListedEntry> {
    let from: string | undefined;
    do {
      const page = await this.#listPage(input, from);
      yield* page.entries;
      from = page.next;
    } while (from !== undefined);
  }

  async #listPage(input: ListInput, from: string | undefined): Promise<ListedPage> {
    const { prefix, signal } = input;
    const query = listQuery({ ...input, from });
    const request = {
      method: "GET" as const,
      key: "",
      query,
      headers: [],
      readLimit: PAGE_LIMIT,
      signal,
    };
    try {
      return readListing(await this.#shared.requests.send(this.#endpoint, request));
    } catch (error) {
      throw this.#failure(error, { operation: "ListObjectsV2", key: prefix, signal });
    }
  }

  /** Sends a request; "no such key" and "condition does not hold" are outcomes, the rest is thrown as our error. */
  async #send(
    operation: string,
    request: S3Request,
    subject = request.key,
  ): Promise<
    | { readonly kind: "ok"; readonly answer: HttpAnswer }
    | { readonly kind: "declined"; readonly status: 404 | 409 | 412 }
  > {
    try {
      return { kind: "ok", answer: await this.#shared.requests.send(this.#endpoint, request) };
    } catch (error) {
      const status = declinedStatus(error);
      if (status !== undefined) return { kind: "declined", status };
      throw this.#failure(error, { operation, key: subject, signal: request.signal });
    }
  }

  async #withSdk<T>(
    request: { readonly operation: string; readonly key: string; readonly signal: AbortSignal },
    work: (sdk: SdkClient) => Promise<T>,
  ): Promise<T> {
    request.signal.throwIfAborted();
    setMaxListeners(0, request.signal);
    try {
      return await work(await this.#shared.sdk());
    } catch (error) {
      throw this.#failure(error, request);
    }
  }

  #failure(
    error: unknown,
    {
      operation,
      key,
      signal,
    }: { readonly operation: string; readonly key: string; readonly signal: AbortSignal },
  ): unknown {
    if (signal.aborted) return signal.reason;
    if (error instanceof SitefleetError) return error;
    const { location, credentials } = this.#shared;
    const where = location.endpoint ?? location.region;
    return toStoreError(error, { operation, key, bucket: this.#bucket, where, keys: credentials.origin });
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

function declinedStatus(error: unknown): 404 | 409 | 412 | undefined {
  const { name, status } = errorFacts(error);
  // A HEAD has no body, so its 404 comes without a code.
  if (name === "NoSuchKey" || name === "NotFound") return 404;
  if (name === "ConditionalRequestConflict") return 409;
  return status === 412 ? 412 : undefined;
}

function needed(etag: string | undefined, key: string): string {
  if (etag !== undefined && etag !== "") return etag;
  throw new SitefleetError("store/refused", `the store's answer for "${key}" has no ETag`, {
    hint: "the store must speak S3: ETags on every object, conditional writes",
  });
}
