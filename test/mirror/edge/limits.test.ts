import { connect } from "node:net";
import { expect, test } from "vitest";
import { compileService } from "../../../src/vcl/compile-service.ts";
import { checkHeaderCount, MAX_HEADERS } from "../../../src/vcl/workspace.ts";
import { HeaderList } from "../../../src/http/header-list.ts";
import type { Program } from "../../../src/vcl/runtime.ts";
import { backendAt, programOf, serviceOf, startOrigin, testEdge } from "./harness.ts";
import type { Answer, TestEdge } from "./harness.ts";
import { compiledService } from "./service-vcl.ts";
import type { ServiceText } from "./service-vcl.ts";

const VCL_LIMITS = "reference/vcl/constraints-and-limitations";
const KB = 1024;

/** Asks for a certain amount of something and says what became of it. */
type Probe = (amount: number) => Promise<string>;

/** One limit of Fastly's: what happens around it, and the page that says so. */
interface Row {
  readonly limit: string;
  readonly source: string;
  /** Makes the service; the probe may be called several times. */
  readonly start: () => Promise<Probe>;
  readonly cases: readonly (readonly [amount: number, outcome: string])[];
}

type Reply = { readonly headers?: readonly string[]; readonly body?: string | Buffer };

interface Running extends TestEdge {
  readonly seen: readonly { readonly url: string; readonly headers: HeaderList; readonly body: string }[];
}

/** A service in VCL, and an origin that answers by URL. */
async function service(
  text: ServiceText,
  reply: (url: string, headers: HeaderList) => Reply = () => ({}),
): Promise<Running> {
  const origin = await startOrigin((request, response) => {
    const { headers = [], body = "page" } = reply(request.url, request.headers);
    response.sendDate = false;
    const own = ["Content-Length", String(body.length), "Cache-Control", "max-age=60"];
    response.writeHead(200, [...own, ...headers]).end(body);
  });
  return { ...(await testEdge(serviceOf(compiledService(origin.port, text)))), seen: origin.seen };
}

function statusOf(answer: Answer): string {
  return `${answer.status} ${answer.reason}`;
}

/** The status line and body of the answer to a request that is sent as it is. */
function rawStatus(port: number, head: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    socket.on("end", () => resolve(text.slice("HTTP/1.1 ".length, text.indexOf("\r\n"))));
    socket.on("error", reject);
    socket.write([...head, "Connection: close", "", ""].join("\r\n"), "latin1");
  });
}

const HOST = "Host: www.example.com";

function lines(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `X-${i}: 1`);
}

const ROWS: readonly Row[] = [
  {
    limit: "URL: 8 KB",
    source: `${VCL_LIMITS}; products/network-services-resource-limits: 414`,
    async start() {
      const { edge } = await service({});
      return (size) => rawStatus(edge.httpPort, [`GET /${"u".repeat(size - 1)} HTTP/1.1`, HOST]);
    },
    cases: [
      [8 * KB - 1, "200 OK"],
      [8 * KB, "200 OK"],
      [8 * KB + 1, "414 Too long request string"],
    ],
  },
  {
    limit: "request headers: 69 KB, then 503 rather than 431",
    source: VCL_LIMITS,
    async start() {
      const { edge } = await service({ recv: "unset req.http.X-Fill;" });
      // Each line counts with the colon, the blank and the line break; the last line is that of `Connection`.
      const own = `${HOST}Connection: close`.length + 4 + "X-Fill: ".length + 2;
      return (size) =>
        rawStatus(edge.httpPort, ["GET / HTTP/1.1", HOST, `X-Fill: ${"a".repeat(size - own)}`]);
    },
    cases: [
      [69 * KB - 1, "200 OK"],
      [69 * KB, "200 OK"],
      [69 * KB + 1, "503 Header overflow"],
      [200 * KB, "503 Header overflow"],
    ],
  },
  {
    limit: "request headers: 255, some of them Fastly's own, 200 of one's own are safe",
    source: VCL_LIMITS,
    async start() {
      const { edge } = await service({});
      return (count) => rawStatus(edge.httpPort, ["GET / HTTP/1.1", HOST, ...lines(count - 2)]);
    },
    cases: [
      [200, "200 OK"],
      [255, "503 Header overflow"],
      [256, "503 Header overflow"],
      [1000, "503 Header overflow"],
    ],
  },
  {
    limit: "request headers that VCL adds count as well, and vcl_error does not see it",
    source: `${VCL_LIMITS}; reference/vcl/memory-overflows`,
    async start() {
      const add = 'add req.http.X-More = "1";';
      const { ask } = await service({
        recv: `if (req.url == "/200") { ${add.repeat(200)} } if (req.url == "/256") { ${add.repeat(256)} }
          unset req.http.X-More;`,
        error: "set obj.status = 418;",
      });
      return async (count) => statusOf(await ask(`/${count}`));
    },
    cases: [
      [200, "200 OK"],
      [256, "503 Header overflow"],
    ],
  },
  {
    limit: "Cookie: 32 KB, beyond which it is taken away",
    source: `${VCL_LIMITS}; reference/http/http-headers/Fastly-Cookie-Overflow`,
    async start() {
      const running = await service({
        recv: `set req.http.X-Recv = req.http.Fastly-Cookie-Overflow;
          if (req.http.Cookie) { set req.http.X-Length = std.strlen(req.http.Cookie); } unset req.http.Cookie;
          return(pass);`,
        deliver: "set resp.http.X-Deliver = req.http.Fastly-Cookie-Overflow;",
      });
      return async (size) => {
        const headers = { Cookie: "c".repeat(size), "Fastly-Cookie-Overflow": "mine" };
        const answer = await running.ask("/", { headers });
        const bereq = running.seen.at(-1)?.headers ?? new HeaderList();
        const said = [bereq.get("X-Recv"), answer.headers.get("X-Deliver")].join(" ");
        return `${bereq.get("X-Length")} ${said} ${bereq.has("Fastly-Cookie-Overflow")}`;
      };
    },
    cases: [
      [32 * KB - 1, "32767   false"],
      [32 * KB, "32768   false"],
      [32 * KB + 1, "null 1 1 false"],
    ],
  },
  {
    limit: "req.body: 8 KB, beyond which it is empty and goes to the origin all the same",
    source: VCL_LIMITS,
    async start() {
      const running = await service({ recv: "set req.http.X-Length = std.strlen(req.body);" });
      return async (size) => {
        await running.ask("/", { method: "POST", body: "b".repeat(size) });
        const seen = running.seen.at(-1);
        return `${seen?.headers.get("X-Length")} of ${seen?.body.length}`;
      };
    },
    cases: [
      [8 * KB - 1, "8191 of 8191"],
      [8 * KB, "8192 of 8192"],
      [8 * KB + 1, "0 of 8193"],
    ],
  },
  {
    limit: "response headers: 69 KB, then a 503 that vcl_error can answer",
    source: VCL_LIMITS,
    async start() {
      const own = ["Content-Length", "4", "Cache-Control", "max-age=60", "Connection", "keep-alive"];
      own.push("Keep-Alive", "timeout=5", "X-Fill", "");
      const hop = "Connectionkeep-alive".length + "Keep-Alivetimeout=5".length + 8;
      const taken = own.join("").length + 4 * (own.length / 2) - hop;
      const { ask } = await service(
        { error: "set obj.http.X-Seen = obj.response;", deliver: "unset resp.http.X-Fill;" },
        (url) => ({
          headers: ["X-Fill", "a".repeat(Number(url.slice(1)) - taken)],
        }),
      );
      return async (size) => {
        const answer = await ask(`/${size}`);
        return `${statusOf(answer)}, ${answer.headers.get("X-Seen")}`;
      };
    },
    cases: [
      [69 * KB - 1, "200 OK, null"],
      [69 * KB, "200 OK, null"],
      [69 * KB + 1, "503 backend read error, backend read error"],
    ],
  },
  {
    limit: "response headers: 96, some of them Fastly's own, 85 of the origin's are safe",
    source: VCL_LIMITS,
    async start() {
      const { ask } = await service({ error: "set obj.status = 418;" }, (url) => ({
        headers: lines(Number(url.slice(1)) - 2).flatMap((line) => line.split(": ")),
      }));
      return async (count) => statusOf(await ask(`/${count}`));
    },
    cases: [
      [85, "200 OK"],
      [96, "503 Header overflow"],
      [97, "503 Header overflow"],
    ],
  },
  {
    limit: "response headers that VCL adds count as well",
    source: VCL_LIMITS,
    async start() {
      const add = 'add resp.http.X-More = "1";';
      const { ask } = await service({
        deliver: `if (req.url == "/80") { ${add.repeat(80)} } if (req.url == "/96") { ${add.repeat(96)} }
          unset resp.http.X-More;`,
      });
      return async (count) => statusOf(await ask(`/${count}`));
    },
    cases: [
      [80, "200 OK"],
      [96, "503 Header overflow"],
    ],
  },
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
  {
    limit: "the status of an error: what fits a status line goes out, anything else as 503",
    source: "reference/http/http-statuses",
    async start() {
      const { ask } = await service({ recv: 'error std.atoi(req.http.X-Status) "signal";' });
      return async (status) => statusOf(await ask("/", { headers: { "X-Status": String(status) } }));
    },
    cases: [
      [99, "503 signal"],
      [599, "599 signal"],
      [600, "600 signal"],
      [699, "699 signal"],
      [999, "999 signal"],
      [1000, "503 signal"],
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

test.each(ROWS)("$limit ($source)", async ({ start, cases }) => {
  const probe = await start();
  const found: [number, string][] = [];
  for (const [amount] of cases) found.push([amount, await probe(amount)]);
  expect(found).toEqual(cases);
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

test("a message may have exactly as many headers as the limit says", () => {
  for (const kind of ["request", "response"] as const) {
    const headers = new HeaderList();
    for (let i = 0; i < MAX_HEADERS[kind]; i++) headers.add("X", "1");
    expect(() => checkHeaderCount(headers, kind)).not.toThrow();
    headers.add("X", "1");
    expect(() => checkHeaderCount(headers, kind)).toThrow("Header overflow");
  }
});
