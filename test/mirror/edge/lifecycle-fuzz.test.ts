import { fc } from "@fast-check/vitest";
import { expect, test } from "vitest";
import type { Action, DirectorSpec, Transaction, VclState } from "../../../src/vcl/runtime.ts";
import { act, backendAt, fail, programOf, serviceOf, startOrigin, testEdge } from "./harness.ts";
import type { Subs } from "./harness.ts";

const ACTIONS: readonly Action[] = [
  act("lookup"),
  act("pass"),
  act("hash"),
  act("deliver"),
  act("fetch"),
  act("deliver_stale"),
  act("hit_for_pass"),
  act("upgrade"),
  act("restart"),
  fail(503),
  fail(602, "signal"),
];

const SHIELD: DirectorSpec = {
  name: "shield",
  type: "shield",
  shield: "iad",
  quorumPercent: 0,
  retries: null,
  members: [],
};

/** What vcl_fetch makes of every response of one run. */
const storing = fc.record({
  shielded: fc.boolean(),
  segmented: fc.boolean(),
  stream: fc.boolean(),
  gzip: fc.boolean(),
  esi: fc.boolean(),
  cacheable: fc.boolean(),
  ttl: fc.nat(6),
  staleIfError: fc.nat(6),
  staleWhileRevalidate: fc.nat(6),
});

const STATES: readonly VclState[] = ["recv", "hit", "miss", "pass", "fetch", "error", "deliver", "log"];

/** For each state what it does on its first runs; after that it ends by default. */
const script = fc.record(
  Object.fromEntries(
    STATES.map((state) => [
      state,
      fc.array(fc.option(fc.constantFrom(...ACTIONS), { freq: 2 }), { maxLength: 3 }),
    ]),
  ),
);

test(
  "whatever a program answers, every request is answered and nothing stays held",
  { timeout: 60_000 },
  async () => {
    const origin = await startOrigin((request, response) => {
      if (request.url.endsWith("cut")) response.destroy();
      else if (request.url.endsWith("bad")) response.writeHead(500).end("body");
      else if (request.url === "/parts") {
        const page = '<esi:include src="/a"/>, <esi:include src="/cut"/>, <esi:include src="/parts"/>';
        response.writeHead(200, { "Cache-Control": "max-age=5" }).end(page);
      } else {
        const range = /^bytes=(\d+)-/.exec(request.headers.get("Range") ?? "");
        const start = Number(range?.[1] ?? 0);
        // The object of this path changes now and then.
        const version = request.url === "/b" ? origin.seen.length >> 2 : 0;
        const body = version % 2 === 0 ? "body" : "BODY";
        const part = body.slice(start, range === null ? 4 : start + 2);
        response
          .writeHead(range === null ? 200 : 206, {
            "Cache-Control": "max-age=5",
            "Content-Length": part.length,
            ...(range === null ? {} : { "Content-Range": `bytes ${start}-${start + part.length - 1}/4` }),
            ETag: `"${version}"`,
          })
          .end(part);
      }
    });
    const { edge, ask, clock, logs } = await testEdge();
    const path = fc.constantFrom("/a", "/b", "/a", "/bad", "/cut", "/parts");
    const method = fc.constantFrom("GET", "HEAD", "POST", "PURGE");
    const requests = fc.array(fc.record({ path, method, wait: fc.nat(8) }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(script, storing, requests, async (plan, { shielded, segmented, ...stored }, list) => {
        const left = new Map(Object.entries(plan).map(([state, actions]) => [state, [...actions]]));
        const prepare = (t: Transaction): void => {
          if (t.state === "recv" && shielded && !t.host.hasVisitedShield(SHIELD)) {
            t.backend = { kind: "director", spec: SHIELD };
          }
          if (t.state === "recv" && segmented) {
            t.enableSegmentedCaching = true;
            t.segmentSize = 2;
          }
          if (t.state === "fetch" && t.beresp !== null) Object.assign(t.beresp, stored);
        };
        const run = (t: Transaction): Action | undefined => {
          prepare(t);
          return left.get(t.state)?.shift() ?? undefined;
        };
        const subs: Subs = Object.fromEntries(STATES.map((state) => [state, run]));
        edge.activate(serviceOf(programOf({ subs, backends: [backendAt(origin.port)] })));
        const answers = await Promise.all(
          list.map(({ path, method, wait }) => {
            clock.advance(wait * 1000);
            return ask(path, { method });
          }),
        );
        for (const answer of answers) expect(answer.status).toBeGreaterThanOrEqual(200);
        for (const { status, text, cut, headers } of answers) {
          if (status === 200 && !cut && headers.get("Content-Length") === "4" && text !== "") {
            expect(["body", "BODY"]).toContain(text);
          }
        }
        await edge.idle();
        expect(logs.filter(({ line }) => line.includes("[fault]"))).toEqual([]);
        for (const pop of edge.stats().values()) expect(pop.fetching).toBe(0);
      }),
      { numRuns: 120 },
    );
  },
);
