import type { VclProgram } from "../../vcl/ast-declarations.ts";
import type { Expression, Statement } from "../../vcl/ast.ts";
import type { VclState } from "../../vcl/runtime.ts";
import { VCL_STATES } from "../../vcl/states.ts";

/** A condition on the way to a statement, and whether it was found true there. */
export interface Guard {
  readonly condition: Expression;
  readonly holds: boolean;
}

/** A statement as a state meets it: called subroutines are followed, with the conditions at the calls. */
export interface Reached {
  readonly state: VclState;
  readonly statement: Statement;
  readonly guards: readonly Guard[];
  /** Place in the order of the text that the state runs through. */
  readonly order: number;
  /** How many braces stand around it in its own subroutine, and calls around that. */
  readonly depth: number;
  /** Name of the subroutine that it stands in. */
  readonly sub: string;
}

/** Enough for any real service; what calls more is refused by Fastly (constraints-and-limitations). */
const MOST_STATEMENTS = 200_000;

/**
 * How often a state follows a subroutine under the very same conditions: before something and after it. The slots of rules
 * call theirs some seventy times, and nothing new is found.
 */
const MOST_REPEATS = 2;

function textOf({ condition: { span }, holds }: Guard): string {
  return `${holds} ${span.source.text.slice(span.start, span.end)}`;
}

/** Every statement that the states of a program can come to, in order, state by state. */
export function reachedStatements({ declarations }: VclProgram): readonly Reached[] {
  const subs = new Map<string, readonly Statement[][]>();
  for (const node of declarations) {
    if (node.kind === "sub") subs.set(node.name.name, [...(subs.get(node.name.name) ?? []), [...node.body]]);
  }
  const found: Reached[] = [];
  const ways = new Map<string, number>();
  const isKnown = (name: string, { state, guards }: Place): boolean => {
    const way = [state, name, ...guards.map(textOf)].join("\0");
    const times = ways.get(way) ?? 0;
    ways.set(way, times + 1);
    return times >= MOST_REPEATS;
  };
  const walk = (body: readonly Statement[], at: Place): void => {
    for (const statement of body) {
      if (found.length > MOST_STATEMENTS) return;
      const { state, guards, depth, calls } = at;
      const sub = calls.at(-1) ?? `vcl_${state}`;
      found.push({ state, guards, depth, sub, statement, order: found.length });
      const inner = { ...at, depth: at.depth + 1 };
      if (statement.kind === "call-sub") {
        const { name } = statement.name;
        if (at.calls.includes(name) || isKnown(name, at)) continue;
        for (const called of subs.get(name) ?? []) walk(called, { ...inner, calls: [...at.calls, name] });
      } else walkInner(statement, { at: inner, walk });
    }
  };
  for (const state of VCL_STATES) {
    for (const body of subs.get(`vcl_${state}`) ?? []) walk(body, { state, guards: [], depth: 0, calls: [] });
  }
  return found;
}

interface Place {
  readonly state: VclState;
  readonly guards: readonly Guard[];
  readonly depth: number;
  readonly calls: readonly string[];
}

function walkInner(
  statement: Statement,
  { at, walk }: { readonly at: Place; readonly walk: (body: readonly Statement[], at: Place) => void },
): void {
  switch (statement.kind) {
    case "if": {
      let guards = at.guards;
      for (const { condition, body } of statement.branches) {
        walk(body, { ...at, guards: [...guards, { condition, holds: true }] });
        guards = [...guards, { condition, holds: false }];
      }
      if (statement.otherwise) walk(statement.otherwise, { ...at, guards });
      return;
    }
    case "switch":
      for (const entry of statement.cases) walk(entry.body, at);
      return;
    case "block":
    case "include":
      walk(statement.body, { ...at, depth: at.depth - 1 });
      return;
    case "macro":
      walk(statement.body, at);
      return;
    default:
  }
}

/** A part of a condition that is no conjunction: what it says, and whether it is so. */
export type AtomTest = (atom: Expression, holds: boolean) => boolean;

/** Whether what is known at a statement includes something that the test accepts. */
export function isGuarded({ guards }: Pick<Reached, "guards">, test: AtomTest): boolean {
  return guards.some(({ condition, holds }) => implies(condition, { holds, test }));
}

/** Whether a condition's outcome says, for certain, something that the test accepts. */
export function implies(
  condition: Expression,
  { holds, test }: { readonly holds: boolean; readonly test: AtomTest },
): boolean {
  const follow = (inner: Expression, innerHolds = holds): boolean =>
    implies(inner, { holds: innerHolds, test });
  switch (condition.kind) {
    case "group":
      return follow(condition.inner);
    case "unary":
      return follow(condition.operand, !holds);
    case "binary": {
      const { left, right, operator } = condition;
      if (operator !== "&&" && operator !== "||") return test(condition, holds);
      // Of `a && b` both are so where it holds, and one or the other is not where it does not.
      return (operator === "&&") === holds ? follow(left) || follow(right) : follow(left) && follow(right);
    }
    default:
      return test(condition, holds);
  }
}

/** Whether every condition around a statement is made of atoms that the test accepts: it is reached always but for those. */
export function isGuardedOnlyBy({ guards }: Pick<Reached, "guards">, test: AtomTest): boolean {
  return guards.every(({ condition, holds }) => consistsOf(condition, { holds, test }));
}

function consistsOf(
  condition: Expression,
  { holds, test }: { readonly holds: boolean; readonly test: AtomTest },
): boolean {
  switch (condition.kind) {
    case "group":
      return consistsOf(condition.inner, { holds, test });
    case "unary":
      return consistsOf(condition.operand, { holds: !holds, test });
    case "binary": {
      const { left, right, operator } = condition;
      if (operator !== "&&" && operator !== "||") return test(condition, holds);
      return (
        (operator === "&&") === holds &&
        consistsOf(left, { holds, test }) &&
        consistsOf(right, { holds, test })
      );
    }
    default:
      return test(condition, holds);
  }
}
