import { createHmac, hash } from "node:crypto";

/** Keys that requests are signed with. */
export interface SigningKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Temporary keys come with one. */
  readonly sessionToken?: string;
}

/** A header's name in lower case and its value. */
export type HeaderField = readonly [string, string];

export interface RequestToSign {
  readonly method: string;
  /** As it goes on the wire: encoded once, as S3 wants it (S3 user guide, "Canonical request"). */
  readonly path: string;
  /** As it goes on the wire: `encodeQuery`'s; absent = none. */
  readonly query?: string;
  /** Each name once; values in printable ASCII. Everything here is signed. */
  readonly headers: Iterable<HeaderField>;
  /** Hex SHA-256 of the body. */
  readonly payloadHash: string;
  /** Milliseconds since the epoch, by the server's clock. */
  readonly nowMs: number;
}

const ALGORITHM = "AWS4-HMAC-SHA256";
/** Hex SHA-256 of a request without a body. */
export const EMPTY_PAYLOAD_HASH = hash("sha256", "");

/**
 * Signature version 4 in the `Authorization` header. The SDK's own signer does the same, with four times the processor
 * time and 40 MB more memory over 10,000 requests (docs/decisions/0013-lean-s3-requests.md); a test holds the two together.
 */
export class RequestSigner {
  readonly #region: string;
  /** The key of one day is derived once. */
  #derived: { readonly day: string; readonly keys: SigningKeys; readonly key: Buffer } | undefined;

  constructor(region: string) {
    this.#region = region;
  }

  /** The request's headers with those of the signature, as names and values in turn. */
  sign(request: RequestToSign, keys: SigningKeys): string[] {
    const timestamp = `${new Date(request.nowMs).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
    const fields: HeaderField[] = [...request.headers];
    fields.push(["x-amz-content-sha256", request.payloadHash], ["x-amz-date", timestamp]);
    if (keys.sessionToken !== undefined) fields.push(["x-amz-security-token", keys.sessionToken]);
    fields.sort(byName);
    let lines = "";
    let signed = "";
    const sent: string[] = [];
    for (const [name, value] of fields) {
      sent.push(name, value);
      lines += `${name}:${canonicalValue(value)}\n`;
      signed += signed === "" ? name : `;${name}`;
    }
    const canonical = `${request.method}\n${request.path}\n${request.query ?? ""}\n${lines}\n${signed}\n${request.payloadHash}`;
    const day = timestamp.slice(0, 8);
    const scope = `${day}/${this.#region}/s3/aws4_request`;
    const digest = hash("sha256", canonical);
    const signature = createHmac("sha256", this.#keyOf(day, keys))
      .update(`${ALGORITHM}\n${timestamp}\n${scope}\n${digest}`)
      .digest("hex");
    const credential = `${keys.accessKeyId}/${scope}`;
    sent.push(
      "authorization",
      `${ALGORITHM} Credential=${credential}, SignedHeaders=${signed}, Signature=${signature}`,
    );
    return sent;
  }

  #keyOf(day: string, keys: SigningKeys): Buffer {
    if (this.#derived?.day === day && this.#derived.keys === keys) return this.#derived.key;
    const seed = hmac(`AWS4${keys.secretAccessKey}`, day);
    const key = hmac(hmac(hmac(seed, this.#region), "s3"), "aws4_request");
    this.#derived = { day, keys, key };
    return key;
  }
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function byName([one]: HeaderField, [other]: HeaderField): number {
  return one < other ? -1 : 1;
}

function canonicalValue(value: string): string {
  return value.includes("  ") || value !== value.trim() ? value.replace(/\s+/g, " ").trim() : value;
}

/** A key as the path of a URL: every byte escaped but unreserved characters and the slash. */
export function encodeKey(key: string): string {
  return PLAIN_KEY.test(key) ? key : key.split("/").map(encodeSegment).join("/");
}

/** Fields as the query of a URL, in the order and the one spelling that a signature wants them in. */
export function encodeQuery(fields: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(fields).map(
    ([name, value]) => [encodeSegment(name), encodeSegment(value)] as const,
  );
  // By name alone: the "=" after it would come before some of the marks that names may have.
  const sorted = pairs.sort(([one], [other]) => (one < other ? -1 : 1));
  return sorted.map(([name, value]) => `${name}=${value}`).join("&");
}

const PLAIN_KEY = /^[A-Za-z0-9_.~/-]*$/;

function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
