import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { fitHeaders, headersFor, parseHeaders } from "../../src/site/headers-file.ts";
import { METADATA_BUDGET } from "../../src/site/metadata.ts";
import { metadataProblem } from "../../src/site/object-metadata.ts";
import { unpackHeaders } from "../../src/site/packed-headers.ts";
import { noteText } from "../../src/site/redirects-file.ts";

/** The headers of a file as `Name: value` or `! Name` lines, native ones by their field. */
function headersOf(text: string, file: string): readonly string[] {
  const { rules, problems } = parseHeaders(text, "_headers");
  expect(problems).toEqual([]);
  const { native, extra } = headersFor(rules, file);
  const fields = Object.entries(native).map(([field, value]) => `${field}=${value}`);
  return [
    ...fields,
    ...extra.map((header) =>
      header.kind === "set" ? `${header.name}: ${header.value}` : `! ${header.name}`,
    ),
  ];
}

function problemsOf(text: string): readonly string[] {
  return parseHeaders(text, "_headers").problems.map(noteText);
}

describe("parseHeaders", () => {
  it("reads paths and their headers, joins a name that comes again, and skips comments", () => {
    const text = `\ufeff# all\r\n/*\r\n  X-A: 1\r\n\tx-a:2:3\r\n\r\n  # not this\r\n  Link: </a.css>; rel=preload\r\n`;
    expect(headersOf(text, "a/b.css")).toEqual(["Link: </a.css>; rel=preload", "x-a: 1, 2:3"]);
  });

  it("keeps apart what S3 has a field for", () => {
    const text =
      "/*.bin\n Content-Type: a/b; c=d\n cache-control: max-age=5\n Content-Language: de\n Content-Encoding: br\n Content-Disposition: attachment\n X-B: c";
    expect(headersOf(text, "x/y.bin")).toEqual([
      "cacheControl=max-age=5",
      "contentDisposition=attachment",
      "contentEncoding=br",
      "contentLanguage=de",
      "contentType=a/b; c=d",
      "X-B: c",
    ]);
  });

  it("lets a later rule replace or take away what an earlier one says", () => {
    const text =
      "/*\n X-A: 1\n X-B: 1\n Cache-Control: no-store\n Referrer-Policy: origin\n/b/*\n X-A: 2\n ! X-B\n ! Cache-Control\n ! referrer-policy\n ! x-content-type-options\n/b/c\n ! X-A\n X-A: 3";
    expect(headersOf(text, "a.html")).toEqual([
      "cacheControl=no-store",
      "Referrer-Policy: origin",
      "X-A: 1",
      "X-B: 1",
    ]);
    expect(headersOf(text, "b.html")).toEqual([
      "cacheControl=null",
      "! Cache-Control",
      "! Referrer-Policy",
      "X-A: 2",
      "! X-Content-Type-Options",
    ]);
    expect(headersOf(text, "b/c.html")).toContain("X-A: 3");
  });

  it.each([
    ["/*", ["index.html", "a.js", "a/b/c.html"], []],
    ["/", ["index.html"], ["a.html", "a/index.html"]],
    ["/a", ["a.html", "a/index.html", "a"], ["A.html", "a.txt", "ab.html"]],
    ["/a/", ["a.html", "a/index.html"], ["a/b.html"]],
    ["/a/*", ["a.html", "a/b.html", "a/b/c.js"], ["ab.html"]],
    ["/a/*/z", ["a/z.html", "a/b/z.html", "a/b/c/z.html"], ["a/bz.html", "a.html"]],
    ["/*.js", ["x.js", "a/x.js", ".js"], ["x.jsx", "js"]],
    ["/a*c", ["abc.html", "a/b/c.html", "ac"], ["abcd.html"]],
    ["/*.html", ["index.html", "a/b.html"], ["a.txt"]],
    ["/a/index.html", ["a/index.html"], ["a/b.html"]],
    ["/:x", ["a.html", "a.js"], ["index.html", "a/b.html"]],
    ["/:x/b", ["a/b.html"], ["b.html", "a/a/b.html"]],
    ["/v-:x.js", ["v-1.js"], ["v-.js", "v-1/a.js"]],
    ["/a/:x", ["a/b.html"], ["a/index.html", "a.html"]],
    ["/%C3%BC//b", ["ü/b.html"], ["u/b.html"]],
    ["/a%2Ab", ["a*b.html"], ["axb.html"]],
    ["/a:1", ["a:1.html"], ["a.html"]],
  ])("%s matches %j and not %j", (path, matching, others) => {
    const found = [...matching, ...others].filter((file) => headersOf(`${path}\n X-A: 1`, file).length > 0);
    expect(found).toEqual(matching);
  });

  it.each([
    ["X-A: 1", '_headers:1: the header "X-A: 1" stands before any path'],
    ["/a\n X-A", 'the header "X-A" is neither a path nor of the form `Name: value`'],
    ["/a\n X-A:", "has no value"],
    ["/a\n X-A: ä", "has characters outside ASCII in its value"],
    ["/a\n X-A: a\u0001b", "has a control character in its value"],
    ["/a\n X A: 1", "has a name with something else than letters"],
    ["/a\n : 1", "has a name with something else than letters"],
    ["/a\n !", "has a name with something else than letters"],
    ["/a\n Set-Cookie: a=b", "would give one visitor's cookie to all"],
    ["/a\n Strict-Transport-Security: max-age=1", "belongs to the domain (hsts)"],
    ["/a\n CDN-Cache-Control: max-age=1", "is for a CDN's cache"],
    ["/a\n Surrogate-Key: x", "is for a CDN's cache"],
    ["/a\n Fastly-X: x", "is a name that the edge uses itself"],
    ["/a\n sf-site: x", "is a name that the edge uses itself"],
    ["/a\n X-Amz-Meta-P: /x", "is a name that S3 uses itself"],
    ["/a\n Content-Length: 5", "describes the message itself"],
    ["/a\n ETag: x", "is made from the file's content"],
    ["/a\n Transfer-Encoding: chunked", "belongs to the connection"],
    ["/a\n Vary: Cookie", "is set by the edge"],
    ["/a\n Location: /x", "write a redirect rule"],
    ["/a\n Basic-Auth: a:b", "passwords belong to the site"],
    ["/a\n Content-Type: html", "has a value that is no media type"],
    ["/a\n Content-Type: a/b\n Content-Type: c/d", "has a value that is no media type"],
    ["/a\n Content-Encoding: rot13", "is no content coding"],
    ["/a\n ! Content-Type", "cannot be taken away: every file has a type"],
    [`/a\n Cache-Control: ${"a".repeat(1_025)}`, "has 1025 characters in its value, the limit is 1024"],
    ["https://example.com/*\n X-A: 1\n X-B: 2", "names a host; headers belong to files"],
    ["/a?b\n X-A: 1", "has a query or a fragment"],
    ["/%zz\n X-A: 1", "has a `%` without two hex digits"],
    ["/a/../b\n X-A: 1", "has a dot segment"],
    ["/*/*/*/*/*\n X-A: 1", "has 5 times `*`, the limit is 4"],
    ["/:a/:a\n X-A: 1", "names a placeholder twice"],
    ["/:splat/*\n X-A: 1", "has `*` and `:splat`"],
    ["/:a/b\n X-A: is :a", 'uses ":a" in its value'],
    ["/a/*\n X-A: :splat", 'uses ":splat" in its value'],
  ])("refuses %j and says why", (text, problem) => {
    expect(problemsOf(text)).toEqual([expect.stringContaining(problem)]);
  });

  it("reports every problem with its line and keeps the other lines", () => {
    const text = "/a\n Set-Cookie: a\n X-A: 1\nhttps://x/\n X-B: 1\n/b\n X-C";
    expect(problemsOf(text).map((problem) => problem.slice(0, 11))).toEqual([
      "_headers:2:",
      "_headers:4:",
      "_headers:7:",
    ]);
    expect(headersFor(parseHeaders(text, "_headers").rules, "a.html").extra).toHaveLength(1);
  });

  it("joins values up to what an object can hold, however often a name comes again", () => {
    const lines = "  X-Long: 12345678\n".repeat(50_000);
    const { rules, problems } = parseHeaders(`/*\n${lines}`, "_headers");
    const value = rules[0]?.lines[0]?.value ?? "";
    expect(value.length).toBeGreaterThan(1_900);
    expect(value.length).toBeLessThanOrEqual(METADATA_BUDGET);
    expect(problems[0]?.reason).toContain(`the limit is ${METADATA_BUDGET}`);
  });

  it("has no limit to the number of rules", () => {
    const text = Array.from({ length: 5_000 }, (_, index) => `/p${index}/*\n X-A: ${index}`).join("\n");
    expect(headersOf(text, "p4999/x.js")).toEqual(["X-A: 4999"]);
  });

  const hostileName = fc.oneof(
    fc.string({ unit: "binary", maxLength: 12 }),
    fc.constantFrom(
      "X-A",
      "X-A\r\nX-B",
      "X-A:b",
      "Set-Cookie",
      "set-cookie\t",
      "! X-A",
      "Fastly-FF",
      "x-amz-meta-l",
    ),
  );
  const hostileValue = fc.oneof(
    fc.string({ unit: "binary", maxLength: 16 }),
    fc.string({
      unit: fc.constantFrom("|", "0", "=", "%", "+", " ", '"', ":", "\r", "\n", "\u2028", "!"),
      maxLength: 16,
    }),
    fc.constantFrom("a|1=Set-Cookie:b=c", "a\r\nSet-Cookie: b", "%0d%0aSet-Cookie: b", "a%7C1=Location:x"),
  );

  test.prop([hostileName, hostileValue], { numRuns: 10_000 })(
    "lets no name or value become another header",
    (name, value) => {
      const { rules } = parseHeaders(`/*\n${name}: ${value}`, "_headers");
      const applied = headersFor(rules, "a.js");
      const fitted = fitHeaders(applied, { file: "a.js", metadata: {} });
      expect(fitted.kind).toBe("ok");
      if (fitted.kind !== "ok") return;
      expect(metadataProblem(fitted.metadata)).toBeUndefined();
      const unpacked = unpackHeaders(fitted.metadata["h"] ?? "");
      expect(unpacked).toEqual({ kind: "ok", headers: applied.extra });
      for (const header of applied.extra) {
        expect(header.name).not.toMatch(/^(?:set-cookie|location|fastly-|x-amz-|sf-|surrogate-)/i);
        if (header.kind === "set")
          expect(`${header.name}: ${header.value}`).toMatch(/^[A-Za-z0-9_-]+: [!-~](?:[ -~]*[!-~])?$/);
      }
      for (const field of Object.values(applied.native)) expect(field ?? "").toMatch(/^[ -~]*$/);
    },
  );
});

describe("fitHeaders", () => {
  it("adds packed headers to an object's metadata, and nothing when there are none", () => {
    const { rules } = parseHeaders("/a\n X-A: 1 + 1", "_headers");
    const metadata = { p: "/a" };
    expect(fitHeaders(headersFor(rules, "a.html"), { file: "a.html", metadata })).toEqual({
      kind: "ok",
      metadata: { p: "/a", h: "0=X-A:1 %2B 1" },
    });
    expect(fitHeaders(headersFor(rules, "b.html"), { file: "b.html", metadata })).toEqual({
      kind: "ok",
      metadata,
    });
  });

  it("names the file and the line that is too much", () => {
    const many = Array.from({ length: 17 }, (_, index) => ` X-${String(index).padStart(2, "0")}: 1`).join(
      "\n",
    );
    const long = `/*\n A: 1\n B: ${"b".repeat(1_990)}\n C: 1`;
    const notes = [`/*\n${many}`, long].map((text) => {
      const applied = headersFor(parseHeaders(text, "_headers").rules, "a.html");
      const fitted = fitHeaders(applied, { file: "a.html", metadata: { p: "/a" } });
      return fitted.kind === "over" ? noteText(fitted.note) : undefined;
    });
    expect(notes).toEqual([
      '_headers:18: the header "X-16: 1" is number 17 of the headers of "a.html"; 16 is the most',
      expect.stringMatching(
        /^_headers:3: the header "B: b+\.\.\." does not fit: with it the metadata of "a\.html" takes 20\d\d bytes, the limit is 2000$/,
      ),
    ]);
  });
});
