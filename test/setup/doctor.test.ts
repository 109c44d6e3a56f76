import { createServer } from "node:net";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  DeleteBucketLifecycleCommand,
  DeletePublicAccessBlockCommand,
  ListObjectsV2Command,
  S3Client,
} from "@aws-sdk/client-s3";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { Secret } from "../../src/lib/secret.ts";
import { issueKey } from "../../src/mirror/issued-keys.ts";
import { FastlyClient } from "../../src/fastly/client.ts";
import { DOMAIN } from "../../src/fastly/objects.ts";
import type { CheckResult } from "../../src/setup/doctor/check.ts";
import { runHere } from "../support/command-line.ts";
import { startFirstTime } from "./first-time-fixture.ts";
import type { FirstTime } from "./first-time-fixture.ts";

/** An environment that is set up and deployed; its settings say where the edge is. */
async function startDeployed(): Promise<FirstTime> {
  const world = await startFirstTime();
  const { code, err } = await world.run(["deploy", "apply", "--create"]);
  if (code !== 0) throw new Error(err);
  const verify = { url: world.mirror.file.edge.http, hostSuffix: "verify.sites.localhost" };
  await world.configure((production) => ({ ...production, verify }));
  return world;
}

interface Seen {
  readonly code: number;
  readonly rows: ReadonlyMap<string, CheckResult>;
  /** Ids of what is not ok, with the state. */
  readonly wrong: readonly string[];
}

async function doctor(world: FirstTime, options: Parameters<FirstTime["run"]>[1] = {}): Promise<Seen> {
  const { code, out, err } = await world.run(["doctor", "--json"], options);
  const document: { exitCode: number; results?: readonly CheckResult[] } = JSON.parse(out);
  if (document.results === undefined) throw new Error(`${out}${err}`);
  expect(document.exitCode).toBe(code);
  return seenOf(code, document.results);
}

function seenOf(code: number, results: readonly CheckResult[]): Seen {
  return {
    code,
    rows: new Map(results.map((row) => [row.id, row])),
    wrong: results
      .filter(({ state }) => state === "fail" || state === "warn")
      .map(({ id, state }) => `${state} ${id}`),
  };
}

function ownerOf({ mirror }: FirstTime): S3Client {
  const { url, region, accessKeyId, secretAccessKey } = mirror.file.s3;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint: url, region, forcePathStyle: true, credentials });
  onTestFinished(() => client.destroy());
  return client;
}

describe("doctor of an environment that is set up", () => {
  it("finds nothing wrong, says of every part that it looked, and leaves nothing behind", async () => {
    const world = await startDeployed();
    const { code, rows, wrong } = await doctor(world);
    expect(wrong).toEqual([]);
    expect(code).toBe(0);
    expect([...rows.keys()].sort()).toEqual([
      "configs/codec",
      "dns/*.sites.localhost",
      "edge/answer",
      "fastly/active",
      "fastly/clock",
      "fastly/drift",
      "fastly/private-items",
      "fastly/service",
      "fastly/shield",
      "fastly/token",
      "purges/owed",
      "s3/clock",
      "s3/first-config",
      "s3/first-config/edge-key",
      "s3/first-config/private",
      "s3/first-config/publisher",
      "s3/first-hosting",
      "s3/first-hosting/edge-key",
      "s3/first-hosting/private",
      "s3/first-hosting/publisher",
      "s3/second-config",
      "s3/second-config/edge-key",
      "s3/second-config/private",
      "s3/second-hosting",
      "s3/second-hosting/edge-key",
      "s3/second-hosting/private",
      "secrets/config-segment",
      "secrets/edge-key",
      "secrets/fastly-token",
      "secrets/store-keys",
      "tls",
    ]);
    expect(rows.get("dns/*.sites.localhost")).toMatchObject({
      state: "skipped",
      found: "the environment is a mirror on this machine",
    });
    expect(rows.get("s3/first-config/edge-key")?.found).toBe("reads and lists, and may not write");
    const objects = world.calls.filter(
      ({ action }) => action === "s3:PutObject" || action === "s3:DeleteObject",
    );
    const written = objects.filter(({ action, allowed }) => action === "s3:PutObject" && allowed);
    const removed = objects.filter(({ action, allowed }) => action === "s3:DeleteObject" && allowed);
    expect(written.length).toBeGreaterThan(0);
    expect(removed.map(({ resource }) => resource)).toEqual(written.map(({ resource }) => resource));
  });

  it("tells people what to do below each row, and no secret", async () => {
    const world = await startDeployed();
    await ownerOf(world).send(new DeleteBucketLifecycleCommand({ Bucket: "first-config" }));
    const { code, out } = await world.run(["doctor"]);
    expect(code).toBe(1);
    expect(out).toMatch(/^fail +s3\/first-config +lacks: abandoned uploads ended after 7 days$/m);
    expect(out).toMatch(/^ +-> set it right: sitefleet deploy apply --create --env production$/m);
    expect(out).toMatch(/^\d+ ok, 0 to be looked at, 1 wrong, \d+ skipped$/m);
    for (const secret of ["hidden-segment", world.mirror.file.api.token]) expect(out).not.toContain(secret);
    const keys = await readFile(join(world.cwd, "state", "s3-keys.json"), "utf8");
    for (const { secretAccessKey } of JSON.parse(keys) as readonly { secretAccessKey: string }[])
      expect(out).not.toContain(secretAccessKey);
  });

  it("lets a publisher's key do without the settings of the buckets", async () => {
    const world = await startDeployed();
    const { code, rows, wrong } = await doctor(world, { role: "publisher" });
    expect({ code, wrong }).toEqual({ code: 0, wrong: [] });
    expect(rows.get("s3/first-config")).toMatchObject({ state: "skipped" });
    expect(rows.get("s3/first-config/publisher")).toMatchObject({ state: "ok" });
  });
});

describe("doctor of the mirror itself", () => {
  it("looks at the certificate of the mirror's own authority too", async () => {
    const { mirror, cwd } = await startFirstTime();
    const variables = { SITEFLEET_STATE: join(cwd, "state") };
    const here = (...args: readonly string[]): ReturnType<typeof runHere> =>
      runHere(args, { cwd, clock: systemClock, variables });
    const { code, out } = await here("doctor", "--json");
    expect(code).toBe(1);
    const { results } = JSON.parse(out) as { readonly results: readonly CheckResult[] };
    const { rows } = seenOf(code, results);
    expect(rows.get("tls/*.localhost")).toMatchObject({ state: "ok" });
    expect(rows.get("tls/*.localhost")?.found).toMatch(/^valid for \*\.localhost, \d+ days left$/);
    expect(rows.get("fastly/service")).toMatchObject({ state: "fail" });
    expect(mirror.problems).toEqual([]);
  });
});

describe("doctor, where something is wrong,", () => {
  it("names the variable that is wrong, and ends with the code for it", async () => {
    const world = await startDeployed();
    const cases: readonly (readonly [Record<string, string>, readonly string[], number])[] = [
      [{ SITEFLEET_EDGE_S3_KEY: "" }, ["fail secrets/edge-key"], 4],
      [{ SITEFLEET_EDGE_S3_KEY: "abc" }, ["fail secrets/edge-key"], 4],
      [{ SITEFLEET_CONFIG_SEGMENT: "a/b" }, ["fail secrets/config-segment"], 4],
      [
        { FASTLY_API_TOKEN: "wrong-token-wrong-token" },
        ["fail fastly/token", "fail fastly/shield", "fail fastly/service"],
        4,
      ],
      [
        { SITEFLEET_CONFIG_SEGMENT: "another-segment-of-16" },
        ["warn fastly/drift", "fail fastly/private-items", "fail edge/answer"],
        1,
      ],
      [
        { AWS_ACCESS_KEY_ID: "AKIAUNKNOWN" },
        ["first-config", "first-config/publisher", "first-hosting", "first-hosting/publisher"]
          .concat("second-config", "second-hosting")
          .map((name) => `fail s3/${name}`)
          .concat("fail purges/owed", "fail configs/codec"),
        4,
      ],
    ];
    for (const [variables, expected, exit] of cases) {
      const { code, rows, wrong } = await doctor(world, { variables });
      expect([variables, [...wrong].sort(), code]).toEqual([variables, [...expected].sort(), exit]);
      for (const { state, fix } of rows.values())
        expect(fix === undefined).toBe(state === "ok" || state === "skipped");
    }
  }, 60_000);

  it("names each way in which a bucket or the edge's key is not as it should be", async () => {
    const world = await startDeployed();
    const owner = ownerOf(world);
    await owner.send(new DeletePublicAccessBlockCommand({ Bucket: "first-hosting" }));
    const allowing = (...Action: readonly string[]): unknown => ({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action, Resource: "*" }],
    });
    const stateDir = join(world.cwd, "state");
    const edgeKeyWith = async (...actions: readonly string[]): Promise<Record<string, string>> => {
      const key = await issueKey(stateDir, { name: "edge-other", policy: allowing(...actions) });
      return { SITEFLEET_EDGE_S3_KEY: `${key.accessKeyId}:${key.secretAccessKey}` };
    };
    const blind = await doctor(world, { variables: await edgeKeyWith("s3:GetObject") });
    expect(blind.rows.get("s3/first-hosting")).toMatchObject({
      state: "fail",
      found: "lacks: public access blocked",
    });
    expect(blind.rows.get("s3/first-config/edge-key")).toMatchObject({
      state: "fail",
      found: "is told 403 of a missing key: it may not list the bucket",
    });
    const strong = await doctor(world, { variables: await edgeKeyWith("s3:*") });
    expect(strong.rows.get("s3/first-config/edge-key")).toMatchObject({
      state: "fail",
      found: "may write: whoever learns it could change every site",
    });
    const deleting = await doctor(world, {
      variables: await edgeKeyWith("s3:GetObject", "s3:ListBucket", "s3:DeleteObject"),
    });
    expect(deleting.rows.get("s3/second-config/edge-key")?.found).toContain("may write");
    const none = await doctor(world, { variables: await edgeKeyWith("s3:ListBucket") });
    expect(none.rows.get("s3/first-config/edge-key")?.state).toBe("fail");
  });

  it("takes its probe away whatever the key may read", async () => {
    const world = await startDeployed();
    const owner = ownerOf(world);
    const writer = await issueKey(join(world.cwd, "state"), {
      name: "writer",
      policy: {
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Action: ["s3:PutObject", "s3:DeleteObject", "s3:ListBucket"],
            Resource: "*",
          },
        ],
      },
    });
    const blind = await doctor(world, {
      variables: {
        AWS_ACCESS_KEY_ID: writer.accessKeyId,
        AWS_SECRET_ACCESS_KEY: writer.secretAccessKey,
      },
    });
    expect(blind.rows.get("s3/first-config/publisher")?.state).toBe("fail");
    const left = await owner.send(new ListObjectsV2Command({ Bucket: "first-config" }));
    expect((left.Contents ?? []).filter(({ Key = "" }) => Key.includes("_doctor"))).toEqual([]);
  });

  it("tells a change by hand from one that a deploy would make, and a foreign version from ours", async () => {
    const world = await startDeployed();
    const client = new FastlyClient({
      apiUrl: world.mirror.file.api.url,
      token: new Secret(world.mirror.file.api.token),
      clock: systemClock,
    });
    onTestFinished(() => client.close());
    const service = await client.findService("first-time");
    const serviceId = service?.id ?? "";
    const draft = await client.cloneVersion({ serviceId, version: 1 });
    const ref = { serviceId, version: draft.number };
    await client.create(DOMAIN, ref, { name: "by-hand.sites.localhost", comment: "" });
    await client.activateVersion(ref);
    const { rows, code } = await doctor(world);
    expect(code).toBe(1);
    expect(rows.get("fastly/active")).toMatchObject({ state: "fail" });
    expect(rows.get("fastly/active")?.found).toContain("not made by sitefleet");
    expect(rows.get("fastly/drift")).toMatchObject({ state: "fail" });
    expect(rows.get("fastly/drift")?.found).toContain("by-hand.sites.localhost");
  });

  it("says what there is not in an account with nothing in it", async () => {
    const world = await startFirstTime();
    const { rows, code } = await doctor(world);
    expect(code).toBe(3);
    expect(rows.get("fastly/service")?.fix).toContain("--create");
    expect(rows.get("s3/first-config")).toMatchObject({
      state: "fail",
      found: "does not exist in us-east-1",
    });
  });

  it("ends with 3 when nobody answers", async () => {
    const world = await startDeployed();
    const port = await closedPort();
    await world.configure((production) => ({
      ...production,
      s3: { ...production.s3, endpoint: `http://127.0.0.1:${port}` },
      verify: { url: `http://127.0.0.1:${port}`, hostSuffix: "verify.sites.localhost" },
    }));
    const { rows, code } = await doctor(world);
    expect(code).toBe(3);
    expect(rows.get("edge/answer")).toMatchObject({ state: "fail", cause: "unreachable" });
    expect(rows.get("s3/first-config")).toMatchObject({ state: "fail", cause: "unreachable" });
  }, 60_000);
});

/** A port at which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
