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
  const pair = { name, lower: uniqueLower(name) };
  if (NAMES.size < MAX_NAMES && name.length <= MAX_KEPT_NAME) NAMES.set(name, pair);
  return pair;
}

/**
 * A name in lower case, as the one string of its kind that the engine keeps for names of properties: comparing two of
 * those compares addresses, and looking for a header compares names more often than anything else is done.
 */
export function lowerName(name: string): string {
  return pairOf(name).lower;
}

function uniqueLower(name: string): string {
  const [unique] = Object.keys({ [name.toLowerCase()]: true });
  return unique ?? "";
}

function lineOf(name: string, value: string): Line {
  const pair = pairOf(name);
  return { name: pair.name, lower: pair.lower, value };
}

const END = { done: true, value: undefined } as const;

/**
 * Header lines in order, with their case and duplicates kept (RFC 9110 §5.2-5.3). Names compare without case;
 * values are byte strings. `get` reads the first line of a name, as VCL's `req.http.Name` does.
 */
export class HeaderList {
  #lines: Line[] = [];
  /** Whether a clone may have the same array: then it is copied before the first write. */
  #shared = false;

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
    return this.getLower(pairOf(name).lower);
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
    const { lower } = pairOf(name);
    const values: string[] = [];
    for (const line of this.#lines) if (line.lower === lower) values.push(line.value);
    return values;
  }

  /** Leaves exactly one line of the name, in the place of the first one if there was one. */
  set(name: string, value: string): void {
    this.#put(lineOf(name, value));
  }

  /** As `set`, for a name whose lower case is known: what compiled VCL writes headers by. */
  setLower(name: string, lower: string, value: string): void {
    this.#put({ name, lower, value });
  }

  /** A list of its own of the lines whose lower-case name is kept. */
  filtered(isKept: (lower: string) => boolean): HeaderList {
    const list = new HeaderList();
    list.#lines = this.#lines.filter(({ lower }) => isKept(lower));
    return list;
  }

  /** Takes every line away whose lower-case name is not kept. */
  retain(isKept: (lower: string) => boolean): void {
    const kept = this.#lines.filter(({ lower }) => isKept(lower));
    if (kept.length === this.#lines.length) return;
    this.#lines = kept;
    this.#shared = false;
  }

  /** Whether both have the same lines in the same order, names without case. */
  isLike(other: HeaderList): boolean {
    const lines = other.#lines;
    if (this.#lines === lines) return true;
    if (this.#lines.length !== lines.length) return false;
    return this.#lines.every(({ lower, value }, i) => lines[i]?.lower === lower && lines[i].value === value);
  }

  /** Lower-case names of all lines, in order. */
  lowerNames(): readonly string[] {
    return this.#lines.map(({ lower }) => lower);
  }

  /** Appends one more line. */
  add(name: string, value: string): void {
    this.#own().push(lineOf(name, value));
  }

  /** Removes every line of the name; a trailing `*` removes every name with that prefix. */
  unset(name: string): void {
    const { lower } = pairOf(name);
    if (lower.endsWith("*")) {
      const prefix = lower.slice(0, -1);
      this.#lines = this.#lines.filter((line) => !line.lower.startsWith(prefix));
      this.#shared = false;
    } else this.unsetLower(lower);
  }

  /** As `unset`, for one name that is in lower case already. */
  unsetLower(lower: string): void {
    const at = this.#indexOf(lower, 0);
    if (at === -1) return;
    // An array of its own: who walks the lines meanwhile sees them as they were.
    const lines = this.#lines.slice();
    let kept = at;
    for (let i = at + 1; i < lines.length; i += 1) {
      const line = lines[i];
      if (line === undefined || line.lower === lower) continue;
      lines[kept] = line;
      kept += 1;
    }
    lines.length = kept;
    this.#lines = lines;
    this.#shared = false;
  }

  /** A list of its own with the same lines. Costs next to nothing until either is written to: most copies never are. */
  clone(): HeaderList {
    const copy = new HeaderList();
    copy.#lines = this.#lines;
    copy.#shared = true;
    this.#shared = true;
    return copy;
  }

  /** Lines added meanwhile are not seen. No generator: every request walks its headers several times. */
  [Symbol.iterator](): Iterator<HeaderLine> {
    const lines = this.#lines;
    const count = lines.length;
    let at = 0;
    return {
      next(): IteratorResult<HeaderLine, undefined> {
        const line = at < count ? lines[at] : undefined;
        if (line === undefined) return END;
        at += 1;
        return { done: false, value: [line.name, line.value] };
      },
    };
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

  /** The array, for writing to. */
  #own(): Line[] {
    if (this.#shared) {
      this.#lines = this.#lines.slice();
      this.#shared = false;
    }
    return this.#lines;
  }

  #put(line: Line): void {
    const at = this.#indexOf(line.lower, 0);
    const lines = this.#own();
    if (at === -1) {
      lines.push(line);
      return;
    }
    lines[at] = line;
    if (this.#indexOf(line.lower, at + 1) === -1) return;
    this.#lines = lines.filter((other, i) => i <= at || other.lower !== line.lower);
  }

  /** Where the first line of a lower-case name is from `start` on; -1 when there is none. */
  #indexOf(lower: string, start: number): number {
    for (let i = start; i < this.#lines.length; i += 1) if (this.#lines[i]?.lower === lower) return i;
    return -1;
  }
}
