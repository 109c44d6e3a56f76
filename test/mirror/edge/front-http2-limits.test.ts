import { once } from "node:events";
import { constants } from "node:http2";
import { expect, test } from "vitest";
import { END_STREAM, FRAME, frame, headerBlock, RawHttp2Client, uint32 } from "../../support/http2-frames.ts";
import { until } from "./harness.ts";
import { answerOf, ask, client, LINES, passing, request } from "./http2-client.ts";

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
  // No more than it takes, and at once: what comes after the end could take the farewell with it.
  raw.send(...Array.from({ length: 11 }, (_, i) => one(2 * i + 1)));
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
  let answer: (() => void) | null = null;
  const { edge } = await passing((_request, response) => (answer = () => response.end("ok")), {
    frontLimits: { keepAliveTimeout: 20, headersTimeout: 5_000 },
  });
  const session = await client(edge);
  const pending = ask(session, { ":path": "/" });
  await until(() => answer !== null);
  setTimeout(() => answer?.(), 60);
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
