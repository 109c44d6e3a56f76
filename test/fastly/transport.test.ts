import { createServer } from "node:net";
import type { Socket } from "node:net";
import { inspect } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { RemoteError } from "../../src/fastly/remote-error.ts";
import { FastlyTransport } from "../../src/fastly/transport.ts";
import type { Call, TransportOptions } from "../../src/fastly/transport.ts";
import { Secret } from "../../src/lib/secret.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { startScriptedServer } from "../support/scripted-server.ts";
import { listenOnLoopback } from "../support/loopback-server.ts";

const TOKEN = "tok/en+very-secret";
const answer = z.object({ number: z.int() });
const GET: Call<{ number: number }> = { method: "GET", path: ["thing"], answer };
const POST: Call<{ number: number }> = { method: "POST", path: ["thing"], form: { name: "a" }, answer };

function connect(apiUrl: string, more: Partial<TransportOptions> = {}) {
  const clock = new InstantClock();
  const lines: string[] = [];
  const transport = new FastlyTransport({
    apiUrl,
    token: new Secret(TOKEN),
    clock,
    userAgent: "sitefleet/1.2.3",
    onWait: (line) => lines.push(line),
    ...more,
  });
  onTestFinished(() => transport.close());
  return { transport, clock, lines };
}

/** A server that does with each connection what it is told; resolves with its port. */
async function startRawServer(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined); // the other side may leave at any time
    onConnection(socket);
  });
  const port = await listenOnLoopback(server);
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return port;
}

async function failureOf(promise: Promise<unknown>): Promise<RemoteError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RemoteError)) throw new Error("expected a RemoteError", { cause: error });
  return error;
}

describe("FastlyTransport", () => {
  it("sends token, agent, request id and an encoded path", async () => {
    const server = await startScriptedServer(() => ({ body: { number: 1, extra: true } }));
    const { transport } = connect(`${server.url}/`);
    const path = ["service", "a/b c", "version", "1"];
    expect(await transport.send({ ...GET, path, query: { name: "ä&b" } })).toEqual({ number: 1 });
    const [request] = server.seen;
    expect(request?.url).toBe("/service/a%2Fb%20c/version/1?name=%C3%A4%26b");
    expect(request?.headers).toMatchObject({ "fastly-key": TOKEN, "user-agent": "sitefleet/1.2.3" });
    expect(request?.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("keeps a path that the base URL brings along", async () => {
    const server = await startScriptedServer(() => ({ body: { number: 1 } }));
    await connect(`${server.url}/fastly/`).transport.send(GET);
    expect(server.seen[0]?.url).toBe("/fastly/thing");
  });

  it.each(["", ".", ".."])("refuses %j as a segment of a path", async (segment) => {
    const server = await startScriptedServer(() => ({ body: { number: 1 } }));
    const error = await failureOf(connect(server.url).transport.send({ ...GET, path: ["service", segment] }));
    expect(error.code).toBe("fastly/refused");
    expect(server.seen).toHaveLength(0);
  });

  it("writes forms with 1 and 0 for booleans", async () => {
    const server = await startScriptedServer(() => ({ body: { number: 1 } }));
    await connect(server.url).transport.send({
      ...POST,
      form: { name: "ä b&c", use_ssl: true, main: false, port: 443 },
    });
    expect(server.seen[0]?.body).toBe("name=%C3%A4+b%26c&use_ssl=1&main=0&port=443");
    expect(server.seen[0]?.headers["content-type"]).toBe("application/x-www-form-urlencoded");
  });

  it("tries a read again after server errors and lost connections", async () => {
    const reactions = [{ status: 500 }, "reset" as const, "half" as const, { body: { number: 4 } }];
    const server = await startScriptedServer((_, count) => reactions[count - 1] ?? "reset");
    const { transport, clock } = connect(server.url);
    expect(await transport.send(GET)).toEqual({ number: 4 });
    expect(clock.slept).toEqual([500, 1000, 2000]);
  });

  it.each([{ status: 502 }, "reset" as const])(
    "sends a create once only when it ended in %j",
    async (reaction) => {
      const server = await startScriptedServer(() => reaction);
      const error = await failureOf(connect(server.url).transport.send(POST));
      expect(error.landed).toBe("unknown");
      expect(error.exitCode).toBe(3);
      expect(server.seen).toHaveLength(1);
    },
  );

  it("waits for the rate limit to reset, also with a create, and says so", async () => {
    const reset = Date.UTC(2026, 0, 1) / 1000 + 90;
    const limited = { status: 429, headers: { "fastly-ratelimit-reset": String(reset) }, body: {} };
    const server = await startScriptedServer((_, count) => (count === 1 ? limited : { body: { number: 2 } }));
    const { transport, clock, lines } = connect(server.url);
    expect(await transport.send(POST)).toEqual({ number: 2 });
    expect(clock.slept).toEqual([90_000]);
    expect(lines).toEqual(["Fastly answered 429: POST /thing again in 90 s"]);
  });

  it("names the limit when it resets too late to wait for", async () => {
    const server = await startScriptedServer(() => ({
      status: 429,
      headers: { "retry-after": "3000" },
      body: {},
    }));
    const error = await failureOf(connect(server.url).transport.send(GET));
    expect(error.code).toBe("fastly/rate-limited");
    expect(server.seen).toHaveLength(1);
  });

  it.each([
    [401, "fastly/unauthorized", 4],
    [403, "fastly/unauthorized", 4],
    [404, "fastly/not-found", 3],
    [409, "fastly/conflict", 3],
    [422, "fastly/refused", 3],
    [400, "fastly/refused", 3],
    [302, "fastly/refused", 3],
    [501, "fastly/unavailable", 3],
  ])("maps %i to %s", async (status, code, exit) => {
    const body = { msg: "Version locked", detail: "Version '56' is locked" };
    const server = await startScriptedServer(() => ({ status, body }));
    const error = await failureOf(connect(server.url).transport.send(GET));
    expect([error.code, error.exitCode, error.status]).toEqual([code, exit, status]);
    expect(error.message).toBe(
      `Fastly answered ${status} to GET /thing: Version locked: Version '56' is locked`,
    );
    expect(server.seen).toHaveLength(1);
  });

  it.each([
    [{ errors: [{ title: "Invalid value", detail: "taken" }, { reason: "r" }] }, "Invalid value: taken: r"],
    [{ title: "Unprocessable", detail: "why", status: 400 }, "Unprocessable: why"],
    ["<h1>Bad\u001b[31m gateway</h1>", "<h1>Bad [31m gateway</h1>"],
    ["x".repeat(5000), `${"x".repeat(2000)}…`],
  ])("shows the server's words from %j", async (body, words) => {
    const server = await startScriptedServer(() => ({ status: 400, body }));
    const error = await failureOf(connect(server.url).transport.send(GET));
    expect(error.message).toBe(`Fastly answered 400 to GET /thing: ${words}`);
  });

  it.each([
    ["no JSON", "<html>"],
    ["another shape", { number: "one" }],
    ["nothing", ""],
  ])("refuses an answer that is %s", async (_, body) => {
    const server = await startScriptedServer(() => ({ body }));
    const error = await failureOf(connect(server.url).transport.send(GET));
    expect(error.code).toBe("fastly/bad-answer");
  });

  it("stops reading an answer that is too long", async () => {
    const server = await startScriptedServer(() => ({ body: { number: 1, filler: "x".repeat(200_000) } }));
    const { transport } = connect(server.url, { limits: { answerBytes: 100_000 } });
    const error = await failureOf(transport.send(GET));
    expect(error.message).toBe("Fastly's answer is longer than 100000 bytes");
    expect(server.seen).toHaveLength(1);
  });

  it("gives up on a server that never answers", async () => {
    const server = await startScriptedServer(() => "silence");
    const { transport, clock } = connect(server.url, { limits: { headersTimeoutMs: 100, attempts: 2 } });
    const error = await failureOf(transport.send(GET));
    expect(error.code).toBe("fastly/unreachable");
    expect(error.message).toContain("ETIMEDOUT");
    // Not what the server has seen: on a busy machine the client may give up before a request has come.
    expect(clock.slept).toHaveLength(1);
  });

  it("gives up on an answer that does not go on", async () => {
    const port = await startRawServer((socket) => {
      socket.once("data", () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"number":'));
    });
    const limits = { bodyTimeoutMs: 100, attempts: 2 };
    const error = await failureOf(connect(`http://127.0.0.1:${port}`, { limits }).transport.send(GET));
    expect(error.message).toContain("ETIMEDOUT");
    expect(error.landed).toBe("unknown");
  });

  it("repeats even a create when a connection is not made in time", async () => {
    const port = await startRawServer(() => undefined);
    const limits = { connectTimeoutMs: 50 };
    const { transport, clock } = connect(`https://127.0.0.1:${port}`, { limits });
    const error = await failureOf(transport.send(POST));
    expect(error.message).toContain("ETIMEDOUT");
    expect([error.landed, clock.slept.length]).toEqual(["no", 4]);
  });

  it("tells the length of every body, also of none", async () => {
    const server = await startScriptedServer(() => ({ body: { number: 1 } }));
    const { transport } = connect(server.url);
    await transport.send({ method: "PUT", path: ["thing"], answer });
    await transport.send({ ...POST, form: { name: "ä" } });
    expect(server.seen.map(({ headers }) => headers["content-length"])).toEqual(["0", "11"]);
    expect(server.seen.map(({ headers }) => headers["transfer-encoding"])).toEqual([undefined, undefined]);
  });

  it("waits for the calls under way before it closes", async () => {
    const server = await startScriptedServer(() => ({ body: { number: 1 } }));
    const { transport } = connect(server.url);
    const calls = [1, 2, 3].map(() => transport.send({ ...POST, queue: "service" }));
    await transport.close();
    expect(server.seen).toHaveLength(3);
    await Promise.all(calls);
  });

  it("repeats even a create when nothing listens, for it cannot have landed", async () => {
    const { transport, clock } = connect("http://127.0.0.1:1");
    const error = await failureOf(transport.send(POST));
    expect(error.message).toContain("ECONNREFUSED");
    expect([error.landed, clock.slept.length]).toEqual(["no", 4]);
  });

  it("takes a missing thing as deleted when the first try was lost", async () => {
    const drop: Call<{ status: "ok" }> = {
      method: "DELETE",
      path: ["thing"],
      answer: z.object({ status: z.literal("ok") }),
    };
    const gone = { status: 404, body: { msg: "Record not found" } };
    const lost = await startScriptedServer((_, count) => (count === 1 ? { status: 502 } : gone));
    expect(await connect(lost.url).transport.send(drop)).toEqual({ status: "ok" });
    const never = await startScriptedServer(() => gone);
    expect((await failureOf(connect(never.url).transport.send(drop))).code).toBe("fastly/not-found");
  });

  it("runs the calls of one queue one after the other, also past a failure", async () => {
    let open = 0;
    let most = 0;
    const server = await startScriptedServer(async (_, count) => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setImmediate(resolve));
      open -= 1;
      return count === 2 ? { status: 400 } : { body: { number: count } };
    });
    const { transport } = connect(server.url);
    const calls = [1, 2, 3, 4].map(() => transport.send({ ...POST, queue: "service" }));
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    expect(most).toBe(1);
  });

  it("ends with the signal's reason when it is aborted", async () => {
    const stop = new AbortController();
    const server = await startScriptedServer(() => {
      stop.abort(new Error("interrupted"));
      return "silence";
    });
    const { transport } = connect(server.url, { signal: stop.signal });
    await expect(transport.send(GET)).rejects.toThrow("interrupted");
    await expect(transport.send(GET)).rejects.toThrow("interrupted");
    expect(server.seen).toHaveLength(1);
  });

  it("ends no call of work that is sheltered from the signal, and every one after it", async () => {
    const stop = new AbortController();
    const server = await startScriptedServer((_, count) => {
      stop.abort(new Error("interrupted"));
      return count === 1 ? { status: 503 } : { body: { number: count } };
    });
    const { transport } = connect(server.url, { signal: stop.signal });
    await expect(transport.sheltered(() => transport.send(GET))).resolves.toEqual({ number: 2 });
    await expect(transport.send(GET)).rejects.toThrow("interrupted");
    expect(server.seen).toHaveLength(2);
  });

  it("keeps token and secret values out of everything an error shows", async () => {
    const value = 's3"key/AB+C';
    const server = await startScriptedServer((request) => ({
      status: 400,
      body: { msg: `bad ${request.body}`, detail: `${TOKEN} ${encodeURIComponent(TOKEN)} ${value}` },
    }));
    const call = { ...POST, form: { key: value }, secrets: [new Secret(value)] };
    const refused = await failureOf(connect(server.url).transport.send(call));
    const lost = await failureOf(connect("http://127.0.0.1:1").transport.send(call));
    for (const error of [refused, lost]) {
      const shown = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error);
      for (const hidden of [TOKEN, encodeURIComponent(TOKEN), value, encodeURIComponent(value)]) {
        expect(shown).not.toContain(hidden);
      }
    }
  });
});
