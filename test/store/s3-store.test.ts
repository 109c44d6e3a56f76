import { createServer } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";

import { systemClock } from "../../src/lib/clock.ts";
import { Secret } from "../../src/lib/secret.ts";
import { startS3Server } from "../../src/mirror/s3/server.ts";
import { S3SiteStore } from "../../src/store/s3-store.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { tempDir } from "../support/temp-dir.ts";
import { listenOnLoopback } from "../support/loopback-server.ts";

const { signal } = new AbortController();
const SECRET = "very-secret-key";

function open(
  endpoint: string,
  given: { readonly accessKeyId?: string; readonly secret?: string } = {},
): S3SiteStore {
  const store = new S3SiteStore({
    location: {
      region: "us-east-1",
      endpoint,
      pathStyle: true,
      configBucket: "config",
      hostingBucket: "absent",
    },
    keys: { accessKeyId: given.accessKeyId ?? "AKID", secretAccessKey: new Secret(given.secret ?? SECRET) },
    clock: new InstantClock(),
  });
  onTestFinished(() => store.close());
  return store;
}

async function startServer(): Promise<string> {
  const server = await startS3Server({
    dir: await tempDir(),
    port: 0,
    region: "us-east-1",
    credentials: [
      { accessKeyId: "AKID", secretAccessKey: SECRET, access: "full" },
      { accessKeyId: "READER", secretAccessKey: SECRET, access: "read" },
    ],
    clock: systemClock,
    buckets: ["config"],
  });
  onTestFinished(() => server.close());
  return server.url;
}

async function failure(action: Promise<unknown>): Promise<unknown> {
  try {
    await action;
  } catch (error) {
    return error;
  }
  return "no error";
}

describe("S3SiteStore", () => {
  it("names bucket and endpoint when the bucket does not exist", async () => {
    const url = await startServer();
    const error = await failure(open(url).hosting.put({ key: "k", body: "", signal }));
    expect(error).toMatchObject({ code: "store/no-bucket", exitCode: 3 });
    expect(String(error)).toContain(`the bucket "absent" does not exist at ${url}`);
  });

  it.each([
    ["an unknown key", { accessKeyId: "NOBODY" }],
    ["a wrong secret", { secret: "wrong" }],
    ["a key that may only read", { accessKeyId: "READER" }],
  ])("says not authorised for %s and shows no secret", async (_, keys) => {
    const error = await failure(open(await startServer(), keys).config.put({ key: "k", body: "", signal }));
    expect(error).toMatchObject({ code: "store/not-authorised", exitCode: 4 });
    expect(JSON.stringify([error, String(error)])).not.toContain(SECRET);
  });

  it("tells how far the store's clock is from this machine's by its last answer", async () => {
    const store = open(await startServer());
    expect(store.clockOffset()).toBeUndefined();
    await store.config.get({ key: "k", signal });
    const expected = systemClock.now() - new InstantClock().now();
    expect(Math.abs((store.clockOffset() ?? 0) - expected)).toBeLessThan(600_000);
  });

  it("says unreachable when nothing listens", async () => {
    const error = await failure(open("http://127.0.0.1:1").config.get({ key: "k", signal }));
    expect(error).toMatchObject({ code: "store/unreachable", exitCode: 3 });
    expect(String(error)).toContain('GetObject of "config/k" at http://127.0.0.1:1 got no answer');
  });

  it("says what S3 said when it refuses", async () => {
    const store = open(await startServer());
    const error = await failure(
      store.config.put({ key: "k", body: "", metadata: { p: "x".repeat(2_100) }, signal }),
    );
    expect(error).toMatchObject({ code: "store/refused", exitCode: 3 });
    expect(String(error)).toContain("400 MetadataTooLarge");
  });

  it("pages through long listings", async () => {
    const pages: Readonly<Record<string, string>> = {
      none: "<IsTruncated>true</IsTruncated><NextContinuationToken>two</NextContinuationToken><Contents><Key>p/a</Key></Contents>",
      two: "<IsTruncated>false</IsTruncated><Contents><Key>p/b</Key></Contents><Contents><Key>p/c</Key></Contents>",
    };
    const server = createServer((request, response) => {
      const { searchParams } = new URL(request.url ?? "/", "http://s3");
      const page = pages[searchParams.get("continuation-token") ?? "none"] ?? "";
      response.setHeader("content-type", "application/xml");
      response.end(`<?xml version="1.0"?><ListBucketResult>${page}</ListBucketResult>`);
    });
    const port = await listenOnLoopback(server);
    onTestFinished(() => void server.close());
    const found: string[] = [];
    const { config } = open(`http://127.0.0.1:${port}`);
    for await (const { key } of config.list({ prefix: "p/", signal })) found.push(key);
    expect(found).toEqual(["p/a", "p/b", "p/c"]);
  });
});
