import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

import { systemClock } from "../../src/lib/clock.ts";
import { Secret } from "../../src/lib/secret.ts";
import { startS3Server } from "../../src/mirror/s3/server.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import type { KeySource } from "../../src/store/s3-credentials.ts";
import { S3SiteStore } from "../../src/store/s3-store.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { startS3FaultProxy } from "../support/s3-fault-proxy.ts";
import type { S3Call, S3Fault } from "../support/s3-fault-proxy.ts";
import { tempDir } from "../support/temp-dir.ts";
import { listenOnLoopback } from "../support/loopback-server.ts";

const { signal } = new AbortController();
const KEYS = { accessKeyId: "AKID", secretAccessKey: "secret" };

/** A store over a proxy over the mirror's S3 server. */
async function open(
  decide: (call: S3Call, number: number) => S3Fault,
  options: { readonly clock?: InstantClock; readonly keySource?: KeySource } = {},
) {
  const server = await startS3Server({
    dir: await tempDir(),
    port: 0,
    region: "us-east-1",
    credentials: [{ ...KEYS, access: "full" }],
    clock: systemClock,
    buckets: ["config", "hosting"],
  });
  onTestFinished(() => server.close());
  const proxy = await startS3FaultProxy(server.url, decide);
  const clock = options.clock ?? new InstantClock(systemClock.now());
  const connect = (endpoint: string, keySource?: KeySource): ObjectStore => {
    const store = new S3SiteStore({
      location: {
        region: "us-east-1",
        endpoint,
        pathStyle: true,
        configBucket: "config",
        hostingBucket: "hosting",
      },
      keys: keySource ? undefined : { accessKeyId: "AKID", secretAccessKey: new Secret("secret") },
      clock,
      ...(keySource ? { keySource } : {}),
    });
    onTestFinished(() => store.close());
    return store.config;
  };
  return { store: connect(proxy.url, options.keySource), direct: connect(server.url), proxy, clock };
}

async function textOf(store: ObjectStore, key: string): Promise<string> {
  const found = await store.get({ key, signal });
  return found.kind === "ok" ? Buffer.from(found.body).toString() : found.kind;
}

const first =
  (...faults: readonly S3Fault[]) =>
  (_: S3Call, number: number): S3Fault =>
    faults[number - 1] ?? "pass";
const slowDown: S3Fault = { status: 503, code: "SlowDown" };
const internal: S3Fault = { status: 500, code: "InternalError" };

describe("the S3 store when things go wrong", () => {
  it.each([
    ["503 SlowDown", slowDown],
    ["500 InternalError", internal],
    ["429", { status: 429, code: "TooManyRequests" }],
    ["a request that is lost", "lost"],
    ["an answer that is lost", "lost-after"],
    ["an upload that breaks off", "cut"],
    ["an upload of which the wire changed a byte", "damaged"],
    ["a request timeout", { status: 400, code: "RequestTimeout" }],
  ] satisfies readonly (readonly [string, S3Fault])[])("tries a PUT again after %s", async (_, fault) => {
    const { store, direct, proxy, clock } = await open(first(fault, fault));
    const put = await store.put({ key: "k", body: "whole", metadata: { p: "/" }, signal });
    expect(put.kind).toBe("ok");
    expect(proxy.calls).toHaveLength(3);
    expect(clock.slept).toHaveLength(2);
    expect(await textOf(direct, "k")).toBe("whole");
  });

  it.each(["lost", "cut-answer", "damaged-answer", slowDown] as const)(
    "tries a GET again after %o",
    async (fault) => {
      const { store, proxy } = await open((call, number) =>
        call.method === "GET" && number < 4 ? fault : "pass",
      );
      await store.put({ key: "k", body: "hello", signal });
      expect(await textOf(store, "k")).toBe("hello");
      expect(proxy.calls.filter(({ method }) => method === "GET")).toHaveLength(3);
    },
  );

  it("takes an error inside a 200 for a failed copy and tries again", async () => {
    const { store, proxy } = await open((call, number) =>
      call.headers["x-amz-copy-source"] !== undefined && number === 2
        ? { status: 200, code: "InternalError" }
        : "pass",
    );
    await store.put({ key: "a", body: "x", signal });
    expect((await store.copy({ from: "a", to: "b", signal })).kind).toBe("ok");
    expect(proxy.calls).toHaveLength(3);
    const never = await open((call) => (call.method === "PUT" ? { status: 200, code: "SlowDown" } : "pass"));
    await expect(never.store.copy({ from: "a", to: "b", signal })).rejects.toMatchObject({
      code: "store/refused",
    });
  });

  it("gives up in the end and says why, having waited longer for a store that asked for it", async () => {
    const broken = await open(() => internal);
    await expect(broken.store.head({ key: "k", signal })).rejects.toMatchObject({ code: "store/refused" });
    expect(broken.proxy.calls).toHaveLength(4);
    const slow = await open(() => ({ ...slowDown, headers: { "retry-after": "3" } }));
    const error = await slow.store
      .put({ key: "k", body: "", signal })
      .catch((caught: unknown) => String(caught));
    expect(error).toContain('PutObject of "config/k" at http://127.0.0.1:');
    expect(error).toContain("503 SlowDown: a & b");
    expect(slow.proxy.calls).toHaveLength(8);
    expect(Math.min(...slow.clock.slept)).toBeGreaterThanOrEqual(3_000);
    const gone = await open(() => "lost");
    await expect(gone.store.get({ key: "k", signal })).rejects.toMatchObject({ code: "store/unreachable" });
  });

  it("tries less when all requests fail", async () => {
    const { store, proxy } = await open(() => internal);
    const attempts = Array.from({ length: 100 }, () =>
      store.head({ key: "k", signal }).catch(() => "failed"),
    );
    expect(new Set(await Promise.all(attempts))).toEqual(new Set(["failed"]));
    // 2,700 tokens at 14 a retry, and each request's first attempt.
    expect(proxy.calls).toHaveLength(100 + Math.floor(2_700 / 14));
  });

  it("repeats a conditional write that ran into another, and not one whose condition failed", async () => {
    const conflict: S3Fault = { status: 409, code: "ConditionalRequestConflict" };
    const { store, proxy } = await open(first(conflict, conflict));
    const absent = { kind: "absent" } as const;
    expect((await store.put({ key: "k", body: "1", condition: absent, signal })).kind).toBe("ok");
    expect(proxy.calls).toHaveLength(3);
    expect(await store.put({ key: "k", body: "2", condition: absent, signal })).toEqual({
      kind: "precondition-failed",
    });
    expect(proxy.calls).toHaveLength(4);
    const always = await open(() => conflict);
    expect(await always.store.put({ key: "k", body: "1", condition: absent, signal })).toEqual({
      kind: "precondition-failed",
    });
  });

  it.each([-3_600_000, 3_600_000])("corrects a clock that is off by %d ms, once for all", async (offMs) => {
    const clock = new InstantClock(systemClock.now() + offMs);
    const { store, proxy } = await open(() => "pass", { clock });
    expect((await store.put({ key: "k", body: "x", signal })).kind).toBe("ok");
    expect(proxy.calls).toHaveLength(2);
    expect((await store.head({ key: "k", signal })).kind).toBe("ok");
    expect(proxy.calls).toHaveLength(3);
    expect(clock.slept).toEqual([]);
  });

  it("corrects the clock also when a HEAD is refused, which says no reason", async () => {
    const clock = new InstantClock(systemClock.now() - 3_600_000);
    const { store, proxy } = await open(() => "pass", { clock });
    expect(await store.head({ key: "k", signal })).toEqual({ kind: "not-found" });
    expect(proxy.calls).toHaveLength(2);
  });

  it("asks for new keys once when they expire while many requests are under way", async () => {
    const asked: boolean[] = [];
    let accessKeyId = "OLD";
    const keySource: KeySource = ({ forceRefresh }) => {
      asked.push(forceRefresh);
      if (forceRefresh) accessKeyId = KEYS.accessKeyId;
      return Promise.resolve({ ...KEYS, accessKeyId });
    };
    const { store } = await open(
      ({ headers }) =>
        headers.authorization?.includes("Credential=OLD/") ? { status: 400, code: "ExpiredToken" } : "pass",
      { keySource },
    );
    await expect(store.head({ key: "k", signal })).resolves.toEqual({ kind: "not-found" });
    accessKeyId = "OLD";
    asked.length = 0;
    const puts = Array.from({ length: 20 }, (_, index) => store.put({ key: `k${index}`, body: "x", signal }));
    expect((await Promise.all(puts)).every(({ kind }) => kind === "ok")).toBe(true);
    expect(asked.filter((forced) => forced)).toHaveLength(1);
  });

  it("does not go on asking when the new keys are refused too", async () => {
    let forced = 0;
    const keySource: KeySource = ({ forceRefresh }) => {
      if (forceRefresh) forced += 1;
      return Promise.resolve({ ...KEYS, sessionToken: `t${forced}` });
    };
    const { store } = await open(() => ({ status: 400, code: "ExpiredToken" }), { keySource });
    await expect(store.put({ key: "k", body: "", signal })).rejects.toMatchObject({
      code: "store/not-authorised",
      exitCode: 4,
    });
    expect(forced).toBe(1);
  });

  it("says not authorised when no keys can be had", async () => {
    const refused = Object.assign(new Error("Could not load credentials"), {
      name: "CredentialsProviderError",
    });
    const { store, proxy } = await open(() => "pass", { keySource: () => Promise.reject(refused) });
    await expect(store.get({ key: "k", signal })).rejects.toMatchObject({ code: "store/not-authorised" });
    expect(proxy.calls).toEqual([]);
  });

  it("sends large files piece by piece with their length and checksum, anew at each attempt", async () => {
    const { store, direct, proxy } = await open(first("lost-after", "cut"));
    const path = join(await tempDir(), "big.bin");
    const body = Buffer.alloc(1_000_000, "0123456789");
    await writeFile(path, body);
    const sha256 = createHash("sha256").update(body).digest("hex");
    expect((await store.put({ key: "k", body: { path, size: body.length, sha256 }, signal })).kind).toBe(
      "ok",
    );
    expect(proxy.calls).toHaveLength(3);
    expect(proxy.calls[2]?.headers).toMatchObject({
      "content-length": "1000000",
      "x-amz-content-sha256": sha256,
      "x-amz-checksum-sha256": Buffer.from(sha256, "hex").toString("base64"),
    });
    const found = await direct.get({ key: "k", signal });
    expect(found.kind === "ok" && Buffer.compare(found.body, body)).toBe(0);
  });

  it("stores nothing of a large file that changed since it was scanned, and does not try again", async () => {
    const { store, direct, proxy } = await open(() => "pass");
    const path = join(await tempDir(), "big.bin");
    const body = Buffer.alloc(1_000_000, "0123456789");
    const sha256 = createHash("sha256").update(body).digest("hex");
    const put = () => store.put({ key: "k", body: { path, size: body.length, sha256 }, signal });
    const changes = [
      () => writeFile(path, Buffer.alloc(1_000_000, "x")),
      () => truncate(path, 999_999),
      () => writeFile(path, Buffer.concat([body, Buffer.from("more")])),
      () => truncate(path, 0),
    ];
    for (const change of changes) {
      await change();
      await expect(put()).rejects.toMatchObject({ code: "publish/file-changed", exitCode: 1 });
    }
    expect(proxy.calls.length).toBeLessThanOrEqual(changes.length);
    expect(await direct.head({ key: "k", signal })).toEqual({ kind: "not-found" });
  });

  it("stops at once on abort, also while it waits to try again", async () => {
    const controller = new AbortController();
    const reason = new Error("stopped");
    const { store } = await open(() => {
      controller.abort(reason);
      return internal;
    });
    await expect(store.put({ key: "k", body: "", signal: controller.signal })).rejects.toBe(reason);
  });

  it("refuses header values that would be another header", async () => {
    const { store, proxy } = await open(() => "pass");
    for (const value of ["a\r\nx-amz-acl: public-read", "ü", "a\0"]) {
      const headers = { contentType: value };
      await expect(store.put({ key: "k", body: "", headers, signal })).rejects.toMatchObject({
        code: "fault/internal",
      });
      const replace = { headers: {}, metadata: { p: value } };
      await expect(store.copy({ from: "k", to: "l", replace, signal })).rejects.toMatchObject({
        code: "fault/internal",
      });
    }
    expect(proxy.calls).toEqual([]);
  });

  it("gives up on a server that takes the connection and says nothing that is HTTP", async () => {
    const server = createServer();
    server.on("connection", (socket) => socket.end("nonsense\r\n\r\n"));
    const port = await listenOnLoopback(server);
    onTestFinished(() => void server.close());
    const store = new S3SiteStore({
      location: {
        region: "us-east-1",
        endpoint: `http://127.0.0.1:${port}`,
        pathStyle: true,
        configBucket: "config",
        hostingBucket: "hosting",
      },
      keys: { accessKeyId: "AKID", secretAccessKey: new Secret("secret") },
      clock: new InstantClock(),
    });
    onTestFinished(() => store.close());
    await expect(store.config.get({ key: "k", signal })).rejects.toMatchObject({ code: "store/unreachable" });
  });
});
