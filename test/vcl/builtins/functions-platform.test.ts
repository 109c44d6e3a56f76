import { describe, expect, test } from "vitest";
import { evaluate } from "../../support/vcl.ts";

describe("accept.*", () => {
  test.each([
    ['accept.language_lookup("en:de:fr:nl", "nl", "ja, unknown")', "nl"],
    ['accept.language_lookup("en:de", "nl", "de-CH;q=0.5, en;q=0.4")', "de"],
    ['accept.language_lookup("en:de", "nl", "de;q=0, *")', "nl"],
    ['accept.language_filter_basic("en:de:fr:nl", "nl", "de,nl,ja", 2)', "de,nl"],
    ['accept.language_filter_basic("en-GB:en-US:de", "de", "en", 5)', "en-GB,en-US"],
    ['accept.language_filter_basic("en:de:fr", "en", "*, de;q=0", 5)', "en,fr"],
    ['accept.charset_lookup("iso-8859-5:iso-8859-2", "utf-8", "utf-8, iso-8859-2;q=0.5")', "iso-8859-2"],
    ['accept.encoding_lookup("br:gzip", "identity", "gzip, br;q=0.1")', "gzip"],
    ['accept.encoding_lookup("br:gzip", "identity", "br;q=0, *;q=0.5")', "gzip"],
    ['accept.encoding_lookup("br:gzip", "identity", req.http.Missing)', "identity"],
    [
      'accept.media_lookup("image/jpeg:image/png", "text/plain", "image/tiff:text/html", "image/png;q=0.5, image/jpeg")',
      "image/jpeg",
    ],
    [
      'accept.media_lookup("image/jpeg:image/png", "text/plain", "image/tiff:text/html", "image/*")',
      "image/tiff",
    ],
    [
      'accept.media_lookup("image/jpeg:image/png", "text/plain", "image/tiff:text/html", "*/*")',
      "text/plain",
    ],
    [
      'accept.media_lookup("image/jpeg:image/png", "text/plain", "image/tiff:text/html", "foobar")',
      "text/plain",
    ],
  ])("%s is %s", (expression, result) => {
    expect(evaluate(expression)).toBe(result);
  });
});

describe("the platform", () => {
  test.each([
    ['http_status_matches(200, "200,302,500")', "1"],
    ['http_status_matches(200, "!200,302,500")', "0"],
    ['http_status_matches(400, "200,302,500")', "0"],
    ['http_status_matches(400, "!200,302,500")', "1"],
    ["req.url.path req.url.qs", "/"],
    ["client.geo.country_code client.geo.latitude", "DE52.500"],
    ["client.geo.city", null],
    ["server.datacenter", "LHR"],
    ["req.protocol", "http"],
    ["client.identity", "198.51.100.7"],
    ["workspace.bytes_total", "262144"],
    ["LF", ""],
  ])("%s is %s", (expression, result) => {
    expect(evaluate(expression)).toBe(result);
  });

  test("fastly.hash is stable and stays in its range", () => {
    const value = Number(evaluate('fastly.hash("example", 0, 10, 100)'));
    expect(value).toBeGreaterThanOrEqual(10);
    expect(value).toBeLessThanOrEqual(100);
    expect(evaluate('fastly.hash("example", 0, 10, 100)')).toBe(String(value));
  });
});
