import type { Statement } from "../vcl/ast.ts";
import type { Declaration, SubDeclaration, VclProgram } from "../vcl/ast-declarations.ts";
import type { Mark } from "../vcl/marks.ts";
import { bodiesOf, expressionsOf, walkExpression, walkStatements } from "../vcl/walk.ts";
import { isHarmless, isOptional, keyOf, shallowKeyOf } from "./statement-keys.ts";
import type { OptionalStatement } from "./statement-keys.ts";

/** Where the old program does something else than the new one. */
export type ProgramMarks = ReadonlyMap<readonly Statement[], readonly Mark[]>;

export interface MarkOptions {
  /** Tables and ACLs that hold something else on the other side though they are declared alike. */
  readonly changedNames: ReadonlySet<string>;
  /** Whether an `if` that only one side has may be asked whether it would do something; else reaching it counts. */
  readonly mayAsk: boolean;
}

/**
 * Marks every place of the old program from which on the new one could do something else: a run of the old program that
 * comes by no mark is what a run of the new one would be, statement by statement, from the same state. `null` where
 * declarations differ in ways that no place in a subroutine stands for.
 */
export function markProgram(
  before: VclProgram,
  after: VclProgram,
  options: MarkOptions,
): ProgramMarks | null {
  const [old, next] = [groupDeclarations(before), groupDeclarations(after)];
  if (old === null || next === null || old.fixed !== next.fixed) return null;
  for (const name of new Set([...old.states, ...next.states])) {
    if (!old.states.has(name) || !next.states.has(name)) return null;
  }
  const changedNames = new Set(options.changedNames);
  for (const name of new Set([...old.lists.keys(), ...next.lists.keys()])) {
    if (old.lists.get(name) !== next.lists.get(name)) changedNames.add(name);
  }
  const mayAsk = options.mayAsk && !looksAtWorkspace(before) && !looksAtWorkspace(after);
  const marker = new Marker({ changedNames, mayAsk });
  for (const sub of old.subs.values()) marker.sub(sub, next.subs.get(sub.name.name));
  return marker.marks;
}

interface Declared {
  /** All whose change changes everything: backends, directors, probes, counters, pragmas. */
  readonly fixed: string;
  /** Tables and ACLs by name: what does not look at them does not see them change. */
  readonly lists: ReadonlyMap<string, string>;
  readonly subs: ReadonlyMap<string, SubDeclaration>;
  /** Subroutines that the edge itself calls. */
  readonly states: ReadonlySet<string>;
}

/** `null` where a name is declared twice. */
function groupDeclarations({ declarations }: VclProgram): Declared | null {
  const fixed: Declaration[] = [];
  const lists = new Map<string, string>();
  const subs = new Map<string, SubDeclaration>();
  for (const declaration of declarations) {
    const { kind } = declaration;
    if (kind === "sub") {
      if (subs.has(declaration.name.name)) return null;
      subs.set(declaration.name.name, declaration);
    } else if (kind === "table" || kind === "acl") {
      if (lists.has(declaration.name.name)) return null;
      lists.set(declaration.name.name, keyOf(declaration));
    } else fixed.push(declaration);
  }
  const states = new Set([...subs.keys()].filter((name) => name.startsWith("vcl_")));
  return { fixed: keyOf(fixed), lists, subs, states };
}

/** Any statement more takes memory: where VCL decides by what is left, every statement counts. Logs only tell it. */
function looksAtWorkspace({ declarations }: VclProgram): boolean {
  let found = false;
  for (const declaration of declarations) {
    if (declaration.kind !== "sub") continue;
    walkStatements(declaration.body, (statement) => {
      if (statement.kind !== "log") found ||= mentions(statement, (name) => name.startsWith("workspace."));
    });
  }
  return found;
}

/** Whether a statement's own expressions name something. */
function mentions(statement: Statement, isMeant: (name: string) => boolean): boolean {
  let found = false;
  for (const expression of expressionsOf(statement)) {
    walkExpression(expression, (node) => (found ||= node.kind === "identifier" && isMeant(node.name)));
  }
  return found;
}

interface BodyPair {
  readonly old: readonly Statement[];
  readonly next: readonly Statement[];
}

/** Statements that only one side has, between two that both have. */
interface Region extends BodyPair {
  /** Index of the first one in the old body. */
  readonly at: number;
  readonly sub: SubDeclaration;
}

class Marker {
  readonly marks = new Map<readonly Statement[], Mark[]>();
  readonly #options: MarkOptions;

  constructor(options: MarkOptions) {
    this.#options = options;
  }

  sub(old: SubDeclaration, next: SubDeclaration | undefined): void {
    const isSame =
      next !== undefined && old.type === next.type && keyOf(old.parameters) === keyOf(next.parameters);
    if (!isSame || declaresOf(old) !== declaresOf(next)) this.#always(old.body, 0, old, WHOLE);
    else this.#bodies({ old: old.body, next: next.body }, old);
  }

  #bodies({ old, next }: BodyPair, sub: SubDeclaration): void {
    const hasLabels = [...old, ...next].some(({ kind }) => kind === "label");
    if (hasLabels && keyOf(old) !== keyOf(next)) {
      // Jumps may come from anywhere below: entering the block counts.
      this.#always(old, 0, sub, next.length + old.length);
      return;
    }
    let [from, to] = [0, 0];
    for (const [i, j] of commonPairs(old, next)) {
      this.#region({ old: old.slice(from, i), next: next.slice(to, j), at: from, sub }, old);
      this.#pair(old, i, next[j], sub);
      [from, to] = [i + 1, j + 1];
    }
    this.#region({ old: old.slice(from), next: next.slice(to), at: from, sub }, old);
  }

  /** Two statements that are alike but, perhaps, for what is in their braces. */
  #pair(body: readonly Statement[], at: number, next: Statement | undefined, sub: SubDeclaration): void {
    const old = body[at];
    if (old === undefined || next === undefined) return;
    if (mentions(old, (name) => this.#options.changedNames.has(name))) this.#always(body, at, sub, 1);
    else {
      const inner = bodiesOf(next);
      for (const [index, list] of bodiesOf(old).entries()) {
        this.#bodies({ old: list, next: inner[index] ?? [] }, sub);
      }
    }
  }

  #region({ old, next, at, sub }: Region, body: readonly Statement[]): void {
    const both = [...old, ...next];
    if (both.length === 0) return;
    const asked = both.filter((statement): statement is OptionalStatement => this.#mayAsk(statement));
    if (asked.length < both.length) this.#always(body, at, sub, next.length);
    else {
      const when = asked.flatMap(({ branches }) => branches.map(({ condition }) => condition));
      this.#put(body, { kind: "mark", before: at, when, weight: next.length, span: sub.span });
    }
  }

  /** An `if` that does nothing where none of its conditions holds, and whose conditions do nothing either. */
  #mayAsk(statement: Statement): boolean {
    const { mayAsk, changedNames } = this.#options;
    if (!mayAsk || !isOptional(statement)) return false;
    if (mentions(statement, (name) => changedNames.has(name))) return false;
    return statement.branches.every(({ condition }) => isHarmless(condition));
  }

  #always(body: readonly Statement[], before: number, sub: SubDeclaration, weight: number): void {
    this.#put(body, { kind: "mark", before, when: null, weight, span: sub.span });
  }

  #put(body: readonly Statement[], mark: Mark): void {
    const known = this.marks.get(body);
    if (known === undefined) this.marks.set(body, [mark]);
    else known.push(mark);
  }
}

/** For a mark that stands for a whole subroutine: no run that comes by it counts. */
const WHOLE = 1;

/** A subroutine's variables, wherever they are declared: what names mean depends on all of them. */
function declaresOf({ body }: SubDeclaration): string {
  const found: string[] = [];
  const look = (list: readonly Statement[], depth: string): void => {
    for (const statement of list) {
      if (statement.kind === "declare") found.push(`${depth} ${keyOf(statement)}`);
      const isOpen = statement.kind === "macro" || statement.kind === "include";
      for (const inner of bodiesOf(statement)) look(inner, isOpen ? depth : `${depth}{`);
    }
  };
  look(body, "");
  return found.join("\n");
}

/** More statements in one block are not compared one by one. */
const MAX_COMPARED = 600;

/** Indexes of statements that both lists have in the same order: the longest such row. */
function commonPairs(
  old: readonly Statement[],
  next: readonly Statement[],
): readonly (readonly [old: number, next: number])[] {
  if (old.length > MAX_COMPARED || next.length > MAX_COMPARED) return [];
  const [a, b] = [old.map(shallowKeyOf), next.map(shallowKeyOf)];
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i += 1;
    else j += 1;
  }
  return pairs;
}
