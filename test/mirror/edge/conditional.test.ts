import { expect, test } from "vitest";
import { HeaderList } from "../../../src/http/header-list.ts";
import { chooseHintedCoding, normaliseAcceptEncoding } from "../../../src/mirror/edge/compression.ts";
import { isNotModified, matchesTag } from "../../../src/mirror/edge/conditional.ts";
import { endToEndHeaders } from "../../../src/mirror/edge/hop-by-hop.ts";

test.each([
  ['"a"', '"a"', true],
  ['W/"a"', '"a"', true],
  ['"a"', 'W/"a"', true],
  ['"b", W/"a"', '"a"', true],
  ['"a,b"', '"a,b"', true],
  ['"b"', '"a"', false],
  ["*", null, true],
  ['"a"', null, false],
  ["a", '"a"', false],
])("If-None-Match %s against %s", (list, tag, matches) => {
  expect(matchesTag(list, tag)).toBe(matches);
});

test("If-None-Match wins over If-Modified-Since", () => {
  const stored = HeaderList.from([
    ["ETag", '"a"'],
    ["Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT"],
  ]);
  const since = ["If-Modified-Since", "Thu, 01 Jan 2026 00:00:00 GMT"] as const;
  expect(isNotModified(HeaderList.from([since]), stored)).toBe(true);
  expect(isNotModified(HeaderList.from([since, ["If-None-Match", '"b"']]), stored)).toBe(false);
  expect(
    isNotModified(HeaderList.from([["If-Modified-Since", "Wed, 31 Dec 2025 00:00:00 GMT"]]), stored),
  ).toBe(false);
  expect(isNotModified(HeaderList.from([["If-Modified-Since", "nonsense"]]), stored)).toBe(false);
  expect(isNotModified(new HeaderList(), stored)).toBe(false);
});

test.each([
  ["gzip, deflate, br", "gzip"],
  ["br;q=1.0, gzip;q=0.8", "gzip"],
  ["deflate", "deflate"],
  ["br", null],
  ["identity", null],
])("Accept-Encoding %s becomes %s, the original is kept", (original, normal) => {
  const headers = HeaderList.from([
    ["Accept-Encoding", original],
    ["Fastly-Orig-Accept-Encoding", "forged"],
  ]);
  normaliseAcceptEncoding(headers);
  expect([headers.get("Accept-Encoding"), headers.get("Fastly-Orig-Accept-Encoding")]).toEqual([
    normal,
    original,
  ]);
});

test("a compress hint chooses what the client takes, brotli first", () => {
  expect(chooseHintedCoding("on", "gzip, br")).toBe("br");
  expect(chooseHintedCoding("on", "gzip")).toBe("gzip");
  expect(chooseHintedCoding("br", "gzip")).toBeNull();
  expect(chooseHintedCoding("off", "gzip, br")).toBeNull();
});

test("headers of the connection do not pass a hop, and Connection cannot take away what matters", () => {
  const headers = HeaderList.from([
    ["Connection", "close, X-Mine, Host, Fastly-FF"],
    ["X-Mine", "1"],
    ["Host", "h"],
    ["Fastly-FF", "f"],
    ["TE", "trailers"],
    ["Transfer-Encoding", "chunked"],
    ["X-Kept", "1"],
  ]);
  expect(endToEndHeaders(headers).toFlat()).toEqual(["Host", "h", "Fastly-FF", "f", "X-Kept", "1"]);
});
