import {
  brotliCompress,
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  gzip,
  gzipSync,
} from "node:zlib";
import { promisify } from "node:util";
import { Readable } from "node:stream";
import type { HeaderList } from "../../http/header-list.ts";
import type { ResponseBody } from "./body.ts";
import { addVary } from "./vary.ts";

export type Coding = "gzip" | "br";

const gzipBytes = promisify(gzip);
const brotliBytes = promisify(brotliCompress);

/** Quality 5: quality 11, zlib's default, takes some thirty times as long for a few per cent. */
const BROTLI_STORED = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };
const GZIP_STORED = { level: 6 };

/**
 * Normalises Accept-Encoding to one token or none before vcl_recv and keeps what the client sent in
 * Fastly-Orig-Accept-Encoding (reference/http/http-headers/Accept-Encoding, "Normalization").
 */
export function normaliseAcceptEncoding(headers: HeaderList): void {
  headers.unset("Fastly-Orig-Accept-Encoding");
  const lines = headers.getAll("Accept-Encoding");
  if (lines.length === 0) return;
  const original = lines.join(", ");
  headers.set("Fastly-Orig-Accept-Encoding", original);
  if (original.includes("gzip")) headers.set("Accept-Encoding", "gzip");
  else if (original.includes("deflate")) headers.set("Accept-Encoding", "deflate");
  else headers.unset("Accept-Encoding");
}

/**
 * How an object is compressed before it is stored: what vcl_fetch asked for, if the request that fetched it takes it.
 * An object that is already encoded is left alone (guides/concepts/compression).
 */
export function chooseStoredCoding(
  wanted: { readonly gzip: boolean; readonly brotli: boolean },
  request: HeaderList,
  response: HeaderList,
): Coding | null {
  if (response.has("Content-Encoding")) return null;
  const accepted = request.get("Accept-Encoding") ?? "";
  if (wanted.brotli && /\bbr\b/.test(accepted)) return "br";
  if (wanted.gzip && /\bgzip\b/.test(accepted)) return "gzip";
  return null;
}

/** Marks headers as those of the encoded form: a strong ETag becomes weak, since the bytes are others now. */
export function markEncoded(headers: HeaderList, coding: Coding): void {
  headers.set("Content-Encoding", coding);
  headers.unset("Content-Length");
  const etag = headers.get("ETag");
  if (etag !== null && !etag.startsWith("W/")) headers.set("ETag", `W/${etag}`);
  addVary(headers, "Accept-Encoding");
}

/** Up to this size handing a body to another thread takes longer than compressing it. */
const SMALL = 8 * 1024;

/** The whole body, compressed for storing. */
export async function compressStored(bytes: Buffer, coding: Coding): Promise<Buffer> {
  if (bytes.length <= SMALL) {
    return coding === "br" ? brotliCompressSync(bytes, BROTLI_STORED) : gzipSync(bytes, GZIP_STORED);
  }
  return coding === "br" ? brotliBytes(bytes, BROTLI_STORED) : gzipBytes(bytes, GZIP_STORED);
}

/** A body compressed while it goes out, at level 1 (reference/http/http-headers/X-Compress-Hint). */
export function compressStream(body: ResponseBody, coding: Coding): ResponseBody {
  const source = body.kind === "bytes" ? Readable.from([body.bytes]) : Readable.from(body.chunks);
  const encoder =
    coding === "br"
      ? createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })
      : createGzip({ level: 1 });
  source.on("error", (error) => encoder.destroy(error));
  source.pipe(encoder);
  return { kind: "stream", length: null, chunks: encoder, cancel: () => void source.destroy() };
}

/** A response on its way to the client. */
export interface Compressible {
  readonly status: number;
  readonly headers: HeaderList;
  body: ResponseBody;
}

/** Statuses whose body is none, or a part of one that has another length when it is encoded. */
const BARE: ReadonlySet<number> = new Set([204, 206, 304]);

/**
 * X-Compress-Hint compresses the response on its way out and never leaves the edge (reference/http/http-headers/
 * X-Compress-Hint, of VCL and Compute). `accepted`: the client's own Accept-Encoding.
 */
export function applyCompressHint(out: Compressible, accepted: string): void {
  const hint = out.headers.get("X-Compress-Hint");
  if (hint === null) return;
  out.headers.unset("X-Compress-Hint");
  if (out.headers.has("Content-Encoding") || BARE.has(out.status)) return;
  const coding = chooseHintedCoding(hint, accepted);
  if (coding === null) return;
  markEncoded(out.headers, coding);
  out.body = compressStream(out.body, coding);
}

/** The coding that X-Compress-Hint and the client's Accept-Encoding agree on. */
export function chooseHintedCoding(hint: string, accepted: string): Coding | null {
  // Names of codings have no case (RFC 9110 section 8.4.1).
  const brotli = /\bbr\b/i.test(accepted);
  const gzipped = /\bgzip\b/i.test(accepted);
  if (hint === "br") return brotli ? "br" : null;
  if (hint === "gzip") return gzipped ? "gzip" : null;
  if (hint !== "on") return null;
  if (brotli) return "br";
  return gzipped ? "gzip" : null;
}
