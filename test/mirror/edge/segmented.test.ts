import { request as httpRequest } from "node:http";
import { test as property, fc } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { serviceOf, startOrigin, testEdge, until } from "./harness.ts";
import { ALL, bytesOf, PLAIN, serve, segmented } from "./segmented-service.ts";
import { compiledService } from "./service-vcl.ts";

describe("an object that is cached in segments", () => {
  test("is fetched block by block and answered whole, from the cache the second time", async () => {
    const { ask, held, ranges, edge } = await segmented();
    for (let i = 0; i < 2; i++) {
      const answer = await ask("/film");
      expect([answer.status, answer.reason]).toEqual([200, "OK"]);
      expect(answer.body).toEqual(held.body);
      expect(answer.headers.get("Content-Length")).toBe("45");
      expect(answer.headers.has("Content-Range")).toBe(false);
      expect(answer.headers.get("ETag")).toBe('"v1"');
      expect(answer.headers.get("Accept-Ranges")).toBe("bytes");
    }
    expect(ranges()).toEqual(ALL);
    expect(edge.stats().get("LHR")?.objects).toBe(5);
  });

  test("asks only for the blocks that a range touches, and uses what it has", async () => {
    const { range, held, ranges } = await segmented();
    const answer = await range("bytes=12-27");
    expect([answer.status, answer.reason]).toEqual([206, "Partial Content"]);
    expect(answer.headers.get("Content-Range")).toBe("bytes 12-27/45");
    expect(answer.headers.get("Content-Length")).toBe("16");
    expect(answer.body).toEqual(held.body.subarray(12, 28));
    expect(ranges()).toEqual(["bytes=10-19", "bytes=20-29"]);
    expect((await range("bytes=5-15")).body).toEqual(held.body.subarray(5, 16));
    expect((await range("bytes=19-20")).body).toEqual(held.body.subarray(19, 21));
    expect(ranges()).toEqual(["bytes=10-19", "bytes=20-29", "bytes=0-9"]);
  });

  test.each([
    ["bytes=30-", "bytes 30-44/45"],
    ["bytes=44-", "bytes 44-44/45"],
    ["bytes=40-9999999", "bytes 40-44/45"],
    ["bytes=0-0", "bytes 0-0/45"],
  ])("%s ends where the object does", async (asked, position) => {
    const { range } = await segmented();
    const answer = await range(asked);
    expect([answer.status, answer.headers.get("Content-Range")]).toEqual([206, position]);
  });

  test.each(["bytes=-5", "bytes=0-1,3-4", "bytes=9-3"])(
    "%s is answered 501 and the origin is not asked",
    async (asked) => {
      const { range, origin } = await segmented();
      expect((await range(asked)).status).toBe(501);
      expect(origin.seen).toHaveLength(0);
    },
  );

  test("a range behind the end is answered 416, by the edge or by the origin", async () => {
    const { range } = await segmented();
    for (const asked of ["bytes=45-", "bytes=47-48", "bytes=100-", "bytes=999999999999999999999-"]) {
      const answer = await range(asked);
      expect([answer.status, answer.headers.get("Content-Range")]).toEqual([416, "bytes */45"]);
    }
  });

  test("a HEAD needs the first block only and tells the size of the whole", async () => {
    const { ask, ranges, origin } = await segmented();
    const answer = await ask("/film", { method: "HEAD", headers: { Range: "bytes=20-29" } });
    expect([answer.status, answer.headers.get("Content-Length"), answer.body.length]).toEqual([200, "45", 0]);
    expect(ranges()).toEqual(["bytes=0-9"]);
    expect(origin.seen[0]?.method).toBe("GET");
  });

  test("If-Range lets the range through for this version only", async () => {
    const { range, held } = await segmented();
    const same = await range("bytes=20-24", { "If-Range": '"v1"' });
    expect([same.status, same.body]).toEqual([206, held.body.subarray(20, 25)]);
    const other = await range("bytes=20-24", { "If-Range": '"v0"' });
    expect([other.status, other.body]).toEqual([200, held.body]);
  });

  test("a client that has this version gets 304 after one block", async () => {
    const { ask, ranges } = await segmented();
    const answer = await ask("/film", { headers: { "If-None-Match": '"v1"' } });
    expect([answer.status, answer.headers.get("ETag"), answer.body.length]).toEqual([304, '"v1"', 0]);
    expect(answer.headers.has("Content-Range")).toBe(false);
    expect(ranges()).toEqual(["bytes=0-9"]);
  });

  property.prop(
    [
      fc.integer({ min: 1, max: 64 }),
      fc.array(fc.tuple(fc.nat(70), fc.option(fc.nat(70))), { maxLength: 4 }),
    ],
    { numRuns: 15 },
  )("whatever ranges are asked, the bytes are those of the object", async (total, asks) => {
    const { range, held } = await segmented({}, { body: bytesOf(total) });
    for (const [first, more] of asks) {
      const answer = await range(`bytes=${first}-${more === null ? "" : first + more}`);
      const wanted = held.body.subarray(first, more === null ? total : first + more + 1);
      expect([answer.status, answer.body]).toEqual(first < total ? [206, wanted] : [416, answer.body]);
    }
  });

  test("is larger than any object may be that is not", async () => {
    const body = bytesOf(22 * 1024 * 1024);
    const big = await segmented({ recv: "set req.enable_segmented_caching = true;" }, { body });
    const answer = await big.ask("/film");
    expect(answer.status).toBe(200);
    expect(answer.body.equals(body)).toBe(true);
    expect(big.ranges()).toHaveLength(22);
    expect(big.ranges()[1]).toBe("bytes=1048576-2097151");
    const whole = await segmented({ recv: "" }, { body });
    expect((await whole.ask("/film")).status).toBe(503);
  });

  test("needs no more room than some of its blocks", async () => {
    const body = bytesOf(8 * 1024 * 1024);
    const origin = await startOrigin((request, response) => serve({ ...PLAIN, body }, request, response));
    const program = compiledService(origin.port, { recv: "set req.enable_segmented_caching = true;" });
    const { ask, edge } = await testEdge(serviceOf(program), { cacheBytes: 3 * 1024 * 1024 });
    for (let i = 0; i < 2; i++) expect((await ask("/film")).body.equals(body)).toBe(true);
    expect(edge.stats().get("LHR")?.bytes).toBeLessThanOrEqual(3 * 1024 * 1024);
  });

  test("a reader that stops leaves the rest of the object where it is", async () => {
    const body = bytesOf(24 * 1024 * 1024);
    const { edge, ranges, origin } = await segmented(
      { recv: "set req.enable_segmented_caching = true;" },
      { body },
    );
    const request = httpRequest({ port: edge.httpPort, path: "/film", headers: { Host: "www.example.com" } });
    request.on("response", (response) => response.once("data", () => request.destroy()));
    request.on("error", () => undefined);
    request.end();
    await until(() => request.destroyed);
    await until(() => origin.seen.length > 0);
    await edge.idle();
    expect(ranges().length).toBeLessThan(24);
  });
});

describe("collapsing, purging and staleness of segments", () => {
  test("requests at the same time share each block's fetch", async () => {
    const { ask, held, ranges } = await segmented();
    const answers = await Promise.all([ask("/film"), ask("/film"), ask("/film")]);
    for (const answer of answers) expect(answer.body).toEqual(held.body);
    expect(ranges()).toEqual(ALL);
  });

  test.each([
    { kind: "keys", keys: ["s:shop"] },
    { kind: "url", host: "www.example.com", pathAndQuery: "/film" },
    { kind: "all" },
  ] as const)("a purge by $kind takes all blocks", async (scope) => {
    const { ask, edge, held, ranges } = await segmented();
    await ask("/film");
    Object.assign(held, { body: bytesOf(45, 3), etag: '"v2"' });
    await edge.purge({ serviceId: "svc", scope, soft: false });
    const answer = await ask("/film");
    expect([answer.headers.get("ETag"), answer.body]).toEqual(['"v2"', held.body]);
    expect(ranges()).toEqual([...ALL, ...ALL]);
  });

  test("blocks that ran out are asked for with their ETag and live on after a 304", async () => {
    const { ask, clock, held, origin } = await segmented();
    await ask("/film");
    clock.advance(61_000);
    expect((await ask("/film")).body).toEqual(held.body);
    expect(origin.seen).toHaveLength(10);
    expect(origin.seen.slice(5).map((seen) => seen.headers.get("If-None-Match"))).toEqual(
      Array(5).fill('"v1"'),
    );
    expect((await ask("/film")).body).toEqual(held.body);
    expect(origin.seen).toHaveLength(10);
  });

  test("stale blocks go out while they are fetched anew, each on its own", async () => {
    const { ask, clock, edge, held, origin } = await segmented(
      {},
      { headers: { "Cache-Control": "max-age=10, stale-while-revalidate=60" } },
    );
    await ask("/film");
    clock.advance(11_000);
    expect((await ask("/film")).body).toEqual(held.body);
    await edge.idle();
    expect(origin.seen).toHaveLength(10);
    await ask("/film");
    expect(origin.seen).toHaveLength(10);
  });
});
