import { describe, expect, it } from "vitest";

import { SECOND_PURGE_MS, purgeAgain, purgeOnce, purgeTwice } from "../../src/purge/purge.ts";
import type { PurgeDeps } from "../../src/purge/purge.ts";
import { InstantClock } from "../support/instant-clock.ts";

function open() {
  const sent: string[] = [];
  const clock = new InstantClock();
  const deps: PurgeDeps = {
    purge: {
      purgeKeys: ({ keys, soft }) =>
        Promise.resolve(void sent.push(`${soft ? "soft " : ""}${keys.join(" ")}`)),
      purgeAll: () => Promise.resolve(void sent.push("everything")),
    },
    serviceId: () => Promise.resolve("SVC"),
    clock,
    signal: new AbortController().signal,
  };
  return { deps, clock, sent };
}

describe("purgeAgain", () => {
  it("waits only for what is left of the 2 s since the first pass began", async () => {
    const { deps, clock, sent } = open();
    const first = await purgeOnce(deps, { keys: ["c:acme"], soft: false });
    await clock.sleep(1_500);
    await purgeAgain(deps, first);
    expect(clock.slept).toEqual([1_500, SECOND_PURGE_MS - 1_500]);
    expect(sent).toEqual(["c:acme", "c:acme"]);
  });

  it("does not wait when the 2 s are over, and never longer than 2 s", async () => {
    const { deps, clock } = open();
    const first = await purgeOnce(deps, { keys: ["c:acme"], soft: false });
    await clock.sleep(60_000);
    await purgeAgain(deps, first);
    expect(clock.slept).toEqual([60_000]);
    await purgeAgain(deps, { ...first, beganAt: clock.now() + 3_600_000 });
    expect(clock.slept).toEqual([60_000, SECOND_PURGE_MS]);
  });
});

describe("purgeTwice", () => {
  it("sends nothing and waits for nothing when there are no keys", async () => {
    const { deps, clock, sent } = open();
    await purgeTwice(deps, { keys: [], soft: false });
    expect([sent, clock.slept]).toEqual([[], []]);
  });

  it("keeps soft soft", async () => {
    const { deps, sent } = open();
    await purgeTwice(deps, { keys: ["b", "a", "b"], soft: true });
    expect(sent).toEqual(["soft a b", "soft a b"]);
  });
});
