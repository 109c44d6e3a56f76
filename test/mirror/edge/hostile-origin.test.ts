import { createServer } from "node:net";
import type { Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { act, backendAt, programOf, serviceOf, testEdge } from "./harness.ts";
import type { TestEdge } from "./harness.ts";
import { listenOnLoopback } from "../../support/loopback-server.ts";

/** What a backend does with the socket of a request, once the request's header has come. */
type Conduct = (socket: Socket) => void;

const GOOD = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 4\r\n\r\ngood";

/** A backend that conducts itself so at the first request and well from the second on. */
async function behind(conduct: Conduct): Promise<TestEdge & { requests: () => number }> {
  let requests = 0;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", () => {
      requests += 1;
      if (requests === 1) conduct(socket);
      else socket.write(GOOD);
    });
  });
  const port = await listenOnLoopback(server);
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const timeouts = { firstByteTimeout: 0.3, betweenBytesTimeout: 0.3 };
  const backend = backendAt(port, timeouts);
  const program = programOf({
    backends: [backend],
    subs: { recv: (t) => (t.req.method === "POST" ? act("pass") : undefined) },
  });
  return { ...(await testEdge(serviceOf(program))), requests: () => requests };
}

const says =
  (text: string): Conduct =>
  (socket) =>
    socket.write(Buffer.from(text, "latin1"));
const saysAndCloses =
  (text: string): Conduct =>
  (socket) =>
    socket.end(Buffer.from(text, "latin1"));

const OK = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n";

const BROKEN: readonly (readonly [string, Conduct, string])[] = [
  ["resets the connection", (socket) => socket.resetAndDestroy(), "backend read error"],
  ["closes without a byte", (socket) => socket.end(), "backend read error"],
  ["says nothing", () => undefined, "first byte timeout"],
  ["stalls in the status line", says("HTTP/1.1 200"), "first byte timeout"],
  ["stalls between the header lines", says(OK), "first byte timeout"],
  ["closes between the header lines", saysAndCloses(OK), "backend read error"],
  ["closes between header and body", saysAndCloses(`${OK}Content-Length: 5\r\n\r\n`), "backend read error"],
  ["closes within the body", saysAndCloses(`${OK}Content-Length: 5\r\n\r\nabc`), "backend read error"],
  [
    "resets within the body",
    (socket) => socket.write(`${OK}Content-Length: 5\r\n\r\nabc`, () => socket.resetAndDestroy()),
    "backend read error",
  ],
  ["stalls within the body", says(`${OK}Content-Length: 5\r\n\r\nabc`), "backend read error"],
  [
    "sends a short body in HTTP/1.0",
    saysAndCloses("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nabc"),
    "backend read error",
  ],
  [
    "ends chunks without the last one",
    saysAndCloses(`${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`),
    "backend read error",
  ],
  [
    "sends a chunk size that is none",
    says(`${OK}Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n`),
    "backend read error",
  ],
  [
    "sends a chunk longer than it said",
    says(`${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n`),
    "backend read error",
  ],
  [
    "codes the transfer in another way",
    saysAndCloses(`${OK}Transfer-Encoding: gzip\r\n\r\nabc`),
    "backend read error",
  ],
  [
    "chunks something coded",
    says(`${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`),
    "backend read error",
  ],
  [
    "gives a length and chunks",
    says(`${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
    "backend read error",
  ],
  [
    "gives two lengths",
    says(`${OK}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`),
    "backend read error",
  ],
  ["gives a length that is none", says(`${OK}Content-Length: -3\r\n\r\nabc`), "backend read error"],
  ["sends garbage", saysAndCloses("\x00\x01\x02 garbage\r\n\r\n"), "backend read error"],
  ["sends TLS", saysAndCloses("\x15\x03\x01\x00\x02\x02\x28"), "backend read error"],
  ["speaks of another protocol", saysAndCloses("ICY 200 OK\r\n\r\nabc"), "backend read error"],
  ["names a version that is none", saysAndCloses("HTTP/1.x 200 OK\r\n\r\nabc"), "backend read error"],
  ["names a status that is none", saysAndCloses("HTTP/1.1 xyz OK\r\n\r\nabc"), "backend read error"],
  ["has a header line without a colon", saysAndCloses(`${OK}nonsense\r\n\r\nabc`), "backend read error"],
  ["has a blank in a header name", saysAndCloses(`${OK}X Y: z\r\n\r\nabc`), "backend read error"],
  ["has a NUL in a header value", saysAndCloses(`${OK}X: a\x00b\r\n\r\nabc`), "backend read error"],
  [
    "switches protocols that nobody asked for",
    says("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
    "backend read error",
  ],
  ["never ends its header", says(`${OK}${`X: ${"y".repeat(1000)}\r\n`.repeat(400)}`), "backend read error"],
];

test.each(BROKEN)("a backend that %s is 503, and nothing of it is kept", async (_what, conduct, reason) => {
  const { ask, requests } = await behind(conduct);
  const answer = await ask("/");
  expect([answer.status, answer.reason]).toEqual([503, reason]);
  const next = await ask("/");
  expect([next.status, next.text]).toEqual([200, "good"]);
  expect((await ask("/")).text).toBe("good");
  expect(requests()).toBe(2);
});

const FINE: readonly (readonly [string, Conduct, string])[] = [
  [
    "answers in HTTP/1.0 and closes",
    saysAndCloses("HTTP/1.0 200 OK\r\nCache-Control: max-age=60\r\n\r\nold"),
    "old",
  ],
  ["gives no length and closes", saysAndCloses(`${OK}\r\nopen`), "open"],
  [
    "chunks with extensions and trailers",
    says(`${OK}Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nX-Trailer: 1\r\n\r\n`),
    "abc",
  ],
  [
    "sends interim responses before",
    says(
      `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Hint: 1\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
    ),
    "ok",
  ],
];

const CONTINUE = "HTTP/1.1 100 Continue\r\nX-Hint: 1\r\n\r\n";
const ANSWER = `${OK}Content-Length: 2\r\n\r\nok`;

test.each<readonly [string, readonly string[]]>([
  ["before the answer", [CONTINUE + ANSWER]],
  [
    "twice, and another interim response",
    [`${CONTINUE}${CONTINUE}HTTP/1.1 103 Early Hints\r\n\r\n${ANSWER}`],
  ],
  ["some time before the answer", [CONTINUE, ANSWER]],
  ["without a reason", [`HTTP/1.1 100\r\n\r\n${ANSWER}`]],
])("a 100 Continue that nobody asked for is passed over: %s", async (_what, pieces) => {
  const { ask } = await behind((socket) => {
    const next = ([piece, ...rest]: readonly string[]): void => {
      if (piece !== undefined) socket.write(piece, () => setImmediate(() => next(rest)));
    };
    next(pieces);
  });
  const answer = await ask("/");
  expect([answer.status, answer.text, answer.headers.get("X-Hint")]).toEqual([200, "ok", null]);
  expect((await ask("/other")).text).toBe("good");
});

test("a body that reads like an interim response stays what it is", async () => {
  const body = `${CONTINUE}HTTP/1.1 100 OK\r\n\r\n`;
  const head = `${OK}Content-Length: ${body.length}\r\n\r\n`;
  const { ask } = await behind((socket) => {
    socket.write(CONTINUE + head, () => setImmediate(() => socket.write(body)));
  });
  expect((await ask("/")).text).toBe(body);
});

test("nothing but 100 Continue is no answer", async () => {
  const { ask } = await behind(says(CONTINUE.repeat(3)));
  const answer = await ask("/");
  expect([answer.status, answer.reason]).toEqual([503, "first byte timeout"]);
});

test.each(FINE)("a backend that %s is heard, and its answer cached", async (_what, conduct, text) => {
  const { ask, requests } = await behind(conduct);
  const first = await ask("/");
  expect([first.status, first.text, first.headers.get("X-Hint"), first.headers.get("X-Trailer")]).toEqual([
    200,
    text,
    null,
    null,
  ]);
  expect((await ask("/")).text).toBe(text);
  expect(requests()).toBe(1);
});

test("what follows a body of its length is never taken for the answer to another request", async () => {
  const evil = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 4\r\n\r\nevil";
  const { ask } = await behind(says(`${OK}Content-Length: 2\r\n\r\nok${evil}`));
  expect((await ask("/a")).text).toBe("ok");
  expect((await ask("/b")).text).toBe("good");
  expect((await ask("/c")).text).toBe("good");
});

test("a body that comes later on its own is never taken for the answer to another request", async () => {
  const { ask } = await behind((socket) => {
    socket.write(`${OK}Content-Length: 2\r\n\r\nok`, () =>
      setImmediate(() => socket.write(GOOD.replace("good", "evil"))),
    );
  });
  expect((await ask("/a")).text).toBe("ok");
  for (const path of ["/b", "/c", "/d"]) expect((await ask(path)).text).toBe("good");
});

test("a 304 that nobody asked for is passed on and not kept", async () => {
  const { ask } = await behind(says('HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'));
  expect((await ask("/")).status).toBe(304);
  expect((await ask("/")).text).toBe("good");
});

test("a body where none may be is dropped", async () => {
  const { ask } = await behind(saysAndCloses("HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nbody"));
  const answer = await ask("/");
  expect([answer.status, answer.text]).toEqual([204, ""]);
  expect((await ask("/")).text).toBe("good");
});

test("a passed response that is cut short cuts the client off, and leaves nothing", async () => {
  const { ask } = await behind(saysAndCloses(`${OK}Content-Length: 5\r\n\r\nabc`));
  expect((await ask("/", { method: "POST" })).cut).toBe(true);
  expect((await ask("/")).text).toBe("good");
});
