import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";

import {
  canonicalPath,
  decodePath,
  dottedAliasKey,
  encodePath,
  pageHash,
  pageKey,
} from "../../src/site/page-key.ts";
import { arbitraryFile } from "./arbitraries.ts";

const sha256Hex = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("pageKey", () => {
  it.each([
    ["/", "index.html"],
    ["/index.html", "index.html"],
    ["/index", "index.html"],
    ["/about", "about.html"],
    ["/about/", "about.html"],
    ["/about.html", "about.html"],
    ["/about/index.html", "about.html"],
    ["/style.css", "style.css"],
    ["/v1.2", "v1.2"],
    ["/v1.2/", "v1.2.html"],
    ["/v1.2/index.html", "v1.2.html"],
    ["/v1.2/notes", "v1.2/notes.html"],
    ["/LICENSE", "LICENSE.html"],
    ["/style.css/", "style.css.html"],
    ["/a.html.html", "a.html.html"],
    ["/about/index.html/", "about/index.html.html"],
    ["/a%20b", "a%20b.html"],
    ["/.well-known/security.txt", ".well-known/security.txt"],
  ])("of %s is %s", (path, key) => {
    expect(pageKey(path)).toBe(key);
  });

  test.prop([arbitraryFile])("does not depend on the form the path is in", (file) => {
    expect(pageKey(encodePath(`/${file}`))).toBe(encodePath(pageKey(`/${file}`)));
  });
});

describe("canonicalPath", () => {
  it.each([
    ["index.html", "/"],
    ["about.html", "/about"],
    ["about/index.html", "/about/"],
    ["style.css", "/style.css"],
    ["LICENSE", "/LICENSE"],
    ["v1.2/index.html", "/v1.2/"],
    ["v1.2.html", "/v1.2.html"],
    ["a.html.html", "/a.html.html"],
    ["a/index.html.html", "/a/index.html.html"],
    ["404.html", "/404"],
  ])("of %s is %s", (file, path) => {
    expect(canonicalPath(file)).toBe(path);
  });

  test.prop([arbitraryFile])("leads to the file's own key", (file) => {
    expect(pageKey(canonicalPath(file))).toBe(pageKey(`/${file}`));
  });
});

describe("dottedAliasKey", () => {
  it.each([
    ["v1.2/index.html", "v1.2"],
    ["v1.2.html", "v1.2"],
    ["about.html", undefined],
    ["a.html.html", undefined],
    ["v1.2/a.html", undefined],
    ["style.css", undefined],
    ["LICENSE", undefined],
  ])("of %s is %s", (file, key) => {
    expect(dottedAliasKey(file)).toBe(key);
  });

  test.prop([arbitraryFile])("is never the key that a page or its folder has", (file) => {
    const alias = dottedAliasKey(file);
    if (alias === undefined) return;
    expect(pageKey(`/${alias}`)).toBe(alias);
    expect(alias.endsWith(".html")).toBe(false);
  });
});

describe("encodePath and decodePath", () => {
  it("leave only unreserved characters and slashes", () => {
    expect(encodePath("/a b/ä/100%/x+y?z#'()*!~")).toBe("/a%20b/%C3%A4/100%25/x%2By%3Fz%23%27%28%29%2A%21~");
  });

  test.prop([arbitraryFile])("undo each other", (file) => {
    expect(decodePath(encodePath(`/${file}`))).toEqual({ kind: "ok", path: `/${file}` });
  });

  it.each([
    ["/%zz", "has a `%` without two hex digits"],
    ["/%", "has a `%` without two hex digits"],
    ["/%ff", "is not UTF-8"],
    ["/%c0%af", "is not UTF-8"],
    ["/%ed%a0%80", "is not UTF-8"],
    ["/a%2Fb", "has an encoded slash"],
    ["/%5c", "has a backslash"],
    ["/%00", "has a control character"],
    ["/a/../b", "has a dot segment"],
    ["/a/%2e%2E/b", "has a dot segment"],
    ["/.", "has a dot segment"],
    ["a", "does not begin with `/`"],
  ])("refuse %s", (raw, reason) => {
    expect(decodePath(raw)).toEqual({ kind: "refused", reason });
  });

  it("decode once and collapse slashes", () => {
    expect(decodePath("//a///%252e%252e/b")).toEqual({ kind: "ok", path: "/a/%2e%2e/b" });
  });
});

describe("pageHash", () => {
  it("is made from the site and the encoded key", () => {
    const hash = pageHash({ site: "acme", encodedKey: "about.html" }, sha256Hex);
    expect(hash).toBe(sha256Hex("acme/about.html").slice(0, 16));
  });

  test.prop([fc.string()])("has 16 hex digits", (key) => {
    expect(pageHash({ site: "a", encodedKey: key }, sha256Hex)).toMatch(/^[0-9a-f]{16}$/);
  });
});
