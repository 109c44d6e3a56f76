import { SitefleetError } from "../lib/errors.ts";

/** Something wrong in the team's folder: with its file as people know it, and the line where there is one. */
export interface TeamProblem {
  readonly file: string;
  readonly line?: number | undefined;
  readonly message: string;
  readonly hint: string;
}

/** The error for one problem: `edge/force-tls.vcl.njk:3: …`. */
export function teamError({ file, line, message, hint }: TeamProblem, cause?: unknown): SitefleetError {
  const place = line === undefined ? file : `${file}:${line}`;
  return new SitefleetError("render/override", `${place}: ${message}`, { hint, cause });
}

/** The name that was probably meant: the nearest of those there are, within two letters. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const [nearest] = names
    .map((known) => ({ known, distance: distanceOf(name, known) }))
    .filter(({ distance }) => distance <= 2)
    .toSorted((a, b) => a.distance - b.distance);
  return nearest?.known;
}

/** Levenshtein's distance; letters swapped count two. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [at, letter] of a.split("").entries()) {
    const next = [at + 1];
    for (const [index, other] of b.split("").entries()) {
      const replaced = (row[index] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
