import { assertNever } from "../lib/errors.ts";
import { decodePath } from "./page-key.ts";

type Token =
  | { readonly kind: "text"; readonly text: string }
  /** `*` beside other characters: anything, also nothing, also slashes. */
  | { readonly kind: "any" }
  /** `*` as a whole segment: the rest from its slash on, or nothing. */
  | { readonly kind: "rest" }
  /** `:name`: something without a slash. */
  | { readonly kind: "name" };

/** A path of a `_headers` file. */
export interface HeaderPattern {
  readonly tokens: readonly Token[];
  /** What placeholders and `*` are called. */
  readonly names: readonly string[];
  /** It ends in `.html`, so it means files by their names, not pages by their URLs. */
  readonly namesFiles: boolean;
}

export type ParsedPattern =
  | { readonly kind: "ok"; readonly pattern: HeaderPattern }
  | { readonly kind: "refused"; readonly reason: string };

/** `*` that a path may have. */
const STAR_LIMIT = 4;

/**
 * Reads a path as Netlify and Cloudflare do: `*` for anything and `:name` for one segment, both anywhere; a trailing
 * slash makes no difference, case does.
 */
export function parseHeaderPattern(path: string): ParsedPattern {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path)) {
    return refused("names a host; headers belong to files, which all domains of the site show");
  }
  if (/[?#]/.test(path)) return refused("has a query or a fragment, which files do not have");
  const decoded = decodePath(path);
  if (decoded.kind === "refused") return refused(decoded.reason);
  const stars = path.split("*").length - 1;
  if (stars > STAR_LIMIT) return refused(`has ${stars} times \`*\`, the limit is ${STAR_LIMIT}`);
  const names = [...path.matchAll(/:([A-Za-z]\w*)/g)].map(([, name = ""]) => name);
  if (new Set(names).size < names.length) return refused("names a placeholder twice");
  if (stars > 0 && names.includes("splat")) return refused("has `*` and `:splat`, which are the same");
  const tokens = tokensOf(path);
  const last = tokens.at(-1);
  const namesFiles = last?.kind === "text" && last.text.endsWith(".html");
  return {
    kind: "ok",
    pattern: { tokens, names: stars > 0 ? [...names, "splat"] : names, namesFiles },
  };
}

function refused(reason: string): ParsedPattern {
  return { kind: "refused", reason };
}

function tokensOf(path: string): readonly Token[] {
  const plain = path.replaceAll(/\/{2,}/g, "/").replace(/\/$/, "");
  // A whole segment `*`, a `*`, a placeholder, or text up to the next of them.
  const parts = plain.match(/\/\*(?=\/|$)|\*|:[A-Za-z]\w*|(?:(?!\/\*(?:\/|$)|\*|:[A-Za-z])[^])+/g) ?? [];
  return parts.map((part): Token => {
    if (part === "/*") return { kind: "rest" };
    if (part === "*") return { kind: "any" };
    if (/^:[A-Za-z]/.test(part)) return { kind: "name" };
    return { kind: "text", text: decodeURIComponent(part).normalize("NFC") };
  });
}

/** The decoded URL paths of a file, without a trailing slash. */
export interface FilePaths {
  /** Of the page that it is; the file's own when it is none. */
  readonly page: string;
  /** With the file's whole name. */
  readonly file: string;
}

/** The paths of a file, given its path in the folder without leading `/`. */
export function filePaths(name: string): FilePaths {
  const file = `/${name}`;
  if (!name.endsWith(".html")) return { page: file, file };
  const ending = file.endsWith("/index.html") ? "/index.html" : ".html";
  return { page: file.slice(0, -ending.length), file };
}

/** Whether a pattern matches a file. */
export function matchesFile(pattern: HeaderPattern, paths: FilePaths): boolean {
  const { tokens, namesFiles } = pattern;
  return matchesText(tokens, paths.page) || (namesFiles && matchesText(tokens, paths.file));
}

/** Keeps the places that can be reached, so that no pattern takes more than its length times the path's. */
function matchesText(tokens: readonly Token[], path: string): boolean {
  const [first] = tokens;
  const last = tokens.at(-1);
  // Most patterns begin or end with text that most paths do not.
  if (first?.kind === "text" && !path.startsWith(first.text)) return false;
  if (last?.kind === "text" && !path.endsWith(last.text)) return false;
  let places: ReadonlySet<number> = new Set([0]);
  for (const token of tokens) {
    places = advance(token, path, places);
    if (places.size === 0) return false;
  }
  return places.has(path.length);
}

function advance(token: Token, path: string, places: ReadonlySet<number>): ReadonlySet<number> {
  const next = new Set<number>();
  switch (token.kind) {
    case "text":
      for (const place of places) if (path.startsWith(token.text, place)) next.add(place + token.text.length);
      return next;
    case "any":
      return addRange(next, Math.min(...places), path.length);
    case "rest": {
      for (const place of places) next.add(place);
      const slashes = [...places].filter((place) => path[place] === "/");
      return slashes.length === 0 ? next : addRange(next, Math.min(...slashes) + 1, path.length);
    }
    case "name":
      for (const place of places) addRange(next, place + 1, segmentEnd(path, place));
      return next;
    default:
      return assertNever(token);
  }
}

function addRange(places: Set<number>, from: number, to: number): ReadonlySet<number> {
  for (let place = from; place <= to; place += 1) places.add(place);
  return places;
}

function segmentEnd(path: string, from: number): number {
  const slash = path.indexOf("/", from);
  return slash === -1 ? path.length : slash;
}
