import { pageAnswer } from "./error-page.ts";
import type { Decision, Visit } from "./visit.ts";

/** Files are read, nothing else. A purge by URL would name no object of ours. */
export function checkMethod(visit: Visit): Decision {
  const { method } = visit.visitor;
  if (method === "GET" || method === "HEAD") return undefined;
  if (method === "FASTLYPURGE" || method === "PURGE") {
    return pageAnswer(visit, "purgeRefused", { status: 403 });
  }
  return pageAnswer(visit, "methodNotAllowed", { status: 405, headers: { Allow: "GET, HEAD" } });
}
