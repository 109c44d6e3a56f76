import { describe, expect, it } from "vitest";
import { fleetOf } from "../../src/fleet/fleet.ts";
import { Secret } from "../../src/lib/secret.ts";
import { checkAccount, checkClock } from "../../src/setup/doctor/check-account.ts";
import { exitCodeOf } from "../../src/setup/doctor/check.ts";
import { checkFastly } from "../../src/setup/doctor/doctor.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { DAY, NOW, accountWith, apiWith, jobWith, stateOf } from "./doctor-fixture.ts";

const POPS = [
  { code: "IAD", name: "Ashburn", shield: "iad-va-us", coordinates: { latitude: 38.9, longitude: -77.4 } },
  { code: "FRA", name: "Frankfurt", shield: "frankfurt-de", coordinates: { latitude: 50, longitude: 8.5 } },
  { code: "XYZ", name: "No shield", shield: null, coordinates: { latitude: 39, longitude: -77.5 } },
];

describe("the token", () => {
  const token = { name: "t", scope: "global", expires_at: null, services: [] };

  it.each([
    ["is for everything and never ends", token, "ok"],
    ["ends in a year", { ...token, expires_at: new Date(NOW + 365 * DAY).toISOString() }, "ok"],
    ["ends in 29 days", { ...token, expires_at: new Date(NOW + 29 * DAY).toISOString() }, "warn"],
    ["is for this service", { ...token, services: ["own"] }, "ok"],
    ["is for another service", { ...token, services: ["other"] }, "fail"],
    ["may only purge", { ...token, scope: "purge_select" }, "warn"],
    ["may only read", { ...token, scope: "global:read" }, "fail"],
    ["may only purge everything", { ...token, scope: "purge_all global:read" }, "fail"],
    [
      "may only read and ends soon",
      { ...token, scope: "global:read", expires_at: new Date(NOW + 2 * DAY).toISOString() },
      "fail",
    ],
    [
      "may only purge and ends soon",
      { ...token, scope: "purge_select", expires_at: new Date(NOW + 2 * DAY).toISOString() },
      "warn",
    ],
  ] satisfies [string, unknown, string][])("that %s", async (_, document, state) => {
    const account = await accountWith({ "/tokens/self": document, "/datacenters": POPS });
    const results = await checkAccount(jobWith(), { account, serviceId: "own" });
    expect(stateOf(results, "fastly/token").split(":")[0]).toBe(state);
    expect(stateOf(results, "fastly/clock")).toBe("ok: in step with this machine's");
  });

  it("that can neither deploy nor purge is told so before its end is, and what to take instead", async () => {
    const document = { ...token, scope: "global:read", expires_at: new Date(NOW + 2 * DAY).toISOString() };
    const account = await accountWith({ "/tokens/self": document, "/datacenters": POPS });
    const results = await checkAccount(jobWith(), { account, serviceId: "own" });
    expect(results.find(({ id }) => id === "fastly/token")).toEqual({
      id: "fastly/token",
      state: "fail",
      found: '"t", scope global:read, expires in 2 days: it can neither deploy nor purge',
      fix: "take one with the scope `global`, or `purge_select`",
    });
  });

  it("that is refused ends the run with 4", async () => {
    const account = await accountWith({ "/datacenters": POPS });
    const results = await checkAccount(jobWith(), { account, serviceId: undefined });
    expect(results.find(({ id }) => id === "fastly/token")).toMatchObject({ cause: "not-authorised" });
    expect(exitCodeOf(results)).toBe(4);
  });
});

describe("a publisher's token", () => {
  it("is looked at, and nothing that it may not look at is called wrong", async () => {
    const document = { name: "p", scope: "purge_select", expires_at: null, services: ["own"] };
    const apiUrl = await apiWith({ "/tokens/self": document });
    const job = jobWith({ fastly: { apiUrl, serviceId: "own" } });
    const { environment } = job.fleet;
    const secrets = { ...environment.secrets, apiToken: () => new Secret("token-of-a-publisher") };
    const fleet = fleetOf({ ...environment, secrets }, { clock: new FakeClock(NOW) });
    const results = await checkFastly({ ...job, fleet }, () => true);
    expect(results.map(({ id, state }) => `${state} ${id}`)).toEqual([
      "warn fastly/token",
      "ok fastly/clock",
      "skipped fastly/service",
    ]);
    expect(exitCodeOf(results)).toBe(0);
  });
});

describe("an API that does not answer", () => {
  it("is told once, after two tries, and not once for each thing to ask", async () => {
    const job = jobWith({ fastly: { apiUrl: "http://127.0.0.1:1" } });
    const { environment } = job.fleet;
    const secrets = { ...environment.secrets, apiToken: () => new Secret("token-of-a-test") };
    const clock = new InstantClock(NOW);
    const results = await checkFastly(
      { ...job, fleet: fleetOf({ ...environment, secrets }, { clock }) },
      () => true,
    );
    expect(results.map(({ id, state }) => `${state} ${id}`)).toEqual([
      "fail fastly/token",
      "skipped fastly/service",
    ]);
    expect(clock.slept.length).toBe(1);
    expect(exitCodeOf(results)).toBe(3);
  });
});

describe("the shield", () => {
  it.each([
    ["near the buckets", { shield: "iad-va-us" }, {}, "ok"],
    ["on another continent", { shield: "frankfurt-de" }, {}, "warn"],
    ["that Fastly does not have", { shield: "nowhere-xx" }, {}, "fail"],
    ["that is a POP which shields nobody", { shield: "xyz" }, {}, "fail"],
    ["that there is none of", { shield: undefined }, {}, "warn"],
    [
      "of buckets whose place is not known",
      { shield: "frankfurt-de" },
      { endpoint: "https://s3.example.net" },
      "ok",
    ],
  ] satisfies [string, object, object, string][])("%s", async (_, fastly, s3, state) => {
    const account = await accountWith({ "/datacenters": POPS });
    const results = await checkAccount(jobWith({ fastly, s3 }), { account, serviceId: undefined });
    expect(stateOf(results, "fastly/shield").split(":")[0]).toBe(state);
    const row = results.find(({ id }) => id === "fastly/shield");
    if (state !== "ok") expect(row?.fix).toContain("iad-va-us");
  });
});

describe("a clock", () => {
  it.each([
    [0, "ok: in step with this machine's"],
    [-59_000, "ok: 59 s behind this machine's"],
    [60_000, "warn: 60 s ahead of this machine's"],
    [-900_000, "fail: 900 s behind this machine's"],
    [undefined, "skipped: no answer told the time"],
  ])("that is off by %s ms", (offset, expected) => {
    expect(stateOf([checkClock("c", offset)], "c")).toBe(expected);
  });
});
