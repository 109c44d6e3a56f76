import { OBJECT_METADATA } from "../../src/site/metadata.ts";
import { ownStatusOf, showAs } from "./alias-pages.ts";
import { acceptsCoding, isCompressible, weaken } from "./compression.ts";
import { redirectOf } from "./exact-redirects.ts";
import { isNotModified, NOT_MODIFIED_HEADERS } from "./lib/conditional.ts";
import { metadataOf } from "./metadata.ts";
import { shownHeaders } from "./origin-headers.ts";
import { unpackInto } from "./packed-headers.ts";
import type { Stored } from "./read-through.ts";
import type { Answer, Body, Visit } from "./visit.ts";

/** What a place of the hosting bucket holds, as it would be shown. */
export interface StoredObject {
  readonly answer: Answer;
  /** A page's own path, as written. */
  readonly canonicalPath: string | undefined;
  /** Whether a rule gave the object another status than 200. */
  readonly hasOwnStatus: boolean;
  readonly isRedirect: boolean;
}

/** A stored object that is not in the cache as a whole; segmented-caching. */
export interface LargeObject extends Stored {
  readonly remote: Extract<Body, { kind: "remote" }>;
}

/**
 * What S3 or the cache has, as an answer to this visitor, a 304 where the visitor has it already; `undefined` where storage is
 * in trouble.
 */
export async function openObject(
  visit: Visit,
  stored: Stored | LargeObject,
  isInBlocks: boolean,
): Promise<StoredObject | undefined> {
  if (stored.status >= 500) {
    await stored.discard();
    return undefined;
  }
  const { status, headers, isRedirect } = stored.status === 200 ? contentOf(stored) : nothing(stored);
  const isEncodable = status === 200 && !isInBlocks && isCompressible(headers);
  if (isEncodable) headers.set("Vary", "Accept-Encoding");
  const answer: Answer = {
    status,
    headers,
    body: "remote" in stored ? stored.remote : streamOf(stored),
    state: stored.state,
    without: isRedirect ? new Set() : unpackInto(headers, stored.headers),
    place: stored.place,
    isEncoded: isEncodable && acceptsCoding(visit),
  };
  return {
    answer: await sparing(visit, answer, stored),
    canonicalPath: metadataOf(stored.headers, OBJECT_METADATA.canonicalPath),
    hasOwnStatus: !isRedirect && ownStatusOf(stored.headers) !== undefined,
    isRedirect,
  };
}

/** How an object begins to be shown. */
interface Content {
  readonly status: number;
  readonly headers: Headers;
  readonly isRedirect: boolean;
}

function contentOf({ status, headers: stored }: Stored): Content {
  const headers = shownHeaders(stored);
  const redirect = redirectOf(stored);
  if (redirect) {
    showAs(headers, redirect.status);
    headers.set("Location", redirect.location);
    return { status: redirect.status, headers, isRedirect: true };
  }
  const own = ownStatusOf(stored);
  if (own === undefined) return { status, headers, isRedirect: false };
  showAs(headers, own);
  return { status: own, headers, isRedirect: false };
}

/** S3's own 404, of which nothing is ever shown. */
function nothing({ status }: Stored): Content {
  return { status, headers: new Headers(), isRedirect: false };
}

function streamOf({ body, headers }: Stored): Body {
  const length = /^\d{1,15}$/.exec(headers.get("content-length") ?? "")?.[0];
  return { kind: "stream", stream: body, length: length === undefined ? undefined : Number(length) };
}

/** The answer, or a 304 in its place. Its tag is that of what this visitor would get. */
async function sparing(visit: Visit, answer: Answer, stored: Stored): Promise<Answer> {
  if (answer.status !== 200 || !visit.isConditional) return answer;
  const shown = new Headers(answer.headers);
  if (answer.isEncoded) weaken(shown);
  if (!isNotModified(visit.headers, shown)) return answer;
  await stored.discard();
  const headers = new Headers();
  for (const name of NOT_MODIFIED_HEADERS) {
    const value = shown.get(name);
    if (value !== null) headers.set(name, value);
  }
  return { ...answer, status: 304, headers, body: { kind: "text", text: "" } };
}
