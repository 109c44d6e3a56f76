import { parseHttpDate } from "./http-dates.ts";

/** A visitor's conditions, by lower-case names. */
type Conditions = ReadonlyMap<string, string>;

/**
 * Whether a visitor has what an answer with status 200 would show: If-None-Match by weak comparison, and only without it
 * If-Modified-Since (RFC 9110 section 13.2.2).
 */
export function isNotModified(conditions: Conditions, answer: Headers): boolean {
  const tags = conditions.get("if-none-match");
  if (tags !== undefined) return matchesTag(tags, answer.get("etag"));
  const since = parseHttpDate(conditions.get("if-modified-since") ?? "");
  const modified = parseHttpDate(answer.get("last-modified") ?? "");
  return since !== undefined && modified !== undefined && modified <= since;
}

function matchesTag(list: string, tag: string | null): boolean {
  if (list.trim() === "*") return true;
  if (tag === null) return false;
  // A tag that is none by its syntax still is itself.
  if (list.trim() === tag.trim()) return true;
  // Spares the work of reading a long list that cannot have it.
  if (!list.includes(opaque(tag.trim()))) return false;
  const parts = list.match(/(?:W\/)?"[^"]*"|[^",\s]+/g) ?? [];
  return parts.some((part) => opaque(part) === opaque(tag.trim()));
}

function opaque(tag: string): string {
  return tag.startsWith("W/") ? tag.slice(2) : tag;
}

/** Whether If-Range lets a range through: the strong ETag or the exact date of the answer (RFC 9110 section 13.1.5). */
export function isRangeWanted(conditions: Conditions, answer: Headers): boolean {
  const condition = conditions.get("if-range")?.trim();
  if (condition === undefined) return true;
  if (condition.startsWith('"')) return answer.get("etag")?.trim() === condition;
  const date = parseHttpDate(condition);
  return date !== undefined && parseHttpDate(answer.get("last-modified") ?? "") === date;
}

/** What a 304 has of the headers of what it stands for (RFC 9110 section 15.4.5). */
export const NOT_MODIFIED_HEADERS = ["cache-control", "etag", "last-modified", "vary"] as const;
