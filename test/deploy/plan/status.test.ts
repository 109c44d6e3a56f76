import { describe, expect, it } from "vitest";
import { readOrigins } from "../../../src/deploy/live/clones.ts";
import { readLive } from "../../../src/deploy/live/live.ts";
import { formatStatus, toStatus } from "../../../src/deploy/plan/status.ts";
import { startApi } from "../../mirror/api/api-fixture.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import type { SitefleetError } from "../../../src/lib/errors.ts";
import { applyRollback, planRollback } from "../../../src/deploy/apply/rollback.ts";
import {
  BAD_EDGE,
  GOOD_EDGE,
  VARIABLES,
  deployerAt,
  desiredWith,
  environmentWith,
  failureOf,
  liveOf,
} from "../deploy-fixture.ts";

const { service } = desiredWith();

async function withTwoVersions() {
  const api = await startApi();
  const deployer = deployerAt(api.api.url);
  const { serviceId } = await deployer.deploy(desiredWith("# one"));
  await deployer.deploy(desiredWith("# two"));
  const path = `/service/${serviceId}/version`;
  return {
    api,
    deployer,
    path,
    id: serviceId ?? "",
    text: async (): Promise<string> => {
      const desired = desiredWith("# two");
      const live = await liveOf(deployer, desired);
      return formatStatus(toStatus(desired, live, await readOrigins(deployer.client, live)));
    },
  };
}

describe("status", () => {
  it("tells what is live, drafts and drift", async () => {
    const { api, deployer, id, path } = await withTwoVersions();
    await api.call("PUT", `${path}/2/clone`);
    const live = await readLive(deployer.client, service);
    const status = toStatus(desiredWith("# three"), live);
    expect(status).toMatchObject({
      service: { id, name: "fleet-test" },
      active: { number: 2, revision: "hash-of---two", origin: null, abandoned: false },
      drafts: [{ number: 3, revision: null }],
      lastChange: "verified",
      drift: [],
      pending: ['~ vcl "main"'],
    });
    const text = formatStatus(status);
    expect(text).toMatch(/^active {3}version 2 {2}2026-01-01T00:00:00Z {2}revision hash-of---two$/m);
    expect(text).toMatch(/^draft {4}version 3 /m);
    expect(formatStatus(toStatus(desiredWith("# two"), live))).toContain("pending  none");
  });

  it("tells that there is no service", () => {
    expect(formatStatus(toStatus(desiredWith(), undefined))).toBe("test: the service does not exist yet");
  });

  it("says which version a clone is of, and whether its comment and content are still that version's", async () => {
    const { api, path, text } = await withTwoVersions();
    for (const version of [2, 2, 1, 1]) await api.call("PUT", `${path}/${version}/clone`);
    await api.call("PUT", `${path}/4/backend/config`, { form: { weight: "7" } });
    await api.call("PUT", `${path}/5`, { form: { comment: "hotfix" } });
    await api.call("PUT", `${path}/6`, { form: { comment: "mine" } });
    await api.call("PUT", `${path}/6/settings`, { form: { "general.default_ttl": "60" } });
    const lines = (await text()).split("\n");
    const of = (version: number): string | undefined =>
      lines.find((line) => line.startsWith(`draft    version ${version} `))?.replace(/^.*?Z {2}/, "");
    expect([3, 4, 5, 6].map(of)).toEqual([
      "a clone of version 2 of sitefleet's: comment kept, nothing in it changed",
      "a clone of version 2 of sitefleet's: comment kept, changed since",
      '"hotfix"  a clone of version 1 of sitefleet\'s: nothing in it changed but the comment',
      '"mine"  not made by sitefleet',
    ]);
  });

  it("says the same of what is live", async () => {
    const { api, path, text } = await withTwoVersions();
    await api.call("PUT", `${path}/2`, { form: { comment: "do not touch" } });
    expect(await text()).toMatch(
      /^active .*"do not touch" {2}made by sitefleet, and its comment changed by hand$/m,
    );
    await api.call("PUT", `${path}/1/clone`);
    await api.call("PUT", `${path}/3/activate`);
    expect(await text()).toMatch(
      /^active .* a clone of version 1 of sitefleet's: comment kept, nothing in it changed$/m,
    );
  });

  it("says of a draft that was marked as abandoned that it is one", async () => {
    const { api, deployer, text } = await withTwoVersions();
    const proxy = await startFaultProxy(api.api.url, ({ url }) =>
      url.endsWith("/validate") ? { status: 403 } : "pass",
    );
    await failureOf(deployerAt(proxy.url).deploy(desiredWith("# three")));
    const { id } = await liveOf(deployer);
    await api.call("PUT", `/service/${id}/version/1/activate`);
    const desired = desiredWith("# two");
    await deployer.apply(await deployer.plan(desired, "overwrite"), desired);
    expect(await text()).toMatch(
      /^draft {4}version 3 .* a draft of sitefleet's that nothing will be deployed from$/m,
    );
  });

  it("tells how the last change ended by what is live, not by how far its run came", async () => {
    const { api, deployer, id, path, text } = await withTwoVersions();
    const last = async (): Promise<string | undefined> => /^last {5}(.*)$/m.exec(await text())?.[1];
    const rollBack = async (at: string): Promise<SitefleetError> => {
      const { client, clock, lines } = deployerAt(at);
      const plan = await planRollback(client, { service, to: 1 });
      const { signal } = new AbortController();
      const progress = (line: string): void => void lines.push(line);
      return failureOf(applyRollback(plan, { client, clock, signal, checks: GOOD_EDGE, progress }));
    };
    const refusing = await startFaultProxy(api.api.url, ({ url }) =>
      url.endsWith("/activate") ? { status: 403 } : "pass",
    );
    const refused = await rollBack(refusing.url);
    expect(refused.details.slice(1)).toEqual(["version 1 was not made live: version 2 is live, as before"]);
    expect(await last()).toBe("verified");
    expect((await liveOf(deployer)).state.journal).toMatchObject({
      state: "verified",
      version: 2,
      former: 1,
    });
    // Nobody learns whether the activation was done, nor can write down that it was not.
    let isDead = false;
    const dying = await startFaultProxy(api.api.url, ({ url }) => {
      isDead ||= url.endsWith("/activate");
      return isDead ? "lost" : "pass";
    });
    await rollBack(dying.url);
    expect(await last()).toBe("version 1 was about to be made live, and is not live");
    await api.call("PUT", `/service/${id}/version/1/activate`);
    expect(await last()).toBe("version 1 has not passed verification");
    await api.call("PUT", `${path}/2/activate`);
    const other = environmentWith({}, { ...VARIABLES, SITEFLEET_CONFIG_SEGMENT: "other-segment" });
    await failureOf(deployer.deploy(desiredWith("# two", other), BAD_EDGE));
    expect(await last()).toBe("version 2 has not passed verification");
  });

  it("says that a refused activation could not be remembered", async () => {
    const { api } = await withTwoVersions();
    let isRefused = false;
    const proxy = await startFaultProxy(api.api.url, ({ method, url }) => {
      if (!url.endsWith("/activate")) return isRefused && method !== "GET" ? { status: 403 } : "pass";
      isRefused = true;
      return { status: 403 };
    });
    const error = await failureOf(deployerAt(proxy.url).deploy(desiredWith("# three")));
    expect(error.details.slice(1)).toEqual([
      "version 3 was not made live: version 2 is live, as before",
      expect.stringMatching(/^that it was refused could not be remembered: /),
    ]);
  });
});
