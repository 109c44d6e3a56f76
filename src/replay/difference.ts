import { createHash } from "node:crypto";
import type { HeaderLine, HeaderList } from "../http/header-list.ts";
import type { Observation, StoredNote } from "./observation.ts";
import type { StoreAsk } from "./store-ask.ts";

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
  if (!sameAsks(before.asks, after.asks)) {
    note("S3 keys", before.asked.join("\n"), after.asked.join("\n"));
  }
  for (const difference of storedDifferences(before.stored, after.stored)) found.push(difference);
  if (!sameTexts(before.logged, after.logged)) note(LOG, logText(before.logged), logText(after.logged));
  return found;
}

/** Asked alike word by word, which saves making the texts. */
function sameAsks(before: readonly StoreAsk[], after: readonly StoreAsk[]): boolean {
  return (
    before.length === after.length &&
    before.every((ask, index) => after[index] !== undefined && ask.isLike(after[index]))
  );
}

function sameTexts(before: readonly string[], after: readonly string[]): boolean {
  return before.length === after.length && before.every((text, index) => text === after[index]);
}

function statusText({ status, reason }: Observation): string {
  return `${status} ${reason}`;
}

function headerDifferences(before: HeaderList, after: HeaderList): readonly Difference[] {
  return namesInQuestion(before, after).flatMap((name) => {
    const [was, is] = [before.getAll(name).join("\n"), after.getAll(name).join("\n")];
    return was === is ? [] : [{ what: `header ${name}`, before: was, after: is }];
  });
}

/** Names, in lower case and sorted, of the lines between those that are alike at the beginning and at the end. */
function namesInQuestion(before: HeaderList, after: HeaderList): readonly string[] {
  const [old, next] = [[...before], [...after]];
  const shorter = Math.min(old.length, next.length);
  let start = 0;
  while (start < shorter && isSameLine(old[start], next[start])) start += 1;
  let ends = 0;
  while (ends < shorter - start && isSameLine(old.at(-1 - ends), next.at(-1 - ends))) ends += 1;
  const names = new Set<string>();
  for (const lines of [old, next]) {
    for (const [name] of lines.slice(start, lines.length - ends)) names.add(name.toLowerCase());
  }
  return [...names].filter((name) => !UNCOMPARED.has(name)).sort();
}

function isSameLine(before: HeaderLine | undefined, after: HeaderLine | undefined): boolean {
  if (before === undefined || after === undefined || before[0] !== after[0]) return false;
  return before[1] === after[1] || UNCOMPARED.has(before[0].toLowerCase());
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
