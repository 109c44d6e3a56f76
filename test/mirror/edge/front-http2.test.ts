import { execFile } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:http2";
import { connect as tcpConnect } from "node:net";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { FRAME, frame, RawHttp2Client, uint32 } from "../../support/http2-frames.ts";
import { programOf, serviceOf, startOrigin, testEdge, until } from "./harness.ts";
import { answerOf, ask, client, LINES, passing, request } from "./http2-client.ts";
import { compiledService } from "./service-vcl.ts";

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
