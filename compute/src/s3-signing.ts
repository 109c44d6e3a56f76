import { EMPTY_SHA256 } from "../../src/site/edge-names.ts";
import type { EdgeOrigin } from "../../src/site/edge-settings.ts";
import { hmacSha256, sha256Hex } from "./lib/digests.ts";
import { toHex } from "./lib/hex.ts";
import type { KeyPair, Place, Visit } from "./visit.ts";

const SIGNED = "host;x-amz-content-sha256;x-amz-date";

/** A GET to be signed: where it goes and for whom. */
export interface SigningInput {
  readonly origin: Pick<EdgeOrigin, "host" | "region">;
  /** As it goes out, percent-encoded once. */
  readonly path: string;
  readonly keys: KeyPair;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Path of an object at its origin. Only the configs' keys end in the secret segment. */
export function originPath(visit: Visit, origin: EdgeOrigin, { bucket, url }: Place): string {
  return `${origin.prefix}${url}${bucket === "config" ? `/${visit.secrets.segment}` : ""}`;
}

/**
 * Headers of a GET that S3 accepts: Signature Version 4 (docs.aws.amazon.com: /IAM/latest/UserGuide/reference_sigv-create-signed-request.html),
 * the query empty and the payload nothing.
 */
export async function signedHeaders({ origin, path, keys, now }: SigningInput): Promise<Headers> {
  const iso = new Date(now).toISOString();
  const date = `${iso.slice(0, 4)}${iso.slice(5, 7)}${iso.slice(8, 10)}`;
  const time = `${date}T${iso.slice(11, 13)}${iso.slice(14, 16)}${iso.slice(17, 19)}Z`;
  const scope = `${date}/${origin.region}/s3/aws4_request`;
  const canonical = [
    "GET",
    path,
    "",
    `host:${origin.host}`,
    `x-amz-content-sha256:${EMPTY_SHA256}`,
    `x-amz-date:${time}`,
    "",
    SIGNED,
    EMPTY_SHA256,
  ].join("\n");
  const text = ["AWS4-HMAC-SHA256", time, scope, await sha256Hex(canonical)].join("\n");
  const key = await signingKey(keys.secret, { date, region: origin.region });
  const signature = toHex(await hmacSha256(key, text));
  return new Headers({
    Host: origin.host,
    "x-amz-content-sha256": EMPTY_SHA256,
    "x-amz-date": time,
    Authorization: `AWS4-HMAC-SHA256 Credential=${keys.id}/${scope}, SignedHeaders=${SIGNED}, Signature=${signature}`,
  });
}

/** Keys of the day that were made last, by what they were made from: a host that serves many requests signs each with one HMAC. */
const daily = new Map<string, Promise<ArrayBuffer>>();

/** More than the key pairs and regions of the services that one host runs. */
const DAILY_LIMIT = 64;

function signingKey(
  secret: string,
  { date, region }: { readonly date: string; readonly region: string },
): Promise<ArrayBuffer> {
  const name = `${date} ${region} ${secret}`;
  const known = daily.get(name);
  if (known) return known;
  if (daily.size >= DAILY_LIMIT) daily.clear();
  const made = deriveKey(`AWS4${secret}`, [date, region, "s3", "aws4_request"]);
  daily.set(name, made);
  return made;
}

async function deriveKey(first: string, parts: readonly string[]): Promise<ArrayBuffer> {
  let key: string | ArrayBuffer = first;
  for (const part of parts) key = await hmacSha256(key, part);
  if (typeof key === "string") throw new Error("a signing key is made of at least one part");
  return key;
}
