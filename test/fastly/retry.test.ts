import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { planRetry } from "../../src/fastly/retry.ts";
import type { Failure, RetryQuestion } from "../../src/fastly/retry.ts";

const NOW = Date.UTC(2026, 0, 1);

function question(change: Partial<RetryQuestion>): RetryQuestion {
  return {
    attempt: 1,
    effect: "read",
    failure: answered(500),
    now: NOW,
    limits: { attempts: 5, longestWaitMs: 300_000 },
    ...change,
  };
}

function answered(status: number, headers: { retryAfter?: string; rateLimitReset?: string } = {}): Failure {
  return { kind: "response", status, retryAfter: headers.retryAfter, rateLimitReset: headers.rateLimitReset };
}

describe("planRetry", () => {
  it("doubles the wait from half a second to ten seconds", () => {
    const limits = { attempts: 9, longestWaitMs: 300_000 };
    const waits = [1, 2, 3, 4, 5, 6, 7].map((attempt) => planRetry(question({ attempt, limits })));
    expect(waits.map((verdict) => (verdict.do === "wait" ? verdict.ms : "stop"))).toEqual([
      500, 1000, 2000, 4000, 8000, 10_000, 10_000,
    ]);
  });

  it("stops when the tries are used up", () => {
    expect(planRetry(question({ attempt: 5 }))).toEqual({ do: "stop" });
  });

  it.each([
    ["read", answered(503), "wait"],
    ["idempotent", answered(502), "wait"],
    ["once", answered(502), "stop"],
    ["once", answered(429), "wait"],
    ["read", answered(408), "wait"],
    ["read", answered(501), "stop"],
    ["read", answered(404), "stop"],
    ["idempotent", answered(422), "stop"],
    ["once", { kind: "network", landed: "no" }, "wait"],
    ["once", { kind: "network", landed: "unknown" }, "stop"],
    ["idempotent", { kind: "network", landed: "unknown" }, "wait"],
  ] as const)("a %s call after %j: %s", (effect, failure, verdict) => {
    expect(planRetry(question({ effect, failure })).do).toBe(verdict);
  });

  it("waits until the rate limit resets", () => {
    const failure = answered(429, { rateLimitReset: String(NOW / 1000 + 40) });
    expect(planRetry(question({ failure }))).toEqual({ do: "wait", ms: 40_000 });
  });

  it("takes Retry-After in seconds and as a date, and the later of two moments", () => {
    expect(planRetry(question({ failure: answered(503, { retryAfter: "7" }) }))).toEqual({
      do: "wait",
      ms: 7000,
    });
    const failure = answered(429, {
      retryAfter: "Thu, 01 Jan 2026 00:00:30 GMT",
      rateLimitReset: String(NOW / 1000 + 3),
    });
    expect(planRetry(question({ failure }))).toEqual({ do: "wait", ms: 30_000 });
  });

  it("gives up on a server that asks for more than the longest wait", () => {
    expect(planRetry(question({ failure: answered(429, { retryAfter: "3600" }) }))).toEqual({ do: "stop" });
  });

  it.each(["soon", "-5", "1e9", "2026-01-01", "9".repeat(30), ""])("ignores the moment %j", (value) => {
    const failure = answered(429, { retryAfter: value, rateLimitReset: value });
    expect(planRetry(question({ failure }))).toEqual({ do: "wait", ms: 500 });
  });

  test.prop([
    fc.integer({ min: 1, max: 10 }),
    fc.constantFrom("read" as const, "idempotent" as const, "once" as const),
    fc.integer({ min: 300, max: 599 }),
    fc.option(fc.oneof(fc.string(), fc.nat().map(String)), { nil: undefined }),
    fc.option(fc.oneof(fc.string(), fc.nat().map(String)), { nil: undefined }),
  ])(
    "never waits a negative, endless or unknown time",
    (attempt, effect, status, retryAfter, rateLimitReset) => {
      const failure: Failure = { kind: "response", status, retryAfter, rateLimitReset };
      const verdict = planRetry(question({ attempt, effect, failure }));
      if (verdict.do === "wait") {
        expect(verdict.ms).toBeGreaterThanOrEqual(500);
        expect(verdict.ms).toBeLessThanOrEqual(300_000);
      } else {
        expect(verdict).toEqual({ do: "stop" });
      }
    },
  );
});
