import { EDGE_PATTERNS } from "../../src/site/edge-patterns.ts";
import { OBJECT_METADATA } from "../../src/site/metadata.ts";
import { metadataOf } from "./metadata.ts";

const STATUS = new RegExp(EDGE_PATTERNS.redirectStatus);
const LOCATION = new RegExp(EDGE_PATTERNS.location);

/** An exact redirect is an object: one read answers "page or redirect". */
export interface ObjectRedirect {
  readonly status: number;
  readonly location: string;
}

/** What an object with status 200 says of where it leads; `undefined` for a page. */
export function redirectOf(headers: Headers): ObjectRedirect | undefined {
  const location = metadataOf(headers, OBJECT_METADATA.location);
  if (location === undefined) return undefined;
  return { status: Number(metadataOf(headers, OBJECT_METADATA.status)), location };
}

/** Whether an object would be a redirect that publishing never writes. */
export function isBrokenRedirect(headers: Headers): boolean {
  const location = metadataOf(headers, OBJECT_METADATA.location);
  if (location === undefined) return false;
  return !STATUS.test(metadataOf(headers, OBJECT_METADATA.status) ?? "") || !LOCATION.test(location);
}
