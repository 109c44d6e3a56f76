import { METADATA_BUDGET } from "./metadata.ts";
import { isReleaseId } from "./names.ts";
import type { Sha256Hex } from "./page-key.ts";

/**
 * The delta list of a config: which pages are not read from the base release but from another one. Most publishes change
 * a few files; this is what spares them the copy of all others.
 *
 * `<length><offset>:<digits…>=<release>&<digits…>=<release>`: a page is called by that many base64 digits of its key's
 * SHA-256, from that offset on. Nothing separates the digits of two pages. The edge looks for a page's digits and takes the
 * release after the next `=`, wherever they begin; so a list is written only with digits that lead every page of the site
 * rightly. Nothing but a group holds three digits in a row: a release id has a dot after its second character.
 *
 * Lists of codec version 2, `,<8 hex digits>,<8 hex digits>=<release>&…`, are still read.
 */

/** Stands for a release in a delta list: the page was removed. No release has this id. */
export const REMOVED = "-";

/** Digits of SHA-256 that a page may be called by; the fewest that tell the pages of a site apart are taken. */
const LENGTHS = [3, 4, 5, 6] as const;
const LONGEST = 6;
const OFFSETS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const;

/** In base64 as RFC 4648 section 4 has it, which is what `bin.hex_to_base64` writes. */
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Digits of a hash that lists may use, and one. */
export const DELTA_HASH_DIGITS = 16;

/** What delta lists know a page by: the first 16 base64 digits of SHA-256 of its encoded key. */
export function deltaHash(encodedKey: string, sha256Hex: Sha256Hex): string {
  const hex = sha256Hex(encodedKey);
  let text = "";
  for (let at = 0; at < 24; at += 3) {
    const bits = Number.parseInt(hex.slice(at, at + 3), 16);
    text += DIGITS.charAt(bits >> 6) + DIGITS.charAt(bits & 63);
  }
  return text;
}

/** What lists of codec version 2 knew a page by: the first 8 hex digits. */
function formerHash(hash: string): string {
  let hex = "";
  for (let at = 0; at < 6; at += 2) {
    const bits = DIGITS.indexOf(hash.charAt(at)) * 64 + DIGITS.indexOf(hash.charAt(at + 1));
    hex += bits.toString(16).padStart(3, "0");
  }
  return hex.slice(0, 8);
}

/** A page by its `deltaHash`, and a release, `REMOVED`, or `undefined` for the base release. */
export type DeltaClaim = readonly [hash: string, release: string | undefined];

/** What must be true of a delta list besides its entries. */
export interface DeltaClaims {
  /** Where the edge must look for pages. */
  readonly leads: readonly DeltaClaim[];
  /** Where it must not look for them. */
  readonly avoids: readonly DeltaClaim[];
}

export type PackedDelta =
  | { readonly kind: "ok"; readonly text: string }
  /** No digits lead every page rightly. */
  | { readonly kind: "collision" }
  /** It would not fit in any config. */
  | { readonly kind: "too-long" };

interface DigitRange {
  readonly length: number;
  readonly offset: number;
}

/**
 * The shortest delta list that says where these pages are and keeps all claims. Equal deltas and claims give equal texts.
 *
 * @param entries release id, or `REMOVED`, by `deltaHash`
 */
export function packDelta(
  entries: ReadonlyMap<string, string>,
  claims: DeltaClaims = { leads: [], avoids: [] },
): PackedDelta {
  if (entries.size === 0) return keeps(new Map(), claims) ? { kind: "ok", text: "" } : { kind: "collision" };
  const all = { ...claims, leads: [...entries, ...claims.leads] };
  for (const length of LENGTHS) {
    for (const offset of OFFSETS) {
      const range = { length, offset };
      const groups = groupsOf([...entries].map(([hash, release]) => [cut(hash, range), release]));
      const text = listText(range, groups);
      if (text.length > METADATA_BUDGET) return { kind: "too-long" };
      if (keeps(groups, all, range)) return { kind: "ok", text };
    }
  }
  return { kind: "collision" };
}

/**
 * Pages that a list of so many bytes names on a site of so many pages, in two releases: all but certainly, because a page
 * is found by chance in one list of e at most, and there are ten for each count of digits.
 */
export function deltaCapacity(bytes: number, pages: number): number {
  const length = LENGTHS.find((digits) => bytes * pages <= 64 ** digits) ?? LONGEST;
  return Math.max(0, Math.floor((bytes - FIXED_BYTES) / length));
}

/** With a group for changed pages and one for removed ones. */
const FIXED_BYTES = "30:=zz.zz&=-".length;

function cut(hash: string, { length, offset }: DigitRange): string {
  return hash.slice(offset, offset + length);
}

/** Digits by release, both sorted and each once. */
function groupsOf(entries: readonly (readonly [string, string])[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, Set<string>>();
  for (const [digits, release] of entries) {
    const group = groups.get(release);
    if (group) group.add(digits);
    else groups.set(release, new Set([digits]));
  }
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(sorted.map(([release, digits]) => [release, [...digits].sort()]));
}

function listText({ length, offset }: DigitRange, groups: ReadonlyMap<string, readonly string[]>): string {
  const texts = [...groups].map(([release, digits]) => `${digits.join("")}=${releaseText(release)}`);
  return `${length}${offset}:${texts.join("&")}`;
}

function releaseText(release: string): string {
  return release.length > 2 ? `${release.slice(0, 2)}.${release.slice(2)}` : release;
}

/** Stands for a release where digits are found in several groups: which is first is not asked. */
const SEVERAL = "";

/** Whether the edge, looking for the first place where digits stand in the groups, finds what is claimed. */
function keeps(
  groups: ReadonlyMap<string, readonly string[]>,
  { leads, avoids }: DeltaClaims,
  range: DigitRange = { length: 0, offset: 0 },
): boolean {
  const found = new Map<string, string>();
  for (const [release, digits] of groups) {
    const text = digits.join("");
    for (let at = 0; at + range.length <= text.length; at += 1) {
      const part = text.slice(at, at + range.length);
      const other = found.get(part);
      found.set(part, other === undefined || other === release ? release : SEVERAL);
    }
  }
  return (
    leads.every(([hash, release]) => found.get(cut(hash, range)) === release) &&
    avoids.every(([hash, release]) => {
      const is = found.get(cut(hash, range));
      return is !== release && is !== SEVERAL;
    })
  );
}

const RELEASE = String.raw`(-|[0-9a-z]{1,2}|[0-9a-z]{2}\.[0-9a-z]{1,2})`;

/**
 * Releases by the digits that a packed delta list calls pages by; anything that is not such a list is `undefined`.
 *
 * @param written `former`: only lists of codec version 2 are read
 */
export function unpackDelta(
  text: string,
  written: "any" | "former" = "any",
): ReadonlyMap<string, string> | undefined {
  if (text === "") return new Map();
  if (text.startsWith(",")) return unpackFormer(text);
  if (written === "former") return undefined;
  const [head, length, offset] = /^([3-6])([0-9]):/.exec(text) ?? [];
  if (head === undefined) return undefined;
  const range = { length: Number(length), offset: Number(offset) };
  const pattern = new RegExp(`^((?:[A-Za-z0-9+/]{${range.length}})+)=${RELEASE}$`);
  const entries = new Map<string, string>();
  for (const group of text.slice(head.length).split("&")) {
    const [, digits = "", named = ""] = pattern.exec(group) ?? [];
    const release = named.replace(".", "");
    if (release !== REMOVED && !isReleaseId(release)) return undefined;
    for (let at = 0; at < digits.length; at += range.length) {
      entries.set(digits.slice(at, at + range.length), release);
    }
  }
  return listText(range, groupsOf([...entries])) === text ? entries : undefined;
}

/** A list of codec version 2. */
function unpackFormer(text: string): ReadonlyMap<string, string> | undefined {
  const entries = new Map<string, string>();
  for (const group of text.split("&")) {
    const [, hashes, release = ""] = /^((?:,[0-9a-f]{8})+)=([0-9a-z]{1,4}|-)$/.exec(group) ?? [];
    if (hashes === undefined || (release !== REMOVED && !isReleaseId(release))) return undefined;
    for (const hash of hashes.slice(1).split(",")) entries.set(hash, release);
  }
  const groups = [...groupsOf([...entries])];
  const packed = groups.map(([release, hashes]) => `,${hashes.join(",")}=${release}`).join("&");
  return packed === text ? entries : undefined;
}

/** The release that a delta list names for a `deltaHash`, `REMOVED`, or `undefined` = the base release: what the edge does. */
export function lookUpDelta(text: string, hash: string): string | undefined {
  const [, length, offset] = /^([3-6])([0-9]):/.exec(text) ?? [];
  const digits =
    length === undefined
      ? `,${formerHash(hash)}`
      : cut(hash, { length: Number(length), offset: Number(offset) });
  const at = text.indexOf(digits);
  if (at === -1) return undefined;
  const [, first, second] = /=(-|[0-9a-z]{1,2})\.?([0-9a-z]{0,2})/.exec(text.slice(at)) ?? [];
  return first === undefined ? undefined : `${first}${second}`;
}
