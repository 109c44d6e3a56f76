/** A piece of a page with edge side includes. */
export type EsiPiece =
  | { readonly kind: "text"; readonly text: string }
  /** `src` of an `esi:include`, its character references resolved. */
  | { readonly kind: "include"; readonly src: string };

/** Longest tag; what is longer is text. */
const MAX_TAG = 8192;

type Mode = "text" | "remove" | "cdata";

const INCLUDE = "<esi:include";
const COMMENT = "<esi:comment";
const REMOVE = "<esi:remove";
const OPENING = "<!--esi";
const CDATA = "<![CDATA[";
const OPENERS = [INCLUDE, COMMENT, REMOVE, OPENING, CDATA] as const;

/** What ends each mode that swallows or copies without looking. */
const ENDS = { remove: "</esi:remove>", cdata: "]]>" } as const;

/**
 * Finds Fastly's edge side includes in text as it arrives: `esi:include`, `esi:comment`, `esi:remove`
 * (reference/vcl/statements/esi) and the wrapper `<!--esi … -->`, which hides them from browsers. Nothing is looked
 * for in CDATA sections unless asked. Anything else, tags that never end included, is text.
 */
export class EsiScanner {
  readonly #openers: readonly string[];
  #rest = "";
  #mode: Mode = "text";
  /** Inside `<!--esi`: the next `-->` belongs to it. */
  #wrapped = false;

  /** `insideCdata`: directives are read in CDATA sections too (`esi.allow_inside_cdata`). */
  constructor(options: { readonly insideCdata: boolean } = { insideCdata: false }) {
    this.#openers = options.insideCdata ? OPENERS.filter((opener) => opener !== CDATA) : OPENERS;
  }

  /** The pieces that can be told so far. */
  push(text: string): EsiPiece[] {
    this.#rest += text;
    return this.#scan(false);
  }

  /** The last pieces. */
  end(): EsiPiece[] {
    return this.#scan(true);
  }

  #scan(last: boolean): EsiPiece[] {
    const pieces: EsiPiece[] = [];
    while (this.#rest !== "" && this.#step(pieces, last)) {
      // Each step takes something off the rest.
    }
    return pieces;
  }

  /** Takes one piece off the rest; `false` when more text is needed to tell. */
  #step(pieces: EsiPiece[], last: boolean): boolean {
    if (this.#mode !== "text") return this.#skip(pieces, { mode: this.#mode, last });
    const openers = this.#wrapped ? [...this.#openers, "-->"] : this.#openers;
    const found = firstOf(this.#rest, openers);
    if (found === null) {
      const kept = last ? 0 : unfinished(this.#rest, openers);
      this.#take(pieces, this.#rest.length - kept);
      return false;
    }
    this.#take(pieces, found.at);
    return this.#open(pieces, { opener: found.text, last });
  }

  #open(pieces: EsiPiece[], { opener, last }: { opener: string; last: boolean }): boolean {
    if (opener === OPENING || opener === "-->") {
      this.#wrapped = opener === OPENING;
      this.#rest = this.#rest.slice(opener.length);
      return true;
    }
    if (opener === CDATA) {
      this.#take(pieces, opener.length);
      this.#mode = "cdata";
      return true;
    }
    const end = endOfTag(this.#rest);
    if (end === -1 && !last && this.#rest.length < MAX_TAG) return false;
    if (end === -1 || !/^[\s/>]/.test(this.#rest.slice(opener.length))) {
      this.#take(pieces, opener.length);
      return true;
    }
    const tag = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end);
    if (opener === REMOVE && !tag.endsWith("/>")) this.#mode = "remove";
    const src = opener === INCLUDE ? sourceOf(tag) : null;
    if (src !== null) pieces.push({ kind: "include", src });
    return true;
  }

  /** Copies a CDATA section, drops what is to be removed. */
  #skip(pieces: EsiPiece[], { mode, last }: { mode: "remove" | "cdata"; last: boolean }): boolean {
    const close = ENDS[mode];
    const at = this.#rest.indexOf(close);
    const length =
      at === -1 ? this.#rest.length - (last ? 0 : unfinished(this.#rest, [close])) : at + close.length;
    if (mode === "cdata") this.#take(pieces, length);
    else this.#rest = this.#rest.slice(length);
    if (at !== -1) this.#mode = "text";
    return at !== -1;
  }

  #take(pieces: EsiPiece[], length: number): void {
    if (length > 0) pieces.push({ kind: "text", text: this.#rest.slice(0, length) });
    this.#rest = this.#rest.slice(length);
  }
}

function firstOf(text: string, wanted: readonly string[]): { at: number; text: string } | null {
  let first: { at: number; text: string } | null = null;
  for (const one of wanted) {
    const at = text.indexOf(one);
    if (at !== -1 && (first === null || at < first.at)) first = { at, text: one };
  }
  return first;
}

/** How many characters at the end may be the beginning of one of the wanted. */
function unfinished(text: string, wanted: readonly string[]): number {
  let longest = 0;
  for (const one of wanted) {
    for (let length = Math.min(one.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(one.slice(0, length))) longest = length;
    }
  }
  return longest;
}

/** The place behind the `>` that ends the tag at the beginning; `-1` while it has not come. */
function endOfTag(text: string): number {
  let quote = "";
  for (let at = 0; at < Math.min(text.length, MAX_TAG); at++) {
    const char = text.charAt(at);
    if (quote !== "") {
      if (char === quote) quote = "";
    } else if (char === '"' || char === "'") quote = char;
    else if (char === ">") return at + 1;
  }
  return -1;
}

const REFERENCES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function sourceOf(tag: string): string | null {
  const match = /\ssrc\s*=\s*(?:"([^"]*)"|'([^']*)')/.exec(tag);
  const value = match?.[1] ?? match?.[2];
  if (value === undefined) return null;
  return value.trim().replace(/&(amp|lt|gt|quot|apos);/g, (_whole, key: string) => REFERENCES[key] ?? "");
}
