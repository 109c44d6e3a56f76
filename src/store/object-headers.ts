import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

import { SitefleetError } from "../lib/errors.ts";
import type { HttpAnswer } from "../lib/http-exchange.ts";
import { isFileBody } from "./file-body.ts";
import type {
  CopyInput,
  ObjectHeaders,
  ObjectMetadata,
  PutInput,
  StoredObject,
  WriteCondition,
} from "./object-store.ts";
import { encodeKey } from "./s3-signature.ts";
import type { HeaderField } from "./s3-signature.ts";

const META = "x-amz-meta-";
const HEADER_NAMES = [
  ["contentType", "content-type"],
  ["cacheControl", "cache-control"],
  ["contentEncoding", "content-encoding"],
  ["contentDisposition", "content-disposition"],
  ["contentLanguage", "content-language"],
] as const satisfies readonly (readonly [keyof ObjectHeaders, string])[];

/** Hex SHA-256 of what is to be stored. */
export function sha256Of({ body, sha256 }: Pick<PutInput, "body" | "sha256">): string {
  if (isFileBody(body)) return body.sha256;
  return sha256 ?? createHash("sha256").update(body).digest("hex");
}

/** Headers of a PutObject, each once. The checksum is kept by S3 with the object, and comes back with it. */
export function putHeaders(input: PutInput, sha256: string): readonly HeaderField[] {
  return [
    ...describing(input.headers ?? {}, input.metadata ?? {}),
    ...conditional(input.condition),
    ["x-amz-checksum-sha256", Buffer.from(sha256, "hex").toString("base64")],
  ];
}

function conditional(condition: WriteCondition | undefined): HeaderField[] {
  if (condition === undefined) return [];
  return condition.kind === "absent" ? [["if-none-match", "*"]] : [["if-match", condition.etag]];
}

/** Headers of a CopyObject within a bucket. */
export function copyHeaders({ from, replace }: CopyInput, bucket: string): readonly HeaderField[] {
  return [
    ...(replace === undefined ? [] : describing(replace.headers, replace.metadata)),
    ["x-amz-copy-source", `/${bucket}/${encodeKey(from)}`],
    ["x-amz-metadata-directive", replace === undefined ? "COPY" : "REPLACE"],
  ];
}

function describing(headers: ObjectHeaders, metadata: ObjectMetadata): HeaderField[] {
  const found: HeaderField[] = [];
  for (const [field, name] of HEADER_NAMES) {
    const value = headers[field];
    if (value !== undefined) found.push([name, sendable(name, value)]);
  }
  for (const [name, value] of Object.entries(metadata)) {
    if (!/^[a-z0-9-]+$/.test(name)) throw new SitefleetError("fault/internal", `metadata name "${name}"`);
    found.push([META + name, sendable(name, value)]);
  }
  return found;
}

/** What comes from a folder or a rules file is packed into ASCII before; a line end here would be another header. */
function sendable(name: string, value: string): string {
  if (/^[\x20-\x7e]*$/.test(value)) return value;
  throw new SitefleetError("fault/internal", `the value of "${name}" is not printable ASCII`);
}

/** An object as the headers of a GET or HEAD describe it. */
export function storedObject(
  answer: IncomingHttpHeaders,
  { etag, size }: { readonly etag: string; readonly size: number },
): StoredObject {
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer)) {
    if (name.startsWith(META) && typeof value === "string") metadata[name.slice(META.length)] = value;
  }
  const headers: { -readonly [name in keyof ObjectHeaders]: string } = {};
  for (const [field, name] of HEADER_NAMES) {
    const value = answer[name];
    if (typeof value === "string") headers[field] = value;
  }
  return { etag, metadata, headers, size };
}

/** A body that the wire damaged; tried again like a connection that broke. */
class DamagedAnswer extends Error {
  readonly code = "ECONNRESET";
}

/** Compares a whole object with the checksum that S3 keeps of it, where it has one. */
export function checkStored({ headers, body }: HttpAnswer): void {
  const expected = headers["x-amz-checksum-sha256"];
  // Checksums of multipart uploads end in the number of parts and are not those of the whole.
  if (typeof expected !== "string" || expected.includes("-")) return;
  const actual = createHash("sha256").update(body).digest("base64");
  if (actual !== expected) throw new DamagedAnswer("the body is not the one that its checksum was made of");
}
