import { OBJECT_METADATA } from "../../site/metadata.ts";
import { encodePath } from "../../site/page-key.ts";
import type { ReleaseObject } from "./release-object.ts";

/** The encoded path by which a visitor asks for an object: its own one, or a path that leads to its key. */
export function pathOfObject({ key, metadata }: Pick<ReleaseObject, "key" | "metadata">): string {
  const own = metadata[OBJECT_METADATA.canonicalPath];
  if (own !== undefined) return own;
  if (key === "index.html") return "/";
  const stem = key.endsWith(".html") ? key.slice(0, -".html".length) : key;
  // Without `.html` a name with a dot would be taken for a file, and `index` for a folder's page.
  const isBare = stem !== key && !/[.][^/]*$/.test(stem) && !/(?:^|\/)index$/.test(stem);
  return encodePath(`/${isBare ? stem : key}`);
}

/** Whether an object is a redirect. */
export function isRedirect({ metadata }: ReleaseObject): boolean {
  return metadata[OBJECT_METADATA.location] !== undefined;
}

/** Whether an object is a page of HTML, with status 200. */
export function isPage(object: ReleaseObject): boolean {
  const { headers, metadata } = object;
  if (isRedirect(object) || metadata[OBJECT_METADATA.status] !== undefined) return false;
  return /^text\/html\b/i.test(headers.contentType ?? "");
}
