import { createServer } from "node:net";
import type { Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { RequestMessage } from "../../../src/vcl/runtime.ts";
import { backendAt, programOf, serviceOf, startOrigin, testEdge } from "./harness.ts";
import type { TestEdge } from "./harness.ts";
import { listenOnLoopback } from "../../support/loopback-server.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCache-Control: max-age=60\r\n\r\nok";

/** A server that keeps every byte that it is sent, and answers a connection's first request as told. */
async function rawServer(
  answer: (socket: Socket) => void,
): Promise<{ readonly port: number; readonly sent: () => string }> {
  let sent = "";
  const server = createServer((socket) => {
    let isAnswered = false;
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      sent += bytes.toString("latin1");
      if (isAnswered || !/\r\n\r\n(?:.*hello.*)?$/s.test(sent)) return;
      isAnswered = true;
      answer(socket);
    });
  });
  const port = await listenOnLoopback(server);
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { port, sent: () => sent };
}

/** An edge that asks this port for a URL as VCL sets it. */
function edgeAsking(port: number, url: string | null, limits = {}): Promise<TestEdge> {
  const set = (t: { readonly bereq: RequestMessage | null }): void => {
    if (t.bereq !== null && url !== null) t.bereq.url = url;
  };
  const subs = { miss: set, pass: set };
  return testEdge(serviceOf(programOf({ backends: [backendAt(port, limits)], subs })));
}

test("the `*` of OPTIONS reaches the origin as it is", async () => {
  const origin = await startOrigin((_request, response) => response.setHeader("Allow", "GET, OPTIONS").end());
  const { ask } = await edgeAsking(origin.port, null);
  const answer = await ask("*", { method: "OPTIONS" });
  expect([answer.status, answer.headers.get("Allow")]).toEqual([200, "GET, OPTIONS"]);
  expect(origin.seen.map(({ method, url }) => [method, url])).toEqual([["OPTIONS", "*"]]);
  expect(origin.seen[0]?.headers.getAll("Host")).toEqual(["www.example.com"]);
});

test.each(["page?x=1", "*", "?only=query", "caf\xe9", "ftp://other.example/x", "http://other.example/x?y"])(
  "a bereq.url of %j stands in the request line as VCL left it",
  async (url) => {
    const origin = await rawServer((socket) => void socket.end(OK));
    const { ask } = await edgeAsking(origin.port, url);
    const answer = await ask("/");
    expect([answer.status, answer.text]).toEqual([200, "ok"]);
    expect(origin.sent().split("\r\n")[0]).toBe(`GET ${url} HTTP/1.1`);
    // What it is cached under is req.url, which VCL did not change.
    expect((await ask("/")).text).toBe("ok");
    expect(origin.sent().match(/ HTTP\/1\.1/g)).toHaveLength(1);
  },
);

test.each([
  "",
  "a b",
  "x\r\nX-Evil: 1",
  "x HTTP/1.1\r\n\r\nGET /evil",
  "a\tb",
  "a\0b",
  "a\x7fb",
  "\n",
  "x\u0100",
])("a bereq.url of %j is sent to nobody", async (url) => {
  const origin = await rawServer((socket) => void socket.end(OK));
  const { ask } = await edgeAsking(origin.port, url);
  expect(await ask("/")).toMatchObject({ status: 503, reason: "backend write error" });
  expect(origin.sent()).toBe("");
});

test.each([
  ["of a known length", { "Content-Length": "5" }, "Content-Length: 5", "\r\n\r\nhello"],
  [
    "in chunks",
    { "Transfer-Encoding": "chunked" },
    "Transfer-Encoding: chunked",
    "\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  ],
])("a body %s goes with such a URL, framed once", async (_what, headers, line, end) => {
  const raw = await rawServer((socket) => void socket.end(OK));
  const { ask } = await edgeAsking(raw.port, "upload");
  await ask("/", { method: "OPTIONS", headers, body: "hello" });
  expect(raw.sent().startsWith("OPTIONS upload HTTP/1.1\r\n")).toBe(true);
  expect(raw.sent().match(/^(?:content-length|transfer-encoding): .*$/gim)).toEqual([line]);
  expect(raw.sent().endsWith(end)).toBe(true);
});

test("a POST without a body says so with such a URL too", async () => {
  const origin = await rawServer((socket) => void socket.end(OK));
  const { ask } = await edgeAsking(origin.port, "form");
  expect((await ask("/", { method: "POST", headers: { "Content-Length": "0" } })).status).toBe(200);
  expect(origin.sent()).toMatch(/^Content-Length: 0\r$/im);
  expect(origin.sent()).not.toMatch(/^transfer-encoding/im);
});

test.each([
  ["a protocol that nobody asked for", "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"],
  ["an answer that is no HTTP", "hello\r\n\r\n"],
  ["a closed connection", ""],
  ["a body that breaks off", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nCache-Control: max-age=60\r\n\r\nok"],
])("%s is a 503 and stays out of the cache, as with any other URL", async (_what, bytes) => {
  const origin = await rawServer((socket) => void socket.end(bytes));
  const { ask, edge } = await edgeAsking(origin.port, "page");
  expect(await ask("/")).toMatchObject({ status: 503, reason: "backend read error" });
  expect(edge.stats().get("LHR")).toMatchObject({ objects: 0, fetching: 0 });
});

test.each([
  ["no head", "", { firstByteTimeout: 0.05 }, "first byte timeout"],
  [
    "half a body",
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
    { betweenBytesTimeout: 0.05 },
    "backend read error",
  ],
])("an origin that sends %s and stops is given up in time", async (_what, bytes, limits, reason) => {
  const origin = await rawServer((socket) => void socket.write(bytes));
  const { ask } = await edgeAsking(origin.port, "page", limits);
  expect(await ask("/")).toMatchObject({ status: 503, reason });
});

test("a port where nobody listens is refused with such a URL as with any other", async () => {
  const { ask } = await edgeAsking(1, "page");
  expect(await ask("/")).toMatchObject({ status: 503, reason: "Connection refused" });
});

test("connections of such requests count as any other's", async () => {
  const origin = await startOrigin(() => undefined);
  const { ask } = await edgeAsking(origin.port, "page", { maxConnections: 0 });
  expect(await ask("/")).toMatchObject({ status: 503, reason: "Backend.max_conn reached" });
});
