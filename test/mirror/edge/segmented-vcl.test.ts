import { describe, expect, test } from "vitest";
import { until } from "./harness.ts";
import { ALL, bytesOf, LOG, ON, segmented } from "./segmented-service.ts";
import type { ServiceText } from "./service-vcl.ts";

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

  test("no condition of the client's is for a status that VCL sets", async () => {
    const { ask } = await segmented({ fetch: "set beresp.status = 503; set beresp.ttl = 60s;" });
    const answer = await ask("/film", { headers: { "If-None-Match": "*" } });
    expect(answer.status).toBe(503);
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
