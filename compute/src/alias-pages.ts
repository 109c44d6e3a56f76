import { EDGE_PATTERNS } from "../../src/site/edge-patterns.ts";
import { OBJECT_METADATA } from "../../src/site/metadata.ts";
import { metadataOf } from "./metadata.ts";

const STATUS = new RegExp(EDGE_PATTERNS.aliasStatus);

/**
 * An exact rule that shows a page is an object with that page's content. Where the rule has another status than 200 the
 * object says it, and no condition or range of a visitor applies.
 */
export function ownStatusOf(headers: Headers): number | undefined {
  const status = metadataOf(headers, OBJECT_METADATA.status);
  return status === undefined ? undefined : Number(status);
}

/** Whether an object that is no redirect has a status that publishing never writes. */
export function isBrokenAlias(headers: Headers): boolean {
  const status = metadataOf(headers, OBJECT_METADATA.status);
  return (
    status !== undefined &&
    metadataOf(headers, OBJECT_METADATA.location) === undefined &&
    !STATUS.test(status)
  );
}

/** Headers of a page that is shown with another status: never to be asked for whether it changed. */
export function showAs(headers: Headers, status: number): void {
  headers.set("Cache-Control", status === 404 ? "no-store" : "public, max-age=0, must-revalidate");
  headers.delete("ETag");
  headers.delete("Last-Modified");
}
