import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";

import type { HttpAnswer } from "../../src/lib/http-exchange.ts";
import { listQuery, readListing } from "../../src/store/s3-listing.ts";

function answer(inside: string): HttpAnswer {
  const body = Buffer.from(`<?xml version="1.0"?><ListBucketResult xmlns="s3">${inside}</ListBucketResult>`);
  return { status: 200, headers: {}, body };
}

function escaped(text: string): string {
  return text.replace(/[&<>"'\r\n]/g, (mark) => `&#x${mark.charCodeAt(0).toString(16)};`);
}

describe("readListing", () => {
  it("reads objects, levels and where the next page begins", () => {
    const page = readListing(
      answer(`<Name>b</Name><Prefix>p/</Prefix><IsTruncated>true</IsTruncated>
        <NextContinuationToken>a&amp;b=</NextContinuationToken>
        <Contents><Key>p/x &#38; y</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>
          <ETag>&quot;e&quot;</ETag><Size>7</Size><Owner><ID>1</ID></Owner></Contents>
        <CommonPrefixes><Prefix>p/a/</Prefix></CommonPrefixes>`),
    );
    expect(page).toEqual({
      next: "a&b=",
      entries: [
        { kind: "prefix", key: "p/a/" },
        { kind: "object", key: "p/x & y", size: 7, etag: '"e"', modifiedAt: Date.UTC(2026, 0, 2, 3, 4, 5) },
      ],
    });
  });

  it("takes an object without a time for one that is never old", () => {
    const { entries } = readListing(answer("<Contents><Key>k</Key><Size>1</Size></Contents>"));
    expect(entries).toMatchObject([{ key: "k", modifiedAt: Number.POSITIVE_INFINITY }]);
  });

  it.each([
    ["another document", "<Error><Code>Busy</Code></Error>"],
    [
      "a page that promises a next one and does not say where",
      "<ListBucketResult><IsTruncated>true</IsTruncated>",
    ],
    ["an element that does not end", "<ListBucketResult><Contents><Key>k</Key>"],
  ])("refuses %s", (_, text) => {
    expect(() => readListing({ status: 200, headers: {}, body: Buffer.from(text) })).toThrow(
      expect.objectContaining({ code: "store/refused" }),
    );
  });

  test.prop([fc.array(fc.string({ unit: "grapheme", minLength: 1 }))])(
    "reads any keys as they were written",
    (keys) => {
      const inside = keys.map((key) => `<Contents><Key>${escaped(key)}</Key></Contents>`).join("");
      expect(readListing(answer(inside)).entries.map(({ key }) => key)).toEqual(keys);
    },
  );
});

describe("listQuery", () => {
  it("encodes what it is given, in the order that is signed", () => {
    const query = listQuery({ prefix: "a b/ü+", delimiter: "/", from: "x=&'" });
    expect(query).toBe("continuation-token=x%3D%26%27&delimiter=%2F&list-type=2&prefix=a%20b%2F%C3%BC%2B");
  });
});
