import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";

import { Secret } from "../../src/lib/secret.ts";
import {
  GZIP,
  JSON_TYPE,
  KEY,
  OTHER_KEY,
  filesBelow,
  json,
  signedHeaders,
  siteTarball,
  startTestHook,
} from "./hook-fixture.ts";
import type { CallOptions } from "./hook-fixture.ts";

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
      body: siteTarball("evil"),
      signedBody: siteTarball("good"),
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
    ["a query that is not known", 400, `${publish}?site-env=x`, { body: siteTarball("x"), type: GZIP }],
    [
      "a query that tries to be a prototype",
      400,
      `${publish}?__proto__=x`,
      { body: siteTarball("x"), type: GZIP },
    ],
    [
      "a query twice",
      400,
      `${publish}?siteEnv=production&siteEnv=staging`,
      { body: siteTarball("x"), type: GZIP },
    ],
    [
      "a site that is no uid",
      400,
      "/v1/sites/Acme%2F..%2Fother/publish",
      { body: siteTarball("x"), type: GZIP },
    ],
    ["a domain that is none", 400, "/v1/sites/acme/domains/WWW", {}],
    [
      "a domain in the query that is none",
      400,
      `${publish}?domain=a..b`,
      { body: siteTarball("x"), type: GZIP },
    ],
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
      { body: siteTarball("x"), type: GZIP, headers: { "content-encoding": "gzip" } },
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
