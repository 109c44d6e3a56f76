/** Characters that never need an escape (RFC 3986 §2.3). */
const UNRESERVED = /[A-Za-z0-9\-._~]/;

/** What a path and a query may be made of (RFC 3986 §3.3, §3.4); anything else is no URL. */
const PATH = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/;
const QUERY = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*$/;
const AUTHORITY =
  /^((?:[A-Za-z0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{2})*@)?(\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+)(?::([0-9]*))?$/;

/** Scheme and authority, path, query with its mark, fragment with its mark. */
const URL = /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$/s;

const DEFAULT_PORTS: ReadonlyMap<string, string> = new Map([
  ["http", "80"],
  ["https", "443"],
]);

/**
 * `url.normalize` (functions/strings/url-normalize): scheme and host in lower case, default port, needless escapes,
 * dot segments and fragment gone; the query stays as it is. What is no http(s) URL and no absolute path comes back
 * unchanged.
 */
export function normalizeUrl(url: string): string {
  const [, scheme, authority = "", path = "", query = "", fragment = ""] = URL.exec(url) ?? [];
  if (!PATH.test(path) || !QUERY.test(query.slice(1)) || !QUERY.test(fragment.slice(1))) return url;
  if (scheme === undefined) return path.startsWith("/") ? normalizePath(path) + query : url;
  const origin = normalizeOrigin(scheme.toLowerCase(), authority);
  if (origin === null) return url;
  return `${origin}${path === "" ? "/" : normalizePath(path)}${query}`;
}

function normalizeOrigin(scheme: string, authority: string): string | null {
  const defaultPort = DEFAULT_PORTS.get(scheme);
  const [, user = "", host = "", port = ""] = AUTHORITY.exec(authority) ?? [];
  if (defaultPort === undefined || host === "") return null;
  const tail = port === "" || port === defaultPort ? "" : `:${port}`;
  return `${scheme}://${user}${host.toLowerCase()}${tail}`;
}

function normalizePath(path: string): string {
  const plain = path.replaceAll(/%([0-9A-Fa-f]{2})/g, (escape, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return UNRESERVED.test(character) ? character : escape.toUpperCase();
  });
  return removeDotSegments(plain);
}

/** RFC 3986 §5.2.4; an empty segment is a segment like others. */
function removeDotSegments(path: string): string {
  const segments = path.split("/").slice(1);
  const kept: string[] = [];
  for (const [i, segment] of segments.entries()) {
    if (segment !== "." && segment !== "..") kept.push(segment);
    else if (segment === "..") kept.pop();
    // A path that ends in dots ends in the folder that they mean.
    if ((segment === "." || segment === "..") && i === segments.length - 1) kept.push("");
  }
  return `/${kept.join("/")}`;
}
