import type { FunctionRow } from "../catalog-rows.ts";
import type { VclValue } from "../values.ts";
import { defineFunction, integer, text } from "./rows.ts";

const NEGOTIATION = { category: "content-negotiation" };

interface Preference {
  readonly value: string;
  readonly quality: number;
}

/** The members of an Accept-* header with their weights, best first, equal ones in their order (RFC 9110 §12.4.2). */
function preferences(header: string): Preference[] {
  const found: Preference[] = [];
  for (const member of header.split(",")) {
    const [value = "", ...parameters] = member.split(";").map((part) => part.trim());
    if (value === "") continue;
    const weight = parameters.find((parameter) => /^q=/i.test(parameter));
    const quality = weight === undefined ? 1 : Number(weight.slice(2));
    found.push({ value: value.toLowerCase(), quality: quality >= 0 && quality <= 1 ? quality : 0 });
  }
  return found.sort((a, b) => b.quality - a.quality);
}

function offers(list: string): string[] {
  return list.split(":").filter((offer) => offer !== "");
}

/** Charsets and encodings: the client's best that is offered; `*` takes the first offer that is not refused. */
function lookupToken(args: readonly VclValue[]): string {
  const [list = "", otherwise = "", header = ""] = args.map(text);
  const available = offers(list);
  const wanted = preferences(header);
  const refused = new Set(wanted.filter(({ quality }) => quality === 0).map(({ value }) => value));
  for (const { value, quality } of wanted) {
    if (quality === 0) continue;
    const match = available.find((offer) =>
      value === "*" ? !refused.has(offer.toLowerCase()) : offer.toLowerCase() === value,
    );
    if (match !== undefined) return match;
  }
  return otherwise;
}

/** RFC 4647 §3.4: each range loses its last subtag until an offer equals it. */
function lookupLanguage(args: readonly VclValue[]): string {
  const [list = "", otherwise = "", header = ""] = args.map(text);
  const available = offers(list);
  for (const { value, quality } of preferences(header)) {
    if (quality === 0 || value === "*") continue;
    for (let range = value; range !== ""; range = shorterRange(range)) {
      const match = available.find((offer) => offer.toLowerCase() === range);
      if (match !== undefined) return match;
    }
  }
  return otherwise;
}

/** Without its last subtag, and without a single letter before that (RFC 4647 §3.4). */
function shorterRange(range: string): string {
  const subtags = range.split("-").slice(0, -1);
  if (subtags.at(-1)?.length === 1) subtags.pop();
  return subtags.join("-");
}

/** RFC 4647 §3.3.1: offers that a range equals or is a prefix of, at most `nmatches`, joined by commas. */
function filterLanguages(args: readonly VclValue[]): string {
  const [list = "", otherwise = "", header = ""] = args.map(text);
  const limit = Number(integer(args[3]));
  const wanted = preferences(header);
  const refused = new Set(wanted.filter(({ quality }) => quality === 0).map(({ value }) => value));
  const matched = new Set<string>();
  for (const { value, quality } of wanted) {
    if (quality === 0) continue;
    for (const offer of offers(list)) {
      const tag = offer.toLowerCase();
      const isMeant = value === "*" ? !refused.has(tag) : tag === value || tag.startsWith(`${value}-`);
      if (isMeant) matched.add(offer);
    }
  }
  return matched.size === 0 ? otherwise : [...matched].slice(0, Math.max(0, limit)).join(",");
}

/** Media types: exact ones, then `type/*` by the pattern defaults, then `*` + `/*` by the default. */
function lookupMedia(args: readonly VclValue[]): string {
  const [list = "", otherwise = "", ranges = "", header = ""] = args.map(text);
  const available = offers(list);
  for (const { value, quality } of preferences(header)) {
    if (quality === 0) continue;
    if (value === "*/*") return otherwise;
    const type = value.endsWith("/*") ? value.slice(0, -1) : undefined;
    const match =
      type === undefined
        ? available.find((offer) => offer.toLowerCase() === value)
        : (offers(ranges).find((offer) => offer.toLowerCase().startsWith(type)) ??
          available.find((offer) => offer.toLowerCase().startsWith(type)));
    if (match !== undefined) return match;
  }
  return otherwise;
}

/** `accept.*` */
export const NEGOTIATION_FUNCTIONS: readonly FunctionRow[] = [
  defineFunction(
    "STRING accept.charset_lookup(STRING requested_charsets, STRING default, STRING accept_header)",
    NEGOTIATION,
    (_t, args) => lookupToken(args),
  ),
  defineFunction(
    "STRING accept.encoding_lookup(STRING requested_content_encodings, STRING default, STRING accept_header)",
    NEGOTIATION,
    (_t, args) => lookupToken(args),
  ),
  defineFunction(
    "STRING accept.language_lookup(STRING requested_languages, STRING default, STRING accept_header)",
    NEGOTIATION,
    (_t, args) => lookupLanguage(args),
  ),
  defineFunction(
    "STRING accept.language_filter_basic(STRING requested_languages, STRING default, STRING accept_header, INTEGER nmatches)",
    NEGOTIATION,
    (_t, args) => filterLanguages(args),
  ),
  defineFunction(
    "STRING accept.media_lookup(STRING requested_media_types, STRING default, STRING range_defaults, STRING accept_header)",
    NEGOTIATION,
    (_t, args) => lookupMedia(args),
  ),
];
