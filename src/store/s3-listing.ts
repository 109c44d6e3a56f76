import { SitefleetError } from "../lib/errors.ts";
import type { HttpAnswer } from "../lib/http-exchange.ts";
import type { ListInput, ListedEntry } from "./object-store.ts";
import { decodeEntities } from "./s3-answer.ts";
import { encodeQuery } from "./s3-signature.ts";

/** One page of a listing. */
export interface ListedPage {
  readonly entries: readonly ListedEntry[];
  /** Where the next page begins; `undefined` after the last. */
  readonly next: string | undefined;
}

/** Bytes of a page at most: a thousand keys of a kilobyte, each byte of them an entity. */
export const PAGE_LIMIT = 16 * 1024 * 1024;

/** Query of a ListObjectsV2 request, as it is sent and signed. */
export function listQuery({
  prefix,
  delimiter,
  from,
}: Pick<ListInput, "prefix" | "delimiter"> & { readonly from: string | undefined }): string {
  return encodeQuery({
    "list-type": "2",
    prefix,
    ...(delimiter === undefined ? {} : { delimiter }),
    ...(from === undefined ? {} : { "continuation-token": from }),
  });
}

/**
 * Reads a page (S3 API reference, ListObjectsV2, "Response Syntax"). The document is two levels of elements without
 * attributes; a whole parser of XML would take longer to load than the listing takes.
 * @throws SitefleetError `store/refused` for anything else
 */
export function readListing(answer: HttpAnswer): ListedPage {
  const { body } = answer;
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  if (!/<ListBucketResult[\s>]/.test(text)) throw noListing();
  const entries: ListedEntry[] = [];
  for (const level of elements(text, "CommonPrefixes")) {
    const key = textOf(level, "Prefix");
    if (key !== undefined) entries.push({ kind: "prefix", key });
  }
  for (const object of elements(text, "Contents")) {
    const key = textOf(object, "Key");
    if (key !== undefined) entries.push(listedObject(key, object));
  }
  // A key that looks like an element is written with entities, so outside of these elements there is only the frame.
  const isTruncated = textOf(text, "IsTruncated") === "true";
  const next = isTruncated ? textOf(text, "NextContinuationToken") : undefined;
  if (isTruncated && next === undefined) throw noListing();
  return { entries, next };
}

function listedObject(key: string, object: string): ListedEntry {
  const modified = Date.parse(textOf(object, "LastModified") ?? "");
  return {
    kind: "object",
    key,
    size: Number(textOf(object, "Size") ?? 0),
    etag: textOf(object, "ETag") ?? "",
    // A store that tells no time must not make an object look old.
    modifiedAt: Number.isNaN(modified) ? Number.POSITIVE_INFINITY : modified,
  };
}

/** What is between each pair of tags of this name; the same name is never nested in these documents. */
function* elements(text: string, name: string): Generator<string> {
  const open = `<${name}>`;
  const close = `</${name}>`;
  for (let at = text.indexOf(open); at !== -1;) {
    const end = text.indexOf(close, at);
    if (end === -1) throw noListing();
    yield text.slice(at + open.length, end);
    at = text.indexOf(open, end);
  }
}

function textOf(element: string, name: string): string | undefined {
  const found = elements(element, name).next();
  return found.done === true ? undefined : decodeEntities(found.value);
}

function noListing(): SitefleetError {
  return new SitefleetError("store/refused", "the store's answer to a listing is none", {
    hint: "the store must speak S3: ListObjectsV2 with continuation tokens",
  });
}
