import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, constants } from "node:http2";
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";
import { connect as tcpConnect } from "node:net";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import {
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  headerBlock,
  RawHttp2Client,
  uint32,
} from "../../support/http2-frames.ts";
import { backendAt, programOf, serviceOf, startOrigin, testEdge, until } from "./harness.ts";
import type { Origin, TestEdge } from "./harness.ts";
import { compiledService } from "./service-vcl.ts";

type EdgeMore = NonNullable<Parameters<typeof testEdge>[1]>;

/** A service that passes everything on to an origin. */
async function passing(
  answer: Parameters<typeof startOrigin>[0],
  more: EdgeMore = {},
): Promise<TestEdge & { origin: Origin }> {
  const origin = await startOrigin(answer);
  const program = programOf({
    backends: [backendAt(origin.port)],
    subs: { recv: () => ({ do: "pass" }) },
  });
  return { ...(await testEdge(serviceOf(program), more)), origin };
}

async function client(edge: TestEdge["edge"]): Promise<ClientHttp2Session> {
  const ca = await readFile(edge.caPath);
  const session = connect(`https://127.0.0.1:${edge.httpsPort}`, { ca, servername: "www.example.com" });
  session.on("error", () => undefined);
  onTestFinished(() => session.destroy());
  return session;
}

interface Http2Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly flat: readonly string[];
  readonly body: Buffer;
  /** Code of the reset that ended it; `null` = it ended by itself. */
  readonly error: string | null;
}

async function answerOf(stream: ClientHttp2Stream): Promise<Http2Answer> {
  let head: { headers: Record<string, unknown>; flat: string[] } = { headers: {}, flat: [] };
  const chunks: Buffer[] = [];
  let error: string | null = null;
  stream.on("response", (headers: object, _flags: number, flat?: string[]) => {
    head = { headers: { ...headers }, flat: flat ?? [] };
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", (cause: Error) => (error = cause.message));
  await new Promise((resolve) => stream.once("close", resolve));
  const status = Number(head.headers[":status"] ?? 0);
  return { status, ...head, body: Buffer.concat(chunks), error };
}

function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string): Promise<Http2Answer> {
  const stream = session.request(
    { ":authority": "www.example.com", ...headers },
    { endStream: body === undefined },
  );
  if (body !== undefined) stream.end(body);
  return answerOf(stream);
}

const LINES = [
  [":method", "GET"],
  [":scheme", "https"],
  [":authority", "www.example.com"],
  [":path", "/"],
] as const;

function request(stream: number, lines: readonly (readonly [string, string])[] = LINES, flags = END_STREAM) {
  return frame(FRAME.headers, { flags: flags | END_HEADERS, stream, payload: headerBlock(lines) });
}

test("VCL sees HTTP/2, the authority as Host and the facts of TLS", async () => {
  const origin = await startOrigin((_request, response) => response.end("page"));
  const service = compiledService(origin.port, {
    deliver: `set resp.http.X-Seen = req.proto "|" fastly_info.is_h2 "|" req.http.Host "|" req.protocol "|"
      req.http.Fastly-SSL "|" tls.client.protocol "|" tls.client.servername "|" req.url;`,
  });
  const { edge } = await testEdge(serviceOf(service));
  const session = await client(edge);
  const answer = await ask(session, { ":path": "/a?b=c" });
  expect(answer.headers["x-seen"]).toBe("HTTP/2|1|www.example.com|https|1|TLSv1.3|www.example.com|/a?b=c");
  expect(answer.body.toString()).toBe("page");
});

test("a request gets to the origin as HTTP/1.1: body, joined cookies, no TE, no trailers", async () => {
  const { edge, origin } = await passing((_request, response) => response.end("ok"));
  const session = await client(edge);
  const stream = session.request(
    {
      ":authority": "www.example.com",
      ":path": "/form",
      ":method": "POST",
      cookie: ["a=1", "b=2"],
      te: "trailers",
      "x-bytes": "caf\u00e9",
    },
    { waitForTrailers: true },
  );
  stream.on("wantTrailers", () => stream.sendTrailers({ "x-trailer": "1", "content-length": "3" }));
  stream.end("a=b");
  expect((await answerOf(stream)).status).toBe(200);
  const [seen] = origin.seen;
  expect([seen?.method, seen?.url, seen?.body]).toEqual(["POST", "/form", "a=b"]);
  expect(seen?.headers.getAll("cookie")).toEqual(["a=1; b=2"]);
  expect(seen?.headers.get("host")).toBe("www.example.com");
  expect(seen?.headers.get("x-bytes")).toBe("caf\u00e9");
  for (const name of ["te", "x-trailer", ":authority"]) expect(seen?.headers.has(name)).toBe(false);
});

test("a response keeps repeated lines and loses what belongs to an HTTP/1.1 connection", async () => {
  const { edge } = await passing((_request, response) => {
    response.sendDate = false;
    const lines = [
      "Set-Cookie: a=1|Set-Cookie: b=2|Link: <a>|Link: <b>|Vary: a|Vary: b|Content-Type: text/plain",
      "Content-Type: text/html|Content-Language: de|Content-Language: en|Connection: close|Upgrade: h2c",
      "Keep-Alive: timeout=5|Proxy-Connection: close|X-Bytes: caf\u00e9|Content-Length: 2",
    ];
    response.writeHead(200, lines.join("|").split(/: |\|/));
    // Bytes: before text, node would write the head as UTF-8.
    response.end(Buffer.from("ok"));
  });
  const answer = await ask(await client(edge), { ":path": "/" });
  expect(answer.status).toBe(200);
  expect(answer.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
  expect(answer.headers["link"]).toBe("<a>, <b>");
  expect(answer.headers["content-type"]).toBe("text/plain");
  expect(answer.headers["content-language"]).toBe("de, en");
  expect(answer.headers["content-length"]).toBe("2");
  expect(answer.headers["x-bytes"]).toBe("caf\u00e9");
  for (const name of ["connection", "keep-alive", "upgrade", "proxy-connection", "transfer-encoding"])
    expect(answer.headers).not.toHaveProperty(name);
});

test("HEAD, 204 and 304 have no body and end by themselves", async () => {
  const { edge } = await passing((seen, response) => {
    if (seen.url === "/204") response.writeHead(204).end();
    else if (seen.url === "/304") response.writeHead(304, { ETag: '"a"' }).end();
    else response.writeHead(200, { "Content-Length": "5" }).end(seen.method === "HEAD" ? undefined : "whole");
  });
  const session = await client(edge);
  const head = await ask(session, { ":path": "/", ":method": "HEAD" });
  const none = await ask(session, { ":path": "/204" });
  const same = await ask(session, { ":path": "/304", "if-none-match": '"a"' });
  expect([head, none, same].map(({ status, body, error }) => [status, body.length, error])).toEqual([
    [200, 0, null],
    [204, 0, null],
    [304, 0, null],
  ]);
});

test("a status beyond 599 goes out as 503", async () => {
  const program = programOf({ subs: { recv: () => ({ do: "error", status: 700, reason: "own" }) } });
  const { edge } = await testEdge(serviceOf(program));
  expect((await ask(await client(edge), { ":path": "/" })).status).toBe(503);
});

test("streams at once and a large body pass at the client's speed", async () => {
  const size = 3 * 1024 * 1024;
  const { edge } = await passing((seen, response) => response.end(Buffer.alloc(size, seen.url.slice(1))));
  const session = await client(edge);
  const answers = await Promise.all(["a", "b", "c"].map((letter) => ask(session, { ":path": `/${letter}` })));
  for (const [i, answer] of answers.entries())
    expect(answer.body.equals(Buffer.alloc(size, "abc".charAt(i)))).toBe(true);
});

test("a body that the origin cuts short is a reset, never a whole answer", async () => {
  const { edge } = await passing((_request, response) => {
    response.writeHead(200);
    response.write("part", () => response.destroy());
  });
  const answer = await ask(await client(edge), { ":path": "/" });
  expect(answer.status).toBe(200);
  expect(answer.error).toContain("INTERNAL_ERROR");
});

test("a client that cancels frees the origin's connection", async () => {
  let freed = 0;
  const { edge } = await passing((_request, response) => {
    response.on("close", () => (freed += 1));
    response.writeHead(200);
    response.write("first");
  });
  const stream = (await client(edge)).request({ ":authority": "www.example.com", ":path": "/" });
  stream.on("error", () => undefined);
  await once(stream, "data");
  stream.close(constants.NGHTTP2_CANCEL);
  await until(() => freed === 1);
});

test.each([constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR])(
  "a request body that the client gives up with code %i never looks whole to the origin",
  async (code) => {
    const { edge, origin } = await passing((_request, response) => response.end("ok"));
    const raw = await RawHttp2Client.connect(edge.httpsPort);
    onTestFinished(() => void raw.socket.destroy());
    const post = LINES.map(([name, value]) => [name, name === ":method" ? "POST" : value] as const);
    raw.send(request(1, post, 0), frame(FRAME.data, { stream: 1, payload: Buffer.from("abc") }));
    raw.send(frame(FRAME.reset, { stream: 1, payload: uint32(code) }));
    raw.send(request(3));
    await raw.find((one) => one.stream === 3 && one.type === FRAME.data);
    expect(origin.seen.map(({ method }) => method)).toEqual(["GET"]);
  },
);

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

test("streams beyond the limit at once are refused", async () => {
  const { edge } = await passing(() => undefined, { frontLimits: { streams: 3, closeGrace: 20 } });
  const raw = await RawHttp2Client.connect(edge.httpsPort);
  for (let stream = 1; stream < 11; stream += 2) raw.send(request(stream));
  const refused = await raw.find((one) => one.type === FRAME.reset);
  expect(refused?.payload.readUInt32BE(0)).toBe(constants.NGHTTP2_REFUSED_STREAM);
  raw.socket.destroy();
});

const CALM = constants.NGHTTP2_ENHANCE_YOUR_CALM;

test.each<readonly [string, (stream: number) => Buffer]>([
  [
    "rapid resets",
    (stream) => Buffer.concat([request(stream), frame(FRAME.reset, { stream, payload: uint32(8) })]),
  ],
  ["pings", () => frame(FRAME.ping, { payload: Buffer.alloc(8) })],
  ["settings", () => frame(FRAME.settings)],
])("a flood of %s ends the connection with ENHANCE_YOUR_CALM", async (_what, one) => {
  let begun = 0;
  const { edge } = await passing(() => (begun += 1), { frontLimits: { unpaidFrames: 10, closeGrace: 20 } });
  const raw = await RawHttp2Client.connect(edge.httpsPort);
  for (let i = 0; i < 100; i += 1) raw.send(one(2 * i + 1));
  const farewell = await raw.find(({ type }) => type === FRAME.goaway);
  expect(farewell?.payload.readUInt32BE(4)).toBe(CALM);
  await raw.end();
  expect(begun).toBeLessThanOrEqual(11);
});

test("a flood of CONTINUATION frames ends the connection", async () => {
  const { edge } = await passing(() => undefined);
  const raw = await RawHttp2Client.connect(edge.httpsPort);
  raw.send(frame(FRAME.headers, { flags: END_STREAM, stream: 1, payload: headerBlock(LINES) }));
  const payload = headerBlock([["x", "y".repeat(1000)]]);
  for (let i = 0; i < 1000 && !raw.closed; i += 1)
    raw.send(frame(FRAME.continuation, { stream: 1, payload }));
  await raw.end();
});

test("a client that says nothing after its TLS handshake is sent away", async () => {
  const { edge } = await passing(() => undefined, { frontLimits: { headersTimeout: 20, closeGrace: 20 } });
  const raw = await RawHttp2Client.connect(edge.httpsPort);
  await raw.end();
  expect(raw.frames.some(({ type }) => type === FRAME.goaway)).toBe(true);
});

test("a connection without requests is sent away after a while, one with a request is not", async () => {
  let answer = (): void => undefined;
  const { edge } = await passing((_request, response) => (answer = () => response.end("ok")), {
    frontLimits: { keepAliveTimeout: 20, headersTimeout: 5_000 },
  });
  const session = await client(edge);
  const pending = ask(session, { ":path": "/" });
  await until(() => answer.length === 0 && edge.httpsPort > 0);
  setTimeout(() => answer(), 60);
  expect((await pending).body.toString()).toBe("ok");
  await once(session, "close");
});

test("a body that never ends is answered 408, and its stream ends", async () => {
  const { edge } = await passing(() => undefined, { frontLimits: { requestTimeout: 30 } });
  const session = await client(edge);
  const stream = session.request({
    ":authority": "www.example.com",
    ":path": "/",
    ":method": "POST",
    "content-length": "10",
  });
  stream.write("abc");
  const answer = await answerOf(stream);
  expect(answer.status).toBe(408);
});

test("a client that reads nothing is cut off and frees the origin", async () => {
  let freed = 0;
  const { edge } = await passing(
    (_request, response) => {
      response.on("close", () => (freed += 1));
      response.write(Buffer.alloc(4 * 1024 * 1024));
    },
    { frontLimits: { sendTimeout: 40 } },
  );
  // No WINDOW_UPDATE ever comes.
  const raw = await RawHttp2Client.connect(edge.httpsPort);
  raw.send(request(1));
  expect(await raw.find(({ type, stream }) => type === FRAME.reset && stream === 1)).not.toBeNull();
  await until(() => freed === 1);
  raw.socket.destroy();
});

test("closing the edge says GOAWAY and lets streams under way finish", async () => {
  let answer: (() => void) | null = null;
  const { edge } = await passing((_request, response) => {
    response.writeHead(200);
    response.write("first ");
    answer = () => response.end("last");
  });
  const session = await client(edge);
  const pending = ask(session, { ":path": "/" });
  const goaway = once(session, "goaway");
  await until(() => answer !== null);
  const closed = edge.close();
  await goaway;
  (answer as (() => void) | null)?.();
  expect((await pending).body.toString()).toBe("first last");
  await closed;
});

test("closing the edge cuts what does not finish", async () => {
  const { edge } = await passing((_request, response) => void response.write("first"), {
    frontLimits: { closeGrace: 30 },
  });
  const session = await client(edge);
  const pending = ask(session, { ":path": "/" });
  await until(() => session.remoteSettings.maxConcurrentStreams !== undefined);
  await edge.close();
  expect((await pending).body.length).toBeLessThan(6);
});

test("HTTP/2 without TLS is refused", async () => {
  const { edge } = await passing((_request, response) => response.end("ok"));
  const socket = tcpConnect(edge.httpPort, "127.0.0.1");
  socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(FRAME.settings)]));
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(socket, "close");
  expect(Buffer.concat(chunks).toString("latin1")).toMatch(/^HTTP\/1\.1 (400|505) /);
});

test("curl speaks both versions to the TLS port", async () => {
  const { edge } = await passing((_request, response) => response.end("page"));
  const curl = async (version: string): Promise<string> => {
    const resolve = `www.example.com:${edge.httpsPort}:127.0.0.1`;
    const url = `https://www.example.com:${edge.httpsPort}/`;
    const format = "|%{http_version} %{http_code}";
    const args = ["-sS", version, "--cacert", edge.caPath, "--resolve", resolve, "-w", format, url];
    const { stdout } = await promisify(execFile)("curl", args);
    return stdout;
  };
  expect(await curl("--http2")).toBe("page|2 200");
  expect(await curl("--http1.1")).toBe("page|1.1 200");
});
