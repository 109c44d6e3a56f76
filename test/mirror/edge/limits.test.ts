import { expect, test } from "vitest";
import { compileService } from "../../../src/vcl/compile-service.ts";
import type { Program } from "../../../src/vcl/runtime.ts";
import { backendAt, programOf, serviceOf, startOrigin, testEdge } from "./harness.ts";
import { KB, outcomesOf, service, statusOf, VCL_LIMITS } from "./limit-rows.ts";
import type { Probe, Row } from "./limit-rows.ts";

const ROWS: readonly Row[] = [
  {
    limit: "restarts: 3",
    source: "reference/vcl/statements/restart",
    async start() {
      const { ask } = await service({ recv: "if (req.restarts < std.atoi(req.http.X-Want)) { restart; }" });
      return async (count) => statusOf(await ask("/", { headers: { "X-Want": String(count) } }));
    },
    cases: [
      [2, "200 OK"],
      [3, "200 OK"],
      [4, "503 Too many restarts"],
    ],
  },
  {
    limit: "depth of includes: 5",
    source: "reference/vcl/statements/esi",
    async start() {
      const { ask } = await service({ fetch: "esi;" }, (url) => {
        const level = Number(url.slice(1));
        return { body: level === 0 ? "innermost" : `<esi:include src="/${level - 1}"/>` };
      });
      return async (depth) => (await ask(`/${depth}`)).text;
    },
    cases: [
      [4, "innermost"],
      [5, "innermost"],
      [6, ""],
    ],
  },
  {
    limit: "includes of one request: 256",
    source: "reference/vcl/statements/esi",
    async start() {
      const { ask } = await service({ fetch: "esi;" }, (url) => ({
        body: url === "/x" ? "x" : '<esi:include src="/x"/>'.repeat(Number(url.slice(1))),
      }));
      return async (count) => String((await ask(`/${count}`)).text.length);
    },
    cases: [
      [255, "255"],
      [256, "256"],
      [257, "256"],
    ],
  },
  {
    limit: "a surrogate key: 1 KB",
    source: VCL_LIMITS,
    start: () => purgeProbe((size) => ({ header: "k".repeat(size), key: "k".repeat(size) })),
    cases: [
      [KB - 1, "purged"],
      [KB, "purged"],
      [KB + 1, "kept"],
    ],
  },
  {
    limit: "Surrogate-Key: only keys wholly inside the first 16 KB",
    source: VCL_LIMITS,
    start: () =>
      purgeProbe((size) => {
        const filler = `${"f".repeat(1000)} `.repeat(16);
        const key = "k".repeat(size - filler.length);
        return { header: `${filler}${key} more`, key };
      }),
    cases: [
      [16 * KB - 1, "purged"],
      [16 * KB, "purged"],
      [16 * KB + 1, "kept"],
    ],
  },
  {
    limit: "variants of an object: 200, newer ones displace the oldest",
    source: "guides/resource-limits",
    async start() {
      const running = await service({}, () => ({ headers: ["Vary", "X-Variant"] }));
      const variant = (i: number) => running.ask("/", { headers: { "X-Variant": `${i}` } });
      let stored = 0;
      return async (count) => {
        for (; stored < count; stored++) await variant(stored);
        const before = running.seen.length;
        await variant(0);
        return running.seen.length === before ? "the first is a hit" : "the first is gone";
      };
    },
    cases: [
      [199, "the first is a hit"],
      [200, "the first is a hit"],
      [201, "the first is gone"],
    ],
  },
  {
    limit: "an object: 20 MB without segmented caching",
    source: "products/network-services-resource-limits",
    async start() {
      const { ask } = await service({}, (url) => ({ body: Buffer.alloc(Number(url.slice(1))) }));
      return async (size) => statusOf(await ask(`/${size}`));
    },
    cases: [
      [20 * KB * KB - 1, "200 OK"],
      [20 * KB * KB, "200 OK"],
      [20 * KB * KB + 1, "503 Response object too large"],
    ],
  },
  {
    limit: "a logged line: 16 KB",
    source: "guides/resource-limits",
    async start() {
      const running = await service({ recv: "log req.http.X-Line;" });
      return async (size) => {
        const before = running.logs.length;
        await running.ask("/", { headers: { "X-Line": "l".repeat(size) } });
        return String(running.logs[before]?.line.length);
      };
    },
    cases: [
      [16 * KB - 1, "16383"],
      [16 * KB, "16384"],
      [16 * KB + 1, "16384"],
    ],
  },
];

/** Stores a page with keys, purges one of them and looks whether the page is still there. */
async function purgeProbe(keys: (size: number) => { header: string; key: string }): Promise<Probe> {
  const running = await service({}, (url) => ({
    headers: ["Surrogate-Key", keys(Number(url.slice(1))).header],
  }));
  return async (size) => {
    await running.ask(`/${size}`);
    const scope = { kind: "keys", keys: [keys(size).key] } as const;
    await running.edge.purge({ serviceId: "svc", soft: false, scope });
    const before = running.seen.length;
    await running.ask(`/${size}`);
    return running.seen.length === before ? "kept" : "purged";
  };
}

test.each(ROWS)("$limit ($source)", async (row) => {
  expect(await outcomesOf(row)).toEqual(row.cases);
});

test("the workspace is 256 KB, its variables tell how much is left, and no restart gives any back", async () => {
  const free = 'log "free " workspace.bytes_free " of " workspace.bytes_total " " workspace.overflowed;';
  const { ask, logs } = await service({
    recv: `${free}
      if (req.restarts == 0 && req.http.X-Fill) { set req.http.X-A = req.http.X-Fill; restart; }
      ${free}`,
    error: "set obj.status = 418;",
  });
  await ask("/", { headers: { "X-Fill": "a".repeat(60_000) } });
  const left = logs.map(({ line }) => line.split(" "));
  expect(left.every((words) => words[3] === String(256 * KB) && words[4] === "0")).toBe(true);
  const [start = 0, after = 0] = left.map((words) => Number(words[1]));
  // The header line and, on the way back into vcl_recv, what the macro and the log lines take.
  expect(start - after).toBeGreaterThanOrEqual(60_000 + "X-A".length + 3);
  expect(start - after).toBeLessThan(60_300);
});

test.each([
  [-1, "reached"],
  [0, "reached"],
  [1, "not reached"],
])(
  "a header that takes what is left of the workspace and %i more: the next statement is %s",
  async (over, what) => {
    let left = 0;
    let reached = false;
    const program: Program = programOf({
      subs: {
        recv: (t) => {
          left = 256 * KB - t.workspaceUsed;
          return undefined;
        },
      },
    });
    const first = await testEdge(serviceOf(program));
    await first.ask("/");
    const literal = "a".repeat(left - "X-Fill".length - 3 + over);
    const origin = await startOrigin((_request, response) => response.end("page"));
    const main = {
      name: "main.vcl",
      text: `backend o { .host = "127.0.0.1"; .port = "${origin.port}"; }
      sub vcl_recv { set req.http.X-Fill = "${literal}"; log "reached"; return(pass); }`,
    };
    const compiled = compileService(
      { main, includes: new Map(), prelude: [], macros: new Map() },
      { tables: new Map() },
    );
    const second = await testEdge(serviceOf(compiled));
    const answer = await second.ask("/");
    reached = second.logs.some(({ line }) => line === "reached");
    expect(reached ? "reached" : "not reached").toBe(what);
    if (!reached) expect(statusOf(answer)).toBe("503 Header overflow");
  },
);

test("a backend's first byte timeout ends in 503, an answer in time does not", async () => {
  const origin = await startOrigin((request, response) => {
    if (request.url === "/in-time") response.end("page");
  });
  const backend = backendAt(origin.port, { firstByteTimeout: 0.05 });
  const { ask } = await testEdge(serviceOf(programOf({ backends: [backend] })));
  expect(statusOf(await ask("/in-time"))).toBe("200 OK");
  expect(statusOf(await ask("/never"))).toBe("503 first byte timeout");
});
