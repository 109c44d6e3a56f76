import type { DiffHunk, FileDiff } from "./deploy-plan.ts";
import { hunkHeader } from "./plan-diff.ts";

/** A file's difference as a reviewer wants to read it. */
export interface FoldedDiff {
  readonly lines: readonly string[];
  /** Whether nothing differs but the revision that the file tells. */
  readonly revisionOnly: boolean;
}

/**
 * The difference with the pieces in one line in which nothing differs but the revision: every change of anything changes
 * it, so that it stands in every plan and says nothing to whoever reads that. Plan files have it in full.
 */
export function foldRevision({ patch, hunks }: FileDiff, revision: string): FoldedDiff {
  const former = hunks.map((hunk) => formerRevision(hunk, revision));
  const folded = [...new Set(former.filter((one) => one !== undefined))];
  if (folded.length === 0) return { lines: patch.trimEnd().split("\n"), revisionOnly: false };
  const head = patch.split("\n").slice(0, 2);
  const rest = hunks.filter((_, index) => former[index] === undefined);
  const said = folded.map((one) => `@@ revision ${one} -> ${revision} @@`);
  const shown = rest.flatMap((hunk) => [hunkHeader(hunk), ...hunk.lines]);
  return { lines: [...head, ...said, ...shown], revisionOnly: rest.length === 0 };
}

/** The revision before, where a piece differs in nothing but the revision. */
function formerRevision({ lines }: DiffHunk, revision: string): string | undefined {
  const removed = lines.filter((line) => line.startsWith("-")).map((line) => line.slice(1));
  const added = lines.filter((line) => line.startsWith("+")).map((line) => line.slice(1));
  if (removed.length !== added.length) return undefined;
  const found = new Set(added.map((line, index) => replaced(removed[index] ?? "", { line, revision })));
  const [only] = found;
  return found.size === 1 ? only : undefined;
}

/** What stood in a line where the revision stands now; `undefined` where more differs. */
function replaced(
  before: string,
  { line, revision }: { readonly line: string; readonly revision: string },
): string | undefined {
  const at = line.indexOf(revision);
  if (at === -1) return undefined;
  const [start, end] = [line.slice(0, at), line.slice(at + revision.length)];
  if (before.length < start.length + end.length || !before.startsWith(start) || !before.endsWith(end)) {
    return undefined;
  }
  const middle = before.slice(start.length, before.length - end.length);
  return /^[0-9A-Za-z_-]{1,128}$/.test(middle) ? middle : undefined;
}
