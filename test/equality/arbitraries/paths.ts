import * as fc from "fast-check";

/** Page keys that objects have, in encoded form: few, so that requests find them. */
export const PAGE_KEYS = [
  "index.html",
  "about.html",
  "blog.html",
  "blog/post.html",
  "blog/2024/list.html",
  "404.html",
  "blog/404.html",
  "404/page.html",
  "private/index.html",
  "private.html",
  "v1.2.html",
  "caf%C3%A9.html",
  "a%20b%2Bc.html",
  "style.css",
  "app.js",
  "data.json",
  "img/logo.png",
  "img/large.svg",
  "film.mp4",
  "blog/film.mp4",
  "LICENSE.html",
  "old.html",
  ".well-known/acme-challenge/token.html",
  "a/b/c/d/e/f/g/h/i/j.html",
  "a/b/404.html",
  "%E6%97%A5%E6%9C%AC/%F0%9F%98%80/index.html",
  "%C5%BF%E2%80%8B%EF%BC%8F.html",
] as const;

/** First segments that rule buckets may be for. */
export const SEGMENTS = ["blog", "old", "caf%C3%A9", "img", "private"] as const;

/** Ways to write the path of a key, decoded once or not at all. */
export function spellings(key: string): readonly string[] {
  const stem = key.replace(/(?:\/?index)?\.html$/, "");
  const isPage = key.endsWith(".html");
  if (!isPage) return [`/${key}`, `/${key}/`, `/${key}.html`, `//${key}`];
  const path = `/${stem}`;
  return [
    path,
    path === "/" ? "/" : `${path}/`,
    `${stem === "" ? "" : path}/index.html`,
    `${path === "/" ? "/index" : path}.html`,
    `${path}//`,
    `/${path}`,
    path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
    path.replaceAll("%", "%25"),
    path.toLowerCase().replaceAll("%c3%a9", "\u00c3\u00a9"),
    path.toUpperCase(),
    path.replaceAll("%2B", "+"),
  ];
}

const nasty = fc.constantFrom(
  "%00",
  "%2f",
  "%2F..",
  "%5c",
  "\\",
  "%",
  "%g1",
  "%zz",
  "%2",
  "..",
  ".",
  "%2e%2e",
  "%2E",
  "...",
  "//",
  "/./",
  "/../",
  "+",
  "%2B",
  "%20",
  " ",
  "%7F",
  "%1f",
  "%0a",
  "\u00ff",
  "\u00e9",
  "\u00c9",
  "\u0085",
  "\u00a0",
  "%C2%A0",
  "%E2%80%A8",
  "%C5%BF",
  "%EF%BC%8F",
  "%F4%90%80%80",
  "%C3%A9",
  "%c3%a9",
  "%C3",
  "%F0%9F%98%80",
  "%ED%A0%80",
  "%C0%AF",
  "e%CC%81",
  "~",
  "%7E",
  "%7e",
  "'",
  "!*()",
  ";a=1",
  ":",
  "@",
  "&",
  "=",
  "$",
  ",",
  "{1}",
  "|",
  "^",
  '"',
  "<b>",
  "index.html",
  ".html",
  "/index.html",
  "/index",
  ".css",
  ".mp4",
  "%2ehtml",
  "\u0001",
  "a".repeat(900),
  "%C3%A9".repeat(300),
  "x".repeat(8_000),
  "/d".repeat(70),
  `${".a".repeat(440)}/x.y`,
  `${"%C3%A9".repeat(290)}/x/y/z`,
  "/%E6%97%A5%E6%9C%AC".repeat(40),
);

const segment = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("blog", "old", "img", "private", "about", "x", "new", "404") },
  { weight: 3, arbitrary: nasty },
  { weight: 1, arbitrary: fc.string({ maxLength: 6, unit: "binary-ascii" }).map(printable) },
);

/** Bytes that a request line can have: no blank would end the target. */
function printable(text: string): string {
  return text.replaceAll(/[\r\n ?#]/g, "");
}

const known = fc.constantFrom(...PAGE_KEYS).chain((key) => fc.constantFrom(...spellings(key)));

const spoilt = fc
  .tuple(known, nasty, fc.nat({ max: 40 }))
  .map(([path, piece, at]) => `${path.slice(0, 1 + at)}${piece}${path.slice(1 + at)}`);

const made = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 6 }), fc.constantFrom("", "/", "/index.html"))
  .map(([parts, end]) => `/${parts.join("/")}${end}`);

/** Paths as a request line has them, every escape nastiness among them. */
export const rawPath: fc.Arbitrary<string> = fc.oneof(
  { weight: 10, arbitrary: known },
  { weight: 3, arbitrary: spoilt },
  { weight: 4, arbitrary: made },
);

const pair = fc.constantFrom(
  "id=7",
  "id=",
  "id",
  "lang=de",
  "lang=en",
  "lang=de%20at",
  "id=a+b",
  "id=%2F..%2F",
  "id=%00",
  "id=%zz",
  "id=%C3%A9",
  "id=%c3%a9",
  "id=..",
  "ID=7",
  "i%64=7",
  "utm_source=x",
  "a=b=c",
  "=",
  "id=x?y",
  "id=7;lang=de",
  "id=\u00e9",
  `id=${"%41".repeat(30)}`,
);

/** Queries with their `?`. */
export const rawQuery: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constant("") },
  { weight: 1, arbitrary: fc.constantFrom("?", "??", "?&", "?&&id=7&") },
  { weight: 4, arbitrary: fc.array(pair, { minLength: 1, maxLength: 4 }).map((all) => `?${all.join("&")}`) },
);
