import { createHash } from "node:crypto";
import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  REMOVED,
  lookUpDelta,
  packDelta,
  packHashes,
  segmentHash,
  shortHash,
  unpackDelta,
  unpackHashes,
} from "../../src/site/delta-list.ts";
import { arbitraryReleaseId } from "./arbitraries.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const arbitraryHash = fc.stringMatching(/^[0-9a-f]{8}$/);
const arbitraryEntries = fc
  .dictionary(arbitraryHash, fc.oneof(arbitraryReleaseId, fc.constant(REMOVED)), { maxKeys: 40 })
  .map((entries) => new Map(Object.entries(entries)));

describe("a delta list", () => {
  it("groups hashes by the release that they are in, each group ending in it", () => {
    const entries = new Map([
      ["bbbbbbbb", "5"],
      ["cccccccc", REMOVED],
      ["aaaaaaaa", "5"],
      ["dddddddd", "1z"],
    ]);
    expect(packDelta(entries)).toBe(",cccccccc=-&,dddddddd=1z&,aaaaaaaa,bbbbbbbb=5");
  });

  test.prop([arbitraryEntries])("is read back as it was", (entries) => {
    const unpacked = unpackDelta(packDelta(entries));
    expect(Object.fromEntries(unpacked ?? [])).toEqual(Object.fromEntries(entries));
  });

  test.prop([arbitraryEntries, arbitraryHash])("says what the edge finds in it", (entries, stranger) => {
    const text = packDelta(entries);
    for (const [hash, release] of entries) expect(lookUpDelta(text, hash)).toBe(release);
    expect(lookUpDelta(text, stranger)).toBe(entries.get(stranger));
  });

  test.prop([arbitraryEntries])("takes nine bytes an entry and a few a release", (entries) => {
    const releases = new Set(entries.values()).size;
    expect(packDelta(entries).length).toBeLessThanOrEqual(entries.size * 9 + releases * 6);
  });

  it.each([
    "00000000=1",
    ",0000000=1",
    ",00000000",
    ",00000000=",
    ",00000000=01",
    ",00000000=1&",
    ",00000000=1,11111111=2",
    ",00000000=2&,00000000=1",
    ",11111111,00000000=1",
    ",0000000G=1",
  ])("is refused as %j", (text) => {
    expect(unpackDelta(text)).toBeUndefined();
  });
});

describe("hashes", () => {
  it("are the first digits of SHA-256 of the encoded text", () => {
    expect(shortHash("about.html", sha256)).toBe(sha256("about.html").slice(0, 8));
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
