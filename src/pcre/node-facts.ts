import { ALL_BYTES, joinMasks, maskOf, NO_BYTES, singleMask } from "./byte-mask.ts";
import type { ByteMask } from "./byte-mask.ts";
import { byteSet } from "./byte-set.ts";
import { assertNever } from "../lib/errors.ts";
import { isWrapped, passesOnMainPath } from "./possessive-trap.ts";
import type { Newline, RepeatNode, SetNode, SyntaxNode } from "./syntax.ts";

import { joinTyped, TYPE } from "./type-trap.ts";
import type { TypedBytes, TypedStart } from "./type-trap.ts";

/** What the text after a point must start with: a byte of `set`, or the subject's end where `atEnd` allows it. */
export interface First extends TypedStart {
  readonly set: ByteMask;
  readonly atEnd: boolean;
  /** Set where an atomic group comes whose end PCRE2's optimiser misjudges, see possessive-trap.ts. */
  readonly trap: TypedBytes | null;
  /** True when what follows always succeeds, so that nothing comes back to ask for another way. */
  readonly final: boolean;
}

export interface NodeFacts extends First {
  /** True when the node may match without taking a byte, so that what follows also decides the first byte. */
  readonly transparent: boolean;
  /** True when it may match empty only by leaving out optional items. */
  readonly plain: boolean;
  /** A lower bound of the bytes the node takes. */
  readonly min: number;
  /** The bytes it takes if that number never varies, else -1. */
  readonly exact: number;
}

export const ANYTHING: First = {
  set: ALL_BYTES,
  atEnd: true,
  trap: null,
  final: false,
  types: 0,
  other: ALL_BYTES,
  opaque: false,
};
/** The end of the pattern, or of a stretch whose choices are dropped once it has matched. */
export const FINAL: First = { ...ANYTHING, final: true };

const MAX_COUNTED = 1_000_000;
const EMPTY_FACTS: NodeFacts = {
  set: NO_BYTES,
  atEnd: false,
  trap: null,
  final: false,
  types: 0,
  other: NO_BYTES,
  opaque: false,
  transparent: true,
  plain: true,
  min: 0,
  exact: 0,
};
const ZERO_WIDTH: NodeFacts = { ...EMPTY_FACTS, plain: false };
const UNKNOWN: NodeFacts = { ...ZERO_WIDTH, set: ALL_BYTES, other: ALL_BYTES, atEnd: true, exact: -1 };
const NEVER: NodeFacts = { ...ZERO_WIDTH, transparent: false, exact: -1 };

const NEWLINE_STARTS: Readonly<Record<Newline, ByteMask>> = {
  lf: maskOf(byteSet([10, 10])),
  cr: maskOf(byteSet([13, 13])),
  nul: maskOf(byteSet([0, 0])),
  crlf: maskOf(byteSet([13, 13])),
  anycrlf: maskOf(byteSet([10, 10], [13, 13])),
  any: maskOf(byteSet([10, 13], [0x85, 0x85])),
};

/** The first bytes of a node and then of what follows it. */
export function followedBy(facts: NodeFacts, follow: First): First {
  if (!facts.transparent) return facts;
  const trap = facts.plain && follow.trap !== null ? joinTyped(facts, follow.trap) : null;
  return {
    set: joinMasks(facts.set, follow.set),
    atEnd: facts.atEnd || follow.atEnd,
    trap: facts.trap ?? trap,
    final: facts.plain && follow.final,
    types: facts.types | follow.types,
    other: joinMasks(facts.other, follow.other),
    opaque: facts.opaque || !facts.plain || follow.opaque,
  };
}

/** The first bytes of either of two ways. */
export function either(a: First, b: First): First {
  const trapped = a.trap !== null || b.trap !== null;
  return {
    set: joinMasks(a.set, b.set),
    atEnd: a.atEnd || b.atEnd,
    trap: trapped ? joinTyped(a.trap ?? a, b.trap ?? b) : null,
    final: a.final && b.final,
    types: a.types | b.types,
    other: joinMasks(a.other, b.other),
    opaque: a.opaque || b.opaque,
  };
}

function sequence(all: readonly NodeFacts[]): NodeFacts {
  let first: First = EMPTY_FACTS;
  let transparent = true;
  let plain = true;
  let min = 0;
  let exact = 0;
  for (let at = all.length - 1; at >= 0; at -= 1) {
    const facts = all[at] ?? EMPTY_FACTS;
    first = followedBy(facts, first);
    transparent &&= facts.transparent;
    plain &&= facts.plain;
    min = Math.min(MAX_COUNTED, min + facts.min);
    exact = exact < 0 || facts.exact < 0 ? -1 : exact + facts.exact;
  }
  return { ...first, transparent, plain, min, exact };
}

function alternation(all: readonly NodeFacts[]): NodeFacts {
  const [head = EMPTY_FACTS, ...rest] = all;
  let joined = head;
  for (const facts of rest) {
    joined = {
      ...either(joined, facts),
      transparent: joined.transparent || facts.transparent,
      plain: joined.plain || facts.plain,
      min: Math.min(joined.min, facts.min),
      exact: joined.exact === facts.exact ? joined.exact : -1,
    };
  }
  return joined;
}

function repeat(node: RepeatNode, body: NodeFacts): NodeFacts {
  if (node.max === 0) return EMPTY_FACTS;
  const exact = node.min === node.max && body.exact >= 0 ? body.exact * node.min : -1;
  return {
    ...body,
    transparent: body.transparent || node.min === 0,
    plain: body.plain || node.min === 0,
    min: Math.min(MAX_COUNTED, body.min * node.min),
    exact: exact > MAX_COUNTED ? -1 : exact,
  };
}

function setFacts(node: SetNode): NodeFacts {
  const set = maskOf(node.set);
  const typed = node.type === undefined ? { other: set } : { types: node.type };
  return { ...NEVER, set, ...typed, min: 1, exact: 1 };
}

/** Notes the trap of, or that PCRE2 gives up at the end of, an atomic stretch whose text is `body`. */
function trapped(body: SyntaxNode, facts: NodeFacts): NodeFacts {
  if (!facts.plain) return facts;
  return passesOnMainPath(body) ? { ...facts, opaque: true } : { ...facts, trap: facts };
}

/** Works out facts about nodes once each. */
export function createFacts(newline: Newline): (node: SyntaxNode) => NodeFacts {
  const known = new Map<SyntaxNode, NodeFacts>();
  const newlineStarts = NEWLINE_STARTS[newline];
  const endOrNewline = { ...NEVER, set: newlineStarts, other: newlineStarts, atEnd: true, exact: 0 };
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
        return EMPTY_FACTS;
      case "keep":
      case "look":
        return ZERO_WIDTH;
      case "assertion":
        if (node.test === "subject-end") return { ...NEVER, atEnd: true, exact: 0 };
        return node.test === "subject-end-or-newline" || node.test === "line-end" ? endOrNewline : ZERO_WIDTH;
      case "literal": {
        const set = singleMask(node.text.charCodeAt(0), node.caseless);
        const { length } = node.text;
        return { ...NEVER, set, other: set, min: length, exact: length };
      }
      case "set":
        return setFacts(node);
      case "fail":
        return NEVER;
      case "sequence":
        return sequence(node.items.map(factsOf));
      case "alternation":
        return alternation(node.branches.map(factsOf));
      case "group":
        if (node.isNewlines === true) return { ...factsOf(node.body), types: TYPE.newlines, other: NO_BYTES };
        return node.atomic ? trapped(node.body, factsOf(node.body)) : factsOf(node.body);
      case "repeat": {
        const facts = repeat(node, factsOf(node.body));
        return isWrapped(node) ? trapped({ ...node, mode: "greedy" }, facts) : facts;
      }
      case "conditional": {
        const joined = alternation([factsOf(node.yes), node.no === null ? EMPTY_FACTS : factsOf(node.no)]);
        return { ...joined, plain: false, trap: null, exact: -1 };
      }
      case "reference":
      case "call":
      case "verb":
        return UNKNOWN;
      default:
        return assertNever(node);
    }
  };
  return factsOf;
}
