import { expect, test } from "vitest";
import type { ServerResponse } from "node:http";
import { act, backendAt, fail, programOf, serviceOf, startOrigin, testEdge, until } from "./harness.ts";
import type { Subs, TestEdge } from "./harness.ts";

async function counting(subs: Subs = {}, headers: Record<string, string> = {}): Promise<TestEdge> {
  let count = 0;
  const origin = await startOrigin((request, response) => {
    count += 1;
    const key = `all p:${request.url}`;
    response
      .writeHead(200, { "Cache-Control": "max-age=60", "Surrogate-Key": key, ...headers })
      .end(`v${count}`);
  });
  return testEdge(serviceOf(programOf({ subs, backends: [backendAt(origin.port)] })));
}

function keys(...list: string[]): { kind: "keys"; keys: string[] } {
  return { kind: "keys", keys: list };
}

test("a key purge removes the objects that carry the key and no other", async () => {
  const { ask, edge } = await counting();
  await ask("/a");
  await ask("/b");
  await edge.purge({ serviceId: "svc", scope: keys("p:/a"), soft: false });
  expect([(await ask("/a")).text, (await ask("/b")).text]).toEqual(["v3", "v2"]);
  await edge.purge({ serviceId: "svc", scope: keys("all"), soft: false });
  expect(edge.stats().get("LHR")?.objects).toBe(0);
  await edge.purge({ serviceId: "other", scope: keys("all"), soft: false });
});

test("keys of another service are not touched", async () => {
  const { ask, edge } = await counting();
  await ask("/a");
  await edge.purge({ serviceId: "other", scope: keys("all"), soft: false });
  expect((await ask("/a")).text).toBe("v1");
});

test("a soft purge makes objects stale, so that stale-while-revalidate serves them once more", async () => {
  const { ask, edge } = await counting({}, { "Cache-Control": "max-age=60, stale-while-revalidate=30" });
  await ask("/a");
  await edge.purge({ serviceId: "svc", scope: keys("p:/a"), soft: true });
  expect((await ask("/a")).text).toBe("v1");
  await edge.idle();
  expect((await ask("/a")).text).toBe("v2");
});

test("purge-all makes a new generation of keys", async () => {
  const { ask, edge } = await counting();
  await ask("/a");
  await edge.purge({ serviceId: "svc", scope: { kind: "all" }, soft: false });
  expect((await ask("/a")).text).toBe("v2");
  expect((await ask("/a")).text).toBe("v2");
});

test("without the generation in vcl_hash purge-all has no effect, as on Fastly", async () => {
  const { ask, edge } = await counting({ hash: (t) => void (t.hash = t.req.url) });
  await ask("/a");
  await edge.purge({ serviceId: "svc", scope: { kind: "all" }, soft: false });
  expect((await ask("/a")).text).toBe("v1");
});

test("PURGE by URL reaches VCL as FASTLYPURGE and purges what vcl_hash names", async () => {
  const methods: string[] = [];
  const { ask } = await counting({ recv: (t) => void methods.push(`${t.req.method} ${t.isPurge}`) });
  await ask("/a");
  const answer = await ask("/a", { method: "PURGE" });
  expect([answer.status, JSON.parse(answer.text).status]).toEqual([200, "ok"]);
  expect(methods).toEqual(["GET false", "FASTLYPURGE true"]);
  expect((await ask("/a")).text).toBe("v2");
});

test("where VCL demands it a PURGE needs a token", async () => {
  const origin = await startOrigin((_request, response) => response.writeHead(200).end("x"));
  const subs: Subs = { recv: (t) => t.req.headers.set("Fastly-Purge-Requires-Auth", "1") };
  const service = serviceOf(programOf({ subs, backends: [backendAt(origin.port)] }));
  const { ask, edge } = await testEdge(service, { mayPurge: (token) => token === "good" });
  await ask("/a");
  expect((await ask("/a", { method: "PURGE" })).status).toBe(401);
  expect((await ask("/a", { method: "PURGE", headers: { "Fastly-Key": "bad" } })).status).toBe(401);
  expect(edge.stats().get("LHR")?.objects).toBe(1);
  expect((await ask("/a", { method: "PURGE", headers: { "Fastly-Key": "good" } })).status).toBe(200);
  expect(edge.stats().get("LHR")?.objects).toBe(0);
  await ask("/a");
  const scope = { kind: "url", host: "www.example.com", pathAndQuery: "/a" } as const;
  await edge.purge({ serviceId: "svc", scope, soft: false });
  expect(edge.stats().get("LHR")?.objects).toBe(0);
});

test("the API's purge by URL fails with a clear error where VCL refuses it", async () => {
  const { edge } = await counting({
    recv: (t) => (t.isPurge ? fail(403) : undefined),
    error: () => act("deliver"),
  });
  const scope = { kind: "url", host: "www.example.com", pathAndQuery: "/a" } as const;
  await expect(edge.purge({ serviceId: "svc", scope, soft: false })).rejects.toMatchObject({
    code: "mirror/purge-refused",
  });
});

test("what a fetch brings that began before a purge of its key does not live on", async () => {
  const held: ServerResponse[] = [];
  const origin = await startOrigin((_request, response) => void held.push(response));
  const { ask, edge } = await testEdge(serviceOf(programOf({ backends: [backendAt(origin.port)] })));
  const early = ask("/a");
  await until(() => held.length === 1);
  await edge.purge({ serviceId: "svc", scope: keys("page"), soft: false });
  held[0]?.writeHead(200, { "Cache-Control": "max-age=60", "Surrogate-Key": "page" }).end("old");
  expect((await early).text).toBe("old");
  expect(edge.stats().get("LHR")?.objects).toBe(0);
  const late = ask("/a");
  await until(() => held.length === 2);
  held[1]?.writeHead(200, { "Cache-Control": "max-age=60", "Surrogate-Key": "page" }).end("new");
  expect((await late).text).toBe("new");
  expect((await ask("/a")).text).toBe("new");
});

test("a purge by URL during a fetch keeps its answer out as well", async () => {
  const held: ServerResponse[] = [];
  const origin = await startOrigin((_request, response) => void held.push(response));
  const { ask, edge } = await testEdge(serviceOf(programOf({ backends: [backendAt(origin.port)] })));
  const early = ask("/a");
  await until(() => held.length === 1);
  await ask("/a", { method: "PURGE" });
  held[0]?.writeHead(200, { "Cache-Control": "max-age=60" }).end("old");
  await early;
  expect(edge.stats().get("LHR")?.objects).toBe(0);
});

test("purge-all holds for a service that is not active just then", async () => {
  let count = 0;
  const origin = await startOrigin((_request, response) => {
    response.writeHead(200, { "Cache-Control": "max-age=60" }).end(`v${(count += 1)}`);
  });
  const service = serviceOf(programOf({ backends: [backendAt(origin.port)] }));
  const { ask, edge } = await testEdge(service);
  await ask("/a");
  edge.deactivate("svc");
  await edge.purge({ serviceId: "svc", scope: { kind: "all" }, soft: false });
  edge.activate(service);
  expect((await ask("/a")).text).toBe("v2");
});
