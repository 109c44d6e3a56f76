import { ANY_BYTE, byteSet, NO_BYTE, single, union } from "./byte-set.ts";
import type { ByteSet } from "./byte-set.ts";
import type { Newline, RepeatNode, SyntaxNode } from "./syntax.ts";

/** What the text after a point must start with: a byte of `set`, or the subject's end where `atEnd` allows it. */
export interface First {
  readonly set: ByteSet;
  readonly atEnd: boolean;
}

export interface NodeFacts extends First {
  /** True when the node may match without taking a byte, so that what follows also decides the first byte. */
  readonly transparent: boolean;
  /** A lower bound of the bytes the node takes. */
  readonly min: number;
  /** The bytes it takes if that number never varies, else -1. */
  readonly exact: number;
}

export const ANYTHING: First = { set: ANY_BYTE, atEnd: true };

const MAX_COUNTED = 1_000_000;
const ZERO_WIDTH: NodeFacts = { set: NO_BYTE, atEnd: false, transparent: true, min: 0, exact: 0 };
const UNKNOWN: NodeFacts = { set: ANY_BYTE, atEnd: true, transparent: true, min: 0, exact: -1 };
const NEVER: NodeFacts = { set: NO_BYTE, atEnd: false, transparent: false, min: 0, exact: -1 };

const NEWLINE_STARTS: Readonly<Record<Newline, ByteSet>> = {
  lf: byteSet([10, 10]),
  cr: byteSet([13, 13]),
  nul: byteSet([0, 0]),
  crlf: byteSet([13, 13]),
  anycrlf: byteSet([10, 10], [13, 13]),
  any: byteSet([10, 13], [0x85, 0x85]),
};

function join(a: ByteSet, b: ByteSet): ByteSet {
  if (a === b || b === NO_BYTE) return a;
  return a === NO_BYTE ? b : union(a, b);
}

/** The first bytes of a node and then of what follows it. */
export function followedBy(facts: NodeFacts, follow: First): First {
  if (!facts.transparent) return facts;
  return either(facts, follow);
}

export function either(a: First, b: First): First {
  return { set: join(a.set, b.set), atEnd: a.atEnd || b.atEnd };
}

function sequence(all: readonly NodeFacts[]): NodeFacts {
  let first: First = ZERO_WIDTH;
  let transparent = true;
  let min = 0;
  let exact = 0;
  for (let at = all.length - 1; at >= 0; at -= 1) {
    const facts = all[at] ?? ZERO_WIDTH;
    first = followedBy(facts, first);
    transparent &&= facts.transparent;
    min = Math.min(MAX_COUNTED, min + facts.min);
    exact = exact < 0 || facts.exact < 0 ? -1 : exact + facts.exact;
  }
  // A transparent start followed by one that is not leaves the whole opaque.
  return { set: first.set, atEnd: first.atEnd, transparent, min, exact };
}

function alternation(all: readonly NodeFacts[]): NodeFacts {
  const [head = ZERO_WIDTH, ...rest] = all;
  let joined = head;
  for (const facts of rest) {
    joined = {
      ...either(joined, facts),
      transparent: joined.transparent || facts.transparent,
      min: Math.min(joined.min, facts.min),
      exact: joined.exact === facts.exact ? joined.exact : -1,
    };
  }
  return joined;
}

function repeat(node: RepeatNode, body: NodeFacts): NodeFacts {
  if (node.max === 0) return ZERO_WIDTH;
  const exact = node.min === node.max && body.exact >= 0 ? body.exact * node.min : -1;
  return {
    set: body.set,
    atEnd: body.atEnd,
    transparent: body.transparent || node.min === 0,
    min: Math.min(MAX_COUNTED, body.min * node.min),
    exact: exact > MAX_COUNTED ? -1 : exact,
  };
}

/** Works out facts about nodes once each. */
export function createFacts(newline: Newline): (node: SyntaxNode) => NodeFacts {
  const known = new Map<SyntaxNode, NodeFacts>();
  const endOrNewline = { ...ZERO_WIDTH, set: NEWLINE_STARTS[newline], atEnd: true, transparent: false };
  const factsOf = (node: SyntaxNode): NodeFacts => {
    const cached = known.get(node);
    if (cached !== undefined) return cached;
    const facts = compute(node);
    known.set(node, facts);
    return facts;
  };
  const compute = (node: SyntaxNode): NodeFacts => {
    switch (node.kind) {
      case "empty":
      case "keep":
      case "look":
        return ZERO_WIDTH;
      case "assertion":
        if (node.test === "subject-end") return { ...ZERO_WIDTH, atEnd: true, transparent: false };
        return node.test === "subject-end-or-newline" || node.test === "line-end" ? endOrNewline : ZERO_WIDTH;
      case "literal": {
        const set = single(node.text.charCodeAt(0), node.caseless);
        const { length } = node.text;
        return { set, atEnd: false, transparent: false, min: length, exact: length };
      }
      case "set":
        return { set: node.set, atEnd: false, transparent: false, min: 1, exact: 1 };
      case "fail":
        return NEVER;
      case "sequence":
        return sequence(node.items.map(factsOf));
      case "alternation":
        return alternation(node.branches.map(factsOf));
      case "group":
        return factsOf(node.body);
      case "repeat":
        return repeat(node, factsOf(node.body));
      case "conditional": {
        const joined = alternation([factsOf(node.yes), node.no === null ? ZERO_WIDTH : factsOf(node.no)]);
        return { ...joined, exact: -1 };
      }
      case "reference":
      case "call":
      case "verb":
        return UNKNOWN;
    }
  };
  return factsOf;
}
