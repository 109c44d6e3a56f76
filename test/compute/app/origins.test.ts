import { SignatureV4 } from "@smithy/signature-v4";
import { createHash, createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { answerVisitor } from "../../../compute/src/app.ts";
import { signedHeaders } from "../../../compute/src/s3-signing.ts";
import { Edge, SEGMENT, SETTINGS, START, TOKEN, TWO_REGIONS } from "./edge.ts";

const PAGES = { "index.html": { body: "Home" }, "404.html": { body: "Not here" } };

/** What the SDK wants of a hash, in a few lines. */
class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(secret));
  }
  update(chunk: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(chunk));
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {
    throw new Error("not asked for");
  }
}

function bytesOf(chunk: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof chunk === "string") return Buffer.from(chunk);
  return ArrayBuffer.isView(chunk)
    ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    : Buffer.from(chunk);
}

describe("requests to S3", () => {
  test.each(["/bucket/test/production/blog/1/gr%C3%BC%C3%9Fe.html", "/a~b/c%2Bd", "/"])(
    "are signed as the SDK signs %s",
    async (path) => {
      const headers = await signedHeaders({
        origin: { host: "s3.test:9000", region: "eu-1" },
        path,
        keys: { id: "ID", secret: "a/secret+key" },
        now: START,
      });
      const signer = new SignatureV4({
        service: "s3",
        region: "eu-1",
        credentials: { accessKeyId: "ID", secretAccessKey: "a/secret+key" },
        sha256: Sha256,
        uriEscapePath: false,
        applyChecksum: false,
      });
      const request = {
        method: "GET",
        protocol: "https:",
        hostname: "s3.test",
        path,
        headers: { host: "s3.test:9000", "x-amz-content-sha256": headers.get("x-amz-content-sha256") ?? "" },
      };
      const signed = await signer.sign(request, { signingDate: new Date(START) });
      expect(headers.get("authorization")).toBe(signed.headers["authorization"]);
      expect(headers.get("x-amz-date")).toBe(signed.headers["x-amz-date"]);
    },
  );

  test("are signed with a new key each day, and each bucket with its own pair", async () => {
    const edge = new Edge().site({}, PAGES);
    await edge.get("/");
    edge.now += 86_400_000;
    edge.cache.clear();
    await edge.get("/");
    const scopes = edge.requests.map(
      ({ headers }) => /Credential=([^,]+),/.exec(headers.get("authorization") ?? "")?.[1],
    );
    expect(scopes).toEqual([
      "CONFIGID/20260102/eu-1/s3/aws4_request",
      "HOSTINGID/20260102/eu-1/s3/aws4_request",
      "CONFIGID/20260103/eu-1/s3/aws4_request",
      "HOSTINGID/20260103/eu-1/s3/aws4_request",
    ]);
    expect(edge.asked[0]).toBe(`F_config /test/production/www.example/${SEGMENT}`);
    expect(edge.asked[1]).toBe("F_hosting /pages/test/production/blog/1/index.html");
  });
});

describe("origins in trouble", () => {
  test.each([403, 500, 503, 400, 301, "refuses"] as const)(
    "that answer %s are a fault and never not found",
    async (mood) => {
      const edge = new Edge().site({ n: "p" }, PAGES);
      edge.moods.set("F_hosting", mood);
      const answer = await edge.get("/");
      expect([answer.status, answer.headers.get("retry-after"), edge.log()["phase"]]).toEqual([
        503,
        "30",
        "trouble",
      ]);
      expect(edge.alarms()).toEqual([
        mood === "refuses"
          ? { alarm: "origin", bucket: "hosting", status: 0, reason: "connection refused" }
          : { alarm: "origin", bucket: "hosting", status: mood },
      ]);
      edge.moods.set("F_hosting", "well");
      edge.now += 1_001;
      expect((await edge.get("/")).status).toBe(200);
    },
  );

  test("are asked once a second for a page that they cannot give", async () => {
    const edge = new Edge().site({}, PAGES);
    edge.moods.set("F_hosting", 503);
    await edge.get("/");
    await edge.get("/");
    expect(edge.asked.filter((line) => line.startsWith("F_hosting"))).toHaveLength(1);
  });

  test.each([403, 503, "refuses"] as const)("that answer %s are covered by what is stale", async (mood) => {
    const edge = new Edge().site({}, PAGES);
    await edge.get("/");
    edge.moods.set("F_config", mood).set("F_hosting", mood);
    edge.now = START + 3_600_000 + 599_000;
    const fresh = await edge.get("/");
    expect([fresh.status, await fresh.text()]).toEqual([200, "Home"]);
    edge.moods.set("F_config", "well");
    edge.now = START + 86_400_000 + 599_000;
    const stale = await edge.get("/");
    expect([
      stale.status,
      await stale.text(),
      stale.headers.get("cache-status"),
      edge.log()["cache"],
    ]).toEqual([200, "Home", "sitefleet; hit; detail=stale", "HIT-STALE"]);
    edge.now += 1_000;
    expect((await edge.get("/")).status).toBe(503);
  });

  test("are told of without secrets, whatever an error quotes", async () => {
    const edge = new Edge().site({}, PAGES);
    const platform = edge.platform();
    const visitor = {
      method: "GET",
      target: "/",
      headers: new Headers({ Host: "www.example" }),
      address: "192.0.2.1",
      country: "",
      isTls: true,
      requestId: "r",
    };
    await answerVisitor(visitor, {
      ...platform,
      fetch: (url) => Promise.reject(new TypeError(`${url} config-secret hosting:secret`)),
    });
    expect(edge.alarms().map(({ reason }) => reason)).toEqual([
      "https://config.s3/test/production/www.example/*** *** ***",
    ]);
  });

  test("show their own text to nobody", async () => {
    const edge = new Edge().site({}, {});
    for (const mood of ["well", 403] as const) {
      edge.moods.set("F_hosting", mood);
      expect(await (await edge.get(`/x${mood}`)).text()).not.toContain("<Error");
    }
  });
});

describe("a second region", () => {
  const two = () => new Edge(TWO_REGIONS).site({ n: "p" }, PAGES);

  test("is asked once where the first one fails, and kept for the rest of the request", async () => {
    const edge = two();
    edge.moods.set("F_config", "refuses").set("F_hosting", 503);
    expect((await edge.get("/")).status).toBe(200);
    expect(edge.asked.map((line) => line.split(" ")[0])).toEqual([
      "F_config",
      "F_config_second",
      "F_hosting_second",
    ]);
    const scope = edge.requests.at(-1)?.headers.get("authorization");
    expect(scope).toContain("/us-1/s3/");
    expect(edge.requests.at(-1)?.headers.get("host")).toBe("second.s3.test");
  });

  test.each([403, 400, 500])("is asked where the first one answers %s", async (mood) => {
    const edge = two();
    edge.moods.set("F_config", "refuses").set("F_hosting", mood);
    const answer = await edge.get("/");
    expect([answer.status, await answer.text()]).toEqual([200, "Home"]);
    edge.cache.clear();
    edge.moods.set("F_config", mood);
    expect((await edge.get("/")).status).toBe(200);
  });

  test("fills the same places of the cache, for a shorter time", async () => {
    const edge = two();
    edge.moods.set("F_config", 503).set("F_hosting", 503);
    await edge.get("/");
    await edge.get("/");
    expect(edge.asked).toHaveLength(3);
    const left = [...edge.cache.values()].map(({ until }) => (until - START) / 1_000);
    expect(left).toEqual([60, 600]);
  });

  test("is asked at once while the first one's health check fails", async () => {
    const edge = two();
    edge.health.set("F_config", "unhealthy");
    expect((await edge.get("/")).status).toBe(200);
    expect(edge.asked.map((line) => line.split(" ")[0])).toEqual(["F_config_second", "F_hosting_second"]);
  });

  test("is the last resort", async () => {
    const edge = two();
    for (const { backend } of TWO_REGIONS.origins) edge.moods.set(backend, 503);
    expect([(await edge.get("/")).status, edge.log()["phase"]]).toEqual([503, "trouble"]);
    expect(edge.asked).toHaveLength(2);
  });
});

describe("without the HTTP cache", () => {
  const plain = () =>
    new Edge({ ...SETTINGS, httpCache: false }).site(
      {},
      { ...PAGES, "old.html": { meta: { l: "/x", c: "301" } } },
    );

  test("requests are signed beforehand, and answers are the same", async () => {
    const edge = plain();
    expect(await (await edge.get("/")).text()).toBe("Home");
    expect((await edge.get("/old")).headers.get("location")).toBe("/x");
    expect((await edge.get("/none")).status).toBe(404);
    expect((await edge.get("/", { headers: { Host: "unknown.example" } })).status).toBe(404);
    expect(edge.requests.every(({ headers }) => headers.has("authorization"))).toBe(true);
  });

  test("configs have the key of their domain alone, as a probe is told, and are kept no longer than a failure", async () => {
    const edge = plain();
    const told = await edge.get("/", { headers: { "Sitefleet-Debug": TOKEN } });
    expect(told.headers.get("sf-config-keys")).toBe("all env:production d:www.example");
    const kept = edge.cache.get("config/test/production/www.example");
    expect([kept?.keys.join(" "), (kept?.until ?? 0) - START]).toEqual([
      "all env:production d:www.example",
      60_000,
    ]);
  });

  test("a failure that is remembered is no reason to fail as long as that lasts", async () => {
    const edge = plain();
    edge.moods.set("F_hosting", 403);
    expect((await edge.get("/")).status).toBe(503);
    edge.moods.clear();
    const answer = await edge.get("/");
    expect([answer.status, answer.headers.get("cache-status")]).toEqual([200, "sitefleet; fwd=bypass"]);
  });

  test("the second region is asked past the cache, which remembers the first one's failure", async () => {
    const edge = new Edge({ ...TWO_REGIONS, httpCache: false }).site({}, PAGES);
    edge.moods.set("F_config", 403).set("F_hosting", "refuses");
    for (let count = 0; count < 2; count += 1) expect((await edge.get("/")).status).toBe(200);
    edge.moods.clear();
    expect((await edge.get("/")).status).toBe(200);
    expect(edge.asked.at(-1)?.split(" ")[0]).toBe("F_config");
  });

  test("faults are faults", async () => {
    const edge = plain();
    edge.moods.set("F_hosting", 403);
    expect((await edge.get("/")).status).toBe(503);
    expect(edge.alarms()).toEqual([{ alarm: "origin", bucket: "hosting", status: 403 }]);
  });
});
