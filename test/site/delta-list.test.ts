import { createHash } from "node:crypto";
import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  REMOVED,
  deltaCapacity,
  deltaHash,
  lookUpDelta,
  packDelta,
  unpackDelta,
} from "../../src/site/delta-list.ts";
import type { DeltaClaims } from "../../src/site/delta-list.ts";
import { METADATA_BUDGET } from "../../src/site/metadata.ts";
import { arbitraryDeltaHash, arbitraryTag, deltaText, formerDeltaText } from "../support/delta-lists.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hashOf = (key: string): string => deltaHash(key, sha256);
const arbitraryEntries = fc
  .dictionary(arbitraryDeltaHash, arbitraryTag, { maxKeys: 200 })
  .map((entries) => new Map(Object.entries(entries)));
/** Few digits, so that pages share them and lists say of pages what they do not mean. */
const arbitraryAlike = fc.stringMatching(/^[AB]{12}[A-D]{4}$/);
const NO_CLAIMS: DeltaClaims = { leads: [], avoids: [] };

/** A site of pages of which some changed and some are removed. */
function siteOf(counts: { pages: number; changed: number; removed: number }): {
  readonly entries: Map<string, string>;
  readonly claims: DeltaClaims;
} {
  const hashes = Array.from({ length: counts.pages }, (_, index) =>
    hashOf(`part-${index % 100}/${index}.html`),
  );
  const tags = hashes.map((_, index) =>
    index < counts.changed ? "zzzz" : index < counts.changed + counts.removed ? REMOVED : undefined,
  );
  const claimed = hashes.map((hash, index) => [hash, tags[index]] as const);
  return {
    entries: new Map(claimed.flatMap(([hash, tag]) => (tag === undefined ? [] : [[hash, tag]]))),
    claims: {
      leads: claimed.filter(([, tag]) => tag !== REMOVED),
      avoids: claimed.flatMap(([hash, tag]) => (tag === undefined ? [] : [[hash, undefined] as const])),
    },
  };
}

describe("a delta list", () => {
  it("calls pages by the first digits of SHA-256 in base64", () => {
    for (const key of ["about.html", "", "gr%C3%BC%C3%9Fe.html"]) {
      expect(hashOf(key)).toBe(createHash("sha256").update(key).digest("base64").slice(0, 16));
    }
  });

  it("groups digits by the release that pages are in, each group ending in it", () => {
    const entries = new Map([
      ["bbbb111111111111", "5"],
      ["cccc111111111111", REMOVED],
      ["aaaa111111111111", "5"],
      ["dddd111111111111", "1z"],
      ["eeee111111111111", "zzz"],
    ]);
    expect(deltaText(entries)).toBe("30:ccc=-&ddd=1z&aaabbb=5&eee=zz.z");
  });

  it("takes other digits of all pages where some of one are another's", () => {
    const changed = "AAAAABBBBBCCCCCD";
    const claims = { leads: [["AAAZABBBBBCCCCCD", undefined]], avoids: [] } as const;
    expect(deltaText([[changed, "5"]], claims)).toBe("31:AAA=5");
    // `AAZ` and `AZA` are no digits of the changed page, but of two that stand side by side.
    const neighbours = new Map([
      ["ZAAZZZZZZZZZZZZZ", "5"],
      ["ZZAZZZZZZZZZZZZZ", "5"],
    ]);
    const beside = { leads: [["AZZBBBBBBBBBBBBB", undefined]], avoids: [] } as const;
    expect(deltaText(neighbours)).toBe("30:ZAAZZA=5");
    expect(deltaText(neighbours, beside)).not.toBe("30:ZAAZZA=5");
  });

  it("takes more digits where no three tell the pages apart, and is none where not even six do", () => {
    const changed = "ABCDEFGHIJKLMNOP";
    const apart = (length: number): DeltaClaims => ({
      leads: Array.from({ length: 10 }, (_, at) => [
        `${"0".repeat(at)}${changed.slice(at, at + length)}`.padEnd(16, "0"),
        undefined,
      ]),
      avoids: [],
    });
    expect(deltaText([[changed, "5"]], apart(3))).toBe("40:ABCD=5");
    expect(deltaText([[changed, "5"]], apart(5))).toBe("60:ABCDEF=5");
    expect(packDelta(new Map([[changed, "5"]]), apart(6))).toEqual({ kind: "collision" });
    const ghost = { leads: [], avoids: [[changed, "5"]] } as const;
    expect(packDelta(new Map([[changed, "5"]]), ghost)).toEqual({ kind: "collision" });
    expect(packDelta(new Map(), { leads: [], avoids: [[changed, undefined]] })).toEqual({
      kind: "collision",
    });
    expect(packDelta(new Map(), { leads: [], avoids: [[changed, "5"]] })).toEqual({ kind: "ok", text: "" });
  });

  test.prop([arbitraryEntries])("is read back as the releases of its digits", (entries) => {
    const text = deltaText(entries);
    const [, length, offset] = /^([3-6])([0-9]):/.exec(text) ?? [];
    const start = Number(offset);
    const wanted = [...entries].map(
      ([hash, tag]) => [hash.slice(start, start + Number(length)), tag] as const,
    );
    expect(unpackDelta(text)).toEqual(new Map(wanted));
    expect(unpackDelta(text, "former")).toEqual(text === "" ? new Map() : undefined);
  });

  const arbitraryClaim = fc.tuple(arbitraryAlike, fc.option(arbitraryTag, { nil: undefined }));
  test.prop([
    fc.dictionary(arbitraryAlike, arbitraryTag, { maxKeys: 6 }),
    fc.array(arbitraryClaim, { maxLength: 6 }),
    fc.array(arbitraryClaim, { maxLength: 6 }),
  ])("keeps every claim, or there is none", (entries, leads, avoids) => {
    const packed = packDelta(new Map(Object.entries(entries)), { leads, avoids });
    fc.pre(packed.kind === "ok");
    const text = packed.kind === "ok" ? packed.text : "";
    for (const [hash, tag] of [...Object.entries(entries), ...leads])
      expect(lookUpDelta(text, hash)).toBe(tag);
    for (const [hash, tag] of avoids) expect(lookUpDelta(text, hash)).not.toBe(tag);
  });

  test.prop([arbitraryEntries])("of few pages on a site of few takes three bytes an entry", (entries) => {
    fc.pre(entries.size <= 10);
    const releases = new Set(entries.values()).size;
    expect(deltaText(entries).length).toBeLessThanOrEqual(4 * entries.size + 7 * releases + 3);
  });

  it.each([
    [10_000, 1_000, 400],
    [10_000, 1_650, 400],
    [100_000, 1_650, 320],
    [1_000_000, 1_650, 270],
    [100, 1_650, 540],
  ])("on a site of %d pages has room in %d bytes", (pages, bytes, least) => {
    const wanted = Math.floor((least * bytes) / 1_650);
    expect(deltaCapacity(bytes, pages)).toBeGreaterThanOrEqual(wanted);
    expect(deltaCapacity(0, pages)).toBe(0);
  });

  it("holds as many pages as are said to fit", () => {
    for (const pages of [150, 2_000, 10_000]) {
      const fit = Math.min(deltaCapacity(1_600, pages), pages - 1);
      const changed = Math.floor(fit / 2);
      const { entries, claims } = siteOf({ pages, changed, removed: fit - changed });
      const text = deltaText(entries, claims);
      expect(text.length).toBeLessThanOrEqual(1_600);
      expect(claims.leads.filter(([hash, tag]) => lookUpDelta(text, hash) !== tag)).toEqual([]);
      expect(claims.avoids.filter(([hash]) => lookUpDelta(text, hash) === undefined)).toEqual([]);
    }
  });

  it("is too long when no config could hold it", () => {
    const { entries } = siteOf({ pages: 5_000, changed: METADATA_BUDGET, removed: 0 });
    expect(packDelta(entries, NO_CLAIMS)).toEqual({ kind: "too-long" });
  });

  it.each([
    "30:AAA",
    "30:AAA=",
    "30:=1",
    "30:",
    "3:AAA=1",
    "30AAA=1",
    "20:AA=1",
    "70:AAAAAAA=1",
    "40:AAA=1",
    "30:AAA=01",
    "30:AAA=123",
    "30:AAA=12.",
    "30:AAA=1.2",
    "30:AAA=12.345",
    "30:AAA=1&",
    "30:BBBAAA=1",
    "30:AAAAAA=1",
    "30:AAA=2&BBB=1",
    "30:AAA=1&AAA=2",
    "30:AA-=1",
  ])("is refused as %j", (text) => {
    expect(unpackDelta(text)).toBeUndefined();
  });
});

describe("a delta list of codec version 2", () => {
  const arbitraryFormer = fc
    .dictionary(fc.stringMatching(/^[0-9a-f]{8}$/), arbitraryTag, { maxKeys: 40 })
    .map((entries) => new Map(Object.entries(entries)));

  test.prop([arbitraryFormer])("is read as it was meant", (entries) => {
    const text = formerDeltaText(entries);
    expect(Object.fromEntries(unpackDelta(text) ?? [])).toEqual(Object.fromEntries(entries));
    expect(unpackDelta(text, "former")).toEqual(unpackDelta(text));
  });

  test.prop([arbitraryFormer, fc.string(), fc.option(arbitraryTag, { nil: undefined })])(
    "says what the edge finds in it",
    (entries, key, tag) => {
      const hex = sha256(key).slice(0, 8);
      if (tag === undefined) entries.delete(hex);
      else entries.set(hex, tag);
      expect(lookUpDelta(formerDeltaText(entries), hashOf(key))).toBe(tag);
    },
  );

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
