import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import type { BackendResponse } from "../../../src/vcl/runtime.ts";
import { act, backendAt, fail, programOf, serviceOf, startOrigin, testEdge } from "./harness.ts";
import type { Origin, Subs, TestEdge } from "./harness.ts";

interface Site extends TestEdge {
  readonly origin: Origin;
  /** What the origin answers from now on. */
  readonly answer: { status: number; headers: Record<string, string>; cut: boolean };
}

/** A site whose origin numbers its answers; `fetch` may change what they become. */
async function site(
  headers: Record<string, string>,
  subs: Subs = {},
  fetch: (beresp: BackendResponse) => void = () => undefined,
): Promise<Site> {
  const answer = { status: 200, headers, cut: false };
  let count = 0;
  const origin = await startOrigin((_request, response) => {
    count += 1;
    if (answer.cut) response.destroy();
    else response.writeHead(answer.status, answer.headers).end(`v${count}`);
  });
  const program = programOf({
    backends: [backendAt(origin.port)],
    subs: {
      fetch: (t) => {
        if (t.beresp !== null) fetch(t.beresp);
      },
      ...subs,
    },
  });
  const edge = await testEdge(serviceOf(program));
  return { ...edge, origin, answer };
}

async function texts(site: Pick<TestEdge, "ask">, times: number): Promise<string[]> {
  const found: string[] = [];
  for (let i = 0; i < times; i++) found.push((await site.ask("/")).text);
  return found;
}

test("Set-Cookie and Authorization make nothing private unless VCL says so", async () => {
  const one = await site({ "Cache-Control": "max-age=60", "Set-Cookie": "a=b" });
  const first = await one.ask("/", { headers: { Authorization: "Basic eDp5" } });
  const second = await one.ask("/");
  expect([first.text, second.text, second.headers.get("Set-Cookie")]).toEqual(["v1", "v1", "a=b"]);
});

test("a client cannot make the edge fetch anew, nor take what is stale", async () => {
  const one = await site({ "Cache-Control": "max-age=60" });
  for (const value of ["no-cache", "no-store", "max-age=0", "only-if-cached", "min-fresh=999"]) {
    expect((await one.ask("/", { headers: { "Cache-Control": value, Pragma: "no-cache" } })).text).toBe("v1");
  }
  one.clock.advance(61_000);
  expect((await one.ask("/", { headers: { "Cache-Control": "max-stale=999" } })).text).toBe("v2");
});

test("a ttl of 0 without stale windows is not kept, not even to be asked about", async () => {
  const one = await site({ "Cache-Control": "max-age=0", ETag: '"1"' });
  expect(await texts(one, 2)).toEqual(["v1", "v2"]);
  expect(one.origin.seen[1]?.headers.has("If-None-Match")).toBe(false);
  expect(one.edge.stats().get("LHR")?.objects).toBe(0);
});

test("an answer that is not stored has no Age of the edge's, and keeps its origin's", async () => {
  const one = await site({ "Cache-Control": "max-age=0" });
  expect((await one.ask("/")).headers.get("Age")).toBeNull();
  const two = await site({ Age: "7" }, { recv: () => act("pass") });
  expect((await two.ask("/")).headers.get("Age")).toBe("7");
});

test("beresp.gzip holds for what is not stored as well", async () => {
  const one = await site({}, { recv: () => act("pass") }, (beresp) => (beresp.gzip = true));
  const answer = await one.ask("/", { headers: { "Accept-Encoding": "gzip" } });
  expect([answer.headers.get("Content-Encoding"), answer.headers.get("Vary")]).toEqual([
    "gzip",
    "Accept-Encoding",
  ]);
  expect(gunzipSync(answer.body).toString()).toBe("v1");
});

test("several lines of Cache-Control are one to VCL and to the client", async () => {
  const lines: (string | null)[] = [];
  const origin = await startOrigin((_request, response) => {
    response.writeHead(200, [
      ["Cache-Control", "public"],
      ["Cache-Control", "max-age=60"],
    ]);
    response.end();
  });
  const fetch = (t: { beresp: BackendResponse | null }): void =>
    void lines.push(t.beresp?.headers.get("Cache-Control") ?? null);
  const { ask } = await testEdge(
    serviceOf(programOf({ backends: [backendAt(origin.port)], subs: { fetch } })),
  );
  expect((await ask("/")).headers.getAll("Cache-Control")).toEqual(["public, max-age=60"]);
  expect(lines).toEqual(["public, max-age=60"]);
});

test("several ranges at once get the whole object", async () => {
  const one = await site({ "Cache-Control": "max-age=60" });
  const answer = await one.ask("/", { headers: { Range: "bytes=0-0, 1-1" } });
  expect([answer.status, answer.text]).toEqual([200, "v1"]);
});

test("a hit-for-pass note lasts two minutes at least and an hour at most", async () => {
  const one = await site({ "Cache-Control": "max-age=1" }, { fetch: () => act("pass") });
  await texts(one, 1);
  one.clock.advance(119_000);
  expect((await one.ask("/")).text).toBe("v2");
  const states: string[] = [];
  const long = await site(
    { "Cache-Control": "max-age=999999" },
    { fetch: () => act("pass"), deliver: (t) => void states.push(t.cacheState) },
  );
  await long.ask("/");
  long.clock.advance(3_599_000);
  await long.ask("/");
  long.clock.advance(1_000);
  await long.ask("/");
  expect(states).toEqual(["MISS-CLUSTER", "HITPASS-CLUSTER", "MISS-CLUSTER"]);
});

test("a background fetch that fails leaves the stale object, and the next request tries again", async () => {
  const one = await site({ "Cache-Control": "max-age=10, stale-while-revalidate=60" });
  await one.ask("/");
  one.clock.advance(20_000);
  one.answer.cut = true;
  for (let i = 0; i < 2; i++) {
    expect((await one.ask("/")).text).toBe("v1");
    await one.edge.idle();
  }
  expect(one.origin.seen).toHaveLength(3);
  one.answer.cut = false;
  expect((await one.ask("/")).text).toBe("v1");
  await one.edge.idle();
  expect((await one.ask("/")).text).toBe("v4");
});

test("deliver_stale in vcl_miss delivers within stale-if-error without asking the backend", async () => {
  const one = await site(
    { "Cache-Control": "max-age=10, stale-if-error=60" },
    { miss: (t) => act(t.staleExists ? "deliver_stale" : "fetch") },
  );
  await one.ask("/");
  one.clock.advance(20_000);
  expect((await one.ask("/")).text).toBe("v1");
  one.clock.advance(60_000);
  expect((await one.ask("/")).text).toBe("v2");
});

test("stale-if-error alone delivers nothing: VCL has to ask for it", async () => {
  const one = await site({ "Cache-Control": "max-age=10, stale-if-error=60" });
  await one.ask("/");
  one.clock.advance(20_000);
  one.answer.cut = true;
  expect((await one.ask("/")).status).toBe(503);
});

test("the request's limits close the object's stale windows", async () => {
  const one = await site(
    { "Cache-Control": "max-age=10, stale-while-revalidate=60" },
    { recv: (t) => void (t.maxStaleWhileRevalidate = 5) },
  );
  await one.ask("/");
  one.clock.advance(14_000);
  expect((await one.ask("/")).text).toBe("v1");
  await one.edge.idle();
  one.clock.advance(16_000);
  expect((await one.ask("/")).text).toBe("v3");
});

test("saintmode keeps a backend from one object for a while, and another one answers", async () => {
  const bad = await startOrigin((_request, response) => void response.writeHead(500).end("bad"));
  const good = await startOrigin((_request, response) => void response.end("good"));
  const backends = [backendAt(bad.port, { name: "bad" }), backendAt(good.port, { name: "good" })];
  const director = {
    name: "both",
    type: "fallback" as const,
    quorumPercent: 0,
    retries: null,
    shield: null,
    members: backends.map(({ name }) => ({ backend: name, weight: 1, id: null })),
  };
  const program = programOf({
    backends,
    directors: [director],
    subs: {
      recv: (t) => {
        t.backend = { kind: "director", spec: director };
        return act("lookup");
      },
      fetch: (t) => {
        if (t.beresp === null || t.beresp.status !== 500) return undefined;
        t.beresp.saintmode = 20;
        return act("restart");
      },
    },
  });
  const { ask, clock } = await testEdge(serviceOf(program));
  expect((await ask("/")).text).toBe("good");
  expect((await ask("/other")).text).toBe("good");
  expect(bad.seen.map(({ url }) => url)).toEqual(["/", "/other"]);
  clock.advance(121_000);
  await ask("/");
  expect(bad.seen).toHaveLength(3);
});

test("PURGE with Fastly-Soft-Purge makes an object stale, without it the object is gone", async () => {
  const one = await site({ "Cache-Control": "max-age=600, stale-while-revalidate=60" });
  await one.ask("/");
  expect((await one.ask("/", { method: "PURGE", headers: { "Fastly-Soft-Purge": "1" } })).status).toBe(200);
  expect((await one.ask("/")).text).toBe("v1");
  await one.edge.idle();
  expect((await one.ask("/")).text).toBe("v2");
  await one.ask("/", { method: "PURGE" });
  expect((await one.ask("/")).text).toBe("v3");
});

test("an object whose vcl_fetch ends in error is not stored", async () => {
  const one = await site({ "Cache-Control": "max-age=60" }, { fetch: () => fail(502, "no") });
  expect([(await one.ask("/")).status, (await one.ask("/")).status]).toEqual([502, 502]);
  expect(one.origin.seen).toHaveLength(2);
});

test("statuses that are not cacheable by default are when VCL says so", async () => {
  const one = await site({ "Cache-Control": "max-age=60" }, {}, (beresp) => {
    beresp.cacheable = true;
  });
  one.answer.status = 503;
  expect(await texts(one, 2)).toEqual(["v1", "v1"]);
});
