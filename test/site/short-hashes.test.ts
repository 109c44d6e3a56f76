import { createHash } from "node:crypto";
import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { packHashes, segmentHash, shortHash, unpackHashes } from "../../src/site/short-hashes.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const arbitraryHash = fc.stringMatching(/^[0-9a-f]{8}$/);

describe("hashes", () => {
  it("are the first digits of SHA-256 of the encoded text", () => {
    expect(shortHash("blog/2024", sha256)).toBe(sha256("blog/2024").slice(0, 8));
    expect(segmentHash("blog", sha256)).toBe(sha256("blog").slice(0, 4));
  });

  test.prop([fc.uniqueArray(arbitraryHash, { maxLength: 30 })])("in a set are read back sorted", (hashes) => {
    expect(unpackHashes(packHashes(hashes), 8)).toEqual(hashes.toSorted((a, b) => (a < b ? -1 : 1)));
  });

  it.each([",abcd", "abcd,", ",abcd,abcd,", ",b000,a000,", ",abcde,", ","])(
    "in a set are refused as %j",
    (text) => {
      expect(unpackHashes(text, 4)).toBeUndefined();
    },
  );
});
