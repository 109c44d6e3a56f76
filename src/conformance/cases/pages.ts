import { BUILT_IN_PAGE, get } from "../case.ts";
import type { ConformanceCase } from "../case.ts";
import { BLOB, LONG_TEXT } from "../fixtures.ts";

/** From path to page: keys, canonical paths, not found, HTTP's own rules. */
export const pageCases: readonly ConformanceCase[] = [
  {
    id: "page/canonical-paths",
    title: "A page is served at its canonical path, and other spellings go there with 308",
    source: "design: page key; RFC 9110 §15.4.9",
    steps: [
      get("main", "/about", { status: 200, body: { contains: "About" } }),
      get("main", "/about.html", { status: 308, headers: { Location: "/about" } }),
      get("main", "/about/", { status: 308, headers: { Location: "/about" } }),
      get("main", "/about/index.html", { status: 308, headers: { Location: "/about" } }),
      get("main", "/docs/", { status: 200, body: { contains: "Docs" } }),
      get("main", "/docs", { status: 308, headers: { Location: "/docs/" } }),
      get("main", "/index.html?q=1", { status: 308, headers: { Location: "/?q=1" } }),
    ],
  },
  {
    id: "page/query-does-not-matter",
    title: "The query string chooses no page",
    source: "design: page key",
    steps: [
      get("main", "/about?v=1.2", { status: 200, body: { contains: "About" } }),
      get("main", "/?utm=a.html", { status: 200, body: { contains: "Main home" } }),
    ],
  },
  {
    id: "page/extensionless-and-dotted",
    title: "A file without extension, and a page in a dotted folder, are found",
    source: "design: page key",
    steps: [
      get("main", "/LICENSE", { status: 200, body: { contains: "as you like" } }),
      get("main", "/v1.2/", { status: 200, body: { contains: "Version 1.2" } }),
      get("main", "/v1.2", { status: 308, headers: { Location: "/v1.2/" } }),
    ],
  },
  {
    id: "page/strict-paths",
    title: "A strict site answers other spellings with not found",
    source: "design: policy decides between a 308 and not found",
    steps: [get("strict", "/about", { status: 200 }), get("strict", "/about.html", { status: 404 })],
  },
  {
    id: "page/content-types",
    title: "Files carry their content types",
    source: "design: hosting object",
    steps: [
      get("main", "/logo.svg", { status: 200, headers: { "Content-Type": { matches: "^image/svg\\+xml" } } }),
      get("main", "/long.txt", { status: 200, headers: { "Content-Type": { matches: "^text/plain" } } }),
    ],
  },
  {
    id: "not-found/own-page",
    title: "A site's own 404.html is served with status 404, wherever the miss was",
    source: "design: 404",
    steps: [
      get("main", "/nowhere", {
        status: 404,
        headers: { "Cache-Control": "no-store" },
        body: { contains: "Main has no such page" },
      }),
      get("main", "/deep/er/nowhere.png", { status: 404, body: { contains: "Main has no such page" } }),
      get("main", "/404", { status: 404, body: { contains: "Main has no such page" } }),
    ],
  },
  {
    id: "not-found/never-304-or-206",
    title: "Conditions and ranges do not apply to a not-found page",
    source: "RFC 9110 §13.2.1, §14.2",
    steps: [
      get("main", "/nowhere", { status: 404 }, { headers: { "If-None-Match": "*", Range: "bytes=0-1" } }),
      get(
        "main",
        "/404",
        { status: 404, headers: { ETag: null }, body: { contains: "Main has no such page" } },
        { headers: { "If-None-Match": "*", Range: "bytes=0-1" } },
      ),
    ],
  },
  {
    id: "not-found/built-in",
    title: "A site without 404.html gets the edge's page",
    source: "design: 404",
    steps: [
      get("plain", "/nowhere", {
        status: 404,
        headers: { "Cache-Control": "no-store", "Content-Type": "text/html; charset=utf-8" },
        body: BUILT_IN_PAGE,
      }),
      get("plain", "/nowhere", { status: 404, body: { equals: "" } }, { method: "HEAD" }),
    ],
  },
  {
    id: "not-found/redirect-policy",
    title: "By policy a miss is redirected to the 404 page, which does not loop",
    source: "design: not-found policy",
    steps: [
      get("redirect404", "/nowhere", { status: 302, headers: { Location: "/404" } }),
      get("redirect404", "/404", { status: 404, body: { contains: "Redirected here" } }),
    ],
  },
  {
    id: "http/etag",
    title: "A page has an ETag and answers a matching condition with 304",
    source: "RFC 9110 §13.1.2",
    steps: [
      get("main", "/about", { status: 200, headers: { ETag: { matches: "." } } }),
      get(
        "main",
        "/about",
        { status: 304, body: { equals: "" } },
        { headers: { "If-None-Match": "{etag}" } },
      ),
      get("main", "/about", { status: 200 }, { headers: { "If-None-Match": '"other"' } }),
    ],
  },
  {
    id: "http/ranges",
    title: "Ranges of a file are served, past its end is 416",
    source: "RFC 9110 §14",
    steps: [
      get("main", "/blob.bin", { status: 200, body: { equals: BLOB } }),
      get(
        "main",
        "/blob.bin",
        {
          status: 206,
          headers: { "Content-Range": "bytes 10-19/1000" },
          body: { equals: BLOB.slice(10, 20) },
        },
        { headers: { Range: "bytes=10-19" } },
      ),
      get(
        "main",
        "/blob.bin",
        {
          status: 206,
          headers: { "Content-Range": "bytes 990-999/1000" },
          body: { equals: BLOB.slice(990) },
        },
        { headers: { Range: "bytes=-10" } },
      ),
      get("main", "/blob.bin", { status: 416 }, { headers: { Range: "bytes=1000-" } }),
    ],
  },
  {
    id: "http/compression",
    title: "Text is compressed for who accepts it, other files are not",
    source: "RFC 9110 §8.4, §12.5.3",
    steps: [
      get(
        "main",
        "/long.txt",
        { status: 200, headers: { "Content-Encoding": "br", Vary: { matches: "Accept-Encoding" } } },
        { headers: { "Accept-Encoding": "gzip, deflate, br" } },
      ),
      get(
        "main",
        "/long.txt",
        { status: 200, headers: { "Content-Encoding": "gzip", Vary: { matches: "Accept-Encoding" } } },
        { headers: { "Accept-Encoding": "gzip" } },
      ),
      get("main", "/long.txt", {
        status: 200,
        headers: { "Content-Encoding": null, Vary: { matches: "Accept-Encoding" } },
        body: { equals: LONG_TEXT },
      }),
      get(
        "main",
        "/long.txt",
        { status: 200, headers: { "Content-Encoding": null } },
        { headers: { "Accept-Encoding": "deflate, br;q=0, gzip;q=0" } },
      ),
      get(
        "main",
        "/blob.bin",
        { status: 200, headers: { "Content-Encoding": null, Vary: null } },
        { headers: { "Accept-Encoding": "gzip, br" } },
      ),
    ],
  },
  {
    id: "http/compressed-etag-is-weak",
    title: "Compressed bytes do not carry the strong ETag of the plain ones, and their own still gives 304",
    source: "RFC 9110 §8.8.1, §8.8.3.3",
    steps: [
      get("main", "/long.txt", { status: 200, headers: { ETag: { matches: '^"' } } }),
      get(
        "main",
        "/long.txt",
        { status: 200, headers: { ETag: { matches: '^W/"' } } },
        { headers: { "Accept-Encoding": "gzip" } },
      ),
      get(
        "main",
        "/long.txt",
        { status: 304 },
        { headers: { "Accept-Encoding": "gzip", "If-None-Match": "{etag}" } },
      ),
    ],
  },
  {
    id: "http/warm-page-is-a-hit",
    title: "The second request for a page comes from the cache",
    source: "design: page lookup (cached)",
    steps: [
      get("other", "/", { status: 200 }),
      get("other", "/", {
        status: 200,
        headers: { "Cache-Status": "sitefleet; hit" },
      }),
    ],
  },
  {
    id: "http/shield",
    title: "A cold page comes through the shield",
    source: "fastly: origin shielding",
    needs: ["shield", "publish"],
    steps: [
      { act: { do: "purge-all" } },
      get("main", "/docs/guide", { status: 200, headers: { "X-Served-By": { matches: "," } } }),
    ],
  },
];
