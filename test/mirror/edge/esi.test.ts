import { fc, test as property } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { EsiScanner } from "../../../src/mirror/edge/esi.ts";
import { resolveInclude } from "../../../src/mirror/edge/esi-assembly.ts";

/** The pieces of a text that arrives in these chunks: text as it is, an include as `{src}`. */
function scan(...chunks: readonly string[]): string {
  const scanner = new EsiScanner();
  const pieces = [...chunks.flatMap((chunk) => scanner.push(chunk)), ...scanner.end()];
  return pieces.map((piece) => (piece.kind === "text" ? piece.text : `{${piece.src}}`)).join("");
}

test("include, comment and remove are read, in either way of closing", () => {
  expect(scan('a<esi:include src="/x"/>b')).toBe("a{/x}b");
  expect(scan(`<esi:include\n  src = '/x?a=1&amp;b=2' onerror="continue" ></esi:include>`)).toBe(
    "{/x?a=1&b=2}</esi:include>",
  );
  expect(scan('a<esi:comment text="a > b"/>b')).toBe("ab");
  expect(scan("a<esi:remove>c <b>d</b></esi:remove>b")).toBe("ab");
  expect(scan("a<esi:remove/>b")).toBe("ab");
  expect(scan('a<!--esi <esi:include src="/x"/> -->b<!-- kept -->')).toBe("a {/x} b<!-- kept -->");
});

test("what is no directive stays as it is", () => {
  for (const text of [
    "<esi:vars>$(X)</esi:vars>",
    '<esi:includes src="/x"/>',
    '<ESI:INCLUDE src="/x"/>',
    '<![CDATA[<esi:include src="/x"/>]]>',
    '<esi:include src="/x"',
    "<",
    "a --> b",
    `<esi:include src="${"x".repeat(9000)}"/>`,
  ]) {
    expect(scan(text)).toBe(text);
  }
  expect(scan("a<esi:include/>b<esi:include alt='/x'/>c")).toBe("abc");
  expect(scan("a<esi:remove>never ended")).toBe("a");
});

const words = fc.constantFrom(
  "text ",
  "<",
  "<esi:",
  '<esi:include src="/p"/>',
  "<esi:remove>",
  "</esi:remove>",
  "<esi:comment text='>'/>",
  "<!--esi",
  "-->",
  "<![CDATA[",
  "]]>",
  "\xe9",
);

property.prop([fc.array(words, { maxLength: 12 }), fc.array(fc.nat(200), { maxLength: 8 })])(
  "how a page arrives does not change what is read in it",
  (parts, cuts) => {
    const page = parts.join("");
    const at = [0, ...cuts.map((cut) => Math.min(cut, page.length)).sort((a, b) => a - b), page.length];
    const chunks = at.slice(1).map((end, i) => page.slice(at[i] ?? 0, end));
    expect(scan(...chunks)).toBe(scan(page));
  },
);

property.prop([fc.string({ unit: fc.constantFrom("<", ">", "e", "s", "i", ":", "-", "!", '"', " ", "/") })])(
  "a text without a whole directive loses nothing but the marks of <!--esi",
  (text) => {
    fc.pre(!text.includes("<!--esi"));
    expect(scan(text)).toBe(text);
  },
);

test("src is read like a link: absolute, from the root, relative to the page", () => {
  expect(resolveInclude("/a?b", "/c/d")).toEqual({ host: null, url: "/a?b" });
  expect(resolveInclude("a/../b?x=../y", "/c/d?e=/f")).toEqual({ host: null, url: "/c/b?x=../y" });
  expect(resolveInclude("../../../a/", "/c/d")).toEqual({ host: null, url: "/a/" });
  expect(resolveInclude("..", "/c/d/e")).toEqual({ host: null, url: "/c/" });
  expect(resolveInclude("?q", "/c/d?e")).toEqual({ host: null, url: "/c/d?q" });
  expect(resolveInclude("https://www.example.org:8080?q#f", "/")).toEqual({
    host: "www.example.org:8080",
    url: "/?q",
  });
});

test("what cannot be a request is no include", () => {
  for (const src of [
    "",
    "#f",
    "http://",
    "http://a b/",
    "/a b",
    "/a\nb",
    `/${"x".repeat(9000)}`,
    "http://a@b/",
  ]) {
    expect(resolveInclude(src, "/"), src).toBeNull();
  }
});
