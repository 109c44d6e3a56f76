import {
  DeletePublicAccessBlockCommand,
  GetBucketLifecycleConfigurationCommand,
  GetPublicAccessBlockCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { describe, expect, it, onTestFinished } from "vitest";
import { openCallGate } from "../support/call-gate.ts";
import { startFirstTime } from "./first-time-fixture.ts";
import type { FirstTime } from "./first-time-fixture.ts";

const CREATE = ["deploy", "apply", "--create"];
const BUCKETS = ["first-config", "first-hosting", "second-config", "second-hosting"];

/** The account's owner, who may do everything. */
function ownerOf({ mirror }: FirstTime): S3Client {
  const { url, region, accessKeyId, secretAccessKey } = mirror.file.s3;
  const client = new S3Client({
    endpoint: url,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  onTestFinished(() => client.destroy());
  return client;
}

/** Calls to S3 that set something, by action and bucket. */
function writesOf({ calls }: FirstTime): readonly string[] {
  return calls
    .filter(({ action }) => /:(?:Create|Put)/.test(action))
    .map(({ action, resource }) => `${action} ${resource.replace("arn:aws:s3:::", "")}`);
}

describe("deploy apply --create", () => {
  it("makes and sets both buckets of both regions, makes the service, and tells what is needed further", async () => {
    const world = await startFirstTime();
    const { code, out, err } = await world.run([...CREATE, "--json"]);
    expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" });
    const document = JSON.parse(out);
    expect(document).toMatchObject({
      outcome: "deployed",
      version: 1,
      buckets: BUCKETS.map((bucket) => ({ bucket, region: "us-east-1" })),
      access: { environment: "production" },
      customers: { cname: "edge.localhost", addresses: ["127.0.0.1"] },
    });
    // The service is known by now, so the tokens can be for it alone.
    expect(document.access.fastly.publisher.services).toEqual([document.serviceId]);
    const owner = ownerOf(world);
    for (const Bucket of BUCKETS) {
      const { Rules } = await owner.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
      expect(Rules?.[0]?.AbortIncompleteMultipartUpload).toEqual({ DaysAfterInitiation: 7 });
    }
    expect(world.calls.filter(({ allowed }) => !allowed)).toEqual([]);
  });

  it("does nothing at all when it is run again", async () => {
    const world = await startFirstTime();
    await world.run(CREATE);
    const before = writesOf(world).length;
    const { code, out, err } = await world.run(CREATE);
    expect(code).toBe(0);
    expect(err).toContain("buckets are as they should be");
    expect(out).toMatch(/^production: no changes, version 1 is live\n/);
    expect(writesOf(world).slice(before)).toEqual([]);
  });

  it("puts right what somebody changed, and keeps the lifecycle rules of others", async () => {
    const world = await startFirstTime();
    await world.run(CREATE);
    const owner = ownerOf(world);
    const Bucket = "first-config";
    const theirs = {
      ID: "theirs",
      Status: "Enabled" as const,
      Filter: { Prefix: "tmp/" },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
    };
    await owner.send(new DeletePublicAccessBlockCommand({ Bucket }));
    await owner.send(
      new PutBucketOwnershipControlsCommand({
        Bucket,
        OwnershipControls: { Rules: [{ ObjectOwnership: "ObjectWriter" }] },
      }),
    );
    await owner.send(
      new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [theirs] } }),
    );
    const { err } = await world.run(CREATE);
    expect(err).toContain(`bucket "first-config": public access blocked`);
    expect(err).toContain(`bucket "first-config": owned by the bucket's owner, no ACLs`);
    expect(err).toContain(`bucket "first-config": abandoned uploads ended after 7 days`);
    const { PublicAccessBlockConfiguration } = await owner.send(new GetPublicAccessBlockCommand({ Bucket }));
    expect(Object.values(PublicAccessBlockConfiguration ?? {})).toEqual([true, true, true, true]);
    const { Rules } = await owner.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    expect(Rules?.map(({ ID }) => ID)).toEqual(["theirs", "sitefleet-abort-abandoned-uploads"]);
  });

  it("changes nothing with --dry-run and says what it would do", async () => {
    const world = await startFirstTime();
    const { code, out } = await world.run([...CREATE, "--dry-run"]);
    expect(code).toBe(0);
    expect(out).toContain('bucket "second-hosting" (us-east-1): make it');
    expect(writesOf(world)).toEqual([]);
  });

  it("makes the buckets also where the edge's key does not exist yet, and says how to make it", async () => {
    const world = await startFirstTime();
    const { code, err } = await world.run(CREATE, { variables: { SITEFLEET_EDGE_S3_KEY: "" } });
    expect(code).toBe(4);
    expect(err).toContain("sitefleet deploy policies --env production");
    expect(err).toContain("SITEFLEET_EDGE_S3_KEY_PRODUCTION");
    expect(writesOf(world).filter((call) => call.startsWith("s3:CreateBucket")).length).toBe(4);
  });

  it("ends, killed at any call and run again, in what one run makes", async () => {
    const gates: Awaited<ReturnType<typeof openCallGate>>[] = [];
    const world = await startFirstTime(async (mirror) => {
      const gate = await openCallGate({ s3: mirror.s3.url, api: mirror.file.api.url });
      gates.push(gate);
      onTestFinished(() => gate.close());
      return { s3: gate.s3, api: gate.api };
    });
    const [gate] = gates;
    if (gate === undefined) throw new Error("no gate");
    // Writes to the buckets: each run dies at the first write that none before has reached.
    const seen = new Set<string>();
    let deaths = 0;
    for (;;) {
      let died = "";
      gate.arm((call) => {
        if (!/^PUT \/(?:first|second)-/.test(call) || seen.has(call)) return false;
        died = call;
        return true;
      }, "cut");
      const { code, err } = await world.run(CREATE, { variables: { SITEFLEET_EDGE_S3_KEY: "" } });
      gate.disarm();
      if (died === "") {
        expect(code).toBe(4);
        break;
      }
      seen.add(died);
      deaths += 1;
      expect(err).toMatch(/\[store\/unreachable\]/);
    }
    // A bucket that is made is private by then, as S3's are: making it and its lifecycle are the two writes.
    expect(deaths).toBe(8);
    const { code } = await world.run([...CREATE, "--dry-run"]);
    expect(code).toBe(0);
    expect((await world.run(CREATE)).err).toContain("buckets are as they should be");
  }, 120_000);

  it("says which key lacks what when it is not the deployer's", async () => {
    const world = await startFirstTime();
    const { code, err } = await world.run(CREATE, { role: "publisher" });
    expect(code).toBe(4);
    expect(err).toContain("[store/not-authorised]");
    expect(err).toContain("GetBucketLocation");
  });
});
