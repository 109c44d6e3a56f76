import { expect, test } from "vitest";
import { PopRates } from "../../../src/mirror/edge/rate-limits.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { serviceOf, startOrigin, testEdge } from "./harness.ts";
import { compiledService } from "./service-vcl.ts";
import type { ServiceText } from "./service-vcl.ts";

async function run(text: ServiceText) {
  const origin = await startOrigin((_request, response) => response.writeHead(200).end("page"));
  return { ...(await testEdge(serviceOf(compiledService(origin.port, text)))), origin };
}

const GUARD: ServiceText = {
  declarations: "ratecounter guesses {}\npenaltybox jail {}",
  recv: `
    if (fastly.ff.visits_this_service == 0 && req.http.Authorization) {
      if (ratelimit.check_rate(client.ip req.http.host req.http.Who, guesses, 60, 60, 10, jail, 2m)) {
        error 629;
      }
    }`,
  error: "if (obj.status == 629) { set obj.status = 429; }",
};

test("more than ten guesses a minute put an address into the box for its time, and nobody else", async () => {
  const { ask, clock } = await run(GUARD);
  const guess = async (who = "a") =>
    (await ask("/", { headers: { Authorization: "Basic eA==", Who: who } })).status;
  for (let i = 0; i < 10; i++) expect(await guess()).toBe(200);
  expect(await guess()).toBe(429);
  expect(await guess("b")).toBe(200);
  expect((await ask("/")).status).toBe(200);
  // The counter is empty again after a minute, the box holds for two.
  clock.advance(119_000);
  expect(await guess()).toBe(429);
  clock.advance(1_000);
  expect(await guess()).toBe(200);
});

test("counters belong to a POP and a service: the shield and another service count for themselves", async () => {
  const { ask, edge, origin } = await run({
    declarations: "ratecounter rc {}",
    recv: `
      declare local var.n INTEGER;
      set var.n = ratelimit.ratecounter_increment(rc, "everybody", 1);
      set req.http.X-Count = if(req.http.X-Count, req.http.X-Count ",", "") var.n;
      if (fastly.ff.visits_this_service == 0) { set req.backend = ssl_shield_iad_va_us; }`,
    deliver: "if (fastly.ff.visits_this_service == 0) { set resp.http.X-Own = ratecounter.rc.bucket.60s; }",
  });
  await ask("/a");
  await ask("/b");
  expect(origin.seen.map((request) => request.headers.get("X-Count"))).toEqual(["1,1", "2,2"]);
  edge.activate(
    serviceOf(
      compiledService(origin.port, {
        declarations: "ratecounter rc {}",
        recv: 'set req.http.X-Count = ratelimit.ratecounter_increment(rc, "everybody", 1);',
      }),
      { id: "other", domains: ["other.example.com"] },
    ),
  );
  await ask("/c", { host: "other.example.com" });
  expect(origin.seen.at(-1)?.headers.get("X-Count")).toBe("1");
});

test("the variables of a counter speak of the entry this request incremented, per whole second", async () => {
  const { ask, clock } = await run({
    declarations: "ratecounter rc {}",
    recv: `
      declare local var.n INTEGER;
      set req.http.X-Before = ratecounter.rc.bucket.60s;
      if (req.http.Who) { set var.n = ratelimit.ratecounter_increment(rc, req.http.Who, 5); }`,
    deliver: `
      set resp.http.X-All = req.http.X-Before " " ratecounter.rc.bucket.10s " " ratecounter.rc.bucket.60s
        " " ratecounter.rc.rate.1s " " ratecounter.rc.rate.10s " " ratecounter.rc.rate.60s;`,
  });
  const all = async (who?: string) =>
    (await ask("/", who === undefined ? {} : { headers: { Who: who } })).headers.get("X-All");
  expect(await all("a")).toBe("0 5 5 5.000 0.500 0.083");
  expect(await all("b")).toBe("0 5 5 5.000 0.500 0.083");
  expect(await all()).toBe("0 0 0 0.000 0.000 0.000");
  clock.advance(9_000);
  expect(await all("a")).toBe("0 10 10 5.000 1.000 0.167");
  clock.advance(1_000);
  expect(await all("a")).toBe("0 10 15 5.000 1.000 0.250");
  clock.advance(50_000);
  expect(await all("a")).toBe("0 5 15 5.000 0.500 0.250");
});

test("check_rates penalises when either limit is passed", async () => {
  const { ask } = await run({
    declarations: "ratecounter burst {}\nratecounter sustained {}\npenaltybox jail {}",
    recv: `if (ratelimit.check_rates("x", burst, 10, 1, 10, sustained, 1, 60, 1000, jail, 1m)) { error 429; }`,
  });
  expect((await ask("/")).status).toBe(200);
  expect((await ask("/")).status).toBe(429);
});

test("penaltybox_add and penaltybox_has work without a counter", async () => {
  const { ask, clock } = await run({
    declarations: "penaltybox jail {}",
    recv: `
      if (ratelimit.penaltybox_has(jail, client.ip)) { error 403; }
      if (req.url == "/trap") { ratelimit.penaltybox_add(jail, client.ip, 100s); }`,
  });
  expect((await ask("/trap")).status).toBe(200);
  expect((await ask("/")).status).toBe(403);
  // 100 seconds are two minutes, to the nearest one.
  clock.advance(119_000);
  expect((await ask("/")).status).toBe(403);
  clock.advance(1_000);
  expect((await ask("/")).status).toBe(200);
});

test.each([
  ['ratelimit.check_rate("x", rc, 1, 5, 10, pb, 1m)', "a window that is not 1, 10 or 60"],
  ['ratelimit.check_rate("x", rc, 1, 60, 9, pb, 1m)', "a limit below 10"],
  ['ratelimit.check_rate("x", rc, 100001, 60, 10, pb, 1m)', "a delta above 100000"],
  ['ratelimit.check_rate("x", rc, -1, 60, 10, pb, 1m)', "a negative delta"],
  ['ratelimit.check_rate("x", rc, 1, 60, 10, pb, 59s)', "less than a minute"],
  ['ratelimit.check_rate("x", rc, 1, 60, 10, pb, 61m)', "more than an hour"],
  ['ratelimit.check_rate(std.strrep("x", 257), rc, 99999, 1, 10, pb, 1m)', "an entry above 256 bytes"],
  ['ratelimit.penaltybox_has(pb, std.strrep("x", 257))', "an entry above 256 bytes"],
])("%s is refused: %s", async (call) => {
  const { ask } = await run({
    declarations: "ratecounter rc {}\npenaltybox pb {}",
    recv: `set req.http.X = ${call};`,
    deliver: "set resp.http.X-Says = req.http.X fastly.error;",
  });
  expect((await ask("/")).headers.get("X-Says")).toBe("0EINVAL");
});

test("a name that is not declared, or declared as the other kind, does not compile", () => {
  const text = (call: string): ServiceText => ({
    declarations: "ratecounter rc {}\npenaltybox pb {}",
    recv: `set req.http.X = ${call};`,
  });
  expect(() => compiledService(1, text('ratelimit.penaltybox_has(nobody, "x")'))).toThrow();
  expect(() => compiledService(1, text('ratelimit.penaltybox_has(rc, "x")'))).toThrow();
  expect(() => compiledService(1, text('ratelimit.ratecounter_increment(pb, "x", 1)'))).toThrow();
});

test("a full counter forgets who was quiet longest, a full box who has the least time left", () => {
  const rates = new PopRates(new FakeClock(), 3);
  for (const entry of ["a", "b", "c", "a", "d"]) rates.increment("rc", entry, 1);
  expect(["a", "b", "c", "d"].map((entry) => rates.count("rc", entry, 60))).toEqual([2, 0, 1, 1]);
  for (const [entry, minutes] of [
    ["a", 9],
    ["b", 3],
    ["c", 60],
    ["d", 1],
  ] as const) {
    rates.penalise("pb", entry, minutes);
  }
  expect(["a", "b", "c", "d"].map((entry) => rates.isPenalised("pb", entry))).toEqual([
    true,
    false,
    true,
    true,
  ]);
});

test("an entry without increments for a minute leaves the counter", () => {
  const clock = new FakeClock();
  const rates = new PopRates(clock, 2);
  rates.increment("rc", "a", 1);
  clock.advance(60_000);
  rates.increment("rc", "b", 1);
  rates.increment("rc", "c", 1);
  expect(["b", "c"].map((entry) => rates.count("rc", entry, 60))).toEqual([1, 1]);
});
