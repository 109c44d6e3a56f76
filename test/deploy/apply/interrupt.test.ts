import { describe, expect, it } from "vitest";
import type { EdgeChecks } from "../../../src/deploy/apply/activation.ts";
import { applyRollback, planRollback } from "../../../src/deploy/apply/rollback.ts";
import { isVerified } from "../../../src/deploy/live/state.ts";
import { isEmptyPlan } from "../../../src/deploy/plan/deploy-plan.ts";
import { formatStatus, toStatus } from "../../../src/deploy/plan/status.ts";
import { Interruption, InterruptedError } from "../../../src/lib/interruption.ts";
import { startApi } from "../../mirror/api/api-fixture.ts";
import type { ApiFixture } from "../../mirror/api/api-fixture.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import type { Fault, ProxiedCall } from "../../support/fault-proxy.ts";
import { GOOD_EDGE, VARIABLES, deployerAt, desiredWith, environmentWith, liveOf } from "../deploy-fixture.ts";
import type { Deployer } from "../deploy-fixture.ts";

const { service } = desiredWith();

/** A deployer that somebody interrupts, with what a second Ctrl-C would say. */
interface Interruptible {
  readonly deployer: Deployer;
  readonly interruption: Interruption;
  readonly signal: AbortSignal;
  readonly interrupt: () => void;
}

function interruptible(url: string): Interruptible {
  const controller = new AbortController();
  const { signal } = controller;
  const interruption = new Interruption();
  const deployer = deployerAt(url, { signal });
  return { deployer, interruption, signal, interrupt: () => controller.abort(interruption) };
}

/** Ctrl-C while the conformance cases run, which would go on for ever. */
function stoppedWhileVerifying({ interrupt }: Interruptible): EdgeChecks {
  return {
    ...GOOD_EDGE,
    verify() {
      setImmediate(interrupt);
      return new Promise(() => undefined);
    },
  };
}

async function interruptionOf(promise: Promise<unknown>): Promise<InterruptedError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof InterruptedError)) throw new Error("expected an interruption", { cause: error });
  return error;
}

async function deployed(): Promise<{ readonly api: ApiFixture; readonly active: () => number | undefined }> {
  const api = await startApi();
  const { serviceId } = await deployerAt(api.api.url).deploy(desiredWith());
  return { api, active: () => api.edge.active.get(serviceId ?? "")?.version };
}

describe("Ctrl-C", () => {
  it("while a version is verified puts the former one back, and says which is live", async () => {
    const { api, active } = await deployed();
    const stopped = interruptible(api.api.url);
    const { deployer, interruption } = stopped;
    const error = await interruptionOf(deployer.deploy(desiredWith("# two"), stoppedWhileVerifying(stopped)));
    expect(error.message).toBe(
      "version 1 is live again; version 2 was taken back, for it was not verified yet",
    );
    expect(deployer.lines.slice(-3)).toEqual([
      "interrupted: version 2 is live and not verified yet; putting version 1 back. Another Ctrl-C stops at once",
      "putting version 1 back",
      "version 1: active",
    ]);
    expect(interruption.lastWords).toBe("version 1 is live");
    expect(active()).toBe(1);
    const next = deployerAt(api.api.url);
    const live = await liveOf(next);
    expect(live.state.journal).toMatchObject({ state: "interrupted", version: 2, former: 1 });
    expect([1, 2].map((version) => isVerified(live.state, version))).toEqual([true, false]);
    expect(formatStatus(toStatus(desiredWith("# one"), live))).toMatch(
      /^last {5}version 2 was interrupted and taken back$/m,
    );
    expect(await next.deploy(desiredWith("# two"))).toMatchObject({ version: 3, former: 1 });
  });

  it("while the edge is waited for does the same, however long it does not answer", async () => {
    const { api, active } = await deployed();
    const stopped = interruptible(api.api.url);
    const silent = {
      ...GOOD_EDGE,
      probe() {
        setImmediate(stopped.interrupt);
        return new Promise<boolean>(() => undefined);
      },
    };
    await interruptionOf(stopped.deployer.deploy(desiredWith("# two"), silent));
    expect(active()).toBe(1);
  });

  it("while a version is being made live waits for the answer and takes it back", async () => {
    const { api, active } = await deployed();
    let stop = (): void => undefined;
    const proxy = await startFaultProxy(api.api.url, (call) => {
      if (call.url.endsWith("/version/2/activate")) stop();
      return "pass";
    });
    const stopped = interruptible(proxy.url);
    stop = stopped.interrupt;
    const error = await interruptionOf(stopped.deployer.deploy(desiredWith("# two")));
    expect(error.message).toMatch(/^version 1 is live again/);
    expect(stopped.deployer.lines).toContain(
      "interrupted: version 2 is being made live, and version 1 is live until then; waiting for Fastly's answer, to take it back. Another Ctrl-C stops at once",
    );
    expect(active()).toBe(1);
  });

  it("takes a first version down again", async () => {
    const api = await startApi();
    const stopped = interruptible(api.api.url);
    const error = await interruptionOf(
      stopped.deployer.deploy(desiredWith(), stoppedWhileVerifying(stopped)),
    );
    expect(error.message).toMatch(/^nothing is live, as before; version 1 was taken back/);
    expect(api.edge.active.size).toBe(0);
  });

  it.each([
    ["the clone", ({ url }: ProxiedCall) => url.endsWith("/clone")],
    ["the VCL", ({ url, method }: ProxiedCall) => method === "PUT" && url.includes("/vcl/")],
    ["the validation", ({ url }: ProxiedCall) => url.endsWith("/validate")],
    ["the journal's entry", ({ body }: ProxiedCall) => body.includes("activating")],
  ])("at %s activates nothing, and the next run leaves no draft behind", async (_, isMeant) => {
    const { api, active } = await deployed();
    let stop = (): void => undefined;
    const proxy = await startFaultProxy(api.api.url, (call): Fault => {
      if (isMeant(call)) stop();
      return "pass";
    });
    const stopped = interruptible(proxy.url);
    stop = stopped.interrupt;
    const error = await interruptionOf(stopped.deployer.deploy(desiredWith("# two")));
    expect(error.message).toMatch(/^nothing was activated: version 1 is live, as before; the next /);
    expect(active()).toBe(1);
    const next = deployerAt(api.api.url);
    expect(await next.deploy(desiredWith("# two"))).toMatchObject({ version: 2, former: 1 });
    expect((await liveOf(next)).versions).toHaveLength(2);
  });

  it("says so when what is live cannot be taken back, and how to go back", async () => {
    const { api } = await deployed();
    const proxy = await startFaultProxy(api.api.url, ({ url }) =>
      url.endsWith("/version/1/activate") ? { status: 403, body: { msg: "no" } } : "pass",
    );
    const stopped = interruptible(proxy.url);
    const error = await interruptionOf(
      stopped.deployer.deploy(desiredWith("# two"), stoppedWhileVerifying(stopped)),
    );
    expect(error.message).toBe(
      "version 2 is live as far as is known, is not verified and could not be taken back",
    );
    expect(error.details).toContain("run `sitefleet deploy rollback --to 1`");
    // Whether the call that takes it back has landed is not known to who is stopped in the middle of it.
    expect(stopped.interruption.lastWords).toBe(
      "version 2 is live and not verified, or version 1 is again: `sitefleet deploy status` shows it",
    );
  });

  it("once a version is verified does not undo it", async () => {
    const { api, active } = await deployed();
    let stop = (): void => undefined;
    const proxy = await startFaultProxy(api.api.url, ({ body }) => {
      if (body.includes("verified")) stop();
      return "pass";
    });
    const stopped = interruptible(proxy.url);
    stop = stopped.interrupt;
    expect(await stopped.deployer.deploy(desiredWith("# two"))).toMatchObject({ version: 2 });
    expect(active()).toBe(2);
    expect(stopped.interruption.lastWords).toBe("version 2 is live and verified");
    expect(isEmptyPlan(await deployerAt(api.api.url).plan(desiredWith("# two")))).toBe(true);
  });

  it("while new items are verified leaves the version live, and the next run makes up for it", async () => {
    const { api, active } = await deployed();
    const rotated = desiredWith(
      "# one",
      environmentWith({}, { ...VARIABLES, SITEFLEET_EDGE_S3_KEY: "AKIAEDGEREADER:rotated" }),
    );
    const stopped = interruptible(api.api.url);
    const error = await interruptionOf(stopped.deployer.deploy(rotated, stoppedWhileVerifying(stopped)));
    expect(error.message).toMatch(/^version 1 is live; its verification was cut short/);
    expect(error.details).toEqual([
      expect.stringMatching(
        /^the private items keep their new values, which every version reads: config_s3_key /,
      ),
    ]);
    expect(active()).toBe(1);
    expect(await deployerAt(api.api.url).deploy(rotated)).toMatchObject({ outcome: "verified", version: 1 });
  });

  it("in a rollback leaves the version live that was asked for: the other one has a fault", async () => {
    const { api, active } = await deployed();
    await deployerAt(api.api.url).deploy(desiredWith("# two"));
    const stopped = interruptible(api.api.url);
    const { client, clock, lines } = stopped.deployer;
    const plan = await planRollback(client, { service, to: undefined });
    const options = { client, clock, signal: stopped.signal, progress: (line: string) => lines.push(line) };
    const error = await interruptionOf(
      applyRollback(plan, { ...options, checks: stoppedWhileVerifying(stopped) }),
    );
    expect(error.message).toMatch(/^version 1 is live; its verification was cut short/);
    expect(lines.at(-1)).toBe(
      "interrupted: version 1 is live and not verified yet; it stays live. Another Ctrl-C stops at once",
    );
    expect(active()).toBe(1);
  });
});
