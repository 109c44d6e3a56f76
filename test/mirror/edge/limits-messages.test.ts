import { expect, test } from "vitest";
import { checkHeaderCount, MAX_HEADERS } from "../../../src/vcl/workspace.ts";
import { HeaderList } from "../../../src/http/header-list.ts";
import { HOST, KB, lines, outcomesOf, rawStatus, service, statusOf, VCL_LIMITS } from "./limit-rows.ts";
import type { Row } from "./limit-rows.ts";

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

test.each(ROWS)("$limit ($source)", async (row) => {
  expect(await outcomesOf(row)).toEqual(row.cases);
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
