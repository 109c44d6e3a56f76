import { randomUUID } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";

import { Secret } from "../../src/lib/secret.ts";
import { SitefleetError } from "../../src/lib/errors.ts";
import { configOf, newWorld, openDeps, recordOf, visible } from "../publish/publish-fixture.ts";
import { FaultPoint, PlannedFailure } from "../support/fault-point.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { tar, tarGz } from "./archive.ts";
import { KEY, OTHER_KEY, closeAtOnce, sha256, signedHeaders, startTestHook } from "./hook-fixture.ts";
import type { CallOptions, TestHook } from "./hook-fixture.ts";

const GZIP = "application/gzip";
const JSON_TYPE = "application/json";
const site = (text: string): Buffer => tarGz([{ name: "index.html", body: text }]);

async function publishSite(test: TestHook, text: string, query = "?domain=www.acme.com"): Promise<number> {
  const reply = await test.callAndWait("POST", `/v1/sites/acme/publish${query}`, {
    body: site(text),
    type: GZIP,
  });
  return reply.status;
}

const json = (value: object): CallOptions => ({ body: JSON.stringify(value), type: JSON_TYPE });

/** Every file below a folder. */
async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

describe("publishing by webhook", () => {
  it("answers 202 with a job, whose end can be asked for, and keeps nothing of the tarball", async () => {
    const test = await startTestHook();
    const reply = await test.call("POST", "/v1/sites/acme/publish?domain=www.acme.com", {
      body: site("one"),
      type: GZIP,
    });
    expect(reply.status).toBe(202);
    expect(reply.body).toMatchObject({ kind: "publish", site: "acme", siteEnv: "production", error: null });
    expect(reply.headers["location"]).toBe(`/v1/jobs/${String(reply.body["id"])}`);
    let job = reply;
    while (job.body["state"] !== "done") job = await test.call("GET", String(reply.headers["location"]));
    expect(job.body).toMatchObject({ attempts: 1, result: { kind: "published", domains: ["www.acme.com"] } });
    expect(visible(test.world, "www.acme.com")).toMatchObject({ "index.html": "one" });
    await test.hook.close();
    const left = await filesBelow(test.stateDir);
    expect(left.sort()).toEqual([`${String(reply.body["id"])}.json`, "nonces"]);
  });

  it("waits for the end when asked to, also of a plain tarball with a folder around it", async () => {
    const test = await startTestHook();
    const reply = await test.callAndWait(
      "POST",
      "/v1/sites/acme/publish?strip=1&domain=a.example&domain=b.example",
      {
        body: tar([{ name: "dist/index.html", body: "two" }]),
        type: "application/x-tar",
      },
    );
    expect(reply.status).toBe(200);
    expect(reply.headers["preference-applied"]).toBe("wait=60");
    expect(visible(test.world, "b.example")).toMatchObject({ "index.html": "two" });
  });

  it("publishes what lies in the bucket for that site", async () => {
    const test = await startTestHook();
    const { store, signal } = openDeps(test.world);
    await store.hosting.put({
      key: "test/_incoming/acme/build-4/index.html",
      body: "from the bucket",
      signal,
    });
    await store.hosting.put({ key: "test/_incoming/other/build-4/index.html", body: "of others", signal });
    const options = json({ prefix: "build-4" });
    const reply = await test.callAndWait("POST", "/v1/sites/acme/publish?domain=www.acme.com", options);
    expect(reply.status).toBe(200);
    expect(visible(test.world, "www.acme.com")).toMatchObject({ "index.html": "from the bucket" });
    for (const prefix of [
      "../other/build-4",
      "/build-4",
      "build-4//",
      "..",
      ".",
      "./build-4",
      "a/./b",
      "a\\b",
    ]) {
      const refused = await test.callAndWait("POST", "/v1/sites/acme/publish", json({ prefix }));
      expect([prefix, refused.status]).toEqual([prefix, 400]);
    }
  });

  it("takes the website environment from the query, else from the domains", async () => {
    const test = await startTestHook();
    const body = { body: site("one"), type: GZIP };
    const first = await test.call("POST", "/v1/sites/acme/publish?domain=acme.staging.example", body);
    expect(first.body).toMatchObject({ siteEnv: "staging" });
    const second = await test.call("POST", "/v1/sites/acme/publish?siteEnv=staging", body);
    expect(second.body).toMatchObject({ siteEnv: "staging" });
    expect((await test.call("POST", "/v1/sites/acme/publish?siteEnv=nowhere", body)).status).toBe(400);
  });

  it("says what is wrong with what was sent, without a word about the machine", async () => {
    const test = await startTestHook();
    const body = tarGz([
      { name: "a.html", body: "1" },
      { name: "a/index.html", body: "2" },
    ]);
    const reply = await test.callAndWait("POST", "/v1/sites/acme/publish", { body, type: GZIP });
    expect(reply.status).toBe(422);
    expect(reply.headers["content-type"]).toBe("application/problem+json");
    expect(reply.body).toMatchObject({ code: "publish/invalid-folder", job: expect.any(String) });
    expect(JSON.stringify(reply.body)).not.toContain(test.stateDir);
    const evil = await test.callAndWait("POST", "/v1/sites/acme/publish", {
      body: tarGz([{ name: "../../../../tmp/evil", body: "x" }]),
      type: GZIP,
    });
    expect(evil.body).toMatchObject({ status: 422, code: "hook/invalid-archive" });
    expect(await filesBelow(join(test.stateDir, "hook", "test", "work"))).toEqual([]);
  });

  it("takes the same tarball once while it waits", async () => {
    const world = newWorld();
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const faults = new (class extends FaultPoint {
      override async run<T>(name: string, effect: () => Promise<T> | T): Promise<T> {
        if (name.startsWith("put")) await opened;
        return super.run(name, effect);
      }
    })();
    const test = await startTestHook({
      world,
      limits: { parallel: 1 },
      openSession: (signal) =>
        Promise.resolve({ deps: openDeps(world, { signal, faults }), close: () => Promise.resolve() }),
    });
    const send = (text: string) =>
      test.call("POST", "/v1/sites/acme/publish", { body: site(text), type: GZIP });
    await send("running");
    const health = async () => (await test.call("GET", "/v1/health", { unsigned: true })).body;
    while ((await health())["running"] !== 1);
    const first = await send("next");
    const second = await send("next");
    const third = await send("last");
    expect(second.body["id"]).toBe(first.body["id"]);
    expect(third.body["id"]).not.toBe(first.body["id"]);
    const bodies = (await filesBelow(test.stateDir)).filter((name) => name.endsWith(".body"));
    expect(bodies).toHaveLength(3);
    open();
    let job = third;
    while (job.body["state"] !== "done") job = await test.call("GET", String(third.headers["location"]));
    expect(job.body).toMatchObject({ result: { release: expect.any(String) } });
  });
});

describe("domains and purges by webhook", () => {
  it("adds a domain with choices, changes them, and takes it off again", async () => {
    const test = await startTestHook();
    await publishSite(test, "one", "");
    const added = await test.callAndWait(
      "POST",
      "/v1/sites/acme/domains/www.acme.com",
      json({ forceTls: true, hsts: 60 }),
    );
    expect(added.body).toMatchObject({ state: "done", result: { domains: ["www.acme.com"] } });
    expect(configOf(test.world, "www.acme.com")).toMatchObject({ forceTls: true, hsts: 60 });
    expect((await test.callAndWait("POST", "/v1/sites/acme/domains/www.acme.com")).status).toBe(200);
    const alias = json({ canonicalHost: "www.acme.com" });
    expect((await test.callAndWait("POST", "/v1/sites/acme/domains/acme.com", alias)).status).toBe(200);
    const dangling = await test.callAndWait("DELETE", "/v1/sites/acme/domains/www.acme.com");
    expect(dangling.body).toMatchObject({ status: 422, code: "domain/wrong-target" });
    expect((await test.callAndWait("DELETE", "/v1/sites/acme/domains/acme.com")).status).toBe(200);
    expect((await test.callAndWait("DELETE", "/v1/sites/acme/domains/acme.com")).status).toBe(404);
    expect(configOf(test.world, "acme.com")).toBeUndefined();
  });

  it("does not take another site's domain unless it is told to", async () => {
    const test = await startTestHook();
    await publishSite(test, "one");
    await test.callAndWait("POST", "/v1/sites/other/publish", { body: site("two"), type: GZIP });
    const refused = await test.callAndWait("POST", "/v1/sites/other/domains/www.acme.com");
    expect(refused.body).toMatchObject({ status: 409, code: "domain/taken" });
    const options = json({ takeOver: true });
    expect((await test.callAndWait("POST", "/v1/sites/other/domains/www.acme.com", options)).status).toBe(
      200,
    );
    expect(configOf(test.world, "www.acme.com")).toMatchObject({ site: "other" });
  });

  it("purges what is named, twice, and leaves nothing owed", async () => {
    const test = await startTestHook();
    await publishSite(test, "one");
    test.world.events.length = 0;
    const asked = {
      site: ["acme", "other"],
      domain: "www.acme.com",
      key: "x:y",
      url: "https://www.acme.com/about/",
    };
    const reply = await test.callAndWait("POST", "/v1/purges", json(asked));
    expect(reply.body).toMatchObject({ state: "done", site: null, result: { keys: 5 } });
    const [first = "", ...others] = test.world.events;
    expect(first).toMatch(/^purge d:www\.acme\.com p:[0-9a-f]{16} s:acme s:other x:y$/);
    expect(others).toEqual([first]);
    await test.callAndWait("POST", "/v1/purges", json({ all: true, soft: true }));
    expect(test.world.events.slice(2)).toEqual(["purge soft all", "purge soft all"]);
    expect([...test.world.config.keys()].filter((key) => key.includes("_owed"))).toEqual([]);
  });

  it("finds out at once that a URL belongs to nobody", async () => {
    const test = await startTestHook();
    const reply = await test.call("POST", "/v1/purges", json({ url: "https://nobody.example/" }));
    expect(reply.body).toMatchObject({ status: 404, code: "domain/not-found" });
  });
});

describe("a signature", () => {
  const refused: readonly (readonly [string, CallOptions])[] = [
    ["that is missing", { unsigned: true }],
    ["of an unknown key", { key: { id: "unknown", secret: KEY.secret } }],
    ["with another secret", { key: { id: "main", secret: new Secret("x".repeat(32)) } }],
    ["of another environment", { environment: "production" }],
    ["of another method", { signedMethod: "GET" }],
    ["of another path", { signedTarget: "/v1/sites/other/publish" }],
    ["of another query", { signedTarget: "/v1/purges?a=b" }],
    ["with a short nonce", { nonce: "short" }],
    ["from six minutes ago", { timestamp: Date.UTC(2026, 0, 1) / 1_000 - 301 }],
    ["from six minutes ahead", { timestamp: Date.UTC(2026, 0, 1) / 1_000 + 301 }],
    ["in another form", { headers: { "sitefleet-signature": "v1=00" } }],
    ["with a digest in another form", { headers: { "sitefleet-content-sha256": "00" } }],
    ["for another digest", { headers: { "sitefleet-content-sha256": "0".repeat(64) } }],
  ];
  it.each(refused)("%s is refused, and nothing is done", async (_, options) => {
    const test = await startTestHook();
    const reply = await test.callAndWait("POST", "/v1/purges", { ...json({ site: "acme" }), ...options });
    expect(reply.body).toMatchObject({ status: 401, code: "hook/unauthorized" });
    expect(test.world.events).toEqual([]);
  });

  it("of each key is taken, and up to five minutes off", async () => {
    const test = await startTestHook();
    const now = test.clock.now() / 1_000;
    for (const options of [{ key: OTHER_KEY }, { timestamp: now - 300 }, { timestamp: now + 300 }]) {
      const reply = await test.call("POST", "/v1/purges", { ...json({ site: "acme" }), ...options });
      expect(reply.status).toBe(202);
    }
  });

  it("is taken once, also by the next process", async () => {
    const test = await startTestHook();
    const options = {
      ...json({ site: "acme" }),
      nonce: "a-nonce-that-is-used-twice",
      timestamp: test.clock.now() / 1_000,
    };
    expect((await test.call("POST", "/v1/purges", options)).status).toBe(202);
    expect((await test.call("POST", "/v1/purges", options)).body).toMatchObject({
      code: "hook/unauthorized",
    });
    await test.hook.close();
    const next = await startTestHook({ stateDir: test.stateDir, world: test.world, clock: test.clock });
    expect((await next.call("POST", "/v1/purges", options)).status).toBe(401);
    next.clock.advance(301_000);
    expect((await next.call("POST", "/v1/purges", options)).status).toBe(401);
    expect((await next.call("POST", "/v1/purges", json({ site: "acme" }))).status).toBe(202);
  });

  it("does not cover another body: what was sent instead is not used and not kept", async () => {
    const test = await startTestHook();
    const reply = await test.call("POST", "/v1/sites/acme/publish", {
      body: site("evil"),
      signedBody: site("good"),
      type: GZIP,
    });
    expect(reply.body).toMatchObject({ status: 400, code: "hook/wrong-digest" });
    expect(await filesBelow(test.stateDir)).toEqual(
      expect.not.arrayContaining([expect.stringMatching(/body/)]),
    );
    expect(test.world.hosting.size).toBe(0);
  });

  it("is not enough when there are too many", async () => {
    const test = await startTestHook({ limits: { burst: 2, perMinute: 60 } });
    const statuses: number[] = [];
    for (let count = 0; count < 3; count += 1) {
      statuses.push((await test.call("GET", `/v1/jobs/${randomUUID()}`)).status);
    }
    expect(statuses).toEqual([404, 404, 429]);
    const limited = await test.call("GET", `/v1/jobs/${randomUUID()}`);
    expect(limited.headers["retry-after"]).toBe("1");
    expect((await test.call("GET", `/v1/jobs/${randomUUID()}`, { key: OTHER_KEY })).status).toBe(404);
    test.clock.advance(1_000);
    expect((await test.call("GET", `/v1/jobs/${randomUUID()}`)).status).toBe(404);
  });
});

describe("a request in another form", () => {
  const publish = "/v1/sites/acme/publish";
  const cases: readonly (readonly [string, number, string, CallOptions])[] = [
    ["a query that is not known", 400, `${publish}?site-env=x`, { body: site("x"), type: GZIP }],
    ["a query that tries to be a prototype", 400, `${publish}?__proto__=x`, { body: site("x"), type: GZIP }],
    ["a query twice", 400, `${publish}?siteEnv=production&siteEnv=staging`, { body: site("x"), type: GZIP }],
    ["a site that is no uid", 400, "/v1/sites/Acme%2F..%2Fother/publish", { body: site("x"), type: GZIP }],
    ["a domain that is none", 400, "/v1/sites/acme/domains/WWW", {}],
    ["a domain in the query that is none", 400, `${publish}?domain=a..b`, { body: site("x"), type: GZIP }],
    ["a body of another type", 415, publish, { body: "<html>", type: "text/html" }],
    ["JSON of another type", 415, "/v1/purges", { body: '{"site":"acme"}', type: "text/plain" }],
    ["JSON in another encoding", 400, "/v1/purges", { body: "{}", type: "application/json; charset=latin1" }],
    ["no JSON", 400, "/v1/purges", { body: "{", type: JSON_TYPE }],
    ["JSON that is not UTF-8", 400, "/v1/purges", { body: Buffer.from([0x22, 0xff, 0x22]), type: JSON_TYPE }],
    ["JSON with a field too many", 400, "/v1/purges", json({ site: "acme", sites: [] })],
    ["JSON that names nothing", 400, "/v1/purges", json({ soft: true })],
    ["a list", 400, "/v1/purges", json([])],
    ["a key that cannot be one", 400, "/v1/purges", json({ key: "a b" })],
    ["no body where one must be", 400, "/v1/purges", {}],
    [
      "a tarball with a content encoding",
      400,
      publish,
      { body: site("x"), type: GZIP, headers: { "content-encoding": "gzip" } },
    ],
    ["too much JSON", 413, "/v1/purges", json({ key: "k".repeat(70_000) })],
    ["too large a tarball", 413, publish, { body: Buffer.alloc(1_000_001), type: GZIP }],
  ];
  it.each(cases)("%s is answered with %i", async (_, status, target, options) => {
    const test = await startTestHook({ limits: { bodyBytes: 1_000_000 } });
    const reply = await test.callAndWait("POST", target, options);
    expect(reply.body).toMatchObject({ status, title: expect.any(String), code: expect.any(String) });
    expect(reply.status).toBe(status);
    expect(test.world.events).toEqual([]);
    expect(test.warnings).toEqual([]);
  });

  it("has a path or a method that is not there", async () => {
    const test = await startTestHook();
    expect((await test.call("GET", "/", { unsigned: true })).status).toBe(404);
    expect((await test.call("GET", "/v2/health", { unsigned: true })).status).toBe(404);
    expect((await test.call("POST", "/v1/sites//publish", { unsigned: true })).status).toBe(404);
    expect((await test.call("POST", "/v1/sites/%zz/publish", { unsigned: true })).status).toBe(404);
    const other = await test.call("PUT", "/v1/purges", { unsigned: true });
    expect([other.status, other.headers["allow"]]).toEqual([405, "POST"]);
  });

  it("sends a body without a length that grows too large", async () => {
    const { hook, clock, stateDir } = await startTestHook({ limits: { bodyBytes: 100_000 } });
    const target = "/v1/sites/acme/publish";
    const headers = { ...signedHeaders(clock, "POST", target, { body: "x" }), "content-type": GZIP };
    const answer = await fetch(hook.url + target, {
      method: "POST",
      headers,
      body: new Blob(Array.from({ length: 200 }, () => new Uint8Array(1_000))).stream(),
      duplex: "half",
    });
    expect(answer.status).toBe(413);
    expect((await filesBelow(stateDir)).filter((name) => name.endsWith(".body"))).toEqual([]);
  });
});

describe("what a caller may cost", () => {
  const tell = async (port: number, text: string): Promise<string> => {
    const socket = connect(port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    socket.write(text);
    let said = "";
    for await (const chunk of socket.setEncoding("utf8")) said += String(chunk);
    return said;
  };

  it("is little time for its headers, and between pieces of its body", async () => {
    const { hook, clock } = await startTestHook({ limits: { headersMs: 50, idleMs: 50 } });
    const port = Number(new URL(hook.url).port);
    expect(await tell(port, "POST /v1/purges HTTP/1.1\r\nHost: x\r\n")).toMatch(/^HTTP\/1\.1 408 /);
    const signed = signedHeaders(clock, "POST", "/v1/purges", { body: "{}" });
    const lines = Object.entries({ host: "x", "content-length": "2", ...signed }).map((pair) =>
      pair.join(": "),
    );
    const said = await tell(port, `POST /v1/purges HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n{`);
    expect(said).toMatch(/^HTTP\/1\.1 408 /);
    expect(said).toContain("hook/too-slow");
  });

  it("is not a body whose headers are not signed: it is never read", async () => {
    const { hook, stateDir } = await startTestHook();
    const port = Number(new URL(hook.url).port);
    const head =
      "POST /v1/sites/acme/publish HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    const said = await tell(port, head);
    expect(said).toMatch(/^HTTP\/1\.1 401 /);
    expect(said).not.toContain("100 Continue");
    expect(await filesBelow(stateDir)).toEqual(expect.not.arrayContaining([expect.stringMatching(/body/)]));
  });

  it("is 100 Continue when it asks for it with a good signature", async () => {
    const { hook, clock } = await startTestHook();
    const port = Number(new URL(hook.url).port);
    const body = '{"site":"acme"}';
    const fields = {
      host: "x",
      "content-length": String(body.length),
      "content-type": JSON_TYPE,
      expect: "100-continue",
      connection: "close",
      ...signedHeaders(clock, "POST", "/v1/purges", { body }),
    };
    const lines = Object.entries(fields).map((pair) => pair.join(": "));
    const said = await tell(port, `POST /v1/purges HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
    expect(said).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 202 /);
  });

  it("is no more jobs and bytes than there is room for", async () => {
    const world = newWorld();
    const never = new Promise<never>(() => undefined);
    const jobs = { begun: 0 };
    const limits = { queue: 1, parallel: 1, spoolBytes: 10_000, graceMs: 0 };
    const test = await startTestHook({
      world,
      limits,
      openSession: (signal) => {
        const deps = openDeps(world, { signal });
        // What a job does first: then it stays.
        const config = Object.assign(Object.create(deps.store.config) as typeof deps.store.config, {
          list: (): AsyncIterable<never> => ({
            [Symbol.asyncIterator]: () => ({ next: () => Promise.race([never, aborted(signal)]) }),
          }),
          get: () => Promise.race([((jobs.begun += 1), never), aborted(signal)]),
        });
        return Promise.resolve({
          deps: { ...deps, store: { ...deps.store, config } },
          close: () => Promise.resolve(),
        });
      },
    });
    const send = (text: string, size = 0) =>
      test.call("POST", "/v1/sites/acme/publish", {
        body: gzipSync(Buffer.concat([tar([{ name: "a", body: text }]), Buffer.alloc(size)])),
        type: GZIP,
      });
    expect((await send("1")).status).toBe(202);
    while (jobs.begun === 0) await new Promise((resolve) => setImmediate(resolve));
    expect((await send("2")).status).toBe(202);
    const busy = await send("3");
    expect([busy.status, busy.headers["retry-after"]]).toEqual([503, "5"]);
    expect((await test.call("GET", "/v1/health", { unsigned: true })).status).toBe(503);
  });

  it("is no more bytes on disk than there is room for", async () => {
    const test = await startTestHook({ limits: { spoolBytes: 1_000, bodyBytes: 5_000 } });
    const big = tar([{ name: "a", body: "x" }]);
    expect(big.length).toBeGreaterThan(1_000);
    const full = await test.call("POST", "/v1/sites/acme/publish", { body: big, type: "application/x-tar" });
    expect([full.status, full.headers["retry-after"]]).toEqual([503, "10"]);
    const small = await test.call("POST", "/v1/sites/acme/publish", { body: site("x"), type: GZIP });
    expect(small.status).toBe(202);
  });
});

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
}

describe("an endpoint that ends", () => {
  it("has one process at a time for a folder", async () => {
    const test = await startTestHook();
    await expect(startTestHook({ stateDir: test.stateDir })).rejects.toMatchObject({
      code: "hook/already-running",
    });
    const port = Number(new URL(test.hook.url).port);
    await expect(startTestHook({ port })).rejects.toMatchObject({ code: "hook/port-in-use" });
    await expect(startTestHook({ host: "192.0.2.1" })).rejects.toMatchObject({ code: "hook/port-in-use" });
  });

  it("finishes by its next start what it was killed in, at whatever call that was", async () => {
    for (let call = 1, isOver = false; !isOver; call += 4) {
      const world = newWorld();
      const faults = new DyingProcess(call);
      const test = await startTestHook({
        world,
        openSession: (signal) =>
          Promise.resolve({ deps: openDeps(world, { signal, faults }), close: () => Promise.resolve() }),
      });
      const target = "/v1/sites/acme/publish?domain=www.acme.com";
      const { headers } = await test.call("POST", target, { body: site("one"), type: GZIP });
      const job = String(headers["location"]);
      while (!faults.isDead && !isOver) isOver = (await test.call("GET", job)).body["state"] === "done";
      const closing = closeAtOnce(test.hook, test.clock);
      await new Promise((resolve) => setImmediate(resolve));
      faults.bury();
      await closing;
      const next = await startTestHook({ world, clock: test.clock, stateDir: test.stateDir });
      const state = async () => (await next.call("GET", job)).body;
      while (!["done", "failed"].includes(String((await state())["state"])));
      expect(await state()).toMatchObject({ state: "done", attempts: isOver ? 1 : 2 });
      expect(visible(world, "www.acme.com")).toMatchObject({ "index.html": "one" });
      expect(recordOf(world).owed).toEqual([]);
      await closeAtOnce(next.hook, next.clock);
    }
  });

  it("sends what is owed when it starts and every minute", async () => {
    const world = newWorld();
    const clock = new FakeClock();
    const deps = openDeps(world);
    const owed = (age: number, name: string) =>
      deps.store.config.put({
        key: `test/_owed/${name}.json`,
        body: JSON.stringify({
          format: 2,
          keys: [`k:${name}`],
          soft: false,
          reason: "test",
          since: new Date(clock.now() - age).toISOString(),
          sent: 0,
        }),
        signal: deps.signal,
      });
    const count = (): number => [...world.config.keys()].filter((key) => key.includes("_owed")).length;
    await owed(0, "young");
    const { warnings } = await startTestHook({ world, clock });
    while (count() > 0 || clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(world.events).toEqual(["purge k:young", "purge k:young"]);
    await owed(3_600_000, "old");
    clock.advance(60_000);
    while (count() > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(world.events.slice(2)).toEqual(["purge k:old", "purge k:old"]);
    expect(warnings).toEqual([]);
  });

  it("goes on when what is owed cannot be sent", async () => {
    const failure = new SitefleetError("store/unreachable", "the store is down");
    let isDown = true;
    const world = newWorld();
    const test = await startTestHook({
      world,
      openSession: (signal) =>
        isDown
          ? Promise.reject(failure)
          : Promise.resolve({ deps: openDeps(world, { signal }), close: () => Promise.resolve() }),
    });
    while (test.warnings.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(test.warnings).toEqual(["what is owed could not be sent: the store is down"]);
    const reply = await test.callAndWait("POST", "/v1/purges", json({ site: "acme" }));
    expect(reply.body).toMatchObject({ status: 502, code: "store/unreachable" });
    isDown = false;
    expect((await test.callAndWait("POST", "/v1/purges", json({ site: "acme" }))).status).toBe(200);
  });

  it("keeps no secret in its files", async () => {
    const test = await startTestHook();
    await publishSite(test, "one");
    await test.hook.close();
    const folder = join(test.stateDir, "hook", "test");
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const text = await readFile(join(entry.parentPath, entry.name), "utf8");
      expect(text).not.toContain(KEY.secret.reveal());
      expect(text).not.toContain(sha256(KEY.secret.reveal()));
    }
  });
});

/** A process that stands still from a call on, whose answer it never gets, until it is buried. */
class DyingProcess extends FaultPoint {
  isDead = false;
  readonly #burial = new AbortController();

  constructor(call: number) {
    super();
    this.failAt(call, "after");
  }

  override async run<T>(name: string, effect: () => Promise<T> | T): Promise<T> {
    try {
      return await super.run(name, effect);
    } catch (error) {
      if (!(error instanceof PlannedFailure)) throw error;
      this.isDead = true;
      if (!this.#burial.signal.aborted) return aborted(this.#burial.signal);
      throw error;
    }
  }

  bury(): void {
    this.#burial.abort();
  }
}
