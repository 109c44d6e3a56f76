/**
 * PCRE2 decides by a table (autoposstab in pcre2_auto_possess.c) which type escapes cannot follow one another, and makes a repeat
 * possessive by it. Some entries are wrong for the bytes 0xa0 and 0x85 and for `\R`: `.+\R` does not match "ab\r", and `\S+\h` gives
 * no NBSP back. This file says where an answer depends on such an entry.
 */
import { areDisjoint, joinMasks, maskOf, NO_BYTES } from "./byte-mask.ts";
import type { ByteMask } from "./byte-mask.ts";
import { byteSet, complement, HORIZONTAL_SPACE, SPACE, VERTICAL_SPACE } from "./byte-set.ts";

/** The types the wrong entries are about, as bits. `uncertain` stands where this matcher cannot tell what PCRE2 compares. */
export const TYPE = {
  notSpace: 1,
  dot: 2,
  horizontal: 4,
  vertical: 8,
  newlines: 16,
  space: 32,
  uncertain: 64,
};

/** For each repeated type the following types that PCRE2 wrongly takes for disjoint. */
const WRONG: ReadonlyMap<number, number> = new Map([
  [TYPE.notSpace, TYPE.newlines | TYPE.horizontal | TYPE.vertical],
  [TYPE.dot, TYPE.newlines],
  [TYPE.horizontal, TYPE.notSpace],
  [TYPE.vertical, TYPE.notSpace],
  [TYPE.newlines, TYPE.space | TYPE.dot],
]);
const MASKS: ReadonlyMap<number, ByteMask> = new Map([
  [TYPE.notSpace, maskOf(complement(SPACE))],
  [TYPE.dot, maskOf(complement(byteSet([10, 10])))],
  [TYPE.horizontal, maskOf(HORIZONTAL_SPACE)],
  [TYPE.vertical, maskOf(VERTICAL_SPACE)],
  [TYPE.newlines, maskOf(VERTICAL_SPACE)],
  [TYPE.space, maskOf(SPACE)],
]);

/** The bytes that may come first, split into those types and everything else. */
export interface TypedBytes {
  readonly types: number;
  /** Bytes that come from anything but those types. */
  readonly other: ByteMask;
}

/** What may follow a repeat. */
export interface TypedStart extends TypedBytes {
  /** True where PCRE2 meets something it does not look into, and so leaves the repeat alone. */
  readonly opaque: boolean;
}

/** The repeated byte: its type, 0 for none of those above, and its set. */
export interface Repeated {
  readonly type: number;
  readonly mask: ByteMask;
}

/** No bytes at all. */
export const NO_TYPED: TypedBytes = { types: 0, other: NO_BYTES };

export function joinTyped(a: TypedBytes, b: TypedBytes): TypedBytes {
  return { types: a.types | b.types, other: joinMasks(a.other, b.other) };
}

/** Whether PCRE2 takes the bytes for disjoint from the repeated one. */
export function seemsDisjoint(repeated: Repeated, bytes: TypedBytes): boolean {
  if (!areDisjoint(repeated.mask, bytes.other)) return false;
  const wrong = WRONG.get(repeated.type) ?? 0;
  for (const [type, mask] of MASKS)
    if ((bytes.types & type & ~wrong) !== 0 && !areDisjoint(repeated.mask, mask)) return false;
  return true;
}

/** Whether PCRE2 makes a repeat possessive by a wrong entry: surely, perhaps, or not at all. */
export function wronglyPossessive(repeated: Repeated, follow: TypedStart): "yes" | "perhaps" | "no" {
  const wrong = WRONG.get(repeated.type) ?? 0;
  if ((follow.types & wrong) === 0) return "no";
  if ((follow.types & TYPE.uncertain) !== 0) return "perhaps";
  if (follow.opaque || !seemsDisjoint(repeated, follow)) return "no";
  return follow.other === NO_BYTES ? "yes" : "perhaps";
}
