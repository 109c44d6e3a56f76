import { test as property, fc } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { until } from "./harness.ts";
import { bytesOf, LOG, segmented } from "./segmented-service.ts";

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
