/** A set of bytes: 256 entries, 1 where the byte belongs to it. Never changed once it has left the function that built it. */
export type ByteSet = Readonly<Uint8Array>;

/** Builds a set from inclusive ranges `[first, last]`. */
export function byteSet(...ranges: readonly (readonly [number, number])[]): Uint8Array {
  const set = new Uint8Array(256);
  for (const [first, last] of ranges) set.fill(1, first, last + 1);
  return set;
}

export function complement(set: ByteSet): Uint8Array {
  const rest = byteSet();
  for (let byte = 0; byte < 256; byte += 1) if (set[byte] !== 1) rest[byte] = 1;
  return rest;
}

/** Adds the bytes of `more` to `set`, in place. */
export function addSet(set: Uint8Array, more: ByteSet): void {
  for (let byte = 0; byte < 256; byte += 1) if (more[byte] === 1) set[byte] = 1;
}

export function sizeOf(set: ByteSet): number {
  let size = 0;
  for (const bit of set) size += bit;
  return size;
}

/** The other case of an ASCII letter, else the byte itself: PCRE2 without UTF folds by the C locale. */
export function otherCase(byte: number): number {
  if (byte >= 0x41 && byte <= 0x5a) return byte + 32;
  if (byte >= 0x61 && byte <= 0x7a) return byte - 32;
  return byte;
}

/** Lower case of every byte, ASCII letters only. */
export const LOWER_CASE: Readonly<Uint8Array> = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte,
);

const NO_BYTE: ByteSet = byteSet();
export const ANY_BYTE: ByteSet = byteSet([0, 255]);
export const DIGIT: ByteSet = byteSet([0x30, 0x39]);
export const WORD: ByteSet = byteSet([0x30, 0x39], [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]);
export const SPACE: ByteSet = byteSet([9, 13], [32, 32]);
/** `\h`: horizontal space, NBSP among it even in byte mode. */
export const HORIZONTAL_SPACE: ByteSet = byteSet([9, 9], [32, 32], [0xa0, 0xa0]);
/** `\v`: vertical space, NEL among it even in byte mode. */
export const VERTICAL_SPACE: ByteSet = byteSet([10, 13], [0x85, 0x85]);

const SINGLES: readonly ByteSet[] = Array.from({ length: 256 }, (_, byte) => byteSet([byte, byte]));
const CASELESS_SINGLES: readonly ByteSet[] = Array.from({ length: 256 }, (_, byte) =>
  byteSet([byte, byte], [otherCase(byte), otherCase(byte)]),
);

/** The set of one byte, or of both cases of a letter. */
export function single(byte: number, caseless: boolean): ByteSet {
  return (caseless ? CASELESS_SINGLES : SINGLES)[byte] ?? NO_BYTE;
}

/** The one byte of a set of size one, else -1. */
export function onlyByte(set: ByteSet): number {
  return sizeOf(set) === 1 ? set.indexOf(1) : -1;
}

/** POSIX classes of the C locale, as `[:name:]` inside a class. */
export const POSIX_CLASSES: ReadonlyMap<string, ByteSet> = new Map<string, ByteSet>([
  ["alnum", byteSet([0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a])],
  ["alpha", byteSet([0x41, 0x5a], [0x61, 0x7a])],
  ["ascii", byteSet([0, 127])],
  ["blank", byteSet([9, 9], [32, 32])],
  ["cntrl", byteSet([0, 31], [127, 127])],
  ["digit", DIGIT],
  ["graph", byteSet([33, 126])],
  ["lower", byteSet([0x61, 0x7a])],
  ["print", byteSet([32, 126])],
  ["punct", byteSet([33, 47], [58, 64], [91, 96], [123, 126])],
  ["space", SPACE],
  ["upper", byteSet([0x41, 0x5a])],
  ["word", WORD],
  ["xdigit", byteSet([0x30, 0x39], [0x41, 0x46], [0x61, 0x66])],
]);

/** The set of a type escape (`d`, `W`, `h` ...), or undefined when the letter is not one. */
export function typeEscape(letter: string): ByteSet | undefined {
  return TYPE_ESCAPES.get(letter);
}

const TYPE_ESCAPES: ReadonlyMap<string, ByteSet> = new Map<string, ByteSet>([
  ["d", DIGIT],
  ["D", complement(DIGIT)],
  ["w", WORD],
  ["W", complement(WORD)],
  ["s", SPACE],
  ["S", complement(SPACE)],
  ["h", HORIZONTAL_SPACE],
  ["H", complement(HORIZONTAL_SPACE)],
  ["v", VERTICAL_SPACE],
  ["V", complement(VERTICAL_SPACE)],
]);
