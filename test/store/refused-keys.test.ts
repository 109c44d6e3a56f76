import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { startS3Server } from "../../src/mirror/s3/server.ts";
import { edgeKeyOf, environmentOf } from "../../src/settings/environment.ts";
import type { StoreKeys, Variables } from "../../src/settings/environment.ts";
import { settingsSchema } from "../../src/settings/schema.ts";
import { BucketAdmin } from "../../src/store/bucket-admin.ts";
import type { KeySource } from "../../src/store/s3-credentials.ts";
import { S3SiteStore } from "../../src/store/s3-store.ts";
import { exampleSettings } from "../support/environments.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { tempDir } from "../support/temp-dir.ts";

const { signal } = new AbortController();
const OWN = { AWS_ACCESS_KEY_ID_PRODUCTION: "ELSE", AWS_SECRET_ACCESS_KEY_PRODUCTION: "else" };

async function locationOf(): Promise<ConstructorParameters<typeof S3SiteStore>[0]["location"]> {
  const server = await startS3Server({
    dir: await tempDir(),
    port: 0,
    region: "us-east-1",
    credentials: [{ accessKeyId: "AKID", secretAccessKey: "secret", access: "full" }],
    clock: systemClock,
    buckets: ["config", "hosting"],
  });
  onTestFinished(() => server.close());
  return {
    region: "us-east-1",
    endpoint: server.url,
    pathStyle: true,
    configBucket: "config",
    hostingBucket: "hosting",
  };
}

function secretsOf(variables: Variables): ReturnType<typeof environmentOf>["secrets"] {
  return environmentOf(settingsSchema.parse(exampleSettings), "production", variables).secrets;
}

/** What a store says of a read with these keys. */
async function refusalOf(keys: StoreKeys | undefined, keySource?: KeySource): Promise<unknown> {
  const clock = new InstantClock(systemClock.now());
  const location = await locationOf();
  const store = new S3SiteStore({ location, keys, clock, ...(keySource ? { keySource } : {}) });
  onTestFinished(() => store.close());
  return store.config.get({ key: "some/key", signal }).then(
    () => "not refused",
    (error: unknown) => error,
  );
}

function refused(named: string): object {
  return { code: "store/not-authorised", hint: `check ${named}, and what this key may do` };
}

describe("keys that S3 refuses", () => {
  it.each([
    [OWN, "AWS_ACCESS_KEY_ID_PRODUCTION and AWS_SECRET_ACCESS_KEY_PRODUCTION"],
    [
      { AWS_ACCESS_KEY_ID: "AKID", AWS_SECRET_ACCESS_KEY: "wrong" },
      "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ],
    [
      { ...OWN, AWS_SECRET_ACCESS_KEY_PRODUCTION: "", AWS_SECRET_ACCESS_KEY: "wrong" },
      "AWS_ACCESS_KEY_ID_PRODUCTION and AWS_SECRET_ACCESS_KEY",
    ],
    [
      { ...OWN, AWS_SESSION_TOKEN_PRODUCTION: "token" },
      "AWS_ACCESS_KEY_ID_PRODUCTION, AWS_SECRET_ACCESS_KEY_PRODUCTION and AWS_SESSION_TOKEN_PRODUCTION",
    ],
  ] satisfies [Variables, string][])(
    "are named by the variables that were read: %j",
    async (variables, named) => {
      expect(await refusalOf(secretsOf(variables).storeKeys())).toMatchObject(refused(named));
    },
  );

  it("are the edge's where these were tried", async () => {
    const keys = edgeKeyOf(secretsOf({ SITEFLEET_EDGE_S3_KEY_PRODUCTION: "ELSE:else" }));
    expect(await refusalOf(keys)).toMatchObject(refused("SITEFLEET_EDGE_S3_KEY_PRODUCTION"));
  });

  it("are the SDK's own where no variable was read", async () => {
    const found: KeySource = () => Promise.resolve({ accessKeyId: "ELSE", secretAccessKey: "else" });
    expect(await refusalOf(undefined, found)).toMatchObject({
      hint: expect.stringMatching(/^check the credentials that the AWS SDK found \(/) as string,
    });
  });

  it("are named too where a bucket is looked at or made", async () => {
    const admin = new BucketAdmin(await locationOf(), { keys: secretsOf(OWN).storeKeys(), signal });
    onTestFinished(() => admin.close());
    await expect(admin.read("config")).rejects.toMatchObject(
      refused("AWS_ACCESS_KEY_ID_PRODUCTION and AWS_SECRET_ACCESS_KEY_PRODUCTION"),
    );
  });
});
