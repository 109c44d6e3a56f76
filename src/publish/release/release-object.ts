import type { Metadata } from "../../site/object-metadata.ts";
import { OBJECT_METADATA } from "../../site/metadata.ts";
import type { ObjectHeaders } from "../../store/object-store.ts";

/** A file of the folder that a release was made from. */
export interface SourceFile {
  /** Path in the folder, in NFC, with `/`. */
  readonly path: string;
  /** Page key, decoded. */
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Hex SHA-256 of the content. */
  readonly hash: string;
  /** Content-Type by name and content, before any rule of the folder's own. */
  readonly contentType: string;
}

/** What is stored at one key: everything that a visitor's answer is made from. */
export interface ReleaseObject {
  /** Page key, decoded. */
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Hex SHA-256 of the content. */
  readonly hash: string;
  readonly headers: ObjectHeaders;
  readonly metadata: Metadata;
}

/** An object of a release and where it lies. */
export interface LocatedObject extends ReleaseObject {
  /** Release under whose prefix it lies. */
  readonly at: string;
  /** When a publish removed it (ISO 8601); it can still be read for the grace period. */
  readonly removedAt?: string;
}

/** An object below one of a release's prefixes that the release does not show: it was replaced or removed. */
export interface Ghost {
  readonly key: string;
  readonly at: string;
}

/** What a release holds, and where. */
export interface ReleaseState {
  readonly release: string;
  /** Release under whose prefix everything lies that the delta does not name. */
  readonly base: string;
  /** By key. */
  readonly objects: ReadonlyMap<string, LocatedObject>;
  readonly ghosts: readonly Ghost[];
}

/** What a release holds, where it lies and what it was made from: enough to make the next one without the folder. */
export interface Manifest extends ReleaseState {
  /** Texts of the folder's control files (`_redirects`, `_headers`, …) by name. */
  readonly control: ReadonlyMap<string, string>;
  /** The folder's files; one whose key has no object of its own content is hidden by a redirect. */
  readonly files: readonly SourceFile[];
  /** Where the release's rule buckets are, and what they say; absent = it has none. */
  readonly buckets?: WrittenBuckets;
}

/** Rule buckets as they were written. */
export interface WrittenBuckets {
  /** Release that wrote them. */
  readonly tag: string;
  /** Hex SHA-256: equal for equal buckets. */
  readonly digest: string;
}

/** Names a content: equal for equal bytes, whatever key and headers they have. */
export function contentId({ hash, size }: Pick<ReleaseObject, "hash" | "size">): string {
  return `${size} ${hash}`;
}

/** Whether two objects at one key answer alike in every byte. */
export function sameObject(a: ReleaseObject, b: ReleaseObject): boolean {
  return (
    a.hash === b.hash &&
    a.size === b.size &&
    sameFields(a.metadata, b.metadata) &&
    sameFields(a.headers, b.headers)
  );
}

function sameFields(a: object, b: object): boolean {
  // Both are nearly always made in the same order.
  return JSON.stringify(a) === JSON.stringify(b) || sortedFields(a) === sortedFields(b);
}

function sortedFields(object: object): string {
  return JSON.stringify(Object.entries(object).sort(([one], [other]) => (one < other ? -1 : 1)));
}

const ASSET_TYPES =
  /^(?:text\/css|(?:text|application)\/javascript|application\/(?:wasm|vnd\.ms-fontobject)|(?:font|image|audio|video)\/)/;

/**
 * Whether pages that a browser has open may still ask for an object after it was removed: style, code, fonts, media and
 * what was declared immutable. A removed page, or a redirect, is gone at once.
 */
export function isAsset({ headers, metadata }: ReleaseObject): boolean {
  if (metadata[OBJECT_METADATA.location] !== undefined) return false;
  return ASSET_TYPES.test(headers.contentType ?? "") || /\bimmutable\b/.test(headers.cacheControl ?? "");
}
