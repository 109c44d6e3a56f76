import { request as httpRequest } from "node:http";
import type { ServerResponse } from "node:http";
import { test as property, fc } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { serviceOf, startOrigin, testEdge, until } from "./harness.ts";
import type { SeenRequest } from "./harness.ts";
import { compiledService } from "./service-vcl.ts";
import type { ServiceText } from "./service-vcl.ts";

/** An object at the origin, as S3 serves it; tests change it and its manners while it is being served. */
interface Held {
  body: Buffer;
  etag: string | null;
  /** Answers a range with the whole object. */
  ignoresRange: boolean;
  chunked: boolean;
  missing: boolean;
  headers: Record<string, string>;
}

function bytesOf(length: number, seed = 0): Buffer {
  const period = Buffer.from(Array.from({ length: 251 }, (_, i) => (i * 7 + seed) % 251));
  return Buffer.alloc(length, period);
}

function serve(held: Held, request: SeenRequest, response: ServerResponse): void {
  const etag = held.etag === null ? {} : { ETag: held.etag };
  const headers = { "Surrogate-Key": "film s:shop", "Cache-Control": "max-age=60", ...etag, ...held.headers };
  if (held.etag !== null && request.headers.get("If-None-Match") === held.etag) {
    response.writeHead(304, headers).end();
    return;
  }
  if (held.missing) {
    response.writeHead(404, { "Cache-Control": "max-age=60" }).end("no such film");
    return;
  }
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("Range") ?? "");
  const [start, total] = [Number(range?.[1]), held.body.length];
  if (range === null || held.ignoresRange) {
    response.writeHead(200, { ...headers, "Content-Length": total }).end(held.body);
    return;
  }
  if (start >= total) {
    response.writeHead(416, { ...headers, "Content-Range": `bytes */${total}` }).end("no such range");
    return;
  }
  const part = held.body.subarray(start, Number(range[2]) + 1);
  const length = held.chunked ? {} : { "Content-Length": part.length };
  const position = { "Content-Range": `bytes ${start}-${start + part.length - 1}/${total}` };
  response.writeHead(206, { ...headers, ...length, ...position }).end(part);
}

const PLAIN: Held = {
  body: bytesOf(45),
  etag: '"v1"',
  ignoresRange: false,
  chunked: false,
  missing: false,
  headers: {},
};

const ON = "set req.enable_segmented_caching = true; set segmented_caching.block_size = 10;";

async function segmented(text: ServiceText = {}, more: Partial<Held> = {}) {
  const held: Held = { ...PLAIN, ...more };
  const origin = await startOrigin((request, response) => serve(held, request, response));
  const program = compiledService(origin.port, { recv: ON, ...text });
  const started = await testEdge(serviceOf(program));
  const range = (value: string, headers = {}) =>
    started.ask("/film", { headers: { Range: value, ...headers } });
  return {
    ...started,
    origin,
    held,
    range,
    ranges: () => origin.seen.map((seen) => seen.headers.get("Range")),
  };
}

const ALL = ["bytes=0-9", "bytes=10-19", "bytes=20-29", "bytes=30-39", "bytes=40-49"];

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

describe("an object that changes between segments", () => {
  test("is never mixed: the answer is cut, everything is purged, the next request gets the new one", async () => {
    const { ask, range, held, logs } = await segmented({ log: LOG });
    await range("bytes=0-9");
    Object.assign(held, { body: bytesOf(45, 9), etag: '"v2"' });
    const old = bytesOf(45);
    const mixed = await ask("/film");
    expect(mixed.cut).toBe(true);
    expect(mixed.body).toEqual(old.subarray(0, 10));
    const next = await ask("/film");
    expect([next.cut, next.headers.get("ETag"), next.body]).toEqual([false, '"v2"', held.body]);
    await until(() => logs.some(({ line }) => line.startsWith("outer failed")));
    expect(logs.map(({ line }) => line).find((line) => line.startsWith("outer failed"))).toBe(
      "outer failed autopurged error=the object changed between segments",
    );
  });

  property.prop(
    [
      fc.array(
        fc.oneof(
          fc.record({ first: fc.nat(40), last: fc.nat(60) }),
          fc.constant("change" as const),
          fc.constant("wait" as const),
          fc.constant("whole" as const),
        ),
        { maxLength: 12 },
      ),
    ],
    { numRuns: 25 },
  )("whatever happens in between, an answer that is complete is of one version", async (steps) => {
    const { ask, clock, held } = await segmented(
      {},
      { headers: { "Cache-Control": "max-age=10, stale-while-revalidate=10" } },
    );
    const versions = new Map([['"v1"', held.body]]);
    for (const step of steps) {
      if (step === "wait") clock.advance(6_000);
      else if (step === "change") {
        held.etag = `"v${versions.size + 1}"`;
        held.body = bytesOf(41 + versions.size, versions.size);
        versions.set(held.etag, held.body);
      } else {
        const headers = step === "whole" ? {} : { Range: `bytes=${step.first}-${step.first + step.last}` };
        const answer = await ask("/film", { headers });
        if (answer.cut) continue;
        const body = versions.get(answer.headers.get("ETag") ?? "");
        const wanted = step === "whole" ? body : body?.subarray(step.first, step.first + step.last + 1);
        expect(answer.body).toEqual(wanted);
      }
    }
  });

  test("another size, or another date where there is no ETag, is another object too", async () => {
    const { ask, range, held } = await segmented({}, { etag: null });
    await range("bytes=0-9");
    held.body = bytesOf(46);
    expect((await ask("/film")).cut).toBe(true);
    await ask("/film");
    held.headers = { "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT" };
    held.body = Buffer.concat([held.body.subarray(0, 45), Buffer.from("!")]);
    expect((await ask("/film")).cut).toBe(false);
  });

  test("VCL that hides the validators does not hide the change", async () => {
    const { ask, range, held } = await segmented({ fetch: "unset beresp.http.ETag;" });
    await range("bytes=0-9");
    Object.assign(held, { body: bytesOf(45, 9), etag: '"v2"' });
    expect((await ask("/film")).cut).toBe(true);
  });
});

describe("an origin that does not play along", () => {
  test("that ignores ranges cancels segmented caching: its answer goes out as any other", async () => {
    const { ask, range, held, origin } = await segmented({}, { ignoresRange: true });
    for (let i = 0; i < 2; i++) {
      const whole = await ask("/film");
      expect([whole.status, whole.body]).toEqual([200, held.body]);
    }
    expect(origin.seen).toHaveLength(1);
    const part = await range("bytes=5-6");
    expect([part.status, part.headers.get("Content-Range"), part.body]).toEqual([
      206,
      "bytes 5-6/45",
      held.body.subarray(5, 7),
    ]);
  });

  test("that has no such object is heard, and its answer cached and purged like the blocks", async () => {
    const { ask, edge, held, origin } = await segmented({}, { missing: true });
    for (let i = 0; i < 2; i++) {
      const answer = await ask("/film");
      expect([answer.status, answer.text]).toEqual([404, "no such film"]);
    }
    expect(origin.seen).toHaveLength(1);
    held.missing = false;
    const scope = { kind: "url", host: "www.example.com", pathAndQuery: "/film" } as const;
    await edge.purge({ serviceId: "svc", scope, soft: false });
    expect((await ask("/film")).body).toEqual(held.body);
  });

  test("that has an empty object answers 416 to its first block, and so does the edge", async () => {
    const { ask } = await segmented({}, { body: Buffer.alloc(0) });
    const answer = await ask("/film");
    expect([answer.status, answer.headers.get("Content-Range")]).toEqual([416, "bytes */0"]);
  });

  test("an error that VCL raises for the first block is the answer", async () => {
    const { ask, logs } = await segmented({
      fetch: 'if (beresp.status == 206) { error 404 "No"; }',
      log: LOG,
    });
    const answer = await ask("/film");
    expect([answer.status, answer.reason]).toEqual([404, "No"]);
    await until(() => logs.length === 1);
    expect(logs[0]?.line).toBe("outer failed error=No");
  });

  test("that does not frame its ranges is refused", async () => {
    const { ask } = await segmented({}, { chunked: true });
    expect((await ask("/film")).status).toBe(503);
  });

  test("that fails at a later block cuts the answer, and what came before is kept", async () => {
    const { ask, held, origin, logs } = await segmented({
      miss: 'if (bereq.http.Range == "bytes=20-29" && !req.http.Retry) { error 503 "broken"; }',
      log: LOG,
    });
    const answer = await ask("/film");
    expect([answer.cut, answer.body]).toEqual([true, held.body.subarray(0, 20)]);
    await until(() => logs.some(({ line }) => line.startsWith("outer failed")));
    expect(logs.at(-1)?.line).toBe("outer failed error=broken");
    expect((await ask("/film", { headers: { Retry: "1" } })).body).toEqual(held.body);
    expect(origin.seen).toHaveLength(5);
  });
});

const LOG = `log if(segmented_caching.is_inner_req, "inner", if(segmented_caching.is_outer_req, "outer", "plain"))
  if(segmented_caching.completed, " completed", "") if(segmented_caching.failed, " failed", "")
  if(segmented_caching.cancelled, " cancelled", "") if(segmented_caching.autopurged, " autopurged", "")
  if(segmented_caching.error, " error=" segmented_caching.error, "");`;

const FIGURES = `log if(segmented_caching.is_inner_req, "inner ", if(segmented_caching.is_outer_req, "outer ", "plain "))
  resp.status " " segmented_caching.block_number "/" segmented_caching.total_blocks " of "
  segmented_caching.obj.complete_length " in " segmented_caching.block_size " client "
  segmented_caching.client_req.is_range segmented_caching.client_req.is_open_ended " "
  segmented_caching.client_req.range_low "-" segmented_caching.client_req.range_high " block "
  segmented_caching.rounded_req.range_low "-" segmented_caching.rounded_req.range_high " " resp.body_bytes_written;`;

describe("VCL of segmented requests", () => {
  test("vcl_log runs for each inner request and then for the outer one, with its figures", async () => {
    const { range, logs, ask } = await segmented({ log: FIGURES });
    await range("bytes=32-");
    await until(() => logs.length === 3);
    expect(logs.map(({ line }) => line)).toEqual([
      "inner 206 3/2 of 45 in 10 client 11 32-44 block 30-39 8",
      "inner 206 4/2 of 45 in 10 client 11 32-44 block 40-44 5",
      "outer 206 3/2 of 45 in 10 client 11 32-44 block 30-39 13",
    ]);
    logs.length = 0;
    await ask("/film", { method: "HEAD" });
    await until(() => logs.length === 2);
    expect(logs.map(({ line }) => line)).toEqual([
      "inner 206 0/5 of 45 in 10 client 00 0-44 block 0-9 0",
      "outer 200 0/5 of 45 in 10 client 00 0-44 block 0-9 0",
    ]);
  });

  test("without segmented caching the figures do not apply", async () => {
    const { ask, logs } = await segmented({ recv: "set segmented_caching.block_size = 10;", log: FIGURES });
    await ask("/film", { headers: { Range: "bytes=0-1" } });
    await until(() => logs.length === 1);
    expect(logs[0]?.line).toBe("plain 206 -1/-1 of -1 in -1 client 00 -1--1 block -1--1 2");
  });

  test("the outcome is one of completed, cancelled and failed", async () => {
    const { ask, range, logs, held } = await segmented({ log: LOG });
    await range("bytes=0-3");
    await range("bytes=-1");
    held.ignoresRange = true;
    await range("bytes=30-31");
    await ask("/film", { headers: { Range: "bytes=0-0" } });
    await until(() => logs.length === 6);
    expect(logs.map(({ line }) => line)).toEqual([
      "inner completed",
      "outer completed",
      "outer failed error=Range not supported by segmented caching",
      "outer cancelled",
      "inner completed",
      "outer completed",
    ]);
  });

  test("hit, miss, fetch and deliver run for every block; the answer has the headers of the first", async () => {
    const { ask, logs } = await segmented({
      hit: 'log "hit " req.http.Range;',
      miss: 'log "miss " bereq.http.Range;',
      fetch:
        'log "fetch " beresp.status " " beresp.http.Content-Range; set beresp.http.X-Block = bereq.http.Range;',
      deliver: 'log "deliver " resp.status; set resp.http.X-Delivered = resp.http.X-Block;',
    });
    const headers = { Range: "bytes=8-12" };
    const answer = await ask("/film", { headers });
    expect(answer.headers.get("X-Delivered")).toBe("bytes=0-9");
    await ask("/film", { headers });
    expect(logs.map(({ line }) => line)).toEqual([
      "miss bytes=0-9",
      "fetch 206 bytes 0-9/45",
      "deliver 206",
      "miss bytes=10-19",
      "fetch 206 bytes 10-19/45",
      "deliver 206",
      "hit bytes=8-12",
      "deliver 206",
      "hit bytes=8-12",
      "deliver 206",
    ]);
  });

  test.each(["gzip", "brotli"])("beresp.%s with it is an error that says so", async (coding) => {
    const { ask, logs } = await segmented({ fetch: `set beresp.${coding} = true;` });
    expect((await ask("/film")).status).toBe(503);
    expect(logs.some(({ line }) => line.includes("segmented caching does not go together"))).toBe(true);
  });

  test("a request that restarts before it is segmented begins anew with its range", async () => {
    const { range, held, origin } = await segmented({
      recv: `if (req.restarts == 0) { set req.http.X-Page = req.url; set req.url = "/config"; }
        else { set req.url = req.http.X-Page; ${ON} set req.http.Fastly-Force-Shield = "1"; }`,
      deliver: "if (req.restarts == 0) { restart; }",
    });
    const answer = await range("bytes=8-21");
    expect([answer.status, answer.body]).toEqual([206, held.body.subarray(8, 22)]);
    expect(origin.seen.map((seen) => `${seen.url} ${seen.headers.get("Range")}`)).toEqual([
      "/config null",
      "/film bytes=0-9",
      "/film bytes=10-19",
      "/film bytes=20-29",
    ]);
  });

  test("vcl_deliver of the first block may still restart, of a later one it may not", async () => {
    const text = (when: string): ServiceText => ({
      recv: `if (req.restarts == 0) { ${ON} } else { set req.enable_segmented_caching = false; }`,
      deliver: `if (req.restarts == 0 && resp.http.Content-Range ~ "^bytes ${when}-") { restart; }`,
    });
    const first = await segmented(text("0"));
    expect((await first.ask("/film")).body).toEqual(first.held.body);
    const later = await segmented(text("10"));
    expect((await later.ask("/film")).cut).toBe(true);
  });

  test("every inner request begins as vcl_hash left it, and with a workspace of its own", async () => {
    const { ask, held, origin } = await segmented({
      deliver: `set req.url = "/elsewhere"; set req.http.X-Seen = "1";
        set req.http.X-Big = std.strrep("x", 60000);`,
    });
    expect((await ask("/film")).body).toEqual(held.body);
    expect(origin.seen.map(({ url, headers }) => [url, headers.get("X-Seen")])).toEqual(
      Array.from({ length: 5 }, () => ["/film", null]),
    );
  });

  test("a status that VCL sets goes out with the whole object", async () => {
    const { ask, range, held } = await segmented({ fetch: "set beresp.status = 410;" });
    for (const answer of [await ask("/film"), await range("bytes=20-21")]) {
      expect([answer.status, answer.reason, answer.body]).toEqual([410, "Gone", held.body]);
      expect(answer.headers.has("Content-Range")).toBe(false);
    }
  });

  test("a block that is not to be cached is delivered all the same", async () => {
    const { ask, held, ranges } = await segmented({ fetch: "set beresp.cacheable = false;" });
    for (let i = 0; i < 2; i++) expect((await ask("/film")).body).toEqual(held.body);
    expect(ranges()).toEqual([...ALL, ...ALL]);
  });

  test("a block that passes on a hit-for-pass note keeps its range", async () => {
    const { ask, held, ranges } = await segmented({ fetch: "return(pass);" });
    for (let i = 0; i < 2; i++) expect((await ask("/film")).body).toEqual(held.body);
    expect(ranges()).toEqual([...ALL, ...ALL]);
  });

  test("return(pass) in vcl_recv leaves segmented caching out", async () => {
    const { range, held, ranges } = await segmented({ recv: `${ON} return(pass);` });
    const answer = await range("bytes=3-4");
    expect([answer.status, answer.body]).toEqual([206, held.body.subarray(3, 5)]);
    expect(ranges()).toEqual([null]);
  });
});

describe("segments through the shield", () => {
  const SHIELDED = `if (fastly.ff.visits_this_service == 0) { set req.backend = ssl_shield_iad_va_us; }`;

  test("each block goes through the shield, which caches it in segments too", async () => {
    const { ask, held, ranges, edge } = await segmented({ recv: ON + SHIELDED });
    for (let i = 0; i < 2; i++) expect((await ask("/film")).body).toEqual(held.body);
    expect(ranges()).toEqual(ALL);
    expect(edge.stats().get("LHR")?.objects).toBe(5);
    expect(edge.stats().get("IAD")?.objects).toBe(5);
  });

  test("a shield that does not segment serves the blocks from the whole object", async () => {
    const { ask, held, ranges } = await segmented({
      recv: `if (fastly.ff.visits_this_service == 0) { ${ON} } ${SHIELDED}`,
    });
    expect((await ask("/film")).body).toEqual(held.body);
    expect(ranges()).toEqual([null]);
  });

  test("a change is purged at the shield as well", async () => {
    const { ask, range, held } = await segmented({ recv: ON + SHIELDED });
    await range("bytes=0-9");
    Object.assign(held, { body: bytesOf(45, 9), etag: '"v2"' });
    expect((await ask("/film")).cut).toBe(true);
    expect((await ask("/film")).body).toEqual(held.body);
  });
});
