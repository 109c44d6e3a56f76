import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { fail, backendAt, programOf, serviceOf, startOrigin, testEdge, until } from "./harness.ts";
import type { Subs } from "./harness.ts";
import { answerOf } from "./http2-client.ts";

async function passing(recv: NonNullable<Subs["recv"]> = () => ({ do: "pass" })) {
  const origin = await startOrigin((request, response) => response.end(`got ${request.body}`));
  const program = programOf({ backends: [backendAt(origin.port)], subs: { recv } });
  return { ...(await testEdge(serviceOf(program))), origin };
}

interface Conversation {
  readonly socket: Socket;
  readonly text: () => string;
}

function talk(port: number): Conversation {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  return { socket, text: () => text };
}

const post = (length: number, more = ""): string =>
  `POST /form HTTP/1.1\r\nHost: www.example.com\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n${more}\r\n`;

const statuses = (text: string): string[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status ?? "");

test.each([3, 20_000])(
  "a client that waits is told to go on, its %i bytes arrive and the connection lives on",
  async (length) => {
    const { edge, origin } = await passing();
    const { socket, text } = talk(edge.httpPort);
    socket.write(post(length));
    await until(() => text().endsWith("HTTP/1.1 100 Continue\r\n\r\n"));
    socket.write("a".repeat(length));
    await until(() => text().endsWith("a".repeat(length)));
    socket.write("GET /next HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n");
    await once(socket, "close");
    expect(statuses(text())).toEqual(["100", "200", "200"]);
    expect(origin.seen.map(({ body, headers }) => [body.length, headers.has("Expect")])).toEqual([
      [length, false],
      [0, false],
    ]);
  },
);

test.each<readonly [string, string, string]>([
  ["a Host that is none", post(3).replace("www.example.com", "me@x"), "400"],
  ["a length and chunks", post(3, "Transfer-Encoding: chunked\r\n"), "400"],
  ["another expectation", post(3).replace("100-continue", "the best"), "417"],
  ["two expectations", post(3, "Expect: 100-continue\r\n"), "417"],
])("%s is refused before anything is expected of the client", async (_what, head, status) => {
  const { edge, origin } = await passing();
  const { socket, text } = talk(edge.httpPort);
  socket.write(head);
  await once(socket, "close");
  expect(statuses(text())).toEqual([status]);
  expect(origin.seen).toEqual([]);
});

test("a client of HTTP/1.0 gets no interim response, whatever it expects", async () => {
  const { edge, origin } = await passing();
  const { socket, text } = talk(edge.httpPort);
  socket.write(`${post(3).replace("HTTP/1.1", "HTTP/1.0")}abc`);
  await once(socket, "close");
  expect(statuses(text())).toEqual(["200"]);
  expect(origin.seen.map(({ body }) => body)).toEqual(["abc"]);
});

test("an answer that needs no body ends the connection: what follows could be either", async () => {
  const { edge, origin } = await passing((t) => (t.req.url === "/form" ? fail(403) : { do: "pass" }));
  const { socket, text } = talk(edge.httpPort);
  socket.write(`${post(20_000)}GET /smuggled HTTP/1.1\r\nHost: www.example.com\r\n\r\n`);
  await once(socket, "close");
  expect(statuses(text())).toEqual(["403"]);
  expect(text().toLowerCase()).toContain("\r\nconnection: close\r\n");
  expect(origin.seen).toEqual([]);
});

test("over HTTP/2 a client that waits is told to go on, unless it is refused", async () => {
  const { edge } = await passing();
  const session = connectHttp2(`https://127.0.0.1:${edge.httpsPort}`, {
    servername: "www.example.com",
    rejectUnauthorized: false,
  });
  onTestFinished(() => session.destroy());
  const open = (expectation: string) =>
    session.request(
      { ":authority": "www.example.com", ":path": "/", ":method": "POST", expect: expectation },
      { endStream: false },
    );
  const stream = open("100-continue");
  const answer = answerOf(stream);
  await once(stream, "continue");
  stream.end("abc");
  expect((await answer).body.toString()).toBe("got abc");
  const refused = open("the best");
  expect((await answerOf(refused)).status).toBe(417);
});
