import { get } from "../case.ts";
import type { ConformanceCase, RawObject } from "../case.ts";
import { BLOB } from "../fixtures.ts";
import { putSite, rawPage } from "../raw-site.ts";

/** What the `_headers` of the fixture says of every file. */
const EVERY = { "X-Site": "every file" } as const;
const DEFAULTS = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "strict-origin-when-cross-origin",
} as const;

function headed(objects: Readonly<Record<string, RawObject>>) {
  return putSite({
    host: "headed",
    site: "sf-raw-headed",
    config: { r: "1", n: "p" },
    objects: { "1/index.html": rawPage("Headed home", "/"), ...objects },
  });
}

function pageWith(own: NonNullable<RawObject["own"]>): RawObject {
  return { ...rawPage("With headers"), own };
}

const POLICY = "default-src 'self'; script-src 'self' 'unsafe-inline' https://a.example/%7Ex+y|z";
const MANY = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`X-Own-${i}`, `value ${i}`]));

/** Headers that belong to single files. */
export const headerCases: readonly ConformanceCase[] = [
  {
    id: "headers/of-a-page",
    title:
      "A page has its own response headers, in place of the edge's defaults where they have the same name",
    source: "design: packed headers",
    needs: ["publish"],
    steps: [
      headed({
        "1/own.html": pageWith({
          "Content-Security-Policy": POLICY,
          Link: '</a.css>; rel="preload"; as="style"',
          "X-Spaces": "a  b   c",
          "Referrer-Policy": "no-referrer",
          "X-Content-Type-Options": null,
          "Access-Control-Allow-Origin": "*",
        }),
        "1/many.html": pageWith(MANY),
      }),
      get("headed", "/own", {
        status: 200,
        headers: {
          "Content-Security-Policy": POLICY,
          Link: '</a.css>; rel="preload"; as="style"',
          "X-Spaces": "a  b   c",
          "Referrer-Policy": "no-referrer",
          "X-Content-Type-Options": null,
          "Access-Control-Allow-Origin": "*",
          "SF-Without": null,
          "x-amz-meta-h": null,
        },
      }),
      // From the cache as well.
      get("headed", "/own", {
        status: 200,
        headers: { "Content-Security-Policy": POLICY, "X-Content-Type-Options": null },
      }),
      get(
        "headed",
        "/own",
        { status: 200, headers: { Link: { matches: "preload" } }, body: { equals: "" } },
        { method: "HEAD" },
      ),
      get("headed", "/many", { status: 200, headers: MANY }),
      get("headed", "/", {
        status: 200,
        headers: { "Content-Security-Policy": null, "X-Content-Type-Options": "nosniff" },
      }),
    ],
  },
  {
    id: "headers/not-modified",
    title: "A 304 changes no header that the browser has kept",
    source: "RFC 9110 §15.4.5, RFC 9111 §3.2",
    needs: ["publish"],
    steps: [
      headed({
        "1/own.txt": {
          body: "own\n",
          type: "text/plain",
          headers: { cacheControl: "public, max-age=31536000, immutable" },
          own: { "Referrer-Policy": "no-referrer", "X-Content-Type-Options": null },
        },
      }),
      get("headed", "/own.txt", { status: 200, headers: { "Referrer-Policy": "no-referrer" } }),
      get(
        "headed",
        "/own.txt",
        {
          status: 304,
          headers: {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Referrer-Policy": null,
            "X-Content-Type-Options": null,
          },
        },
        { headers: { "If-None-Match": "{etag}" } },
      ),
    ],
  },
  {
    id: "headers/reserved-names",
    title: "An object that was tampered with breaks neither the edge nor its answers",
    source: "RFC 9110 §7.6.1; design: packed headers",
    needs: ["publish"],
    steps: [
      headed({
        "1/evil.html": pageWith({
          "Set-Cookie": "session=1",
          "Surrogate-Key": "all",
          "Surrogate-Control": "max-age=1",
          "Fastly-Debug-Path": "x",
          "x-amz-meta-l": "https://evil.example/",
          "SF-Phase": "config",
          "Transfer-Encoding": "chunked",
          "Content-Length": "1",
          "Content-Encoding": "gzip",
          Connection: "close, X-Kept",
          Location: "https://evil.example/",
          Vary: "*",
          ETag: '"evil"',
          Age: "9",
          "Strict-Transport-Security": "max-age=300",
          "X-Kept": "kept",
        }),
        "1/split.html": {
          ...rawPage("With headers"),
          metadata: {
            h: "0=X-A:a%0D%0ASet-Cookie: b=1|1=X-B:b%0A|2=X-C:%00|3=X-D:%FF|4=X-E:|5=:x|6=X F:y|7=X-G|8=X-Kept:kept|z=X-Z:z",
          },
        },
      }),
      get("headed", "/evil", {
        status: 200,
        headers: {
          "Set-Cookie": null,
          "Surrogate-Key": null,
          "Surrogate-Control": null,
          "Fastly-Debug-Path": null,
          "x-amz-meta-l": null,
          "SF-Phase": null,
          "Content-Encoding": null,
          Location: null,
          Vary: "Accept-Encoding",
          ETag: { matches: '^"[0-9a-f-]+"$' },
          Age: null,
          "Strict-Transport-Security": null,
          "X-Kept": "kept",
        },
        body: { contains: "With headers" },
      }),
      get("headed", "/split", {
        status: 200,
        headers: {
          "X-A": null,
          "X-B": null,
          "X-C": null,
          "X-D": null,
          "X-E": null,
          "X-G": null,
          "X-Z": null,
          "Set-Cookie": null,
          "X-Kept": "kept",
        },
      }),
    ],
  },
  {
    id: "headers/fields-of-the-store",
    title:
      "Content-Disposition, Content-Language, Content-Encoding and Cache-Control go from the object to the visitor",
    source: "RFC 9110 §8, RFC 6266",
    needs: ["publish"],
    steps: [
      headed({
        "1/report.txt": {
          body: "Bericht\n",
          type: "text/plain; charset=utf-8",
          headers: {
            cacheControl: "public, max-age=600",
            contentDisposition: 'attachment; filename="Bericht.txt"',
            contentLanguage: "de",
          },
        },
        "1/packed.txt": { body: "packed", type: "text/plain", headers: { contentEncoding: "br" } },
      }),
      get("headed", "/report.txt", {
        status: 200,
        headers: {
          "Cache-Control": "public, max-age=600",
          "Content-Disposition": 'attachment; filename="Bericht.txt"',
          "Content-Language": "de",
        },
      }),
      // What is encoded already is not encoded again.
      get(
        "headed",
        "/packed.txt",
        { status: 200, headers: { "Content-Encoding": "br", Vary: null }, body: { equals: "packed" } },
        { headers: { "Accept-Encoding": "br, gzip" } },
      ),
    ],
  },
  {
    id: "headers/from-a-file",
    title: "What a site's _headers says of its files is in their answers, and in no redirect's",
    source: "design: hosting object",
    needs: ["publish"],
    steps: [
      { act: { do: "purge-all" } },
      get("headers", "/", { status: 200, headers: { ...EVERY, ...DEFAULTS } }),
      get("headers", "/", { status: 200, headers: { ...EVERY, "Cache-Status": "sitefleet; hit" } }),
      get("headers", "/odd", { status: 200, headers: { "X-Odd": '100% "a+b" | c; d=e' } }),
      get("headers", "/shown", { status: 200, headers: { "X-Odd": '100% "a+b" | c; d=e', ...EVERY } }),
      get("headers", "/quiet", {
        status: 200,
        headers: {
          "X-Content-Type-Options": null,
          "Cache-Control": null,
          "Referrer-Policy": "no-referrer",
          ...EVERY,
        },
      }),
      get("headers", "/nowhere", { status: 404, headers: { ...EVERY, "Cache-Control": "no-store" } }),
      get("headers", "/old", { status: 301, headers: { Location: "/quiet", "X-Site": null } }),
      get("headers", "/quiet.html", { status: 308, headers: { Location: "/quiet", "X-Site": null } }),
      get(
        "headers",
        "/data.bin",
        {
          status: 206,
          headers: {
            ...EVERY,
            "Content-Disposition": "attachment; filename=data.bin",
            "Cache-Control": "public, max-age=60",
            "Access-Control-Allow-Origin": "*",
          },
          body: { equals: BLOB.slice(0, 10) },
        },
        { headers: { Range: "bytes=0-9" } },
      ),
      get(
        "headers",
        "/quiet",
        { status: 200, headers: { ...EVERY, "Content-Encoding": "gzip", "X-Content-Type-Options": null } },
        { headers: { "Accept-Encoding": "gzip" } },
      ),
    ],
  },
];
