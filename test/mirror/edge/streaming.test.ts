import { request } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { act, backendAt, programOf, serviceOf, startOrigin, testEdge, until } from "./harness.ts";
import type { Subs } from "./harness.ts";

const PASS: Subs = { recv: () => act("pass") };
const CHUNK = Buffer.alloc(256 * 1024, "x");

/** A client that reads nothing until told to. */
function openClient(port: number, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const message = request({
      host: "127.0.0.1",
      port,
      path,
      headers: { Host: "www.example.com" },
      agent: false,
    });
    message.on("error", reject);
    message.on("response", (response) => {
      response.pause();
      resolve(response);
    });
    message.end();
  });
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

test("a slow client slows the origin of a passed response down, and gets every byte in the end", async () => {
  const total = 200;
  let sent = 0;
  const write = (response: ServerResponse): void => {
    while (sent < total) {
      sent += 1;
      if (response.write(CHUNK)) continue;
      response.once("drain", () => write(response));
      return;
    }
    response.end();
  };
  const origin = await startOrigin((_request, response) => write(response.writeHead(200)));
  const { edge } = await testEdge(serviceOf(programOf({ subs: PASS, backends: [backendAt(origin.port)] })));
  const response = await openClient(edge.httpPort, "/");
  // The buffers between the two fill up, then nothing moves any more.
  for (let before = -1; before !== sent;) {
    before = sent;
    await turns(300);
  }
  expect(sent).toBeLessThan(total);
  let received = 0;
  response.on("data", (chunk: Buffer) => (received += chunk.length));
  response.resume();
  await new Promise((resolve) => response.on("end", resolve));
  expect(received).toBe(total * CHUNK.length);
});

test("a client that leaves a passed response frees the origin", async () => {
  let closed = false;
  const origin = await startOrigin((_request, response) => {
    response.on("close", () => (closed = true));
    response.writeHead(200).write("first");
  });
  const { edge, ask } = await testEdge(
    serviceOf(programOf({ subs: PASS, backends: [backendAt(origin.port, { maxConnections: 1 })] })),
  );
  const response = await openClient(edge.httpPort, "/");
  response.destroy();
  await until(() => closed);
  expect((await ask("/unknown", { host: "nobody.example" })).status).toBe(500);
});

test("a passed response that is cut short cuts the client's connection", async () => {
  const origin = await startOrigin((_request, response) => {
    response.writeHead(200, { "Content-Length": "10" }).write("01234", () => response.destroy());
  });
  const { ask, edge } = await testEdge(
    serviceOf(programOf({ subs: PASS, backends: [backendAt(origin.port)] })),
  );
  expect((await ask("/")).cut).toBe(true);
  expect(edge.stats().get("LHR")?.objects).toBe(0);
});

test("a large upload that the backend refuses still gets its answer", async () => {
  const { ask } = await testEdge(serviceOf(programOf({ subs: PASS, backends: [backendAt(1)] })));
  const answer = await ask("/", { method: "POST", body: "x".repeat(3_000_000) });
  expect([answer.status, answer.reason]).toEqual([503, "Connection refused"]);
});

test("hash_ignore_busy does not wait for a fetch under way", async () => {
  const held: ServerResponse[] = [];
  const origin = await startOrigin((_request, response) => void held.push(response));
  const subs: Subs = {
    recv: (t) => {
      t.hashIgnoreBusy = t.req.headers.has("X-Alone");
    },
  };
  const { ask } = await testEdge(serviceOf(programOf({ subs, backends: [backendAt(origin.port)] })));
  const first = ask("/");
  await until(() => held.length === 1);
  const second = ask("/", { headers: { "X-Alone": "1" } });
  await until(() => held.length === 2);
  held[1]?.end("alone");
  expect((await second).text).toBe("alone");
  held[0]?.end("first");
  expect((await first).text).toBe("first");
});

test("bodies that arrive may not fill more memory than the cache has", async () => {
  const origin = await startOrigin((_request, response) => {
    response.writeHead(200).end(Buffer.alloc(300_000));
  });
  const service = serviceOf(programOf({ backends: [backendAt(origin.port)] }));
  const { ask } = await testEdge(service, { cacheBytes: 100_000 });
  const answer = await ask("/");
  expect([answer.status, answer.reason]).toEqual([503, "Could not get storage"]);
});
