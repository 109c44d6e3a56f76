import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { S3Policy } from "./policy.ts";
import type { S3Request } from "./request.ts";
import { S3Error } from "./s3-error.ts";
import { canonicalPath, encodeForSignature } from "./percent.ts";

const ALGORITHM = "AWS4-HMAC-SHA256";
const MAX_SKEW_MS = 15 * 60_000;
/** Seven days, the longest a presigned URL may live (API/sigv4-query-string-auth.html). */
const MAX_EXPIRES_S = 604_800;
const MAX_CACHED_KEYS = 64;

/** One access key of the server. */
export interface S3Credential {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** What it may do: a policy, or `read` = GetObject, HeadObject and ListBucket; `read-no-list` = the same without listing, so a missing key answers 403. */
  readonly access: "full" | "read" | "read-no-list" | S3Policy;
}

/** What a request claims about its signature. */
interface Claim {
  readonly place: "header" | "query";
  readonly accessKeyId: string;
  /** `YYYYMMDD`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly timestamp: string;
  readonly expiresSeconds: number | undefined;
}

/** A request whose signature holds, and what is needed to go on verifying chunk signatures. */
export interface VerifiedSignature {
  readonly credential: S3Credential;
  /** The payload hash that was signed: hex SHA-256, `UNSIGNED-PAYLOAD` or one of the `STREAMING-` names. */
  readonly payloadHash: string;
  readonly signature: string;
  readonly timestamp: string;
  /** `date/region/service/aws4_request`. */
  readonly scope: string;
  readonly signingKey: Buffer;
}

export interface SignatureVerifierOptions {
  readonly credentials: readonly S3Credential[];
  /** Asked for a key that is not among them. */
  readonly findCredential?: ((accessKeyId: string) => S3Credential | undefined) | undefined;
  readonly region: string;
}

/** Verifies AWS Signature Version 4 in the Authorization header or in the query (API/sig-v4-authenticating-requests.html). */
export class SignatureVerifier {
  readonly #credentials: ReadonlyMap<string, S3Credential>;
  readonly #find: (accessKeyId: string) => S3Credential | undefined;
  readonly #region: string;
  readonly #keys = new Map<string, Buffer>();

  constructor({ credentials, findCredential, region }: SignatureVerifierOptions) {
    this.#find = findCredential ?? (() => undefined);
    this.#credentials = new Map(credentials.map((credential) => [credential.accessKeyId, credential]));
    this.#region = region;
  }

  /** Throws the `S3Error` that S3 answers unless the request is signed by a known key, now, as it stands. */
  verify(request: S3Request, nowMs: number): VerifiedSignature {
    const claim = readClaim(request);
    const credential = this.#credentials.get(claim.accessKeyId) ?? this.#find(claim.accessKeyId);
    if (credential === undefined) {
      throw new S3Error("InvalidAccessKeyId", { fields: [["AWSAccessKeyId", claim.accessKeyId]] });
    }
    this.#checkScope(claim);
    checkTime(claim, nowMs);
    refuseSessionToken(request);
    checkSignedHeaders(request, claim);
    const payloadHash = readPayloadHash(request, claim);
    const scope = `${claim.date}/${claim.region}/${claim.service}/aws4_request`;
    const signingKey = this.#signingKey(credential, claim);
    const canonical = canonicalRequest(request, { claim, payloadHash });
    const toSign = `${ALGORITHM}\n${claim.timestamp}\n${scope}\n${sha256Hex(canonical)}`;
    if (!equalHex(hmac(signingKey, toSign).toString("hex"), claim.signature)) {
      throw mismatch({ claim, canonical, toSign });
    }
    return {
      credential,
      payloadHash,
      signature: claim.signature,
      timestamp: claim.timestamp,
      scope,
      signingKey,
    };
  }

  #checkScope(claim: Claim): void {
    const code =
      claim.place === "header" ? "AuthorizationHeaderMalformed" : "AuthorizationQueryParametersError";
    if (claim.region !== this.#region) {
      throw new S3Error(code, {
        message: `The authorization header is malformed; the region '${claim.region}' is wrong; expecting '${this.#region}'`,
        fields: [["Region", this.#region]],
      });
    }
    if (claim.service !== "s3")
      throw new S3Error(code, { message: `The service '${claim.service}' is wrong; expecting 's3'` });
    if (!claim.timestamp.startsWith(claim.date)) {
      throw new S3Error(code, {
        message: `Invalid credential date "${claim.date}". This date is not the same as X-Amz-Date: "${claim.timestamp}".`,
      });
    }
  }

  #signingKey(credential: S3Credential, claim: Claim): Buffer {
    // With the secret, for a key may be made anew under its old id.
    const name = `${credential.accessKeyId}/${credential.secretAccessKey}/${claim.date}`;
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const date = hmac(`AWS4${credential.secretAccessKey}`, claim.date);
    const key = hmac(hmac(hmac(date, claim.region), claim.service), "aws4_request");
    if (this.#keys.size >= MAX_CACHED_KEYS) this.#keys.clear();
    this.#keys.set(name, key);
    return key;
  }
}

function readClaim(request: S3Request): Claim {
  const authorization = request.headers.get("authorization");
  const inQuery = request.query.has("X-Amz-Algorithm");
  if (authorization !== undefined && inQuery) {
    throw new S3Error("InvalidArgument", {
      message:
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
    });
  }
  if (authorization !== undefined) return readHeaderClaim(request, authorization);
  if (inQuery) return readQueryClaim(request);
  if (request.query.has("Signature")) throw unsupportedMechanism();
  throw new S3Error("AccessDenied");
}

function unsupportedMechanism(): S3Error {
  return new S3Error("InvalidRequest", {
    message: "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
  });
}

function readHeaderClaim(request: S3Request, authorization: string): Claim {
  if (!authorization.startsWith(`${ALGORITHM} `)) throw unsupportedMechanism();
  const fields = new Map<string, string>();
  for (const part of authorization.slice(ALGORITHM.length + 1).split(",")) {
    const equals = part.indexOf("=");
    if (equals > 0) fields.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim());
  }
  const credential = fields.get("Credential");
  const signedHeaders = fields.get("SignedHeaders");
  const signature = fields.get("Signature");
  if (credential === undefined || signedHeaders === undefined || signature === undefined) {
    throw new S3Error("AuthorizationHeaderMalformed");
  }
  const timestamp = request.headers.get("x-amz-date") ?? toBasicTimestamp(request.headers.get("date"));
  if (timestamp === undefined || parseTimestamp(timestamp) === undefined) {
    throw new S3Error("AccessDenied", {
      message: "AWS authentication requires a valid Date or x-amz-date header",
    });
  }
  const scope = splitCredential(credential, "AuthorizationHeaderMalformed");
  const names = splitSignedHeaders(signedHeaders, "AuthorizationHeaderMalformed");
  return { place: "header", ...scope, signedHeaders: names, signature, timestamp, expiresSeconds: undefined };
}

function readQueryClaim(request: S3Request): Claim {
  const read = (name: string): string => {
    const value = request.query.get(name);
    if (value !== undefined) return value;
    throw new S3Error("AuthorizationQueryParametersError", {
      message:
        "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
    });
  };
  if (read("X-Amz-Algorithm") !== ALGORITHM) {
    throw new S3Error("AuthorizationQueryParametersError", {
      message: `X-Amz-Algorithm only supports "${ALGORITHM}"`,
    });
  }
  const scope = splitCredential(read("X-Amz-Credential"), "AuthorizationQueryParametersError");
  const timestamp = read("X-Amz-Date");
  const expires = read("X-Amz-Expires");
  const signedHeaders = splitSignedHeaders(read("X-Amz-SignedHeaders"), "AuthorizationQueryParametersError");
  const signature = read("X-Amz-Signature");
  if (parseTimestamp(timestamp) === undefined) {
    throw new S3Error("AuthorizationQueryParametersError", {
      message: "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
    });
  }
  if (!/^\d{1,9}$/.test(expires))
    throw new S3Error("AuthorizationQueryParametersError", { message: "X-Amz-Expires should be a number" });
  if (Number(expires) > MAX_EXPIRES_S) {
    throw new S3Error("AuthorizationQueryParametersError", {
      message:
        "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
    });
  }
  return { place: "query", ...scope, signedHeaders, signature, timestamp, expiresSeconds: Number(expires) };
}

type MalformedCode = "AuthorizationHeaderMalformed" | "AuthorizationQueryParametersError";

/** Names must be header tokens in lower case: the canonical request is a byte string, so nothing wider may enter it. */
function splitSignedHeaders(text: string, code: MalformedCode): readonly string[] {
  const names = text.split(";");
  if (names.every((name) => /^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name))) return names;
  throw new S3Error(code, { message: "The SignedHeaders list is not valid." });
}

function splitCredential(
  text: string,
  code: MalformedCode,
): Pick<Claim, "accessKeyId" | "date" | "region" | "service"> {
  const [accessKeyId, date, region, service, terminator, ...rest] = text.split("/");
  const whole =
    accessKeyId !== undefined && date !== undefined && region !== undefined && service !== undefined;
  if (
    !whole ||
    terminator !== "aws4_request" ||
    rest.length > 0 ||
    accessKeyId === "" ||
    !/^\d{8}$/.test(date)
  ) {
    throw new S3Error(code, {
      message: 'The Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    });
  }
  return { accessKeyId, date, region, service };
}

/** Milliseconds since the epoch of `YYYYMMDDTHHMMSSZ`, or `undefined`. */
function parseTimestamp(text: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const parsed = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(parsed) ? undefined : parsed;
}

function toBasicTimestamp(date: string | undefined): string | undefined {
  const parsed = date === undefined ? NaN : Date.parse(date);
  return Number.isNaN(parsed) ? undefined : new Date(parsed).toISOString().replace(/[-:]|\.\d{3}/g, "");
}

function checkTime(claim: Claim, nowMs: number): void {
  const signedMs = parseTimestamp(claim.timestamp) ?? 0;
  if (claim.expiresSeconds === undefined) {
    if (Math.abs(nowMs - signedMs) <= MAX_SKEW_MS) return;
    throw new S3Error("RequestTimeTooSkewed", {
      fields: [
        ["RequestTime", claim.timestamp],
        ["ServerTime", new Date(nowMs).toISOString()],
        ["MaxAllowedSkewMilliseconds", String(MAX_SKEW_MS)],
      ],
    });
  }
  if (signedMs - nowMs > MAX_SKEW_MS)
    throw new S3Error("AccessDenied", { message: "Request is not yet valid" });
  const endsMs = signedMs + claim.expiresSeconds * 1000;
  if (nowMs <= endsMs) return;
  throw new S3Error("AccessDenied", {
    message: "Request has expired",
    fields: [
      ["X-Amz-Expires", String(claim.expiresSeconds)],
      ["Expires", new Date(endsMs).toISOString()],
      ["ServerTime", new Date(nowMs).toISOString()],
    ],
  });
}

/** Only long-lived keys exist here; a session token next to one is a mistake that S3 reports too. */
function refuseSessionToken(request: S3Request): void {
  const token = request.headers.get("x-amz-security-token") ?? request.query.get("X-Amz-Security-Token");
  if (token !== undefined) throw new S3Error("InvalidToken");
}

/** Every `x-amz-*` header must be under the signature, else whoever relays the request could add one. */
function checkSignedHeaders(request: S3Request, claim: Claim): void {
  const signed = new Set(claim.signedHeaders);
  const missing = [...request.headers.keys()].filter(
    (name) => name.startsWith("x-amz-") && !signed.has(name),
  );
  if (!signed.has("host")) missing.unshift("host");
  if (missing.length === 0) return;
  throw new S3Error("AccessDenied", {
    message: "There were headers present in the request which were not signed",
    fields: [["HeadersNotSigned", missing.join(", ")]],
  });
}

function readPayloadHash(request: S3Request, claim: Claim): string {
  const header = request.headers.get("x-amz-content-sha256");
  const hash =
    header ??
    (claim.place === "query" ? (request.query.get("X-Amz-Content-Sha256") ?? "UNSIGNED-PAYLOAD") : undefined);
  if (hash === undefined)
    throw new S3Error("InvalidRequest", {
      message: "Missing required header for this request: x-amz-content-sha256",
    });
  return hash;
}

function canonicalRequest(
  request: S3Request,
  { claim, payloadHash }: { readonly claim: Claim; readonly payloadHash: string },
): string {
  const query = request.pairs
    .filter(([name]) => claim.place === "header" || name !== "X-Amz-Signature")
    .map(
      ([name, value]) =>
        `${encodeForSignature(name, { slash: "encode" })}=${encodeForSignature(value, { slash: "encode" })}`,
    )
    .sort(comparePairs)
    .join("&");
  const headers = claim.signedHeaders
    .map((name) => `${name}:${canonicalValue(request.headers.get(name) ?? "")}\n`)
    .join("");
  return `${request.method}\n${canonicalPath(request.rawPath)}\n${query}\n${headers}\n${claim.signedHeaders.join(";")}\n${payloadHash}`;
}

/** By name, then by value: comparing whole `name=value` texts would put `a-b=` before `a=`. */
function comparePairs(left: string, right: string): number {
  const a = left.replace("=", "\0");
  const b = right.replace("=", "\0");
  return a < b ? -1 : a > b ? 1 : 0;
}

function canonicalValue(value: string): string {
  return value.trim().replace(/ {2,}/g, " ");
}

function mismatch(parts: {
  readonly claim: Claim;
  readonly canonical: string;
  readonly toSign: string;
}): S3Error {
  return new S3Error("SignatureDoesNotMatch", {
    fields: [
      ["AWSAccessKeyId", parts.claim.accessKeyId],
      ["StringToSign", parts.toSign],
      ["SignatureProvided", parts.claim.signature],
      ["CanonicalRequest", parts.canonical],
    ],
  });
}

/** Signs what a chunk or a trailer must carry: the previous signature chains them together (API/sigv4-streaming.html). */
export function signChunk(
  verified: VerifiedSignature,
  chunk: { readonly kind: "PAYLOAD" | "TRAILER"; readonly previous: string; readonly sha256: string },
): string {
  const empty = chunk.kind === "PAYLOAD" ? `${EMPTY_SHA256}\n` : "";
  const toSign = `${ALGORITHM}-${chunk.kind}\n${verified.timestamp}\n${verified.scope}\n${chunk.previous}\n${empty}${chunk.sha256}`;
  return hmac(verified.signingKey, toSign).toString("hex");
}

/** SHA-256 of no bytes, in hex. */
export const EMPTY_SHA256 = createHash("sha256").digest("hex");

/** Compares two hex digests without telling by the time taken where they differ. */
export function equalHex(expected: string, given: string): boolean {
  const left = Buffer.from(expected, "latin1");
  const right = Buffer.from(given, "latin1");
  return left.length === right.length && timingSafeEqual(left, right);
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text, "latin1").digest();
}

function sha256Hex(text: string): string {
  return createHash("sha256").update(text, "latin1").digest("hex");
}
