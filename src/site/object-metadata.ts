import { METADATA_BUDGET, OBJECT_METADATA } from "./metadata.ts";
import type { RedirectStatus } from "./rule-slots.ts";

/** User metadata by name without `x-amz-meta-`. */
export type Metadata = Readonly<Record<string, string>>;

const encoder = new TextEncoder();

/** What the metadata of a page's object says. */
export function pageMetadata(encodedCanonicalPath: string): Metadata {
  return { [OBJECT_METADATA.canonicalPath]: encodedCanonicalPath };
}

/** What the metadata of a redirect's object says; the object's body is the rule's text. */
export function redirectMetadata(redirect: {
  readonly location: string;
  readonly status: RedirectStatus;
}): Metadata {
  return { [OBJECT_METADATA.location]: redirect.location, [OBJECT_METADATA.status]: String(redirect.status) };
}

/** Bytes that S3 counts: UTF-8 of names (without `x-amz-meta-`) and values together. */
export function metadataBytes(metadata: Metadata): number {
  return Object.entries(metadata).reduce((sum, [name, value]) => sum + utf8Bytes(name) + utf8Bytes(value), 0);
}

function utf8Bytes(text: string): number {
  return /^[\u0000-\u007f]*$/.test(text) ? text.length : encoder.encode(text).length;
}

/** Why a set of metadata cannot be stored and read back unchanged, or `undefined`. */
export function metadataProblem(metadata: Metadata): string | undefined {
  let bytes = 0;
  for (const [name, value] of Object.entries(metadata)) {
    // Of a value that is stored each character is one byte.
    bytes += utf8Bytes(name) + value.length;
    if (!/^[\u0020-\u007e]*$/.test(value)) return `"${name}" has characters outside printable ASCII`;
    // S3 trims values and folds runs of spaces when it signs headers.
    if (value.includes(" ") && /^ | $| {2}/.test(value))
      return `"${name}" has leading, trailing or double spaces`;
  }
  return bytes > METADATA_BUDGET ? `takes ${bytes} bytes, the limit is ${METADATA_BUDGET}` : undefined;
}
