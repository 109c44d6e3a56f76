import { otherCase } from "./byte-set.ts";
import type { ByteSet } from "./byte-set.ts";

/** A set of bytes as eight words of 32 bits: quick to join and compare, where a ByteSet is quick to test. */
export type ByteMask = Readonly<Int32Array>;

const WORDS = 8;

function maskOfBytes(...bytes: readonly number[]): ByteMask {
  const mask = new Int32Array(WORDS);
  for (const byte of bytes) mask[byte >> 5] = (mask[byte >> 5] ?? 0) | (1 << (byte & 31));
  return mask;
}

export const NO_BYTES: ByteMask = maskOfBytes();
export const ALL_BYTES: ByteMask = new Int32Array(WORDS).fill(-1);

export function maskOf(set: ByteSet): ByteMask {
  const mask = new Int32Array(WORDS);
  for (let byte = 0; byte < 256; byte += 1)
    if (set[byte] === 1) mask[byte >> 5] = (mask[byte >> 5] ?? 0) | (1 << (byte & 31));
  return mask;
}

export function setOfMask(mask: ByteMask): ByteSet {
  return Uint8Array.from({ length: 256 }, (_, byte) => Number(hasByte(mask, byte)));
}

export function hasByte(mask: ByteMask, byte: number): boolean {
  return (((mask[byte >> 5] ?? 0) >>> (byte & 31)) & 1) === 1;
}

export function joinMasks(a: ByteMask, b: ByteMask): ByteMask {
  if (a === b || b === NO_BYTES) return a;
  if (a === NO_BYTES) return b;
  const joined = new Int32Array(WORDS);
  for (let word = 0; word < WORDS; word += 1) joined[word] = (a[word] ?? 0) | (b[word] ?? 0);
  return joined;
}

export function areDisjoint(a: ByteMask, b: ByteMask): boolean {
  for (let word = 0; word < WORDS; word += 1) if (((a[word] ?? 0) & (b[word] ?? 0)) !== 0) return false;
  return true;
}

export function isFull(mask: ByteMask): boolean {
  return mask.every((word) => word === -1);
}

const SINGLES: readonly ByteMask[] = Array.from({ length: 256 }, (_, byte) => maskOfBytes(byte));
const CASELESS_SINGLES: readonly ByteMask[] = Array.from({ length: 256 }, (_, byte) =>
  maskOfBytes(byte, otherCase(byte)),
);

/** The mask of one byte, or of both cases of a letter. */
export function singleMask(byte: number, caseless: boolean): ByteMask {
  return (caseless ? CASELESS_SINGLES : SINGLES)[byte] ?? NO_BYTES;
}
