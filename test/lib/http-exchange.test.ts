import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { getEventListeners } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { HttpConnections } from "../../src/lib/http-exchange.ts";
import type { HttpAnswer } from "../../src/lib/http-exchange.ts";
import { listenOnLoopback, shut } from "../support/loopback-server.ts";

const LIMITS = { connections: 20, connectMs: 5_000, headMs: 5_000, bodyMs: 5_000, keptMs: 5_000 };

interface Bench {
  /** Asks for a path with a signal. */
  readonly ask: (path: string, signal: AbortSignal) => Promise<HttpAnswer>;
  /** Resolves when so many requests wait for their answers. */
  readonly waiting: (count: number) => Promise<readonly ServerResponse[]>;
}

/** A server that answers `/now` at once and everything else when a test does. */
async function bench(): Promise<Bench> {
  const held: ServerResponse[] = [];
  let tell = (): void => undefined;
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    if (request.url === "/now") response.end("now");
    else held.push(response);
    tell();
  });
  const port = await listenOnLoopback(server);
  const connections = new HttpConnections(new URL(`http://127.0.0.1:${port}`), LIMITS);
  onTestFinished(async () => {
    connections.close();
    await shut(server);
  });
  return {
    ask: (path, signal) =>
      connections.send({
        method: "GET",
        path,
        headers: ["host", "example"],
        body: undefined,
        readLimit: 1000,
        signal,
      }),
    async waiting(count) {
      while (held.length < count) await new Promise<void>((resolve) => (tell = resolve));
      return held;
    },
  };
}

const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

test("one signal ends all requests that go by it, and none that ended before", async () => {
  const { ask, waiting } = await bench();
  const controller = new AbortController();
  const done = await ask("/now", controller.signal);
  const under = Array.from({ length: 5 }, (_, i) => ask(`/${i}`, controller.signal));
  const outcomes = Promise.allSettled(under);
  await waiting(5);
  const reason = new Error("enough");
  controller.abort(reason);
  expect((await outcomes).map((one) => (one.status === "rejected" ? one.reason : one.status))).toEqual(
    Array.from({ length: 5 }, () => reason),
  );
  expect(Buffer.from(done.body).toString()).toBe("now");
});

test("however many requests go by a signal, it has one listener, and none when they have ended", async () => {
  const { ask, waiting } = await bench();
  const { signal } = new AbortController();
  const under = Array.from({ length: 10 }, (_, i) => ask(`/${i}`, signal));
  const held = await waiting(10);
  expect(listeners(signal)).toBe(1);
  for (const response of held) response.end("late");
  await Promise.all(under);
  expect(listeners(signal)).toBe(0);
  await ask("/now", signal);
  expect(listeners(signal)).toBe(0);
});

test("a request that ends leaves its place to the next one, which the signal still ends alone", async () => {
  const { ask, waiting } = await bench();
  const controller = new AbortController();
  const first = ask("/first", controller.signal);
  const stays = ask("/stays", controller.signal);
  const held = await waiting(2);
  const [one] = held;
  one?.end("first");
  await Promise.race([first, stays]);
  const next = ask("/next", controller.signal);
  await waiting(3);
  const outcomes = Promise.allSettled([first, stays, next]);
  controller.abort(new Error("enough"));
  const ended = (await outcomes).map(({ status }) => status).sort();
  expect(ended).toEqual(["fulfilled", "rejected", "rejected"]);
});

test("each signal ends its own requests only", async () => {
  const { ask, waiting } = await bench();
  const [mine, other] = [new AbortController(), new AbortController()];
  const kept = ask("/kept", other.signal);
  const given = ask("/given-up", mine.signal);
  const refused = expect(given).rejects.toThrow("mine");
  const held = await waiting(2);
  mine.abort(new Error("mine"));
  await refused;
  for (const response of held) response.end("kept");
  expect(Buffer.from((await kept).body).toString()).toBe("kept");
});

test("a request by a signal that has ended already is not sent", async () => {
  const { ask } = await bench();
  await expect(ask("/never-answered", AbortSignal.abort(new Error("before")))).rejects.toThrow("before");
});
