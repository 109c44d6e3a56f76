import { expect, test } from "vitest";
import type { ComputeProgram } from "../../../src/mirror/compute/serve.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { programOf, serviceOf, testEdge } from "../edge/harness.ts";
import { ASK, computeService, contentOf, fetchInit, hostOf } from "./content.ts";

const page = (text: string) => () => new Response(text);

function answering(program: ComputeProgram, clock = new FakeClock()) {
  const host = hostOf({ program, clock, origin: page("x") });
  return async (): Promise<string> => (await host.visit(ASK)).body.toString();
}

test("Over the limit an entry goes into the penalty box, and comes out after its minutes", async () => {
  const clock = new FakeClock();
  const ask = answering(async (_visitor, { RateCounter, PenaltyBox, EdgeRateLimiter }) => {
    const box = new PenaltyBox("guesses");
    const limiter = new EdgeRateLimiter(new RateCounter("guesses"), box);
    return new Response(`${box.has("me")} ${limiter.checkRate("me", 6, 1, 10, 120)} ${box.has("you")}`);
  }, clock);
  expect(await ask()).toBe("false false false");
  expect(await ask()).toBe("false true false");
  expect(await ask()).toBe("true true false");
  clock.advance(60_000);
  expect(await ask()).toBe("true true false");
  clock.advance(120_000);
  expect(await ask()).toBe("false false false");
});

test.each([
  ["less than a minute in the box", 1, 59],
  ["more than an hour in the box", 1, 3661],
  ["a count below zero", -1, 60],
] as const)("A rate limiter refuses %s", async (_what, delta, time) => {
  const ask = answering(async (_visitor, { RateCounter, PenaltyBox, EdgeRateLimiter }) => {
    const limiter = new EdgeRateLimiter(new RateCounter("c"), new PenaltyBox("b"));
    try {
      return new Response(String(limiter.checkRate("me", delta, 1, 10, time)));
    } catch (error) {
      return new Response(error instanceof TypeError ? "refused" : "other");
    }
  });
  expect(await ask()).toBe("refused");
});

test("What the versions of a service count goes on from VCL to a program", async () => {
  const { edge } = await testEdge(undefined, { programOf: () => null });
  const lhr = edge.popOf("LHR");
  edge.activate(
    serviceOf(
      programOf({
        subs: {
          recv: (t) => {
            t.host.rates.penalise("guesses", "me", 5);
          },
        },
      }),
    ),
  );
  expect(lhr).toBeDefined();
  await edge.purge({
    serviceId: "svc",
    scope: { kind: "url", host: "www.example.com", pathAndQuery: "/" },
    soft: false,
  });
  edge.activateCompute(computeService());
  expect(lhr?.rates.get("svc")?.isPenalised("guesses", "me")).toBe(true);
});

test("A backend, a URL or a cache override that cannot be is a TypeError, and so is a time below zero", async () => {
  const ask = answering(async (_visitor, platform) => {
    const tries = [
      () => platform.fetch("https://o.test/", fetchInit(platform, {}, { backend: "none" })),
      () => platform.fetch("ftp://o.test/", fetchInit(platform)),
      () => platform.fetch("/relative", fetchInit(platform)),
      () => platform.fetch(`https://o.test/${"x".repeat(9_000)}`, fetchInit(platform)),
      () => platform.fetch("https://o.test/", fetchInit(platform, {}, { cacheOverride: {} })),
      async () => platform.fetch("https://o.test/", fetchInit(platform, { ttl: -1 })),
    ];
    const names = tries.map((attempt) =>
      attempt().then(
        () => "answered",
        (error: unknown) => (error instanceof TypeError ? "TypeError" : "other"),
      ),
    );
    return new Response((await Promise.all(names)).join(" "));
  });
  expect(await ask()).toBe(Array(6).fill("TypeError").join(" "));
});

test("A backend that gives no answer is a NetworkError that says why", async () => {
  const host = hostOf(
    {
      clock: new FakeClock(),
      origin() {
        throw Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
      },
      async program(_visitor, platform) {
        try {
          await platform.fetch("https://o.test/", fetchInit(platform));
          return new Response("answered");
        } catch (error) {
          return new Response(error instanceof DOMException ? `${error.name}: ${error.message}` : "other");
        }
      },
    },
    { service: computeService(contentOf()) },
  );
  expect((await host.visit(ASK)).body.toString()).toMatch(/^NetworkError: .*Connection refused$/);
});

test("A program learns where it runs, and nothing else by a variable", async () => {
  const names = ["SERVICE_ID", "SERVICE_VERSION", "POP", "HOSTNAME", "REGION", "CACHE_GENERATION"];
  const ask = answering(async ({ requestId }, { env, healthOf }) => {
    const values = names.map((name) => env(`FASTLY_${name}`));
    const isTrace = env("FASTLY_TRACE_ID") === requestId;
    return new Response([...values, isTrace, env("PATH"), healthOf("origin")].join(" "));
  });
  expect(await ask()).toBe("svc 3 LHR cache-lhr7000-LHR EU-West 1 true  unknown");
});
