/** The parts of a request target as VCL names them (reference/vcl/variables/client-request/req-url-path and siblings). */

/** Everything before `?` or `#`. */
export function urlPath(url: string): string {
  for (let i = 0; i < url.length; i++) {
    const code = url.charCodeAt(i);
    if (code === 63 || code === 35) return url.slice(0, i);
  }
  return url;
}

/** What follows the first `?`, without a fragment; `""` for an empty query or none. */
export function urlQuery(url: string): string {
  const mark = url.indexOf("?");
  if (mark === -1) return "";
  const hash = url.indexOf("#", mark);
  return url.slice(mark + 1, hash === -1 ? undefined : hash);
}

/** The last segment of the path: `b.txt` of `/a/b.txt`, empty for `/a/`. */
export function urlBasename(url: string): string {
  const path = urlPath(url);
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The path without its last segment and slash: `/a` of `/a/b.txt`, `/` of `/b.txt`. */
export function urlDirname(url: string): string {
  const path = urlPath(url);
  const slash = path.lastIndexOf("/");
  if (slash <= 0) return slash === 0 ? "/" : "";
  return path.slice(0, slash);
}

/** The extension of the last segment without its dot; empty when there is none. */
export function urlExtension(url: string): string {
  const name = urlBasename(url);
  const dot = name.lastIndexOf(".");
  return dot === -1 ? "" : name.slice(dot + 1);
}
