import { createHash } from "node:crypto";
import type { HeaderList } from "../http/header-list.ts";
import type { Observation, StoredNote } from "./observation.ts";

/** One thing that differs between the answers of both sides. */
export interface Difference {
  /** `status`, `header cache-control`, `body`, `S3 keys`, `ttl`, `surrogate keys`, `cached objects`, `restarts`, `log`. */
  readonly what: string;
  readonly before: string;
  readonly after: string;
}

/**
 * Headers that say when, where and by which version something was answered, not what: they follow from what is compared
 * besides (docs/replay.md has the same list).
 */
const UNCOMPARED: ReadonlySet<string> = new Set([
  "age",
  "date",
  "fastly-debug-digest",
  "fastly-debug-path",
  "fastly-debug-ttl",
  "sf-revision",
  "sf-version",
  "via",
  "x-cache",
  "x-cache-hits",
  "x-served-by",
  "x-timer",
]);

/** In a log line: memory left over, which any statement changes, and the answer's size, which is compared itself. */
const UNCOMPARED_IN_LOG = /"(workspace_free|bytes)":\d+/g;

/** What a difference in logs is called: visitors do not see it. */
export const LOG = "log";

/** All that differs, in the order in which people look; empty = the answers are alike. */
export function differencesOf(before: Observation, after: Observation): readonly Difference[] {
  const found: Difference[] = [];
  const note = (what: string, old: string, next: string): void => {
    if (old !== next) found.push({ what, before: old, after: next });
  };
  note("status", statusText(before), statusText(after));
  for (const difference of headerDifferences(before.headers, after.headers)) found.push(difference);
  if (!before.body.equals(after.body)) {
    found.push({ what: "body", ...bodyTexts(before.body, after.body) });
  }
  note("restarts", String(before.restarts), String(after.restarts));
  if (!sameTexts(before.asked, after.asked)) {
    note("S3 keys", before.asked.join("\n"), after.asked.join("\n"));
  }
  for (const difference of storedDifferences(before.stored, after.stored)) found.push(difference);
  if (!sameTexts(before.logged, after.logged)) note(LOG, logText(before.logged), logText(after.logged));
  return found;
}

function sameTexts(before: readonly string[], after: readonly string[]): boolean {
  return before.length === after.length && before.every((text, index) => text === after[index]);
}

function statusText({ status, reason }: Observation): string {
  return `${status} ${reason}`;
}

function headerDifferences(before: HeaderList, after: HeaderList): readonly Difference[] {
  if (sameLines(before, after)) return [];
  const [old, next] = [valuesOf(before), valuesOf(after)];
  return [...new Set([...old.keys(), ...next.keys()])].sort().flatMap((name) => {
    const [was, is] = [old.get(name) ?? "", next.get(name) ?? ""];
    return was === is ? [] : [{ what: `header ${name}`, before: was, after: is }];
  });
}

/** Nearly all answers are alike line by line. */
function sameLines(before: HeaderList, after: HeaderList): boolean {
  if (before.size !== after.size) return false;
  const other = after[Symbol.iterator]();
  for (const [name, value] of before) {
    const line = other.next();
    if (line.done === true || line.value[0] !== name) return false;
    if (line.value[1] !== value && !UNCOMPARED.has(name.toLowerCase())) return false;
  }
  return true;
}

/** Values by name in lower case; several lines of one name stay apart. */
function valuesOf(headers: HeaderList): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    if (UNCOMPARED.has(lower)) continue;
    const known = values.get(lower);
    values.set(lower, known === undefined ? value : `${known}\n${value}`);
  }
  return values;
}

/** Characters of a body that are shown around the first place where both differ. */
const EXCERPT = { before: 40, length: 160 } as const;

function bodyTexts(before: Buffer, after: Buffer): Pick<Difference, "before" | "after"> {
  let at = 0;
  while (at < before.length && before[at] === after[at]) at += 1;
  const start = Math.max(0, at - EXCERPT.before);
  return { before: bodyText(before, start), after: bodyText(after, start) };
}

function bodyText(body: Buffer, start: number): string {
  const digest = createHash("sha256").update(body).digest("hex").slice(0, 16);
  const head = `${body.length} bytes, sha256 ${digest}`;
  const text = body.toString("latin1", start, start + EXCERPT.length);
  const isText = !/[\u0000-\u0008\u000e-\u001f]/.test(text);
  return isText && text !== "" ? `${head}: ${start > 0 ? "..." : ""}${text}` : head;
}

function logText(lines: readonly string[]): string {
  return lines.join("\n").replaceAll(UNCOMPARED_IN_LOG, '"$1":-');
}

/** By object where both sides stored the same ones, else as two lists. */
function storedDifferences(
  before: readonly StoredNote[],
  after: readonly StoredNote[],
): readonly Difference[] {
  if (before.length === 0 && after.length === 0) return [];
  const [old, next] = [before.map(nameOf), after.map(nameOf)];
  if (old.join("\n") !== next.join("\n")) {
    return [{ what: "cached objects", before: old.join("\n"), after: next.join("\n") }];
  }
  const found: Difference[] = [];
  for (const [index, note] of before.entries()) {
    const other = after[index];
    if (other === undefined) continue;
    const pairs = [
      ["ttl", freshnessOf(note), freshnessOf(other)],
      ["surrogate keys", note.surrogateKeys.join(" "), other.surrogateKeys.join(" ")],
      ["cached variants", variantOf(note), variantOf(other)],
    ] as const;
    for (const [what, was, is] of pairs) {
      if (was !== is)
        found.push({ what, before: `${nameOf(note)}: ${was}`, after: `${nameOf(other)}: ${is}` });
    }
  }
  return found;
}

function nameOf({ pop, key, status, hitForPass }: StoredNote): string {
  return `${pop} ${key} ${hitForPass ? "hit-for-pass" : status}`;
}

function variantOf({ vary, esi }: StoredNote): string {
  return `vary ${vary.join(", ") || "by nothing"}, ${esi ? "with" : "without"} edge side includes`;
}

function freshnessOf({ ttl, staleIfError, staleWhileRevalidate }: StoredNote): string {
  return `ttl ${ttl} s, stale-if-error ${staleIfError} s, stale-while-revalidate ${staleWhileRevalidate} s`;
}
