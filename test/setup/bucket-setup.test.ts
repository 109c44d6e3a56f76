import { describe, expect, it, onTestFinished } from "vitest";
import { fleetOf } from "../../src/fleet/fleet.ts";
import { Secret } from "../../src/lib/secret.ts";
import { planBucket, setUpBuckets } from "../../src/setup/bucket-setup.ts";
import { BucketAdmin } from "../../src/store/bucket-admin.ts";
import { environmentOf } from "../../src/settings/environment.ts";
import type { Environment } from "../../src/settings/environment.ts";
import { settingsSchema } from "../../src/settings/schema.ts";
import { BUCKET, FULL, REGION, startServer } from "../mirror/s3/s3-fixture.ts";
import { startS3FaultProxy } from "../support/s3-fault-proxy.ts";

const KEYS = { accessKeyId: FULL.accessKeyId, secretAccessKey: new Secret(FULL.secretAccessKey) };

function adminOf(endpoint: string, region = REGION): BucketAdmin {
  const location = { region, endpoint, pathStyle: true, configBucket: BUCKET, hostingBucket: BUCKET };
  const admin = new BucketAdmin(location, { keys: KEYS, signal: new AbortController().signal });
  onTestFinished(() => admin.close());
  return admin;
}

function environmentAt(endpoint: string): Environment {
  const s3 = { region: REGION, endpoint, configBucket: "new-config", hostingBucket: "new-hosting" };
  const environments = { one: { fastly: { domains: ["*.example.com"] }, s3 } };
  const environment = environmentOf(settingsSchema.parse({ environments }), "one", {});
  return { ...environment, secrets: { ...environment.secrets, storeKeys: () => KEYS } };
}

describe("a bucket", () => {
  it("that is not there is made in its region and set in every respect that it lacks", async () => {
    const admin = adminOf((await startServer()).url);
    expect(await admin.read("brand-new")).toBeUndefined();
    await admin.create("brand-new");
    expect(await admin.read("brand-new")).toEqual({
      region: REGION,
      blocked: true,
      enforced: true,
      abortsUploads: false,
    });
    await admin.put("brand-new", "abortsUploads");
    expect(planBucket(await admin.read("brand-new"))).toEqual({ steps: [], unsupported: [] });
  });

  it("that is ours already can be made again, and its answer may get lost", async () => {
    const server = await startServer();
    const lost = await startS3FaultProxy(server.url, ({ method, url }, number) =>
      method === "PUT" && !url.includes("?") && number === 1 ? "lost-after" : "pass",
    );
    const admin = adminOf(lost.url);
    await admin.create("made-once");
    await admin.create("made-once");
    expect(await admin.read("made-once")).toMatchObject({ region: REGION });
  });

  it("that is another account's is told so", async () => {
    const server = await startServer();
    const taken = await startS3FaultProxy(server.url, ({ method }) =>
      method === "PUT" ? { status: 409, code: "BucketAlreadyExists" } : "pass",
    );
    await expect(adminOf(taken.url).create("theirs")).rejects.toMatchObject({ code: "setup/bucket-taken" });
  });

  it("that is asked for in a wrong region is told where it is", async () => {
    const server = await startServer();
    await expect(adminOf(server.url, "eu-west-1").read(BUCKET)).rejects.toMatchObject({
      code: "setup/wrong-region",
      message: `the bucket "${BUCKET}" is in ${REGION}, not in eu-west-1`,
    });
  });

  it("of a store that has no such settings is used as it is, and that is said", async () => {
    const server = await startServer();
    const simple = await startS3FaultProxy(server.url, ({ url }) =>
      /[?&](?:publicAccessBlock|ownershipControls)/.test(url)
        ? { status: 501, code: "NotImplemented" }
        : "pass",
    );
    const warnings: string[] = [];
    const notes = { progress: () => undefined, warn: (line: string) => void warnings.push(line) };
    const buckets = await setUpBuckets(fleetOf(environmentAt(simple.url), { notes }));
    expect(buckets.map(({ bucket, steps, unsupported }) => [bucket, steps, unsupported])).toEqual([
      ["new-config", ["create", "abortsUploads"], ["blocked", "enforced"]],
      ["new-hosting", ["create", "abortsUploads"], ["blocked", "enforced"]],
    ]);
    expect(warnings.length).toBe(4);
  });

  it("is not left half right when the store fails in between", async () => {
    const server = await startServer();
    let isDown = true;
    const failing = await startS3FaultProxy(server.url, ({ method, url }) =>
      isDown && method === "PUT" && url.includes("lifecycle")
        ? { status: 403, code: "AccessDenied" }
        : "pass",
    );
    const fleet = fleetOf(environmentAt(failing.url));
    await expect(setUpBuckets(fleet)).rejects.toMatchObject({ code: "store/not-authorised" });
    isDown = false;
    const again = await setUpBuckets(fleet);
    expect(again.map(({ steps }) => steps)).toEqual([["abortsUploads"], ["create", "abortsUploads"]]);
    expect((await setUpBuckets(fleet)).map(({ steps }) => steps)).toEqual([[], []]);
  });
});
