import { readFile } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { HeaderList } from "../../../src/http/header-list.ts";
import type { ComputeProgram } from "../../../src/mirror/compute/serve.ts";
import type { Edge, EdgeOptions } from "../../../src/mirror/edge/edge.ts";
import { backendAt, programOf, serviceOf, startOrigin, testEdge, until } from "../edge/harness.ts";
import type { TestEdge } from "../edge/harness.ts";
import { computeService, contentOf, fetchInit, proxy } from "./content.ts";
import type { ContentInit } from "./content.ts";

interface Answer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer;
  readonly cut: boolean;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly leave?: (chunk: Buffer) => boolean;
}

/** A request over TLS, as Compute takes them. */
async function askTls(
  edge: Edge,
  path: string,
  { method = "GET", headers, leave }: Asked = {},
): Promise<Answer> {
  const ca = await readFile(edge.caPath);
  return new Promise((resolve, reject) => {
    const request = httpsRequest({
      host: "127.0.0.1",
      port: edge.httpsPort,
      servername: "www.example.com",
      path,
      method,
      ca,
      agent: false,
      headers: { Host: "www.example.com", ...headers },
    });
    request.on("error", reject);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      const end = (cut: boolean): void => {
        const { statusCode: status = 0, rawHeaders } = response;
        resolve({ status, headers: HeaderList.fromFlat(rawHeaders), body: Buffer.concat(chunks), cut });
      };
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        if (leave?.(chunk) === true) response.destroy();
      });
      response.on("end", () => end(false));
      response.on("close", () => end(true));
      response.on("error", () => end(true));
    });
    request.end();
  });
}

async function computeEdge(
  program: ComputeProgram | null,
  content: ContentInit = {},
  more: Partial<EdgeOptions> = {},
): Promise<TestEdge> {
  const made = await testEdge(undefined, { programOf: () => program, ...more });
  made.edge.activateCompute(computeService(contentOf(content)));
  return made;
}

const URL_AT = "http://o.test/";
/** More than a header may have. */
const BROKEN = { "x-long": "x".repeat(70 * 1024) };

const hello: ComputeProgram = async ({ method, target }) => new Response(`${method} ${target}`);

test("A program answers requests of its service's domains over TLS, at the POP that is asked", async () => {
  const { edge } = await computeEdge(
    async (_visitor, { env }) => new Response(`${env("FASTLY_POP")} ${env("FASTLY_SERVICE_VERSION")}`),
    {},
    { pops: ["LHR", "SYD"] },
  );
  const answer = await askTls(edge, "/", { headers: { "Fastly-Test-Pop": "syd" } });
  expect(answer.body.toString()).toBe("SYD 3");
  expect(answer.headers.get("X-Served-By")).toMatch(/-SYD$/);
  expect(answer.headers.get("Content-Length")).toBe("5");
  expect((await askTls(edge, "/")).body.toString()).toBe("LHR 3");
});

test("On the plain port it answers 308 with the same URL over TLS, before the program runs", async () => {
  let runs = 0;
  const { edge, ask } = await computeEdge(async () => {
    runs += 1;
    return new Response();
  });
  const host = `www.example.com:${edge.httpPort}`;
  const answer = await ask("/a?b=1", { host });
  expect([answer.status, answer.headers.get("Location")]).toEqual([
    308,
    `https://www.example.com:${edge.httpsPort}/a?b=1`,
  ]);
  expect((await ask("/", {})).headers.get("Location")).toBe("https://www.example.com/");
  const asterisk = await ask("*", { method: "OPTIONS" });
  expect([asterisk.status, asterisk.headers.get("Location")]).toEqual([308, "https://www.example.com/"]);
  expect(runs).toBe(0);
});

test("The program sees the request as it was sent, and of Fastly's headers only the client's address", async () => {
  const { edge } = await computeEdge(async (visitor) => {
    const { target, headers, address, country, isTls, requestId } = visitor;
    return Response.json({ target, headers: [...headers], address, country, isTls, id: requestId.length });
  });
  const answer = await askTls(edge, "/a/../%2e%2e/b?c", {
    headers: {
      "Accept-Encoding": "br, gzip",
      "X-Forwarded-For": "1.2.3.4",
      "Fastly-Test-Country": "FR",
      "Fastly-Test-Facts": '{"client.ip":"203.0.113.7"}',
    },
  });
  expect(JSON.parse(answer.body.toString())).toEqual({
    target: "/a/../%2e%2e/b?c",
    headers: [
      ["accept-encoding", "br, gzip"],
      ["connection", "close"],
      ["fastly-client-ip", "203.0.113.7"],
      ["host", "www.example.com"],
      ["x-forwarded-for", "1.2.3.4"],
    ],
    address: "203.0.113.7",
    country: "FR",
    isTls: true,
    id: 32,
  });
});

test("Stores, secrets and log lines of the service are the program's", async () => {
  const { edge, logs } = await computeEdge(
    async (_visitor, { ConfigStore, SecretStore, Logger }) => {
      const secret = await new SecretStore("store").get("key");
      new Logger("visits").log("größe");
      return new Response(
        `${new ConfigStore("store").get("a")} ${new ConfigStore("store").get("b")} ${secret?.plaintext()}`,
      );
    },
    { config: { a: "1" }, secrets: { key: "s3cret" } },
  );
  expect((await askTls(edge, "/")).body.toString()).toBe("1 null s3cret");
  expect(logs.map(({ line }) => Buffer.from(line, "latin1").toString())).toEqual([
    "syslog svc visits :: größe",
  ]);
});

test.each<[string, ComputeProgram]>([
  ["throws", async () => Promise.reject(new Error("broken"))],
  [
    "opens a store that is not linked",
    async (_visitor, { ConfigStore }) => new Response(new ConfigStore("x").get("a")),
  ],
  ["answers with no answer", async () => Response.error()],
])("A program that %s gives a 500 without a body, and a line in the log", async (_what, program) => {
  const { edge, logs } = await computeEdge(program);
  const answer = await askTls(edge, "/");
  expect([answer.status, answer.body.length]).toEqual([500, 0]);
  expect(logs[0]?.line).toMatch(/^request 0+[0-9a-f]+ stopped \[trap\]: /);
});

test("A program that takes more than two minutes is ended with a 503", async () => {
  const { edge, clock, logs } = await computeEdge(() => new Promise(() => undefined));
  const answer = askTls(edge, "/");
  await until(() => clock.sleeping > 0);
  clock.advance(120_000);
  expect((await answer).status).toBe(503);
  expect(logs[0]?.line).toContain("timeout");
});

test("More than 32 requests to backends are refused", async () => {
  const origin = await startOrigin((_request, response) => response.end("x"));
  const { edge } = await computeEdge(
    async (_visitor, platform) => {
      let done = 0;
      try {
        for (; done < 40; done += 1) {
          await (await platform.fetch("http://o.test/", fetchInit(platform, "pass"))).body?.cancel();
        }
      } catch (error) {
        return new Response(`${done} ${String(error)}`);
      }
      return new Response(String(done));
    },
    { backends: [backendAt(origin.port)] },
  );
  expect((await askTls(edge, "/")).body.toString()).toMatch(/^32 TypeError/);
});

test("A package of another program is answered with a page that says how to run it", async () => {
  const { edge } = await computeEdge(null, { packageName: "theirs" });
  const answer = await askTls(edge, "/");
  expect(answer.status).toBe(501);
  expect(answer.body.toString()).toContain('"theirs": run it with `fastly compute serve`');
});

test("X-Compress-Hint compresses the answer and does not leave the edge", async () => {
  const headers = { "X-Compress-Hint": "on", ETag: '"1"', "Content-Length": "5000" };
  const { edge } = await computeEdge(async () => new Response("a".repeat(5000), { headers }));
  const zipped = await askTls(edge, "/", { headers: { "Accept-Encoding": "gzip" } });
  expect(gunzipSync(zipped.body).length).toBe(5000);
  expect(zipped.headers.get("Content-Encoding")).toBe("gzip");
  expect(zipped.headers.get("ETag")).toBe('W/"1"');
  expect(zipped.headers.get("Vary")).toBe("Accept-Encoding");
  const plain = await askTls(edge, "/");
  expect(plain.headers.get("Content-Length")).toBe("5000");
  for (const answer of [zipped, plain]) expect(answer.headers.has("X-Compress-Hint")).toBe(false);
});

test("HEAD has the length that the program says and no body; headers of the connection are the platform's", async () => {
  const { edge } = await computeEdge(
    async () =>
      new Response(null, {
        headers: { "Content-Length": "77", "Transfer-Encoding": "chunked", Upgrade: "x" },
      }),
  );
  const { headers, body } = await askTls(edge, "/", { method: "HEAD" });
  expect([headers.get("Content-Length"), body.length]).toEqual(["77", 0]);
  expect(headers.has("Transfer-Encoding") || headers.has("Upgrade")).toBe(false);
});

test("A body goes through at the client's speed, and its backend is let go when the client leaves", async () => {
  let written = 0;
  const client = { hasLeft: false };
  const chunk = Buffer.alloc(64 * 1024);
  const origin = await startOrigin((_request, response) => {
    response.on("close", () => (client.hasLeft = true));
    const write = (): void => {
      while (!client.hasLeft && response.write(chunk)) written += chunk.length;
    };
    response.on("drain", write);
    write();
  });
  const { edge } = await computeEdge(
    proxy((platform) => fetchInit(platform, "pass")),
    { backends: [backendAt(origin.port)] },
  );
  const answer = await askTls(edge, "/", { leave: () => true });
  expect(answer.cut).toBe(true);
  await until(() => client.hasLeft);
  // An endless body: what was read ahead is bounded by the buffers in between.
  expect(written).toBeLessThan(32 * 1024 * 1024);
});

test.each<readonly [string, (body: ReadableStream<Uint8Array> | null) => Promise<Response>]>([
  ["throws", () => Promise.reject(new Error("no answer"))],
  ["answers without it", async () => new Response("another")],
  ["gives an answer that cannot go out", async (body) => new Response(body, { headers: BROKEN })],
])("The backend of a program that %s is let go", async (_what, end) => {
  const client = { hasLeft: false };
  const origin = await startOrigin((_request, response) => {
    response.on("close", () => (client.hasLeft = true));
    response.write("the beginning of an endless body");
  });
  const { edge } = await computeEdge(
    async (_visitor, platform) => end((await platform.fetch(URL_AT, fetchInit(platform, "pass"))).body),
    { backends: [backendAt(origin.port, { betweenBytesTimeout: 3600 })] },
  );
  await askTls(edge, "/");
  await until(() => client.hasLeft);
});

test("The backend of a program whose time was over before it answered is let go", async () => {
  const client = { hasAsked: false, hasLeft: false };
  const origin = await startOrigin((_request, response) => {
    response.on("close", () => (client.hasLeft = true));
    response.write("the beginning of an endless body");
    client.hasAsked = true;
  });
  const { edge, clock } = await computeEdge(
    async (_visitor, platform) => {
      const { body } = await platform.fetch(URL_AT, fetchInit(platform, "pass"));
      await new Promise(() => undefined);
      return new Response(body);
    },
    { backends: [backendAt(origin.port, { betweenBytesTimeout: 3600 })] },
  );
  const answer = askTls(edge, "/");
  await until(() => client.hasAsked && clock.sleeping > 0);
  clock.advance(120_000);
  expect((await answer).status).toBe(503);
  await until(() => client.hasLeft);
});

test("Purges of the API reach what a program stored, by key, by URL and of everything", async () => {
  const origin = await startOrigin((_request, response) => response.end(String(origin.seen.length)));
  const { edge } = await computeEdge(
    proxy((platform) => fetchInit(platform, { ttl: 600, surrogateKey: "site" })),
    { backends: [backendAt(origin.port)] },
  );
  const ask = async (): Promise<string> => (await askTls(edge, "/page?x=1")).body.toString();
  expect([await ask(), await ask()]).toEqual(["1", "1"]);
  await edge.purge({ serviceId: "svc", scope: { kind: "keys", keys: ["site"] }, soft: false });
  expect([await ask(), await ask()]).toEqual(["2", "2"]);
  const scope = { kind: "url", host: "origin.test", pathAndQuery: "/page?x=1" } as const;
  await edge.purge({ serviceId: "svc", scope, soft: false });
  expect([await ask(), await ask()]).toEqual(["3", "3"]);
  await edge.purge({ serviceId: "svc", scope: { kind: "all" }, soft: false });
  expect([await ask(), await ask()]).toEqual(["4", "4"]);
});

test("A service may change its kind from one version to the next", async () => {
  const { edge, ask } = await computeEdge(hello);
  edge.activate(serviceOf(programOf({})));
  expect((await ask("/")).status).toBe(503);
  edge.activateCompute(computeService(contentOf()));
  expect((await askTls(edge, "/x")).body.toString()).toBe("GET /x");
  edge.deactivate("svc");
  expect((await askTls(edge, "/x")).status).toBe(500);
});
