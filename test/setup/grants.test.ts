import { randomBytes } from "node:crypto";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { request } from "undici";
import { describe, expect, it, onTestFinished } from "vitest";
import { fleetOf } from "../../src/fleet/fleet.ts";
import { openPublishing } from "../../src/fleet/publish-session.ts";
import { startHook } from "../../src/hook/hook-server.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Secret } from "../../src/lib/secret.ts";
import { environmentOf } from "../../src/settings/environment.ts";
import { settingsSchema } from "../../src/settings/schema.ts";
import { S3_GRANTS, S3_ROLES, policyFor } from "../../src/setup/s3-grants.ts";
import { KEY, sha256 } from "../hook/hook-fixture.ts";
import { DIGEST_HEADER, SIGNATURE_HEADER, signatureHeader } from "../../src/hook/signature.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { openCallGate } from "../support/call-gate.ts";
import type { CallGate } from "../support/call-gate.ts";
import { exampleSettings } from "../support/environments.ts";
import { folderOf, startFirstTime } from "./first-time-fixture.ts";
import type { FirstTime } from "./first-time-fixture.ts";

async function succeeds(world: FirstTime, role: "publisher" | "deployer", line: string): Promise<void> {
  const { code, out, err } = await world.run(line.split(" "), { role });
  if (code !== 0) throw new Error(`${line}: exit ${code}\n${out}${err}`);
}

/** Everything that publishing does with the buckets, each with the publisher's key. */
async function publishEverything(world: FirstTime): Promise<void> {
  const [one, two] = [await folderOf(world.cwd, 1), await folderOf(world.cwd, 2)];
  const host = "acme.sites.localhost";
  const lines = [
    `publish ${one} --site acme --domain ${host}`,
    `publish ${two} --site acme`,
    `publish ${one} --site acme --preview pr-1`,
    "site promote acme pr-1",
    "site unpreview acme pr-1",
    `publish ${two} --site acme --in-place`,
    `domain add www.${host} --site acme --canonical ${host}`,
    `domain set ${host} --force-tls off`,
    "redirect add /old /new --site acme",
    "redirect list --site acme --json",
    "site set acme --noindex on",
    "site suspend acme --status 410",
    "site suspend acme --lift",
    "site list --json",
    "site releases acme",
    "site prune --all --keep 1 --older 0s --yes",
    "site migrate",
    "purge --site acme",
    "purge --owed --send",
    `domain remove www.${host}`,
    "site delete acme",
    "site delete acme --purge-files --yes",
  ];
  for (const line of lines) await succeeds(world, "publisher", line);
}

/** Publishes by webhook what somebody else put into the bucket. */
async function publishByHook(world: FirstTime): Promise<void> {
  const { file } = world.mirror;
  const { accessKeyId, secretAccessKey, url, region } = file.s3;
  const owner = new S3Client({
    endpoint: url,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  onTestFinished(() => owner.destroy());
  const Key = "production/_incoming/hooked/build-1/index.html";
  await owner.send(new PutObjectCommand({ Bucket: "first-hosting", Key, Body: "by hook" }));
  const environment = { ...world.environment, secrets: world.secretsOf("publisher") };
  const hook = await startHook({
    environment: "production",
    keys: [KEY],
    host: "127.0.0.1",
    port: 0,
    stateDir: world.cwd,
    openSession: (signal) =>
      Promise.resolve(
        openPublishing(fleetOf(environment, { signal, clock: new InstantClock(systemClock.now()) })),
      ),
    clock: systemClock,
    pid: process.pid,
    warn: () => undefined,
  });
  onTestFinished(() => hook.close());
  const target = "/v1/sites/hooked/publish?domain=hooked.sites.localhost";
  const body = JSON.stringify({ prefix: "build-1" });
  const digest = sha256(body);
  const signed = {
    environment: "production",
    method: "POST",
    target,
    timestamp: Math.floor(systemClock.now() / 1_000),
    nonce: randomBytes(16).toString("hex"),
    digest,
  };
  const answer = await request(hook.url + target, {
    method: "POST",
    headers: {
      [SIGNATURE_HEADER]: signatureHeader({ id: KEY.id, secret: new Secret(KEY.secret.reveal()) }, signed),
      [DIGEST_HEADER]: digest,
      "content-type": "application/json",
      prefer: "wait=60",
    },
    body,
  });
  expect(await answer.body.json()).toMatchObject({ state: "done" });
}

async function visit(world: FirstTime, host: string, path: string): Promise<number> {
  const answer = await request(world.mirror.file.edge.http + path, { headers: { host } });
  await answer.body.dump();
  return answer.statusCode;
}

describe("the policies of the roles", () => {
  it("allow every call that is made with their keys, and nothing that no call takes", async () => {
    const world = await startFirstTime();
    await succeeds(world, "deployer", "deploy apply --create");
    // What a deploy verifies itself with: sites of its own, published with the deployer's key.
    await succeeds(
      world,
      "deployer",
      `publish ${await folderOf(world.cwd, 3)} --site cases --domain cases.sites.localhost`,
    );
    await succeeds(world, "deployer", "site delete cases --purge-files --yes");
    await publishEverything(world);
    await publishByHook(world);
    expect(await visit(world, "hooked.sites.localhost", "/")).toBe(200);
    expect(await visit(world, "hooked.sites.localhost", "/missing")).toBe(404);
    expect(await visit(world, "unknown.sites.localhost", "/")).toBe(404);
    // A bucket that was made is private already: what would set it so is used where somebody had changed that.
    await world.loosen("first-config");
    await succeeds(world, "deployer", "deploy apply --create");

    expect(world.calls.filter(({ role, allowed }) => role !== undefined && !allowed)).toEqual([]);
    for (const role of S3_ROLES) {
      const used = new Set(world.calls.filter((call) => call.role === role).map(({ action }) => action));
      const granted = new Set(
        S3_GRANTS.filter(({ roles }) => roles.includes(role)).map(({ action }) => action),
      );
      expect({ role, actions: [...used].sort() }).toEqual({ role, actions: [...granted].sort() });
    }
  }, 120_000);
});

describe("the token of a publisher", () => {
  it("is used for purges by key, and to find a service that the settings do not name by its id", async () => {
    const gates: CallGate[] = [];
    const world = await startFirstTime(async (mirror) => {
      const gate = await openCallGate({ s3: mirror.s3.url, api: mirror.file.api.url });
      gates.push(gate);
      onTestFinished(() => gate.close());
      return { s3: gate.s3, api: gate.api };
    });
    await succeeds(world, "deployer", "deploy apply --create");
    const apiCalls = (): readonly string[] =>
      (gates[0]?.calls ?? []).filter((call) => call.includes(" /service"));
    const before = apiCalls().length;
    await publishEverything(world);
    const kinds = new Set(
      apiCalls()
        .slice(before)
        .map((call) => call.replace(/\/service\/[A-Za-z0-9]{22}/, "/service/ID").replace(/\?.*/, "")),
    );
    // purge_select: purges by key (reference/api/auth-tokens/user, "Scopes"); global:read: every GET.
    expect([...kinds].sort()).toEqual(["GET /service/search", "POST /service/ID/purge"]);
  }, 120_000);
});

describe("a policy", () => {
  const environment = environmentOf(settingsSchema.parse(exampleSettings), "production", {});

  it("is ready JSON, of the environment's own prefix in its own buckets", () => {
    expect(policyFor("edge-reader", environment)).toEqual({
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "Objects",
          Effect: "Allow",
          Action: ["s3:GetObject"],
          Resource: [
            "arn:aws:s3:::example-config/production/*",
            "arn:aws:s3:::example-hosting/production/*",
            "arn:aws:s3:::example-config-west/production/*",
            "arn:aws:s3:::example-hosting-west/production/*",
          ],
        },
        {
          Sid: "Buckets",
          Effect: "Allow",
          Action: ["s3:ListBucket"],
          Resource: [
            "arn:aws:s3:::example-config",
            "arn:aws:s3:::example-hosting",
            "arn:aws:s3:::example-config-west",
            "arn:aws:s3:::example-hosting-west",
          ],
        },
      ],
    });
  });

  it("lets nobody write into the second region, whose content is replicated", () => {
    for (const role of S3_ROLES) {
      const writes = policyFor(role, environment).Statement.filter(({ Action }) =>
        Action.some((action) => action.endsWith("Object") && action !== "s3:GetObject"),
      );
      for (const { Resource } of writes) expect(Resource.join(" ")).not.toContain("west");
    }
  });

  it.each([
    ["us-east-1", "arn:aws:s3:::"],
    ["cn-north-1", "arn:aws-cn:s3:::"],
    ["us-gov-west-1", "arn:aws-us-gov:s3:::"],
  ])("names buckets of %s as that partition does", (region, start) => {
    const elsewhere = { ...environment, s3: { ...environment.s3, region, second: undefined } };
    const resources = policyFor("publisher", elsewhere).Statement.flatMap(({ Resource }) => Resource);
    expect(resources.length).toBeGreaterThan(0);
    for (const resource of resources) expect(resource.startsWith(start)).toBe(true);
  });

  it("needs neither network nor secret to be printed, whole or of one role", async () => {
    const world = await startFirstTime();
    const none = {
      AWS_ACCESS_KEY_ID: "",
      AWS_SECRET_ACCESS_KEY: "",
      FASTLY_API_TOKEN: "",
      SITEFLEET_EDGE_S3_KEY: "",
    };
    const { code, out } = await world.run(["deploy", "policies"], { variables: none });
    expect(code).toBe(0);
    const sheet: unknown = JSON.parse(out);
    expect(sheet).toMatchObject({
      environment: "production",
      s3: { publisher: policyFor("publisher", world.environment) },
      fastly: {
        deployer: { scope: "global", services: [] },
        publisher: { scope: "purge_select global:read" },
      },
    });
    const one = await world.run(["deploy", "policies", "--role", "deployer"], { variables: none });
    expect(JSON.parse(one.out)).toEqual(policyFor("deployer", world.environment));
    const unknown = await world.run(["deploy", "policies", "--role", "visitor"], { variables: none });
    expect(unknown.code).toBe(2);
    await world.configure((production) => ({
      ...production,
      fastly: { ...production.fastly, serviceId: "SU1Z0isxPaozGVKXdv0eY" },
    }));
    const known = await world.run(["deploy", "policies"], { variables: none });
    expect(JSON.parse(known.out)).toMatchObject({
      fastly: { publisher: { scope: "purge_select", services: ["SU1Z0isxPaozGVKXdv0eY"] } },
    });
  });
});
