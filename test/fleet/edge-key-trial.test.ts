import { describe, expect, it, onTestFinished } from "vitest";
import { applyDeploy } from "../../src/deploy/apply/apply.ts";
import type { DeployResult } from "../../src/deploy/apply/apply.ts";
import { readLive } from "../../src/deploy/live/live.ts";
import { planDeploy } from "../../src/deploy/plan/plan.ts";
import type { DeployPlan } from "../../src/deploy/plan/deploy-plan.ts";
import { applyOptions, describeService, planSession } from "../../src/fleet/deploy-session.ts";
import type { DeploySession } from "../../src/fleet/deploy-session.ts";
import { edgeChecksFor } from "../../src/fleet/edge-checks.ts";
import { tryEdgeKey } from "../../src/fleet/edge-key-trial.ts";
import { connectFastly } from "../../src/fleet/fastly-connection.ts";
import { fleetOf, localFleet } from "../../src/fleet/fleet.ts";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { UNKNOWN_PROVENANCE } from "../../src/fleet/provenance.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Secret } from "../../src/lib/secret.ts";
import { issueKey } from "../../src/mirror/issued-keys.ts";
import { startMirror } from "../../src/mirror/mirror.ts";
import type { Environment } from "../../src/settings/environment.ts";
import { environmentWith, failureOf } from "../deploy/deploy-fixture.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { startScriptedServer } from "../support/scripted-server.ts";
import type { Reaction } from "../support/scripted-server.ts";
import { tempDir } from "../support/temp-dir.ts";

const VARIABLE = "SITEFLEET_EDGE_S3_KEY";

/** A mirror, and deploys to it with one key or another. */
async function startDeploys(target: Environment["target"]) {
  const stateDir = await tempDir();
  const ports = { edge: 0, edgeTls: 0, api: 0, s3: 0 };
  const mirror = await startMirror({ stateDir, ports, clock: systemClock, pid: process.pid, target });
  onTestFinished(() => mirror.close());
  const warnings: string[] = [];
  const lines: string[] = [];
  const notes = {
    progress: (line: string) => void lines.push(line),
    warn: (line: string) => void warnings.push(line),
  };
  const { environment } = await localFleet(stateDir);
  const open = async (key: string, ttl = environment.ttl): Promise<DeploySession> => {
    const secrets = { ...environment.secrets, edgeStoreKey: () => new Secret(key, VARIABLE) };
    const fleet = fleetOf({ ...environment, ttl, secrets }, { notes, stateDir });
    const desired = await describeService(fleet.environment, { commit: null });
    const client = await connectFastly(fleet);
    onTestFinished(() => client.close());
    return { fleet, desired, client, provenance: UNKNOWN_PROVENANCE, close: () => client.close() };
  };
  const apply = (session: DeploySession, plan: DeployPlan): Promise<DeployResult> => {
    const checks = edgeChecksFor(session.fleet.environment, notes);
    return applyDeploy(plan, applyOptions(session, { create: true, checks }));
  };
  return {
    stateDir,
    lines,
    environment,
    rightKey: mirror.file.s3.edgeKey,
    open,
    apply,
    /** Whether the edge reads the config bucket, whatever version is live. */
    reads: async (): Promise<boolean> => {
      const session = await open(mirror.file.s3.edgeKey);
      const live = await readLive(session.client, session.desired.service, session.desired);
      const version = live?.active?.number ?? 0;
      const checks = edgeChecksFor(session.fleet.environment, notes);
      return (await checks.verify({ version, revision: undefined })).ok;
    },
  };
}

/** What is live, and every version there is. */
async function versionsIn({
  client,
  desired,
}: DeploySession): Promise<readonly (readonly [number, boolean])[]> {
  const live = await readLive(client, desired.service, desired);
  return (live?.versions ?? []).map(({ number, active }) => [number, active] as const);
}

/** A plan as `deploy plan --out` made it when the key was not looked at. */
async function unseenPlan({ client, desired }: DeploySession): Promise<DeployPlan> {
  return planDeploy(desired, await readLive(client, desired.service, desired));
}

const NO_READER = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::elsewhere/*" }],
};

describe.each(["vcl", "compute"] as const)("a deploy of a %s service", { timeout: 60_000 }, (target) => {
  it("with a key that S3 refuses writes nothing, be it the first or a later one", async () => {
    const { rightKey, environment, open, apply, reads } = await startDeploys(target);
    const first = await open(`NOBODY:${rightKey.split(":")[1] ?? ""}`);
    const error = await failureOf(planSession(first));
    expect(error).toMatchObject({ code: "deploy/edge-key-refused", exitCode: 4 });
    expect(error.hint).toContain(VARIABLE);
    expect([error.message, ...error.details, error.hint].join("\n")).not.toContain(rightKey.split(":")[1]);
    expect(await failureOf(apply(first, await unseenPlan(first)))).toMatchObject({ code: error.code });
    expect(await versionsIn(first)).toEqual([]);
    expect(await first.client.stores.listConfigStores()).toEqual([]);
    const right = await open(rightKey);
    await apply(right, await planSession(right));
    const ttl = { ...environment.ttl, page: 600 };
    const later = await open(`${rightKey}x`, ttl);
    expect(await failureOf(apply(later, await unseenPlan(later)))).toMatchObject({ code: error.code });
    expect(await versionsIn(later)).toEqual([[1, true]]);
    expect(await reads()).toBe(true);
    const next = await open(rightKey, ttl);
    expect(await apply(next, await planSession(next))).toMatchObject({ outcome: "deployed", version: 2 });
  });

  it("with a key that may not read is warned, says what stays when it fails, and the right key mends it", async () => {
    const { rightKey, environment, lines, open, apply, reads, stateDir } = await startDeploys(target);
    const right = await open(rightKey);
    await apply(right, await planSession(right));
    const made = await issueKey(stateDir, { name: "edge", policy: NO_READER });
    const ttl = { ...environment.ttl, page: 600 };
    const session = await open(`${made.accessKeyId}:${made.secretAccessKey}`, ttl);
    const plan = await planSession(session);
    expect(plan.warnings).toEqual([
      expect.stringMatching(/answers the edge's key with 403 AccessDenied, so /),
    ]);
    const error = await failureOf(apply(session, plan));
    expect(error).toMatchObject({
      code: "deploy/verification-failed",
      message: "version 2 did not pass verification; version 1 was put back",
    });
    expect(error.details).toContainEqual(
      `the private items keep their new values, which every version reads: config_s3_key (${VARIABLE}), config_segment, hosting_s3_key (${VARIABLE}); Fastly does not tell the former ones, so where one is wrong set the right value and run \`sitefleet deploy apply\` again`,
    );
    // Said once, by the plan.
    expect(lines.join("\n")).not.toContain("AccessDenied");
    expect(await reads()).toBe(false);
    const mended = await open(rightKey, ttl);
    expect(await apply(mended, await planSession(mended))).toMatchObject({ outcome: "deployed", former: 1 });
    expect(await reads()).toBe(true);
  });

  it("that leaves the key as it is asks S3 nothing", async () => {
    const { rightKey, environment, open, apply } = await startDeploys(target);
    const right = await open(rightKey);
    await apply(right, await planSession(right));
    const next = await open(rightKey, { ...environment.ttl, page: 600 });
    const gone = { ...next.fleet.environment.s3, endpoint: "http://127.0.0.1:1" };
    const session = {
      ...next,
      fleet: { ...next.fleet, environment: { ...next.fleet.environment, s3: gone } },
    };
    expect((await planSession(session)).warnings).toEqual([]);
  });
});

const REFUSED = (code: string, status = 403): Reaction => ({
  status,
  body: `<Error><Code>${code}</Code><Message>no</Message></Error>`,
});

/** A fleet whose first region answers so, and whose second does where there is one. */
async function fleetThatHears(...reactions: readonly (() => Reaction)[]) {
  const servers = await Promise.all(reactions.map((react) => startScriptedServer(react)));
  const [first, second] = servers.map(({ url }, index) => ({
    region: `xx-west-${index + 1}`,
    endpoint: url,
    configBucket: `config-${index + 1}`,
    hostingBucket: `hosting-${index + 1}`,
  }));
  const environment = environmentWith({ s3: { ...first, ...(second ? { second } : {}) } });
  const clock = new FakeClock();
  const fleet: Fleet = fleetOf(environment, { clock });
  return { fleet, clock, servers, hosts: servers.map(({ url }) => url.replace("http://", "")) };
}

describe("a trial of the edge's key", () => {
  it("is one signed GET of a config that nobody has, as the edge sends it, in each region", async () => {
    const { fleet, servers } = await fleetThatHears(
      () => REFUSED("NoSuchKey", 404),
      () => REFUSED("NoSuchKey", 404),
    );
    expect(await tryEdgeKey(fleet)).toEqual([]);
    const path = "test/production/edge-key-trial.invalid/hidden-config-segment";
    servers.forEach(({ seen, url }, index) => {
      expect(seen).toMatchObject([
        { method: "GET", url: `/config-${index + 1}/${path}`, headers: { host: url.replace("http://", "") } },
      ]);
      const scope = `20260101/xx-west-${index + 1}/s3/aws4_request`;
      expect(seen[0]?.headers.authorization).toMatch(
        `Credential=AKIAEDGEREADER/${scope}, SignedHeaders=host;x-amz-content-sha256;x-amz-date, `,
      );
    });
  });

  it("refuses a key that only the second region does not know, and names the region's store", async () => {
    const { fleet, hosts } = await fleetThatHears(
      () => REFUSED("NoSuchKey", 404),
      () => REFUSED("InvalidAccessKeyId"),
    );
    expect((await failureOf(tryEdgeKey(fleet))).details).toEqual([
      `S3 at ${hosts[1]}/config-2 knows no key with this id (InvalidAccessKeyId)`,
    ]);
  });

  it.each([
    "AccessDenied",
    "AllAccessDisabled",
    "NoSuchBucket",
    "AuthorizationHeaderMalformed",
    "InvalidToken",
  ])("only warns where S3 says %s, which may be another fault than the key's", async (code) => {
    const { fleet, hosts } = await fleetThatHears(() => REFUSED(code));
    const [line = "", ...more] = await tryEdgeKey(fleet);
    expect(more).toEqual([]);
    expect(line.startsWith(`S3 at ${hosts[0]}/config-1 answers the edge's key with 403 ${code}, so `)).toBe(
      true,
    );
    expect(line.includes("deploy policies --role edge-reader --env test")).toBe(code === "AccessDenied");
  });

  it("warns where nothing answers from here, be it at once or by the time that a deploy waits", async () => {
    const unreachable = fleetOf(environmentWith({ s3: { endpoint: "http://127.0.0.1:1" } }));
    expect(await tryEdgeKey(unreachable)).toEqual([
      expect.stringMatching(
        /^S3 at 127\.0\.0\.1:1\/fleet-config did not answer: .*, so whether the key is right/,
      ),
    ]);
    let asked = (): void => undefined;
    const reached = new Promise<void>((resolve) => void (asked = resolve));
    const { fleet, clock } = await fleetThatHears(() => (asked(), "silence"));
    const trial = tryEdgeKey(fleet);
    await reached;
    clock.advance(10_000);
    expect(await trial).toEqual([expect.stringContaining(" did not answer within 10 s, so ")]);
  });

  it("ends with the run that is interrupted", async () => {
    const stop = new AbortController();
    const { fleet } = await fleetThatHears(() => {
      stop.abort(new Error("interrupted"));
      return "silence";
    });
    await expect(tryEdgeKey({ ...fleet, signal: stop.signal })).rejects.toThrow("interrupted");
  });
});
