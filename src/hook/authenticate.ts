import type { IncomingMessage } from "node:http";
import type { Clock } from "../lib/clock.ts";
import { SitefleetError } from "../lib/errors.ts";
import type { HookKey } from "./hook-keys.ts";
import type { NonceStore } from "./nonce-store.ts";
import type { RateLimit } from "./rate-limit.ts";
import { RetryLater } from "./refusal.ts";
import {
  DIGEST_HEADER,
  EMPTY_DIGEST,
  SIGNATURE_HEADER,
  TOLERANCE,
  isDigest,
  isSignedBy,
  parseSignature,
} from "./signature.ts";

export interface Gate {
  readonly environment: string;
  readonly keys: readonly HookKey[];
  readonly nonces: NonceStore;
  readonly rates: RateLimit;
  readonly clock: Clock;
}

/**
 * Lets a request in whose headers are signed by one of the keys, in time and for the first time. Nothing of the body has
 * been read by then.
 * @returns the digest that the body must have
 * @throws SitefleetError `hook/unauthorized`; RetryLater `hook/rate-limited`, `hook/busy`
 */
export async function authenticate(gate: Gate, request: IncomingMessage): Promise<string> {
  const header = single(request, SIGNATURE_HEADER);
  if (header === undefined) throw unauthorized("the request has no signature");
  const signature = parseSignature(header);
  if (!signature) throw unauthorized(`the header ${SIGNATURE_HEADER} is not k=…,t=…,n=…,v1=…`);
  const digest = digestOf(request);
  const { keyId, timestamp, nonce, mac } = signature;
  const key = gate.keys.find(({ id }) => id === keyId);
  const { method = "", url: target = "" } = request;
  const signed = { environment: gate.environment, method, target, timestamp, nonce, digest };
  if (!key || !isSignedBy(key.secret, signed, mac)) throw unauthorized("the signature is wrong");
  const now = gate.clock.now() / 1_000;
  if (Math.abs(now - timestamp) > TOLERANCE) {
    throw unauthorized(`the timestamp is more than ${TOLERANCE} s from the endpoint's clock`);
  }
  const name = `${keyId}/${nonce}`;
  if (gate.nonces.has(name)) throw unauthorized("the request was sent before");
  const wait = gate.rates.take(keyId);
  if (wait > 0) throw new RetryLater("hook/rate-limited", `key "${keyId}" makes too many requests`, wait);
  const outcome = await gate.nonces.take(name, timestamp + TOLERANCE);
  if (outcome === "full") throw new RetryLater("hook/busy", "too many requests in five minutes", 60);
  if (outcome === "seen") throw unauthorized("the request was sent before");
  return digest;
}

function digestOf(request: IncomingMessage): string {
  const digest = single(request, DIGEST_HEADER) ?? EMPTY_DIGEST;
  if (isDigest(digest)) return digest;
  throw unauthorized(`the header ${DIGEST_HEADER} is not a hex SHA-256`);
}

function single(request: IncomingMessage, name: string): string | undefined {
  const values = request.headersDistinct[name] ?? [];
  if (values.length > 1) throw unauthorized(`the header ${name} is there more than once`);
  return values[0];
}

function unauthorized(message: string): SitefleetError {
  return new SitefleetError("hook/unauthorized", message, {
    hint: "sign it as docs/hooks.md shows, with a new timestamp and nonce",
  });
}
