import { expect, test } from "vitest";
import type { Candidate, ReadThroughInit, Storing } from "../../../compute/src/platform.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { until } from "../edge/harness.ts";
import { ASK, fetchInit, hostOf, proxy } from "./content.ts";

type Origin = (count: number, request: Request) => Response | Promise<Response>;

function setUp(origin: Origin, override: ReadThroughInit | "pass" = { ttl: 60 }, hasHttpCache = true) {
  const clock = new FakeClock();
  const asked: Request[] = [];
  const host = hostOf(
    {
      program: proxy((platform) => fetchInit(platform, override)),
      clock,
      async origin(request) {
        asked.push(request);
        return origin(asked.length, request);
      },
    },
    { hasHttpCache },
  );
  const ask = async () => {
    const { status, headers, body } = await host.visit(ASK);
    return `${status} ${body.toString()} ${headers.get("X-Cached")}`;
  };
  return { clock, asked, host, ask };
}

const numbered: Origin = (count) => new Response(`answer ${count}`);

test("What was fetched is shown for as long as the override says, and then fetched anew", async () => {
  const { ask, clock } = setUp(numbered);
  expect(await ask()).toBe("200 answer 1 false false");
  clock.advance(59_999);
  expect(await ask()).toBe("200 answer 1 true false");
  clock.advance(1);
  expect(await ask()).toBe("200 answer 2 false false");
});

test("Without an override the backend's headers say how long, and an hour is meant where they say nothing", async () => {
  const { ask, clock } = setUp(
    (count) =>
      new Response(`${count}`, count === 1 ? { headers: { "Cache-Control": "max-age=10", Age: "4" } } : {}),
    {},
  );
  await ask();
  clock.advance(5_999);
  expect(await ask()).toBe("200 1 true false");
  clock.advance(1);
  expect(await ask()).toBe("200 2 false false");
  clock.advance(3_599_999);
  expect(await ask()).toBe("200 2 true false");
});

test.each([
  ["status 403", new Response("x", { status: 403 })],
  ["no-store", new Response("x", { headers: { "Cache-Control": "no-store" } })],
  ["private", new Response("x", { headers: { "Cache-Control": "private, max-age=60" } })],
  ["Set-Cookie", new Response("x", { headers: { "Set-Cookie": "a=b" } })],
])("An answer with %s is not stored unless the program says so", async (_what, answer) => {
  const { ask, asked } = setUp(() => answer.clone());
  await ask();
  await ask();
  expect(asked).toHaveLength(2);
  const forced = setUp(() => answer.clone(), { ttl: 60, afterSend: () => ({ cache: true }) });
  await forced.ask();
  await forced.ask();
  expect(forced.asked).toHaveLength(1);
});

test("A service without the HTTP cache keeps every status as long as the override says, and tells nothing of the cache", async () => {
  const { ask, asked } = setUp(() => new Response("no", { status: 503 }), { ttl: 60 }, false);
  expect(await ask()).toBe("503 no undefined undefined");
  await ask();
  expect(asked).toHaveLength(1);
});

test("Hooks fail where the service has no HTTP cache", async () => {
  const { host } = setUp(numbered, { ttl: 60, beforeSend: async () => undefined }, false);
  expect((await host.visit(ASK)).status).toBe(500);
});

test("What passes is neither looked up nor stored", async () => {
  const { ask, host } = setUp(numbered, "pass");
  expect(await ask()).toBe("200 answer 1 false false");
  expect(await ask()).toBe("200 answer 2 false false");
  expect(host.pop.store.figures().objects).toBe(0);
});

test("The hooks see what leaves and what comes, and what they change is what is stored", async () => {
  const { host, asked } = setUp(() => new Response("body", { status: 404, headers: { ETag: '"1"' } }), {
    async beforeSend({ headers }) {
      headers.set("Authorization", "signed");
    },
    afterSend(candidate) {
      candidate.status = 410;
      candidate.headers.set("X-Made", candidate.headers.get("ETag") ?? "");
      candidate.headers.delete("ETag");
      candidate.ttl = 5;
      candidate.surrogateKeys = ["a", "b"];
      return { cache: true };
    },
  });
  for (let times = 0; times < 2; times += 1) {
    const answer = await host.visit(ASK);
    expect(answer.status).toBe(410);
    expect(answer.headers.get("X-Made")).toBe('"1"');
    expect(answer.headers.has("ETag")).toBe(false);
  }
  expect(asked.map(({ headers }) => headers.get("Authorization"))).toEqual(["signed"]);
  host.purge(["b"]);
  await host.visit(ASK);
  expect(asked).toHaveLength(2);
});

test.each<[string, (candidate: Candidate) => void, string]>([
  ["status", (one) => void (one.status = 99), "RangeError"],
  ["ttl", (one) => void (one.ttl = Number.NaN), "TypeError"],
  ["swr", (one) => void (one.swr = -1), "TypeError"],
  ["surrogateKeys", (one) => void (one.surrogateKeys = undefined), "TypeError"],
])("A %s that cannot be is an error of the program", async (_name, change, name) => {
  const heard: string[] = [];
  const clock = new FakeClock();
  const host = hostOf({
    clock,
    origin: () => new Response("x"),
    program: async (_visitor, platform) => {
      const afterSend = (candidate: Candidate): Storing => {
        change(candidate);
        return { cache: true };
      };
      await platform.fetch("https://o.test/", fetchInit(platform, { afterSend })).catch((error: unknown) => {
        heard.push(error instanceof Error ? error.name : "");
      });
      return new Response("done");
    },
  });
  await host.visit(ASK);
  expect(heard).toEqual([name]);
});

test("While one request fetches, the others wait and are shown what it brought", async () => {
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const { ask, asked } = setUp(async (count) => {
    await gate;
    return new Response(`answer ${count}`);
  });
  const all = Promise.all([ask(), ask(), ask()]);
  await until(() => asked.length > 0);
  open();
  expect(await all).toEqual([
    "200 answer 1 false false",
    "200 answer 1 true false",
    "200 answer 1 true false",
  ]);
});

test("After an answer that is not stored those that wait fetch one after the other", async () => {
  let [now, most] = [0, 0];
  const { ask } = setUp(
    async (count) => {
      now += 1;
      most = Math.max(most, now);
      await Promise.resolve();
      now -= 1;
      return new Response(`${count}`);
    },
    { ttl: 60, afterSend: () => ({ cache: false }) },
  );
  expect(await Promise.all([ask(), ask(), ask()])).toEqual([
    "200 1 false false",
    "200 2 false false",
    "200 3 false false",
  ]);
  expect(most).toBe(1);
});

test("After one that is uncacheable nobody waits for another, until something is stored again", async () => {
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const outcome: { cache: boolean | "uncacheable" } = { cache: "uncacheable" };
  const { ask, asked } = setUp(
    async (count) => {
      if (count === 2 || count === 3) await gate;
      return new Response(`${count}`);
    },
    { ttl: 60, afterSend: () => outcome },
  );
  await ask();
  const both = Promise.all([ask(), ask()]);
  // Neither has an answer yet: one that waited for the other would never be seen here.
  await until(() => asked.length === 3);
  outcome.cache = true;
  open();
  expect(await both).toEqual(["200 2 false false", "200 3 false false"]);
  expect(await ask()).toBe("200 3 true false");
});

test("What is stale is shown at once while it is fetched anew, once, in the background", async () => {
  const { ask, asked, clock, host } = setUp(numbered, { ttl: 10, swr: 20 });
  await ask();
  clock.advance(10_000);
  expect(await Promise.all([ask(), ask()])).toEqual(["200 answer 1 true true", "200 answer 1 true true"]);
  await host.idle();
  expect(asked).toHaveLength(2);
  expect(await ask()).toBe("200 answer 2 true false");
  clock.advance(30_000);
  expect(await ask()).toBe("200 answer 3 false false");
});

test.each<[string, ReadThroughInit]>([
  ["the backend gives no answer", {}],
  [
    "beforeSend fails",
    {
      beforeSend() {
        throw new Error("no");
      },
    },
  ],
  [
    "afterSend fails",
    {
      afterSend() {
        throw new Error("no");
      },
    },
  ],
])("Where %s, what is stale is shown for as long as it may be on error", async (what, hooks) => {
  const trouble = { on: false };
  const failing: ReadThroughInit = {
    ttl: 10,
    staleIfError: 100,
    beforeSend: (request) => (trouble.on ? hooks.beforeSend?.(request) : undefined) ?? Promise.resolve(),
    afterSend: (candidate) =>
      trouble.on && hooks.afterSend !== undefined ? hooks.afterSend(candidate) : { cache: true },
  };
  const { ask, clock, host } = setUp((count) => {
    if (trouble.on && what.startsWith("the backend")) throw new Error("down");
    return new Response(`answer ${count}`);
  }, failing);
  await ask();
  trouble.on = true;
  clock.advance(109_999);
  expect(await ask()).toBe("200 answer 1 true true");
  clock.advance(1);
  expect((await host.visit(ASK)).status).toBe(500);
  trouble.on = false;
  expect(await ask()).toMatch(/^200 answer \d false false$/);
});

test.each<[string, ReadThroughInit]>([
  ["beforeSend", { beforeSend: () => Promise.reject(new Error("no")) }],
  ["afterSend", { afterSend: () => Promise.reject(new Error("no")) }],
])(
  "A promise of %s that is rejected shows nothing stale, as js-compute breaks down then",
  async (_what, hooks) => {
    const trouble = { on: false };
    const { ask, clock, host } = setUp(numbered, {
      ttl: 10,
      staleIfError: 100,
      beforeSend: (request) => (trouble.on ? hooks.beforeSend?.(request) : undefined) ?? Promise.resolve(),
      afterSend: (candidate) =>
        trouble.on && hooks.afterSend !== undefined ? hooks.afterSend(candidate) : { cache: true },
    });
    await ask();
    trouble.on = true;
    clock.advance(10_000);
    expect((await host.visit(ASK)).status).toBe(500);
  },
);

test("A status that is set is that of what is stored; the candidate and what is not stored keep their own", async () => {
  const read: number[] = [];
  const outcome = { cache: true };
  const { ask, host } = setUp(() => new Response("x", { status: 403 }), {
    ttl: 10,
    afterSend(candidate) {
      candidate.status = 503;
      read.push(candidate.status);
      return outcome;
    },
  });
  expect(await ask()).toMatch(/^503 /);
  outcome.cache = false;
  host.purgeAll();
  expect(await ask()).toMatch(/^403 /);
  expect(read).toEqual([403, 403]);
});

test("Those that wait for a request that chose what is stale are shown it as well, and the next one tries again", async () => {
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const { ask, asked, clock } = setUp(
    async (count) => {
      if (count === 2) {
        await gate;
        throw new Error("down");
      }
      return new Response(`answer ${count}`);
    },
    { ttl: 10, staleIfError: 100 },
  );
  await ask();
  clock.advance(11_000);
  const all = Promise.all([ask(), ask(), ask()]);
  await until(() => asked.length === 2);
  open();
  expect(await all).toEqual(Array(3).fill("200 answer 1 true true"));
  expect(asked).toHaveLength(2);
  expect(await ask()).toBe("200 answer 3 false false");
});

test("A 304 renews what is stored, with its own header lines, and the body stays", async () => {
  const { host, asked, clock } = setUp(
    (count, { headers }) =>
      headers.get("If-None-Match") === '"1"'
        ? new Response(null, { status: 304, headers: { "X-Turn": String(count) } })
        : new Response("body", { headers: { ETag: '"1"', "X-Turn": String(count) } }),
    { ttl: 10 },
  );
  await host.visit(ASK);
  // Kept beyond its time for somebody to ask about it.
  clock.advance(10_000);
  const renewed = await host.visit(ASK);
  expect([renewed.status, renewed.body.toString(), renewed.headers.get("X-Turn")]).toEqual([
    200,
    "body",
    "2",
  ]);
  clock.advance(9_999);
  expect((await host.visit(ASK)).headers.get("X-Turn")).toBe("2");
  expect(asked).toHaveLength(2);
});

test("A soft purge makes stale, a hard one removes, and a purge of everything leaves nothing to be found", async () => {
  const { ask, host } = setUp(numbered, { ttl: 60, swr: 60, surrogateKey: "a b" });
  await ask();
  host.purge(["a"], true);
  expect(await ask()).toBe("200 answer 1 true true");
  await host.idle();
  expect(await ask()).toBe("200 answer 2 true false");
  host.purge(["other"]);
  expect(await ask()).toBe("200 answer 2 true false");
  host.purge(["b"]);
  expect(await ask()).toBe("200 answer 3 false false");
  host.purgeAll();
  expect(await ask()).toBe("200 answer 4 false false");
});

test("What was fetched before a purge is not stored after it", async () => {
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const { ask, asked, host } = setUp(
    async (count) => {
      if (count === 1) await gate;
      return new Response(`answer ${count}`);
    },
    { ttl: 60, surrogateKey: "a" },
  );
  const first = ask();
  await until(() => asked.length === 1);
  host.purge(["a"]);
  open();
  expect(await first).toBe("200 answer 1 false false");
  expect(await ask()).toBe("200 answer 2 false false");
});

test("Objects differ by what Vary names, up to eight rules; one with more is not stored", async () => {
  const clock = new FakeClock();
  let count = 0;
  const names = ["accept"];
  const host = hostOf({
    clock,
    origin: () => new Response(String((count += 1))),
    program: proxy((platform, target) =>
      fetchInit(
        platform,
        {
          ttl: 60,
          afterSend(candidate) {
            candidate.vary = names;
            return { cache: true };
          },
        },
        { headers: new Headers({ Accept: target.slice(1) }), cacheKey: `k${names.length}` },
      ),
    ),
  });
  const ask = async (target: string) => (await host.visit({ ...ASK, target })).body.toString();
  expect([await ask("/a"), await ask("/b"), await ask("/a"), await ask("/b")]).toEqual(["1", "2", "1", "2"]);
  for (let rule = 1; rule < 8; rule += 1) names.push(`x-${rule}`);
  expect([await ask("/a"), await ask("/a")]).toEqual(["3", "3"]);
  names.push("x-8");
  expect([await ask("/a"), await ask("/a")]).toEqual(["4", "5"]);
});
