import { printable } from "../site/names.ts";
import { pathProblem } from "../site/page-key.ts";

/** Longest path of an entry, in bytes of UTF-8: that of a key in S3. */
const PATH_LIMIT = 1_024;
/** Longest name in a path, in bytes: what Linux's file systems take. */
const NAME_LIMIT = 255;
const DEPTH_LIMIT = 64;

export type EntryPath =
  | { readonly kind: "ok"; readonly segments: readonly string[] }
  | { readonly kind: "refused"; readonly reason: string };

/**
 * Reads the path of an entry (of an archive, or below a prefix) that is to become a file below a folder. Whatever could
 * lead out of that folder or mean another file than it says is refused; `./` and a folder's final slash mean nothing.
 */
export function readEntryPath(path: string): EntryPath {
  const refused = (reason: string): EntryPath => ({
    kind: "refused",
    reason: `"${printable(path)}" ${reason}`,
  });
  if (Buffer.byteLength(path) > PATH_LIMIT) return refused(`has more than ${PATH_LIMIT} bytes`);
  if (/[\ufffd\p{Cs}]/u.test(path)) return refused("is not UTF-8");
  if (path.startsWith("/")) return refused("is an absolute path");
  if (path.includes("\\")) return refused("has a backslash");
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".");
  if (segments.includes("..")) return refused("has `..` in it");
  if (segments.length > DEPTH_LIMIT) return refused(`is more than ${DEPTH_LIMIT} folders deep`);
  for (const segment of segments) {
    if (Buffer.byteLength(segment) > NAME_LIMIT)
      return refused(`has a name of more than ${NAME_LIMIT} bytes`);
    const problem = pathProblem(segment);
    if (problem !== undefined) return refused(problem);
  }
  return { kind: "ok", segments };
}
