import { gunzipSync, brotliDecompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { act, backendAt, programOf, serviceOf, startOrigin, testEdge, until } from "./harness.ts";
import type { Answer, Origin, SeenRequest, Subs, TestEdge } from "./harness.ts";
import type { ServerResponse } from "node:http";

interface Site extends TestEdge {
  readonly origin: Origin;
}

async function site(
  answer: (request: SeenRequest, response: ServerResponse) => void,
  subs: Subs = {},
): Promise<Site> {
  const origin = await startOrigin(answer);
  const edge = await testEdge(serviceOf(programOf({ subs, backends: [backendAt(origin.port)] })));
  return { ...edge, origin };
}

function versions(headers: Record<string, string>): (request: SeenRequest, response: ServerResponse) => void {
  let count = 0;
  return (_request, response) => {
    count += 1;
    response.writeHead(200, headers).end(`v${count}`);
  };
}

test("requests for a key under way wait for one fetch and share it", async () => {
  const held: ServerResponse[] = [];
  const states: string[] = [];
  const { ask, origin } = await site((_request, response) => void held.push(response), {
    deliver: (t) => void states.push(t.cacheState),
  });
  const answers = [ask("/"), ask("/"), ask("/")];
  await until(() => held.length === 1 && origin.seen.length === 1);
  // The others have to be waiting before the answer comes: give every connection time to be read.
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  held[0]?.writeHead(200, { "Cache-Control": "max-age=60" }).end("one");
  expect((await Promise.all(answers)).map((answer) => answer.text)).toEqual(["one", "one", "one"]);
  expect(origin.seen).toHaveLength(1);
  expect(states.filter((state) => state === "MISS-CLUSTER")).toHaveLength(1);
  expect(states.filter((state) => state.startsWith("HIT-CLUSTER"))).toHaveLength(2);
});

test("an uncacheable answer serves its leader alone, the next one fetches in turn", async () => {
  let active = 0;
  let most = 0;
  const { ask, origin } = await site((_request, response) => {
    active += 1;
    most = Math.max(most, active);
    setImmediate(() => {
      active -= 1;
      response.writeHead(500).end("no");
    });
  });
  await Promise.all([ask("/"), ask("/"), ask("/")]);
  expect(origin.seen).toHaveLength(3);
  expect(most).toBe(1);
});

test("pass in fetch on a cacheable answer leaves a hit-for-pass note of two minutes", async () => {
  const { ask, clock, edge } = await site(versions({ "Cache-Control": "max-age=1" }), {
    fetch: (t) => (t.bereq?.headers.get("X-Store") === "1" ? undefined : act("pass")),
  });
  expect((await ask("/")).text).toBe("v1");
  expect(edge.stats().get("LHR")?.objects).toBe(1);
  // The note makes the request a pass before vcl_fetch could store anything.
  expect((await ask("/", { headers: { "X-Store": "1" } })).text).toBe("v2");
  expect((await ask("/", { headers: { "X-Store": "1" } })).text).toBe("v3");
  clock.advance(121_000);
  expect((await ask("/", { headers: { "X-Store": "1" } })).text).toBe("v4");
  expect((await ask("/")).text).toBe("v4");
});

test("variants by Vary are stored apart", async () => {
  const { ask, origin } = await site((request, response) => {
    const language = request.headers.get("Accept-Language") ?? "none";
    response.writeHead(200, { Vary: "Accept-Language", "Cache-Control": "max-age=60" }).end(language);
  });
  const get = async (language: string): Promise<string> =>
    (await ask("/", { headers: { "Accept-Language": language } })).text;
  expect([await get("de"), await get("en"), await get("de"), await get("en")]).toEqual([
    "de",
    "en",
    "de",
    "en",
  ]);
  expect(origin.seen).toHaveLength(2);
});

test("within stale-while-revalidate the old object is delivered and one background fetch renews it", async () => {
  const states: string[] = [];
  const reasons: (string | undefined)[] = [];
  const { ask, clock, edge, origin } = await site(
    versions({ "Cache-Control": "max-age=10, stale-while-revalidate=60" }),
    {
      deliver: (t) => {
        states.push(t.cacheState);
        reasons.push(t.staleReason);
      },
    },
  );
  await ask("/");
  clock.advance(20_000);
  expect((await ask("/")).text).toBe("v1");
  await edge.idle();
  expect((await ask("/")).text).toBe("v2");
  expect(origin.seen).toHaveLength(2);
  expect(states).toEqual(["MISS-CLUSTER", "HIT-STALE-CLUSTER", "HIT-CLUSTER"]);
  expect(reasons).toEqual([undefined, "revalidating", undefined]);
  clock.advance(200_000);
  expect((await ask("/")).text).toBe("v3");
});

test("a revalidation that finds the object unchanged renews its freshness and no stored header", async () => {
  let bodies = 0;
  const { ask, clock, origin } = await site((request, response) => {
    if (request.headers.get("If-None-Match") === '"e1"') {
      response.writeHead(304, { ETag: '"e1"', "Cache-Control": "max-age=30", "X-New": "yes" }).end();
      return;
    }
    bodies += 1;
    response.writeHead(200, { ETag: '"e1"', "Cache-Control": "max-age=10", "X-Old": "yes" }).end("same");
  });
  await ask("/");
  clock.advance(11_000);
  const renewed = await ask("/");
  expect([renewed.status, renewed.text, renewed.headers.get("Age")]).toEqual([200, "same", "0"]);
  expect([renewed.headers.get("X-Old"), renewed.headers.get("X-New")]).toEqual(["yes", null]);
  clock.advance(29_000);
  expect((await ask("/")).headers.get("Age")).toBe("29");
  expect([bodies, origin.seen.length]).toEqual([1, 2]);
});

test("deliver_stale in fetch and in error delivers the stale object within stale-if-error", async () => {
  let mode: "ok" | "broken" | "down" = "ok";
  const reasons: (string | undefined)[] = [];
  const { ask, clock } = await site(
    (_request, response) => {
      if (mode === "down") response.destroy();
      else response.writeHead(mode === "ok" ? 200 : 500, { "Cache-Control": "max-age=10" }).end(mode);
    },
    {
      fetch: (t) => {
        if (t.beresp === null) return undefined;
        t.beresp.staleIfError = 100;
        return t.beresp.status >= 500 && t.staleExists ? act("deliver_stale") : undefined;
      },
      error: (t) => (t.staleExists ? act("deliver_stale") : undefined),
      deliver: (t) => void reasons.push(t.staleReason),
    },
  );
  await ask("/");
  clock.advance(20_000);
  mode = "broken";
  expect((await ask("/")).text).toBe("ok");
  mode = "down";
  const stale = await ask("/");
  expect([stale.text, stale.headers.get("Age")]).toEqual(["ok", "20"]);
  expect(reasons).toEqual([undefined, "error", "error"]);
  clock.advance(100_000);
  expect((await ask("/")).status).toBe(503);
});

test("deliver_stale with nothing to deliver is 503", async () => {
  const { ask } = await site(versions({}), { miss: () => act("deliver_stale") });
  const answer = await ask("/");
  expect([answer.status, answer.reason]).toEqual([503, "No stale object available"]);
});

test("a sick backend's stale objects are delivered without asking it", async () => {
  const { ask, clock, edge, origin } = await site(
    versions({ "Cache-Control": "max-age=10, stale-if-error=60" }),
  );
  await ask("/");
  clock.advance(20_000);
  edge.overrideHealth("svc", "origin", false);
  expect((await ask("/")).text).toBe("v1");
  expect((await ask("/other")).status).toBe(503);
  expect(origin.seen).toHaveLength(1);
  edge.overrideHealth("svc", "origin", null);
  expect((await ask("/")).text).toBe("v2");
});

test("HEAD is answered from the object that GET stored, and fetches it by GET", async () => {
  const { ask, origin } = await site(versions({ "Cache-Control": "max-age=60" }));
  const head = await ask("/", { method: "HEAD" });
  expect([head.status, head.text, head.headers.get("Content-Length")]).toEqual([200, "", "2"]);
  expect((await ask("/")).text).toBe("v1");
  expect(origin.seen.map((request) => request.method)).toEqual(["GET"]);
});

test("ranges are cut from the cache, also on a miss, and the origin never sees them", async () => {
  const { ask, origin } = await site((_request, response) => {
    response.writeHead(200, { ETag: '"x"', "Cache-Control": "max-age=60" }).end("0123456789");
  });
  const range = (value: string, more: Record<string, string> = {}): Promise<Answer> =>
    ask("/", { headers: { Range: value, ...more } });
  const first = await range("bytes=2-4");
  expect([first.status, first.text, first.headers.get("Content-Range")]).toEqual([
    206,
    "234",
    "bytes 2-4/10",
  ]);
  expect(first.headers.get("Content-Length")).toBe("3");
  expect((await range("bytes=-3")).text).toBe("789");
  expect((await range("bytes=8-")).text).toBe("89");
  const beyond = await range("bytes=10-");
  expect([beyond.status, beyond.headers.get("Content-Range")]).toEqual([416, "bytes */10"]);
  expect((await range("bytes=0-1", { "If-Range": '"other"' })).status).toBe(200);
  expect((await range("bytes=0-1", { "If-Range": '"x"' })).text).toBe("01");
  expect((await range("bytes=0-1,3-4")).status).toBe(200);
  expect(origin.seen.map((request) => request.headers.get("Range"))).toEqual([null]);
});

test("client conditions are answered 304 before vcl_deliver, without the other headers", async () => {
  const statuses: (number | undefined)[] = [];
  const { ask, origin } = await site(
    (_request, response) => {
      response.writeHead(200, { ETag: '"x"', "X-Meta": "1", "Cache-Control": "max-age=60" }).end("body");
    },
    { deliver: (t) => void statuses.push(t.resp?.status) },
  );
  const miss = await ask("/", { headers: { "If-None-Match": 'W/"x"' } });
  expect([miss.status, miss.text, miss.headers.get("X-Meta"), miss.headers.get("ETag")]).toEqual([
    304,
    "",
    null,
    '"x"',
  ]);
  expect((await ask("/", { headers: { "If-None-Match": '"y"' } })).text).toBe("body");
  expect(statuses).toEqual([304, 200]);
  expect(origin.seen[0]?.headers.has("If-None-Match")).toBe(false);
});

test("beresp.gzip and beresp.brotli compress what is stored, by the request's Accept-Encoding", async () => {
  const text = "compressible ".repeat(200);
  const { ask, origin } = await site(
    (_request, response) => {
      response.writeHead(200, { ETag: '"x"', "Cache-Control": "max-age=60" }).end(text);
    },
    {
      recv: (t) => {
        if ((t.req.headers.get("Fastly-Orig-Accept-Encoding") ?? "").includes("br")) {
          t.req.headers.set("Accept-Encoding", "br");
        }
      },
      fetch: (t) => {
        if (t.beresp === null) return;
        t.beresp.brotli = t.req.headers.get("Accept-Encoding") === "br";
        t.beresp.gzip = !t.beresp.brotli;
      },
    },
  );
  const plain = await ask("/");
  const gzip = await ask("/", { headers: { "Accept-Encoding": "deflate, gzip;q=0.8" } });
  const brotli = await ask("/", { headers: { "Accept-Encoding": "gzip, deflate, br" } });
  expect(plain.text).toBe(text);
  expect(gunzipSync(gzip.body).toString()).toBe(text);
  expect(brotliDecompressSync(brotli.body).toString()).toBe(text);
  expect([plain, gzip, brotli].map((answer) => answer.headers.get("Vary"))).toEqual(
    Array(3).fill("Accept-Encoding"),
  );
  expect([gzip.headers.get("Content-Encoding"), gzip.headers.get("ETag")]).toEqual(["gzip", 'W/"x"']);
  expect(brotli.headers.get("Content-Encoding")).toBe("br");
  await ask("/", { headers: { "Accept-Encoding": "gzip" } });
  expect(origin.seen).toHaveLength(3);
});

test("a body cut short by the origin is an error and is not stored", async () => {
  let whole = false;
  const { ask } = await site((_request, response) => {
    response.writeHead(200, { "Content-Length": "10", "Cache-Control": "max-age=60" });
    if (whole) response.end("0123456789");
    else response.write("01234", () => response.destroy());
  });
  const cut = await ask("/");
  expect([cut.status, cut.reason]).toEqual([503, "backend read error"]);
  whole = true;
  expect((await ask("/")).text).toBe("0123456789");
});

test("with do_stream the client gets bytes as they come, and is cut off when the origin is", async () => {
  const held: ServerResponse[] = [];
  const { ask, edge } = await site(
    (_request, response) => {
      response.writeHead(200, { "Cache-Control": "max-age=60" });
      response.write("first ");
      held.push(response);
    },
    {
      fetch: (t) => {
        if (t.beresp !== null) t.beresp.stream = true;
      },
    },
  );
  const leader = ask("/");
  await until(() => held.length === 1 && edge.stats().get("LHR")?.objects === 1);
  const follower = ask("/");
  held[0]?.end("second");
  expect([(await leader).text, (await follower).text]).toEqual(["first second", "first second"]);
  const broken = ask("/broken");
  await until(() => held.length === 2 && edge.stats().get("LHR")?.objects === 2);
  held[1]?.destroy();
  expect((await broken).cut).toBe(true);
  expect(edge.stats().get("LHR")?.objects).toBe(1);
});

test("an object over 20 MB is refused", async () => {
  const { ask } = await site((_request, response) => {
    response.writeHead(200, { "Content-Length": String(21 * 1024 * 1024), "Cache-Control": "max-age=60" });
    response.write(Buffer.alloc(1024));
  });
  const answer = await ask("/");
  expect([answer.status, answer.reason]).toEqual([503, "Response object too large"]);
});

test("a fetch for the cache finishes although its client has left", async () => {
  const held: ServerResponse[] = [];
  const { edge, ask, origin } = await site((_request, response) => void held.push(response));
  const { request } = await import("node:http");
  const client = request({
    host: "127.0.0.1",
    port: edge.httpPort,
    path: "/",
    headers: { Host: "www.example.com" },
  });
  client.on("error", () => undefined);
  client.end();
  await until(() => held.length === 1);
  client.destroy();
  held[0]?.writeHead(200, { "Cache-Control": "max-age=60" }).end("kept");
  await until(() => edge.stats().get("LHR")?.objects === 1);
  expect((await ask("/")).text).toBe("kept");
  expect(origin.seen).toHaveLength(1);
});

test("a pass streams the request body through and stores nothing", async () => {
  const { ask, edge, origin } = await site((request, response) => {
    response.writeHead(201).end(`got ${request.body.length}`);
  });
  const large = "x".repeat(100_000);
  const answer = await ask("/form", { method: "POST", body: large });
  expect([answer.status, answer.text]).toEqual([201, "got 100000"]);
  expect((await ask("/form", { method: "POST", body: "small" })).text).toBe("got 5");
  expect(origin.seen.map((request) => request.method)).toEqual(["POST", "POST"]);
  expect(edge.stats().get("LHR")?.objects).toBe(0);
});

test("X-Compress-Hint compresses on the way out and does not leave the edge", async () => {
  const { ask } = await site(versions({ "X-Compress-Hint": "on", "Cache-Control": "max-age=60" }));
  const answer = await ask("/", { headers: { "Accept-Encoding": "gzip" } });
  expect(gunzipSync(answer.body).toString()).toBe("v1");
  expect(answer.headers.has("X-Compress-Hint")).toBe(false);
});

test("hash_ignore_busy fetches without waiting, hash_always_miss replaces the object", async () => {
  const { ask } = await site(versions({ "Cache-Control": "max-age=60" }), {
    recv: (t) => {
      t.hashAlwaysMiss = t.req.headers.has("X-Refresh");
    },
  });
  await ask("/");
  expect((await ask("/", { headers: { "X-Refresh": "1" } })).text).toBe("v2");
  expect((await ask("/")).text).toBe("v2");
});
