import type { Expression, Statement } from "./ast.ts";
import type { Span } from "./source.ts";

/**
 * A place between statements that tells when a run comes by. It changes nothing that a program does, but for the budget
 * of statements: it takes as much of it as the statements that it stands for would.
 */
export interface Mark {
  readonly kind: "mark";
  /** Index of the statement before which it stands; the number of statements = after the last one. */
  readonly before: number;
  /** Told only where one of these holds; `null` = whenever a run comes by. Conditions without effects. */
  readonly when: readonly Expression[] | null;
  readonly weight: number;
  readonly span: Span;
}

/** Marks of a program by the statement lists that they stand in, and who is told. */
export interface Marks {
  readonly at: ReadonlyMap<readonly Statement[], readonly Mark[]>;
  readonly reached: () => void;
}

/** Statements and marks in the order in which a run comes by. */
export function withMarks(body: readonly Statement[], marks: readonly Mark[]): readonly (Statement | Mark)[] {
  if (marks.length === 0) return body;
  const at = (index: number): readonly Mark[] => marks.filter(({ before }) => before === index);
  return [...body.flatMap((statement, index) => [...at(index), statement]), ...at(body.length)];
}
