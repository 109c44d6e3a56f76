import { S3Error } from "./s3-error.ts";

/** What a condition is held against; times count in whole seconds, as HTTP dates do. */
export interface Version {
  /** Without quotes. */
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

/** The four conditional headers as sent (RFC 9110 §13.1). */
export interface ReadConditions {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly ifModifiedSince: string | undefined;
  readonly ifUnmodifiedSince: string | undefined;
}

/**
 * Evaluates the conditions of a read in the order of RFC 9110 §13.2.2: If-Match overrules If-Unmodified-Since, and
 * If-None-Match overrules If-Modified-Since. A date that cannot be read is as good as none.
 */
export function checkRead(conditions: ReadConditions, version: Version): "ok" | "not-modified" | "failed" {
  const { ifMatch, ifNoneMatch } = conditions;
  const since = readDate(conditions.ifModifiedSince);
  const until = readDate(conditions.ifUnmodifiedSince);
  const seconds = Math.floor(version.modified / 1000) * 1000;
  if (ifMatch !== undefined) {
    if (!matchesEtag(ifMatch, version.etag)) return "failed";
  } else if (until !== undefined && seconds > until) return "failed";
  if (ifNoneMatch !== undefined) return matchesEtag(ifNoneMatch, version.etag) ? "not-modified" : "ok";
  return since !== undefined && seconds <= since ? "not-modified" : "ok";
}

/** The condition of a write. */
export type WriteCondition =
  | { readonly kind: "none" }
  | { readonly kind: "if-match"; readonly etags: string }
  | { readonly kind: "if-none-match" };

/** Reads the condition of a write; S3 knows `If-Match` and `If-None-Match: *` (userguide/conditional-writes.html). */
export function readWriteCondition(headers: ReadonlyMap<string, string>): WriteCondition {
  const ifMatch = headers.get("if-match");
  const ifNoneMatch = headers.get("if-none-match");
  if (ifNoneMatch !== undefined && (ifNoneMatch.trim() !== "*" || ifMatch !== undefined)) {
    throw new S3Error("NotImplemented", { fields: [["Header", "If-None-Match"]] });
  }
  if (ifNoneMatch !== undefined) return { kind: "if-none-match" };
  return ifMatch === undefined ? { kind: "none" } : { kind: "if-match", etags: ifMatch };
}

/** Throws unless the write may go ahead over what is there now: 412, or 404 where If-Match finds no object. */
export function checkWrite(condition: WriteCondition, current: Version | undefined): void {
  switch (condition.kind) {
    case "none":
      return;
    case "if-none-match":
      if (current !== undefined) throw preconditionFailed("If-None-Match");
      return;
    case "if-match":
      if (current === undefined) throw new S3Error("NoSuchKey");
      if (!matchesEtag(condition.etags, current.etag)) throw preconditionFailed("If-Match");
  }
}

/** The 412 that names the condition that did not hold. */
export function preconditionFailed(condition: string): S3Error {
  return new S3Error("PreconditionFailed", { fields: [["Condition", condition]] });
}

/** True when a list of entity tags has the given one; S3 takes them with and without quotes. */
export function matchesEtag(list: string, etag: string): boolean {
  return list.split(",").some((item) => {
    const tag = item.trim();
    return tag === "*" || tag.replace(/^W\//, "").replace(/^"(.*)"$/, "$1") === etag;
  });
}

/** Milliseconds of an HTTP date, or `undefined` when it is none. */
export function readDate(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const parsed = Date.parse(text);
  return Number.isNaN(parsed) ? undefined : parsed;
}
