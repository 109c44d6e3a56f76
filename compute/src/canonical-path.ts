import { EDGE_PATTERNS } from "../../src/site/edge-patterns.ts";
import { redirect } from "./redirect.ts";
import type { StoredObject } from "./object.ts";
import type { Answer, Visit } from "./visit.ts";

const PATH = new RegExp(EDGE_PATTERNS.canonicalPath);

/**
 * A page knows its own path; another spelling of it is sent there, or is missing where the site is strict. The page of a rule
 * is shown under the rule's path, and a 404 page under every path.
 */
export function checkSpelling(
  visit: Visit,
  { answer, canonicalPath }: StoredObject,
): Answer | "missing" | undefined {
  if (visit.phase !== "page" || answer.status !== 200 || visit.isNotFoundPage) return undefined;
  if (canonicalPath === undefined || !PATH.test(canonicalPath) || canonicalPath === visit.path)
    return undefined;
  const { paths } = visit.config;
  if (paths === undefined)
    return redirect(visit, { status: 308, location: `${canonicalPath}${visit.query}` });
  const isOwnIndex = paths === "2" && visit.path.replace(/\/index\.html$/, "/") === canonicalPath;
  return isOwnIndex ? undefined : "missing";
}
