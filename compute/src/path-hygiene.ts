import { LIMITS } from "../../src/site/edge-names.ts";
import { decodePath, encodePath } from "../../src/site/page-key.ts";
import { pageAnswer } from "./error-page.ts";
import type { Decision, Visit } from "./visit.ts";

/** Segments of unreserved characters that do not begin with a dot need no work. */
const PLAIN = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*\/?$/;

/** One spelling per path: decoded once, checked, encoded again. Sets `path` and `query`. */
export function cleanPath(visit: Visit): Decision {
  const { target } = visit.visitor;
  if (target.length > LIMITS.url) return pageAnswer(visit, "uriTooLong", { status: 414 });
  const mark = target.indexOf("?");
  const raw = mark === -1 ? target : target.slice(0, mark);
  const path = raw !== "" && PLAIN.test(raw) ? raw : spell(raw);
  if (path === undefined) return pageAnswer(visit, "badRequest", { status: 400 });
  // Longer than any key can be: S3 would answer 400, which would look like a fault of the origin.
  const escapes = path.split("%").length - 1;
  if (path.length - 2 * escapes > LIMITS.path) return pageAnswer(visit, "uriTooLong", { status: 414 });
  visit.path = path;
  visit.query = mark === -1 || mark === target.length - 1 ? "" : target.slice(mark);
  return undefined;
}

/** The path as S3's canonical URI has it, or `undefined` for one that is refused. */
function spell(raw: string): string | undefined {
  if (/[\u0000- \u007f\u0100-\uffff]/.test(raw)) return undefined;
  // What came as bytes is decoded as the escapes that stand for them are.
  const bytes = raw.replaceAll(/[\u0080-\u00ff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`);
  const decoded = decodePath(bytes);
  return decoded.kind === "ok" ? encodePath(decoded.path) : undefined;
}
