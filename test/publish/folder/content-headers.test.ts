import { describe, expect, it } from "vitest";

import { cacheControlOf, contentTypeOf } from "../../../src/publish/folder/content-headers.ts";

const TEXT = Buffer.from("text");

describe("contentTypeOf", () => {
  it.each([
    ["a.html", "text/html; charset=utf-8"],
    ["a.HTML", "text/html; charset=utf-8"],
    ["a.css", "text/css; charset=utf-8"],
    ["a.js", "text/javascript; charset=utf-8"],
    ["a.mjs", "text/javascript; charset=utf-8"],
    ["a.json", "application/json; charset=utf-8"],
    ["a.svg", "image/svg+xml; charset=utf-8"],
    ["a.xml", "application/xml; charset=utf-8"],
    ["feed.rss", "application/rss+xml; charset=utf-8"],
    ["a.atom", "application/atom+xml; charset=utf-8"],
    ["a.xhtml", "application/xhtml+xml; charset=utf-8"],
    ["a.webmanifest", "application/manifest+json; charset=utf-8"],
    ["a.txt", "text/plain; charset=utf-8"],
    ["a.wasm", "application/wasm"],
    ["a.png", "image/png"],
    ["a.woff2", "font/woff2"],
    ["a.unknownext", "application/octet-stream"],
    ["LICENSE", "text/plain; charset=utf-8"],
    ["v1.2/NOTICE", "text/plain; charset=utf-8"],
    [".well-known/apple-app-site-association", "application/json; charset=utf-8"],
  ])("of %s is %s", (path, type) => {
    expect(contentTypeOf(path, TEXT)).toBe(type);
  });

  it("names no charset for text that is not UTF-8", () => {
    const latin1 = Buffer.from("caf\u00e9", "latin1");
    expect(contentTypeOf("a.html", latin1)).toBe("text/html");
    expect(contentTypeOf("binary", latin1)).toBe("application/octet-stream");
    expect(contentTypeOf("binary", Buffer.from([0]))).toBe("application/octet-stream");
  });
});

describe("cacheControlOf", () => {
  it.each([
    "assets/app.3f2a9b1c.js",
    "assets/index-BxK3a9Fq.css",
    "_next/static/chunks/main-0123456789abcdef.js",
    "static/media/logo.6ce24c58023cc2f8fd88fe9d219db6c6.svg",
    "assets/app.3f2a9b1c.js.map",
  ])("keeps %s for good", (path) => {
    expect(cacheControlOf(path)).toBe("public, max-age=31536000, immutable");
  });

  it.each([
    "index.html",
    "assets/page.3f2a9b1c.html",
    "app.3f2a9b1c.js",
    "assets/app.js",
    "assets/jquery-3.7.1.min.js",
    "images/holiday-photos-2024.jpg",
    "images/document20240131.pdf",
    "images/20240131.jpg",
    "js/deadbeef.js",
  ])("asks for %s again each time", (path) => {
    expect(cacheControlOf(path)).toBe("public, max-age=0, must-revalidate");
  });
});
