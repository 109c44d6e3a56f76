import { diffArrays } from "diff";

/** Why a text changed: settings by path, or nothing that the settings say. */
export type Cause = string;

/** A text on its way from one environment to the other, and what made the step to it. */
export interface TextStep {
  readonly lines: readonly string[];
  readonly causes: readonly Cause[];
}

/** Lines that differ at one place of two texts, and everything that made them differ. */
export interface LineDifference {
  /** First line in the first and in the second text, counted from 1. */
  readonly at: readonly [first: number, second: number];
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly causes: readonly Cause[];
}

/** A line of the text so far: one of the first text's, or one that a step brought. */
interface TrackedLine {
  readonly text: string;
  /** Index in the first text; `undefined` for a line that a step brought. */
  readonly origin: number | undefined;
  readonly causes: ReadonlySet<Cause>;
}

/**
 * Follows every line through the steps: what the last text has and the first has not, or the other way round, was changed
 * by some step, so that no difference is without a cause.
 */
export function lineDifferences(
  first: readonly string[],
  steps: readonly TextStep[],
): readonly LineDifference[] {
  const gone = new Map<number, ReadonlySet<Cause>>();
  let lines: readonly TrackedLine[] = first.map((text, origin) => ({ text, origin, causes: new Set() }));
  for (const step of steps) lines = takeStep(lines, { step, gone });
  return groupDifferences(first, { lines, gone });
}

function takeStep(
  lines: readonly TrackedLine[],
  context: { readonly step: TextStep; readonly gone: Map<number, ReadonlySet<Cause>> },
): readonly TrackedLine[] {
  const { step, gone } = context;
  const texts = lines.map(({ text }) => text);
  const next: TrackedLine[] = [];
  let index = 0;
  let inherited = new Set(step.causes);
  for (const part of diffArrays(texts, [...step.lines])) {
    if (part.added) {
      next.push(...part.value.map((text) => ({ text, origin: undefined, causes: inherited })));
      continue;
    }
    const touched = lines.slice(index, index + part.value.length);
    index += part.value.length;
    if (!part.removed) {
      next.push(...touched);
      inherited = new Set(step.causes);
      continue;
    }
    // What comes in place of a line that an earlier step brought is owed to both.
    inherited = new Set([...step.causes, ...touched.flatMap(({ causes }) => [...causes])]);
    for (const { origin } of touched) if (origin !== undefined) gone.set(origin, inherited);
  }
  return next;
}

function groupDifferences(
  first: readonly string[],
  end: { readonly lines: readonly TrackedLine[]; readonly gone: ReadonlyMap<number, ReadonlySet<Cause>> },
): readonly LineDifference[] {
  const found: LineDifference[] = [];
  let next = 0;
  let added: TrackedLine[] = [];
  const close = (origin: number, position: number): void => {
    const from = first.slice(next, origin);
    const to = added.map(({ text }) => text);
    if (from.length + to.length > 0 && JSON.stringify(from) !== JSON.stringify(to)) {
      const causes = new Set([
        ...from.flatMap((_, offset) => [...(end.gone.get(next + offset) ?? [])]),
        ...added.flatMap((line) => [...line.causes]),
      ]);
      found.push({ at: [next + 1, position - to.length + 1], from, to, causes: [...causes].sort() });
    }
    next = origin + 1;
    added = [];
  };
  end.lines.forEach((line, position) => {
    if (line.origin === undefined) added.push(line);
    else close(line.origin, position);
  });
  close(first.length, end.lines.length);
  return found;
}
