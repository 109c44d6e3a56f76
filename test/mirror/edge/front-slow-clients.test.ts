import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { backendAt, programOf, serviceOf, startOrigin, testEdge, until } from "./harness.ts";

type More = NonNullable<Parameters<typeof testEdge>[1]>["frontLimits"];

async function passing(answer: Parameters<typeof startOrigin>[0], frontLimits: More = {}) {
  const origin = await startOrigin(answer);
  const program = programOf({
    backends: [backendAt(origin.port)],
    subs: { recv: () => ({ do: "pass" }) },
  });
  const edge = await testEdge(serviceOf(program), { frontLimits: { checkInterval: 10, ...frontLimits } });
  return { ...edge, origin };
}

async function open(port: number, text = ""): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  if (text !== "") socket.write(text);
  return socket;
}

/** All that comes until the edge is done with the connection. */
async function rest(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("end", () => socket.end());
  await once(socket, "close");
  return Buffer.concat(chunks);
}

const GET = "GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n";

test("headers that never end are answered 408", async () => {
  const { edge } = await passing((_request, response) => response.end(), { headersTimeout: 30 });
  const socket = await open(edge.httpPort, "GET / HTTP/1.1\r\nHost: www.exa");
  expect((await rest(socket)).toString()).toMatch(/^HTTP\/1\.1 408 /);
});

test.each(["Content-Length: 10\r\n\r\nabc", "Content-Length: 10000\r\n\r\nabc"])(
  "a body that never ends is answered 408: %j",
  async (lines) => {
    const { edge, origin } = await passing((_request, response) => response.end(), { requestTimeout: 40 });
    const socket = await open(edge.httpPort, `POST / HTTP/1.1\r\nHost: www.example.com\r\n${lines}`);
    expect((await rest(socket)).toString()).toMatch(/^HTTP\/1\.1 408 /);
    expect(origin.seen).toEqual([]);
  },
);

test("a connection without a request is closed after a while", async () => {
  const { edge } = await passing((_request, response) => response.end("ok"), { keepAliveTimeout: 30 });
  const socket = await open(edge.httpPort, GET);
  expect((await rest(socket)).toString()).toMatch(/^HTTP\/1\.1 200 /);
});

test("a TLS handshake that does not come is given up", async () => {
  const { edge } = await passing((_request, response) => response.end(), { handshakeTimeout: 30 });
  expect(await rest(await open(edge.httpsPort))).toHaveLength(0);
});

test("a client that reads nothing is cut off and frees the origin", async () => {
  let freed = 0;
  const { edge } = await passing(
    (_request, response) => {
      response.on("close", () => (freed += 1));
      const fill = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on("drain", fill);
      fill();
    },
    { sendTimeout: 50 },
  );
  const socket = await open(edge.httpPort, GET);
  socket.pause();
  await until(() => freed === 1);
});

test("a refused client that stays is cut off", async () => {
  const { edge } = await passing((_request, response) => response.end(), { closeGrace: 30 });
  const socket = await open(edge.httpPort, "broken\r\n\r\n");
  socket.resume();
  await once(socket, "end");
  // The client keeps its side open and goes on talking.
  const talk = setInterval(() => void socket.write("x"), 5);
  await new Promise((resolve) => socket.once("close", resolve));
  clearInterval(talk);
});

test("closing the edge finishes the answer under way and says that the connection ends", async () => {
  let answer: (() => void) | null = null;
  const { edge } = await passing((_request, response) => (answer = () => response.end("last")), {
    closeGrace: 10_000,
  });
  const idle = await open(edge.httpPort);
  const socket = await open(edge.httpPort, GET);
  await until(() => answer !== null);
  const all = rest(socket);
  const closed = edge.close();
  await rest(idle);
  (answer as (() => void) | null)?.();
  expect((await all).toString()).toContain("last");
  await closed;
});

test("closing the edge lets a slow reader have the whole answer", async () => {
  const size = 8 * 1024 * 1024;
  let written = false;
  const { edge } = await passing(
    (_request, response) => {
      response.end(Buffer.alloc(size), () => (written = true));
    },
    { closeGrace: 10_000 },
  );
  const socket = await open(edge.httpPort, GET);
  socket.pause();
  await once(socket, "readable");
  const closed = edge.close();
  const bytes = await rest(socket);
  expect(bytes.length).toBeGreaterThan(size);
  expect(written).toBe(true);
  await closed;
});

test("closing the edge cuts what does not finish", async () => {
  const { edge, origin } = await passing(() => undefined, { closeGrace: 30 });
  const socket = await open(edge.httpPort, GET);
  await until(() => origin.seen.length === 1);
  const all = rest(socket);
  await edge.close();
  expect(await all).toHaveLength(0);
});
