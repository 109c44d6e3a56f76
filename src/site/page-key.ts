/**
 * Paths. Two forms are used everywhere and never mixed: the *decoded* form (Unicode text, as in file names and S3 keys)
 * and the *encoded* form (`encodePath`), which the edge keeps and which equals S3's canonical URI for the key.
 */

const PLAIN = /^[A-Za-z0-9\-_.~/]*$/;
const utf8 = new TextEncoder();

/** Percent-encodes the UTF-8 bytes of everything but `A-Za-z0-9-_.~` and `/`, in upper-case hex (RFC 3986 section 2.3). */
export function encodePath(decoded: string): string {
  if (PLAIN.test(decoded)) return decoded;
  let encoded = "";
  for (const byte of utf8.encode(decoded)) {
    const character = String.fromCharCode(byte);
    encoded += PLAIN.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

export type DecodedPath =
  { readonly kind: "ok"; readonly path: string } | { readonly kind: "refused"; readonly reason: string };

/**
 * Decodes a URL path once and refuses what the edge refuses: an invalid `%`, bytes that are no UTF-8, control
 * characters, backslashes, encoded slashes and dot segments. Runs of `/` collapse.
 */
export function decodePath(raw: string): DecodedPath {
  if (!raw.startsWith("/")) return { kind: "refused", reason: "does not begin with `/`" };
  if (/%(?![0-9A-Fa-f]{2})/.test(raw)) return { kind: "refused", reason: "has a `%` without two hex digits" };
  if (/%2f/i.test(raw)) return { kind: "refused", reason: "has an encoded slash" };
  const decoded = decodeUtf8(raw);
  if (decoded === undefined) return { kind: "refused", reason: "is not UTF-8" };
  const reason = pathProblem(decoded);
  if (reason !== undefined) return { kind: "refused", reason };
  return { kind: "ok", path: decoded.replaceAll(/\/{2,}/g, "/") };
}

function decodeUtf8(raw: string): string | undefined {
  try {
    return decodeURIComponent(raw);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** Paths of which nothing can be wrong, told by one look: nearly all. */
const USUAL = /^\/?(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*\/)*(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*)?$/;

/** Why the edge would refuse a decoded path, or `undefined`. */
export function pathProblem(decoded: string): string | undefined {
  if (USUAL.test(decoded)) return undefined;
  if (/[\u0000-\u001f\u007f]/.test(decoded)) return "has a control character";
  if (decoded.includes("\\")) return "has a backslash";
  if (/(?:^|\/)\.\.?(?:\/|$)/.test(decoded)) return "has a dot segment";
  return undefined;
}

/**
 * The page key of a path with its leading `/`, in the form (decoded or encoded) that the path is in: one key for
 * `/about`, `/about/`, `/about.html` and `/about/index.html`.
 */
export function pageKey(path: string): string {
  const { stem, dropped } = dropEnding(path);
  const key = stem.startsWith("/") ? stem.slice(1) : stem;
  const name = key === "" ? "index" : key;
  if (!dropped && lastSegment(name).includes(".")) return name;
  return `${name}.html`;
}

const ENDINGS = ["/", "/index.html", ".html"] as const;

function dropEnding(path: string): { readonly stem: string; readonly dropped: boolean } {
  for (const ending of ENDINGS) {
    if (path.endsWith(ending)) return { stem: path.slice(0, -ending.length), dropped: true };
  }
  return { stem: path, dropped: false };
}

function lastSegment(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Which path is a page's own; `model.ts` says what each means. */
export type SlashPolicy = "auto" | "force" | "drop" | "none";

/**
 * The canonical URL path (decoded) of a file, given its path in the folder without leading `/`. By `auto` a page loses
 * `.html` and a folder's index keeps its slash, so that relative links work; what is no page stays as it is. It always
 * has the file's page key.
 */
export function canonicalPath(file: string, policy: SlashPolicy = "auto"): string {
  if (file === "index.html") return "/";
  if (!file.endsWith(".html")) return `/${file}`;
  const isIndex = file.endsWith("/index.html");
  const stem = `/${file.slice(0, isIndex ? -"/index.html".length : -".html".length)}`;
  const spelling = spellingOf(policy, isIndex);
  const name = lastSegment(stem);
  if (spelling === "bare" && name !== "" && name !== "index" && !name.includes(".")) return stem;
  const key = pageKey(`/${file}`);
  // Read back, a stem with a dot looks like a file and one that ends in `index` like a folder: those keep more.
  if (spelling === "bare" && pageKey(stem) === key) return stem;
  const keepsSlash = spelling === "slash" || (spelling === "bare" && isIndex);
  return keepsSlash && pageKey(`${stem}/`) === key ? `${stem}/` : `/${file}`;
}

function spellingOf(policy: SlashPolicy, isIndex: boolean): "bare" | "slash" | "file" {
  if (policy === "force") return "slash";
  if (policy === "drop") return "bare";
  if (isIndex) return "slash";
  return policy === "none" ? "file" : "bare";
}

/**
 * A page whose name has a dot (`v1.2/index.html`, `v1.2.html`) is not reached by `/v1.2`, which looks like a file: the
 * key at which a redirect to its canonical path belongs, or `undefined` when the page needs none.
 */
export function dottedAliasKey(file: string): string | undefined {
  // Most pages have no other dot than the one of their ending.
  if (file.indexOf(".") >= file.length - ".html".length) return undefined;
  const key = pageKey(`/${file}`);
  if (!key.endsWith(".html") || !file.endsWith(".html")) return undefined;
  const stem = key.slice(0, -".html".length);
  return lastSegment(stem).includes(".") && !dropEnding(`/${stem}`).dropped ? stem : undefined;
}

/** Hex SHA-256 of the text's UTF-8 bytes; passed in because this folder also runs where `node:crypto` does not exist. */
export type Sha256Hex = (text: string) => string;

/** What surrogate keys of a page carry: the first 16 hex digits of SHA-256 of `<site>/<encoded page key>`. */
export function pageHash(
  page: { readonly site: string; readonly encodedKey: string },
  sha256Hex: Sha256Hex,
): string {
  return sha256Hex(`${page.site}/${page.encodedKey}`).slice(0, 16);
}
