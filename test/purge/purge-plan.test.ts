import { fc, it as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";

import {
  KEYS_PER_CALL,
  OWED_ENTRIES,
  boundOwed,
  boundRequest,
  planCalls,
} from "../../src/purge/purge-plan.ts";
import type { PurgeRequest } from "../../src/purge/purge-plan.ts";
import type { OwedPurge } from "../../src/site/model.ts";

const site = fc.constantFrom("acme", "other");
const key = fc.oneof(
  fc.constantFrom("all", "s:acme", "s:other", "c:acme", "c:other", "d:a.example"),
  fc.tuple(site, fc.nat(9)).map(([name, release]) => `r:${name}/${release}`),
  fc.nat(600).map((page) => `p:${page}`),
);
const request: fc.Arbitrary<PurgeRequest> = fc.record({
  keys: fc.array(key, { minLength: 1, maxLength: 400 }),
  soft: fc.boolean(),
  reason: fc.constant("test"),
  site: fc.constantFrom(undefined, "acme"),
});

/** Whether a purge of `sent` reaches what carries `wanted`; pages belong to the site that their order names. */
function reaches(sent: ReadonlySet<string>, wanted: string, owner: string | undefined): boolean {
  if (sent.has(wanted) || sent.has("all")) return true;
  const [, named] = /^[cr]:([^/]+)/.exec(wanted) ?? [];
  const of = named ?? (wanted.startsWith("p:") ? owner : undefined);
  return of !== undefined && sent.has(`s:${of}`);
}

describe("planCalls", () => {
  property.prop([fc.array(request, { maxLength: 8 })])(
    "reaches all that was asked for, as hard as it was asked, with no key twice and at most 256 a call",
    (requests) => {
      const calls = planCalls(requests);
      const keysOf = (soft: boolean): string[] =>
        calls.filter((call) => call.soft === soft).flatMap(({ keys }) => keys);
      const hard = new Set(keysOf(false));
      const any = new Set([...hard, ...keysOf(true)]);
      for (const { keys, soft, site: owner } of requests) {
        for (const wanted of keys) expect(reaches(soft ? any : hard, wanted, owner)).toBe(true);
      }
      expect(any.size).toBe(keysOf(false).length + keysOf(true).length);
      for (const { keys } of calls) expect(keys.length).toBeLessThanOrEqual(KEYS_PER_CALL);
    },
  );

  property.prop([fc.array(request, { maxLength: 8 })])("names no site that nobody named", (requests) => {
    const named = new Set(requests.flatMap(({ keys, site: owner }) => [...keys, `s:${owner}`]));
    for (const { keys } of planCalls(requests)) for (const sent of keys) expect(named.has(sent)).toBe(true);
  });
});

describe("boundRequest", () => {
  it("stores up to 256 keys as they are, and more of a site as the site", () => {
    const pages = Array.from({ length: 257 }, (_, index) => `p:${index}`);
    const order = { soft: false, reason: "test", site: "acme" };
    expect(boundRequest({ ...order, keys: pages.slice(1) })).toEqual([
      { ...order, keys: pages.slice(1).sort() },
    ]);
    expect(boundRequest({ ...order, keys: [...pages, "d:a.example"] })).toEqual([
      { ...order, keys: ["d:a.example", "s:acme"] },
    ]);
  });

  it("splits what no site's key covers", () => {
    const pages = Array.from({ length: 600 }, (_, index) => `p:${index}`);
    const parts = boundRequest({ keys: pages, soft: true, reason: "test" });
    expect(parts.map(({ keys }) => keys.length)).toEqual([256, 256, 88]);
    expect(parts.flatMap(({ keys }) => keys).sort()).toEqual(pages.sort());
  });
});

describe("boundOwed", () => {
  const owed = (index: number, keys: readonly string[]): OwedPurge => ({
    id: `id-${index}`,
    keys: [...keys],
    reason: `change ${index}`,
    since: new Date(Date.UTC(2026, 0, 1) + index).toISOString(),
    sent: 1,
  });

  it("leaves a short list as it is", () => {
    const list = Array.from({ length: OWED_ENTRIES }, (_, index) => owed(index, ["c:acme"]));
    expect(boundOwed(list, "acme")).toBe(list);
  });

  it("tells too many entries as one, under the newest id and the oldest date, sent not at all yet", () => {
    const list = Array.from({ length: OWED_ENTRIES + 1 }, (_, index) =>
      owed(index, ["c:acme", `p:${index}`]),
    );
    expect(boundOwed(list, "acme")).toEqual([
      {
        id: `id-${OWED_ENTRIES}`,
        keys: expect.arrayContaining(["c:acme", "p:0", `p:${OWED_ENTRIES}`]),
        reason: `change ${OWED_ENTRIES} and ${OWED_ENTRIES} before it`,
        since: list[0]?.since,
        sent: 0,
      },
    ]);
  });

  it("becomes the site's key above 256 keys, and keeps what that does not cover", () => {
    const pages = Array.from({ length: 200 }, (_, index) => `p:${index}`);
    const list = [owed(0, pages), owed(1, ["c:acme", "d:a.example", ...pages.map((name) => `${name}x`)])];
    expect(boundOwed(list, "acme")).toMatchObject([{ id: "id-1", keys: ["d:a.example", "s:acme"] }]);
  });
});
