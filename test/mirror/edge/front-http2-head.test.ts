import { expect, onTestFinished, test } from "vitest";
import {
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  headerBlock,
  RawHttp2Client,
} from "../../support/http2-frames.ts";
import { ask, client, LINES, passing, request } from "./http2-client.ts";

const replaced = (name: string, value: string) =>
  LINES.map(([one, old]) => [one, one === name ? value : old] as const);

test.each<readonly [string, readonly (readonly [string, string])[]]>([
  ["connection", [...LINES, ["connection", "close"]]],
  ["transfer-encoding", [...LINES, ["transfer-encoding", "chunked"]]],
  ["keep-alive", [...LINES, ["keep-alive", "5"]]],
  ["proxy-connection", [...LINES, ["proxy-connection", "x"]]],
  ["upgrade", [...LINES, ["upgrade", "h2c"]]],
  ["te other than trailers", [...LINES, ["te", "gzip"]]],
  ["two paths", [...LINES, [":path", "/b"]]],
  ["no path", LINES.filter(([name]) => name !== ":path")],
  ["no method", LINES.filter(([name]) => name !== ":method")],
  ["no scheme", LINES.filter(([name]) => name !== ":scheme")],
  ["no authority", LINES.filter(([name]) => name !== ":authority")],
  ["an unknown pseudo-header", [...LINES, [":proto", "x"]]],
  ["a pseudo-header of responses", [...LINES, [":status", "200"]]],
  ["a pseudo-header after a header", [["a", "b"], ...LINES]],
  ["a name in upper case", [...LINES, ["X-Up", "1"]]],
  ["a Host that differs", [...LINES, ["host", "evil.example"]]],
  ["two Hosts", [...LINES, ["host", "www.example.com"], ["host", "www.example.com"]]],
  ["an authority with a user", replaced(":authority", "me@www.example.com")],
  ["an authority with a path", replaced(":authority", "www.example.com/x")],
  ["an absolute path", replaced(":path", "https://evil.example/")],
  ["a path without slash", replaced(":path", "a")],
  ["an empty path", replaced(":path", "")],
  ["a path with a blank", replaced(":path", "/ HTTP/1.1")],
  ["a path with a line break", replaced(":path", "/\r\nHost: evil.example")],
  ["a path with a fragment", replaced(":path", "/#a")],
  ["a path of other bytes", replaced(":path", "/caf\u00e9")],
  ["* with GET", replaced(":path", "*")],
  ["another scheme", replaced(":scheme", "ftp")],
  ["a scheme with a host", replaced(":scheme", "https://evil.example/?")],
  ["an unknown method", replaced(":method", "FASTLYPURGE")],
  ["a method with a line break", replaced(":method", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\nGET")],
  ["CONNECT", replaced(":method", "CONNECT")],
  ["two lengths", [...LINES, ["content-length", "0"], ["content-length", "0"]]],
  ["a length with a sign", [...LINES, ["content-length", "+0"]]],
  ["a length without the body", [...LINES, ["content-length", "5"]]],
])("%s never gets to the origin, and the connection lives on", async (_what, lines) => {
  const { edge, origin } = await passing((_request, response) => response.end("ok"));
  const raw = await RawHttp2Client.connect(edge.httpsPort);
  onTestFinished(() => void raw.socket.destroy());
  raw.send(request(1, lines));
  raw.send(request(3));
  const ended = await raw.find((one) => one.stream === 3 && one.type === FRAME.data);
  const refused = raw.frames.filter((one) => one.stream === 1);
  expect(refused.length).toBeGreaterThan(0);
  expect(ended === null ? raw.closed : origin.seen.length === 1).toBe(true);
  expect(origin.seen.filter((seen) => seen.headers.has("a") || seen.url !== "/")).toEqual([]);
});

test.each<readonly [string, readonly [string, string]]>([
  ["an empty name", ["", "1"]],
  ["a name with a colon", ["x-a:b", "1"]],
  ["a name with a blank", ["host ", "evil.example"]],
  ["a name with a line break", ["x-a\r\nx-b", "1"]],
  ["a value with CR LF", ["x-a", "1\r\nHost: evil.example"]],
  ["a value with NUL", ["x-a", "1\0"]],
])(
  "a header line with %s is dropped or refused, and no part of it gets to the origin",
  async (_what, line) => {
    const { edge, origin } = await passing((_request, response) => response.end("ok"));
    const raw = await RawHttp2Client.connect(edge.httpsPort);
    onTestFinished(() => void raw.socket.destroy());
    raw.send(request(1, [...LINES, line]));
    await raw.find((one) => one.stream === 1 && (one.flags & END_STREAM || one.type === FRAME.reset) !== 0);
    for (const seen of origin.seen) {
      const names = [...seen.headers].map(([name]) => name.toLowerCase());
      expect(names.filter((name) => name === "host")).toHaveLength(1);
      expect(names.filter((name) => name.startsWith("x-a") || name.startsWith("x-b"))).toEqual([]);
      expect(seen.headers.get("host")).toBe("www.example.com");
    }
  },
);

test("a host that the connection's certificate is not for is misdirected, and the connection lives on", async () => {
  const { edge } = await passing((_request, response) => response.end("ok"));
  const session = await client(edge);
  const other = await ask(session, { ":path": "/", ":authority": "www.example.org" });
  expect([other.status, other.body.toString().slice(0, 14)]).toEqual([421, "Requested host"]);
  expect((await ask(session, { ":path": "/" })).status).toBe(200);
});

test("headers beyond the limits are refused", async () => {
  const { edge, origin } = await passing((_request, response) => response.end("ok"));
  const session = await client(edge);
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`x-${i}`, "1"]));
  expect((await ask(session, { ":path": "/", ...many })).status).toBe(503);
  expect((await ask(session, { ":path": `/${"a".repeat(9000)}` })).status).toBe(414);
  const raw = await RawHttp2Client.connect(edge.httpsPort);
  onTestFinished(() => void raw.socket.destroy());
  const block = headerBlock([
    ...LINES,
    ...["a", "b", "c", "d", "e"].map((name) => [name, "x".repeat(15_000)] as const),
  ]);
  raw.send(frame(FRAME.headers, { flags: END_STREAM, stream: 1, payload: block.subarray(0, 16_000) }));
  for (let at = 16_000; at < block.length; at += 16_000) {
    const flags = at + 16_000 < block.length ? 0 : END_HEADERS;
    raw.send(frame(FRAME.continuation, { flags, stream: 1, payload: block.subarray(at, at + 16_000) }));
  }
  const text = await raw.find((one) => one.stream === 1 && one.type === FRAME.data);
  expect(text?.payload.toString()).toBe("Header overflow\n");
  expect(origin.seen).toEqual([]);
});
