import { setMaxListeners } from "node:events";

import type { Clock } from "../lib/clock.ts";
import { SitefleetError } from "../lib/errors.ts";
import { HttpConnections } from "../lib/http-exchange.ts";
import type { BodyWriter, ConnectionLimits, HttpAnswer } from "../lib/http-exchange.ts";
import { BodyBuffers, CHUNK_BYTES, isFileBody, writeFileBody } from "./file-body.ts";
import type { PutInput } from "./object-store.ts";
import {
  RetryBudget,
  attemptLimit,
  correctedOffset,
  failureKind,
  isExpired,
  retryDelay,
} from "./retry-rules.ts";
import { S3Refusal, hasErrorInside } from "./s3-answer.ts";
import type { S3Credentials } from "./s3-credentials.ts";
import type { BucketEndpoint } from "./s3-endpoint.ts";
import { EMPTY_PAYLOAD_HASH, RequestSigner } from "./s3-signature.ts";
import type { HeaderField, SigningKeys } from "./s3-signature.ts";

/** Requests to a store under way at a time. */
const STORE_CONNECTIONS = 64;
export const CONNECT_TIMEOUT_MS = 5_000;
/** A request on which nothing moves for this long is given up. */
export const IDLE_TIMEOUT_MS = 60_000;

const STORE_LIMITS: ConnectionLimits = {
  connections: STORE_CONNECTIONS,
  connectMs: CONNECT_TIMEOUT_MS,
  headMs: IDLE_TIMEOUT_MS,
  bodyMs: IDLE_TIMEOUT_MS,
  keptMs: IDLE_TIMEOUT_MS,
};

export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "DELETE";
  /** `""` = the bucket itself. */
  readonly key: string;
  /** Encoded; absent = none. */
  readonly query?: string;
  /** Each name once. */
  readonly headers: Iterable<HeaderField>;
  readonly body?: { readonly content: PutInput["body"]; readonly sha256: string };
  /** Whether a 200 may hold an error, as that of CopyObject. */
  readonly mayFailInside?: boolean;
  /** Throws what makes an answer worth another attempt. */
  readonly check?: (answer: HttpAnswer) => void;
  readonly readLimit: number;
  readonly signal: AbortSignal;
}

/** What the buckets of one location share. */
export interface S3Surroundings {
  readonly credentials: S3Credentials;
  readonly region: string;
  readonly clock: Clock;
}

/**
 * Signed requests to S3 by the AWS SDK's rules: what is tried again and when, a clock that is off, keys that expire.
 * Close it when done.
 */
export class S3Requests {
  readonly #credentials: S3Credentials;
  readonly #clock: Clock;
  readonly #signer: RequestSigner;
  readonly #budget = new RetryBudget();
  readonly #buffers = new BodyBuffers();
  readonly #connections = new Map<string, HttpConnections>();
  /** The store's clock less ours in milliseconds. */
  #offset = 0;
  #storeOffset: number | undefined;

  constructor({ credentials, region, clock }: S3Surroundings) {
    this.#credentials = credentials;
    this.#clock = clock;
    this.#signer = new RequestSigner(region);
  }

  /** The store's clock less ours in milliseconds by its last answer, to the second; whatever is signed with. */
  get storeOffset(): number | undefined {
    return this.#storeOffset;
  }

  close(): void {
    for (const connections of this.#connections.values()) connections.close();
  }

  /**
   * Sends a request until it is answered with success.
   * @throws S3Refusal or a network error of the last attempt; SitefleetError `publish/file-changed`
   */
  async send(endpoint: BucketEndpoint, request: S3Request): Promise<HttpAnswer> {
    const { signal } = request;
    signal.throwIfAborted();
    // Every request under way listens for Ctrl-C; Node takes more than ten listeners for a leak.
    setMaxListeners(0, signal);
    const connections = this.#connectionsTo(endpoint.origin);
    let keys = await this.#credentials.get();
    const state: AttemptState = { retries: 0, cost: undefined, refreshed: false };
    for (;;) {
      const usedOffset = this.#offset;
      try {
        const answer = await this.#attempt(connections, { endpoint, request, keys });
        this.#budget.giveBack(state.cost);
        return answer;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof SitefleetError) throw error;
        const offset = correctedOffset(error, { nowMs: this.#clock.now(), usedOffset });
        if (offset !== undefined && state.retries < attemptLimit("transient") - 1) {
          this.#offset = offset;
          state.retries += 1;
        } else if (!state.refreshed && this.#credentials.canRefresh && isExpired(error)) {
          state.refreshed = true;
          keys = await this.#credentials.refresh(keys);
        } else {
          await this.#waitForRetry(state, error, signal);
        }
      }
    }
  }

  /** Waits until the next attempt; throws the failure when there is to be none. */
  async #waitForRetry(state: AttemptState, error: unknown, signal: AbortSignal): Promise<void> {
    const kind = failureKind(error);
    if (kind === "final" || state.retries >= attemptLimit(kind) - 1) throw error;
    const cost = this.#budget.take(kind);
    if (cost === undefined) throw error;
    state.cost = cost;
    await this.#clock.sleep(retryDelay(kind, state.retries, error), signal);
    state.retries += 1;
  }

  async #attempt(
    connections: HttpConnections,
    attempt: { readonly endpoint: BucketEndpoint; readonly request: S3Request; readonly keys: SigningKeys },
  ): Promise<HttpAnswer> {
    const { endpoint, request, keys } = attempt;
    const { method, query = "", signal, readLimit } = request;
    const body = wireBody(request.body?.content, this.#buffers);
    const path = endpoint.pathOf(request.key);
    const headers: HeaderField[] = [["host", endpoint.host], ...request.headers];
    if (method === "PUT") headers.push(["content-length", String(body.length)]);
    const signed = this.#signer.sign(
      {
        method,
        path,
        query,
        headers,
        payloadHash: request.body?.sha256 ?? EMPTY_PAYLOAD_HASH,
        nowMs: this.#clock.now() + this.#offset,
      },
      keys,
    );
    const answer = await connections.send({
      method,
      path: query === "" ? path : `${path}?${query}`,
      headers: signed,
      body: body.source,
      readLimit,
      signal,
    });
    const date = Date.parse(answer.headers.date ?? "");
    if (!Number.isNaN(date)) this.#storeOffset = date - this.#clock.now();
    if (answer.status >= 300 || (request.mayFailInside && hasErrorInside(answer)))
      throw new S3Refusal(answer);
    request.check?.(answer);
    body.giveBack();
    return answer;
  }

  #connectionsTo(origin: URL): HttpConnections {
    const known = this.#connections.get(origin.origin);
    if (known) return known;
    const made = new HttpConnections(origin, STORE_LIMITS);
    this.#connections.set(origin.origin, made);
    return made;
  }
}

interface AttemptState {
  retries: number;
  /** What the last retry cost. */
  cost: number | undefined;
  refreshed: boolean;
}

interface WireBody {
  readonly source: Uint8Array | BodyWriter | undefined;
  readonly length: number;
  /** To be called when it was received whole. */
  readonly giveBack: () => void;
}

const KEEP = (): void => undefined;

/** A body as it is sent; each attempt reads a file anew. */
function wireBody(content: PutInput["body"] | undefined, buffers: BodyBuffers): WireBody {
  if (content === undefined) return { source: undefined, length: 0, giveBack: KEEP };
  if (!isFileBody(content)) {
    const source = typeof content === "string" ? Buffer.from(content) : content;
    return { source, length: source.length, giveBack: KEEP };
  }
  const { size } = content;
  if (size > CHUNK_BYTES) {
    return { source: (request) => writeFileBody(content, request), length: size, giveBack: KEEP };
  }
  const { bytes, giveBack } = buffers.read(content);
  return { source: bytes, length: size, giveBack };
}
