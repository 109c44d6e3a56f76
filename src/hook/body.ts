import { createHash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { SitefleetError } from "../lib/errors.ts";
import { badRequest } from "./refusal.ts";

export interface BodyRules {
  /** Bytes. */
  readonly limit: number;
  /** Hex SHA-256 that the caller signed. */
  readonly digest: string;
  /** Longest pause between two pieces, in milliseconds. */
  readonly idleMs: number;
}

/**
 * Receives a body into a file of its own, hashing it on the way; it is never in memory whole. When this resolves the
 * bytes are on disk and are those that were signed; when it rejects the file is gone.
 * @returns how many bytes it has
 * @throws SitefleetError `hook/body-too-large`, `hook/wrong-digest`, `hook/too-slow`
 */
export async function spoolBody(request: IncomingMessage, path: string, rules: BodyRules): Promise<number> {
  refuseDeclared(request, rules);
  const file = await open(path, "wx", 0o600);
  try {
    let size = 0;
    await receive(request, rules, async (chunk) => {
      size += chunk.length;
      await file.writeFile(chunk);
    });
    await file.datasync();
    await file.close();
    return size;
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
}

/** Receives a small body. Throws as `spoolBody` does. */
export async function readBody(request: IncomingMessage, rules: BodyRules): Promise<Buffer> {
  refuseDeclared(request, rules);
  const chunks: Buffer[] = [];
  await receive(request, rules, (chunk) => Promise.resolve(void chunks.push(chunk)));
  return Buffer.concat(chunks);
}

/** Hands on a body's pieces as they come, one after the other, and checks the digest at the end. */
async function receive(
  request: IncomingMessage,
  rules: BodyRules,
  take: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  const hash = createHash("sha256");
  let size = 0;
  const pieces = async (): Promise<void> => {
    // The connection has to outlive a refused body: the answer goes over it.
    const chunks: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > rules.limit) throw tooLarge(rules.limit);
      hash.update(chunk);
      await take(chunk);
    }
  };
  await untilIdle(request, rules.idleMs, pieces());
  if (hash.digest("hex") === rules.digest) return;
  throw new SitefleetError("hook/wrong-digest", "the body is not the one whose SHA-256 was signed", {
    hint: "hash the very bytes that are sent",
  });
}

/** Rejects when nothing has come for too long: a slow caller must not hold a place for ever. */
async function untilIdle(request: IncomingMessage, idleMs: number, work: Promise<void>): Promise<void> {
  let onTimeout: () => void = () => undefined;
  const idle = new Promise<never>((_, reject) => {
    onTimeout = () => {
      const hint = "send the request again, with a new timestamp, nonce and signature";
      reject(new SitefleetError("hook/too-slow", `nothing of the body came for ${idleMs} ms`, { hint }));
    };
  });
  request.setTimeout(idleMs, onTimeout);
  try {
    await Promise.race([work, idle]);
  } catch (error) {
    // What still reads ends with the connection; its failure says nothing new.
    work.catch(() => undefined);
    throw error;
  } finally {
    request.setTimeout(0);
  }
}

function refuseDeclared(request: IncomingMessage, { limit }: BodyRules): void {
  if (Number(request.headers["content-length"] ?? 0) > limit) throw tooLarge(limit);
}

function tooLarge(limit: number): SitefleetError {
  return new SitefleetError("hook/body-too-large", `the body has more than ${limit} bytes`, {
    hint: "send less, or start the endpoint with a higher --max-body",
  });
}

/** The media type of a body, without parameters; JSON must be UTF-8. */
export function mediaTypeOf(request: IncomingMessage): string {
  const [type = "", ...parameters] = (request.headers["content-type"] ?? "").toLowerCase().split(";");
  const rest = parameters.map((text) => text.trim().replaceAll('"', "")).filter((text) => text !== "");
  if (type.trim() === "application/json" && rest.every((text) => text === "charset=utf-8"))
    return type.trim();
  if (rest.length === 0) return type.trim();
  throw badRequest(`the content type has parameters that are not known: ${rest.join("; ")}`);
}
