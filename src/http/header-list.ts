/** One header line: the name as it came, and the value with every char code one byte (latin1). */
export type HeaderLine = readonly [name: string, value: string];

/** Never changed once made: copies of a list share them. */
interface Line {
  readonly name: string;
  readonly lower: string;
  readonly value: string;
}

interface NamePair {
  readonly name: string;
  readonly lower: string;
}

/**
 * The few names that nearly all lines have are kept once, however many messages a cache holds. Names come from
 * strangers: what the table has no room for is not kept.
 */
const NAMES = new Map<string, NamePair>();
const MAX_NAMES = 2_000;
const MAX_KEPT_NAME = 64;

function pairOf(name: string): NamePair {
  const known = NAMES.get(name);
  if (known !== undefined) return known;
  const pair = { name, lower: name.toLowerCase() };
  if (NAMES.size < MAX_NAMES && name.length <= MAX_KEPT_NAME) NAMES.set(name, pair);
  return pair;
}

function lineOf(name: string, value: string): Line {
  const pair = pairOf(name);
  return { name: pair.name, lower: pair.lower, value };
}

/**
 * Header lines in order, with their case and duplicates kept (RFC 9110 §5.2-5.3). Names compare without case;
 * values are byte strings. `get` reads the first line of a name, as VCL's `req.http.Name` does.
 */
export class HeaderList {
  #lines: Line[] = [];

  /** From undici's and node's flat `[name, value, name, value…]` arrays. */
  static fromFlat(flat: readonly string[]): HeaderList {
    const list = new HeaderList();
    for (let i = 0; i + 1 < flat.length; i += 2) list.add(flat[i] ?? "", flat[i + 1] ?? "");
    return list;
  }

  static from(lines: Iterable<HeaderLine>): HeaderList {
    const list = new HeaderList();
    for (const [name, value] of lines) list.add(name, value);
    return list;
  }

  /** Number of header lines. */
  get size(): number {
    return this.#lines.length;
  }

  /** The first value of the name, `null` when there is none. */
  get(name: string): string | null {
    return this.getLower(name.toLowerCase());
  }

  /** As `get`, for a name that is in lower case already: what compiled VCL reads headers by. */
  getLower(lower: string): string | null {
    for (const line of this.#lines) if (line.lower === lower) return line.value;
    return null;
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  /** All values of the name, in order. */
  getAll(name: string): string[] {
    const lower = name.toLowerCase();
    return this.#lines.filter((line) => line.lower === lower).map((line) => line.value);
  }

  /** Leaves exactly one line of the name, in the place of the first one if there was one. */
  set(name: string, value: string): void {
    const line = lineOf(name, value);
    const at = this.#indexOf(line.lower, 0);
    if (at === -1) {
      this.#lines.push(line);
      return;
    }
    this.#lines[at] = line;
    if (this.#indexOf(line.lower, at + 1) === -1) return;
    this.#lines = this.#lines.filter((other, i) => i <= at || other.lower !== line.lower);
  }

  /** Appends one more line. */
  add(name: string, value: string): void {
    this.#lines.push(lineOf(name, value));
  }

  /** Removes every line of the name; a trailing `*` removes every name with that prefix. */
  unset(name: string): void {
    const lower = name.toLowerCase();
    if (lower.endsWith("*")) {
      const prefix = lower.slice(0, -1);
      this.#lines = this.#lines.filter((line) => !line.lower.startsWith(prefix));
      return;
    }
    if (this.#indexOf(lower, 0) !== -1) this.#lines = this.#lines.filter((line) => line.lower !== lower);
  }

  clone(): HeaderList {
    const copy = new HeaderList();
    copy.#lines = this.#lines.slice();
    return copy;
  }

  *[Symbol.iterator](): Iterator<HeaderLine> {
    for (const line of this.#lines) yield [line.name, line.value];
  }

  /** Flat `[name, value, …]`, as node's `writeHead` takes it. */
  toFlat(): string[] {
    return this.#lines.flatMap((line) => [line.name, line.value]);
  }

  /** Bytes on the wire: each line is name, ": ", value, CRLF. */
  get bytes(): number {
    let sum = 0;
    for (const line of this.#lines) sum += line.name.length + line.value.length + 4;
    return sum;
  }

  /** Where the first line of a lower-case name is from `start` on; -1 when there is none. */
  #indexOf(lower: string, start: number): number {
    for (let i = start; i < this.#lines.length; i += 1) if (this.#lines[i]?.lower === lower) return i;
    return -1;
  }
}
