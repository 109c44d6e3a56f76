import type { HeaderList } from "../../http/header-list.ts";
import { parseHttpDate } from "./http-dates.ts";

/** What a Range header asks of a body of known size. `[start, end)` in bytes. */
export type RangeChoice =
  | { readonly kind: "whole" }
  | { readonly kind: "part"; readonly start: number; readonly end: number }
  | { readonly kind: "unsatisfiable" };

const WHOLE: RangeChoice = { kind: "whole" };

/**
 * Range of one part (RFC 9110 §14.1.2). Anything else than `bytes`, a bad or a multiple range gives the whole
 * body, which §14.2 allows.
 */
export function chooseRange(range: string | null, size: number): RangeChoice {
  if (range === null) return WHOLE;
  const match = /^\s*bytes\s*=\s*(?:(\d+)\s*)?-\s*(?:(\d+)\s*)?$/i.exec(range);
  const [first, last] = [match?.[1] ?? "", match?.[2] ?? ""];
  if (match === null || (first === "" && last === "")) return WHOLE;
  if (first === "") {
    const suffix = Number(last);
    if (suffix === 0 || size === 0) return { kind: "unsatisfiable" };
    return { kind: "part", start: Math.max(0, size - suffix), end: size };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return WHOLE;
  if (start >= size) return { kind: "unsatisfiable" };
  return { kind: "part", start, end: last === "" ? size : Math.min(Number(last) + 1, size) };
}

/**
 * Whether If-Range lets the range through: the strong ETag or the exact date of the response (RFC 9110 §13.1.5).
 * No If-Range lets it through too.
 */
export function ifRangeHolds(request: HeaderList, response: HeaderList): boolean {
  const condition = request.get("If-Range")?.trim();
  if (condition === undefined) return true;
  if (condition.startsWith('"')) return response.get("ETag")?.trim() === condition;
  if (condition.startsWith("W/")) return false;
  const date = parseHttpDate(condition);
  return date !== null && parseHttpDate(response.get("Last-Modified") ?? "") === date;
}
