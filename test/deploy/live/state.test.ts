import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { formatStamp, ownStamp, parseStamp } from "../../../src/deploy/live/stamp.ts";
import {
  NO_RECORD,
  digestItems,
  digestMatches,
  formatJournal,
  formatRecord,
  parseState,
} from "../../../src/deploy/live/state.ts";
import { Secret } from "../../../src/lib/secret.ts";

function stampOf(version: number, content: string | null = null): string {
  return formatStamp({ version, from: version - 1, revision: "abc", content, commit: null, by: null });
}

describe("what is kept at Fastly", () => {
  test.prop([
    fc.record({
      version: fc.integer({ min: 1, max: 1e6 }),
      from: fc.option(fc.integer({ min: 1, max: 1e6 })),
      revision: fc.stringMatching(/^[0-9a-f]{16}$/),
      content: fc.option(fc.stringMatching(/^[0-9a-f]{16}$/)),
      commit: fc.option(fc.stringMatching(/^[0-9a-f]{12}(-dirty)?$/)),
      by: fc.option(fc.stringMatching(/^[a-z0-9@.[\]-]{1,20}$/)),
    }),
  ])("a stamp comes back from a comment", (stamp) => {
    expect(parseStamp(formatStamp(stamp))).toEqual(stamp);
  });

  it("a stamp of before there were commits in it is read too", () => {
    expect(parseStamp("sitefleet 7 from none: revision abc")).toEqual({
      version: 7,
      from: null,
      revision: "abc",
      content: null,
      commit: null,
      by: null,
    });
  });

  test.prop([fc.array(fc.string({ maxLength: 80 }), { maxLength: 400 })])(
    "a record comes back from as many items as it takes",
    (owned) => {
      const record = { owned, written: owned, adopted: [], former: owned, kinds: [] };
      const items = formatRecord(record).map(({ key, value }) => ({ item_key: key, item_value: value }));
      for (const { item_value } of items) expect(item_value.length).toBeLessThanOrEqual(8_000);
      const longer = [...items, { item_key: "record_9999", item_value: "left of a longer one" }];
      expect(parseState(longer).record).toEqual(record);
    },
  );

  it.each(["", "1", "1 {", '2 {"owned":[],"written":[]', '1 {"owned":"x","written":[],"adopted":[]}'])(
    "a record of %j counts as none",
    (item_value) => {
      expect(parseState([{ item_key: "record", item_value }]).record).toEqual(NO_RECORD);
    },
  );

  it("a stamp that a clone copied is not its own", () => {
    const comment = stampOf(7);
    expect(ownStamp({ number: 7, comment })?.from).toBe(6);
    expect(ownStamp({ number: 8, comment })).toBeUndefined();
    expect(ownStamp({ number: 8, comment: "sitefleet 8" })).toBeUndefined();
  });

  it.each([
    "",
    "{",
    "null",
    '{"state":"done","version":1,"former":null}',
    '{"state":"verified","version":0,"former":null}',
  ])("a journal of %j counts as none", (item_value) => {
    expect(parseState([{ item_key: "journal", item_value }]).journal).toBeUndefined();
  });

  it("a journal comes back", () => {
    const journal = { state: "activating", version: 3, former: null } as const;
    expect(parseState([{ item_key: "journal", item_value: formatJournal(journal) }]).journal).toEqual(
      journal,
    );
  });

  test.prop([fc.array(fc.tuple(fc.string(), fc.string()), { minLength: 1 }), fc.nat()])(
    "a digest knows its items in any order, and no others",
    (pairs, index) => {
      const items = pairs.map(([key, value]) => ({ key, value: new Secret(value) }));
      const digest = digestItems(items, { dictionaryId: "d", salt: "s" });
      expect(digestMatches(digest, items, "d")).toBe(true);
      expect(digestMatches(digest, items, "other")).toBe(false);
      const at = index % items.length;
      const changed = items.map((item, i) =>
        i === at ? { ...item, value: new Secret(`${item.value.reveal()}x`) } : item,
      );
      expect(digestMatches(digest, changed, "d")).toBe(false);
    },
  );
});
