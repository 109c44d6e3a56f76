import { describe, expect, it } from "vitest";

import { RateLimit } from "../../src/hook/rate-limit.ts";
import { FakeClock } from "../support/fake-clock.ts";

describe("RateLimit", () => {
  it("gives a burst, then as many as time brings, and says when the next one comes", () => {
    const clock = new FakeClock();
    const rates = new RateLimit({ clock, perMinute: 30, burst: 3 });
    expect([1, 2, 3, 4].map(() => rates.take("main"))).toEqual([0, 0, 0, 2]);
    clock.advance(1_000);
    expect(rates.take("main")).toBe(1);
    clock.advance(1_000);
    expect([rates.take("main"), rates.take("main")]).toEqual([0, 2]);
    clock.advance(3_600_000);
    expect([1, 2, 3, 4].map(() => rates.take("main"))).toEqual([0, 0, 0, 2]);
  });

  it("keeps names apart, and takes no harm from a clock that is put back", () => {
    const clock = new FakeClock();
    const rates = new RateLimit({ clock, perMinute: 60, burst: 1 });
    expect([rates.take("a"), rates.take("b"), rates.take("a")]).toEqual([0, 0, 1]);
    clock.advance(-60_000);
    expect(rates.take("a")).toBe(1);
    clock.advance(1_000);
    expect(rates.take("a")).toBe(0);
  });
});
