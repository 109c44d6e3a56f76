import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { configOf, newWorld, openDeps, visible } from "../publish/publish-fixture.ts";
import { FaultPoint } from "../support/fault-point.ts";
import { tar, tarGz } from "./archive.ts";
import { GZIP, filesBelow, json, publishSite, siteTarball, startTestHook } from "./hook-fixture.ts";

describe("publishing by webhook", () => {
  it("answers 202 with a job, whose end can be asked for, and keeps nothing of the tarball", async () => {
    const test = await startTestHook();
    const reply = await test.call("POST", "/v1/sites/acme/publish?domain=www.acme.com", {
      body: siteTarball("one"),
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
    const body = { body: siteTarball("one"), type: GZIP };
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
      test.call("POST", "/v1/sites/acme/publish", { body: siteTarball(text), type: GZIP });
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
    await test.callAndWait("POST", "/v1/sites/other/publish", { body: siteTarball("two"), type: GZIP });
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
