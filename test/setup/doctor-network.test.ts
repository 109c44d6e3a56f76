import { readFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, expect, it, onTestFinished } from "vitest";
import { AccountClient } from "../../src/fastly/account-client.ts";
import { fleetOf } from "../../src/fleet/fleet.ts";
import { Secret } from "../../src/lib/secret.ts";
import { environmentOf } from "../../src/settings/environment.ts";
import type { Environment } from "../../src/settings/environment.ts";
import { settingsSchema } from "../../src/settings/schema.ts";
import { checkAccount, checkClock } from "../../src/setup/doctor/check-account.ts";
import { checkDns, checkTls } from "../../src/setup/doctor/check-network.ts";
import { checkFastly } from "../../src/setup/doctor/doctor.ts";
import { exitCodeOf } from "../../src/setup/doctor/check.ts";
import type { CheckResult, DoctorJob } from "../../src/setup/doctor/check.ts";
import type { HostRecords } from "../../src/setup/doctor/dns-lookup.ts";
import { readCustomerTarget } from "../../src/setup/customer-target.ts";
import { exampleSettings } from "../support/environments.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { startFirstTime } from "./first-time-fixture.ts";

const NOW = Date.UTC(2026, 5, 1);
const DAY = 86_400_000;

/** An API that answers each path with one document and refuses all else. */
async function apiWith(answers: Readonly<Record<string, unknown>>): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    const [path = ""] = (incoming.url ?? "").split("?");
    const found = answers[path];
    const status = found === undefined ? 403 : 200;
    outgoing.writeHead(status, { "content-type": "application/json", date: new Date(NOW).toUTCString() });
    outgoing.end(JSON.stringify(found ?? { msg: "You are not authorized to perform this action" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

async function accountWith(answers: Readonly<Record<string, unknown>>): Promise<AccountClient> {
  const client = new AccountClient({
    apiUrl: await apiWith(answers),
    token: new Secret("token-of-a-test"),
    clock: new FakeClock(NOW),
  });
  onTestFinished(() => client.close());
  return client;
}

const POPS = [
  { code: "IAD", name: "Ashburn", shield: "iad-va-us", coordinates: { latitude: 38.9, longitude: -77.4 } },
  { code: "FRA", name: "Frankfurt", shield: "frankfurt-de", coordinates: { latitude: 50, longitude: 8.5 } },
  { code: "XYZ", name: "No shield", shield: null, coordinates: { latitude: 39, longitude: -77.5 } },
];
const IPS = { addresses: ["151.101.0.0/16"], ipv6_addresses: ["2a04:4e42::/32"] };

function jobWith(
  change: {
    readonly fastly?: Partial<Environment["fastly"]>;
    readonly s3?: Partial<Environment["s3"]>;
    readonly records?: HostRecords | undefined;
    readonly verify?: Environment["verify"];
    readonly tls?: DoctorJob["tls"];
  } = {},
): DoctorJob {
  const base = environmentOf(settingsSchema.parse(exampleSettings), "production", {});
  const environment = {
    ...base,
    fastly: { ...base.fastly, ...change.fastly },
    s3: { ...base.s3, ...change.s3 },
    verify: "verify" in change ? change.verify : base.verify,
  };
  return {
    fleet: fleetOf(environment, { clock: new FakeClock(NOW) }),
    dns: { lookUp: () => Promise.resolve(change.records) },
    tls: change.tls,
  };
}

function stateOf(results: readonly CheckResult[], id: string): string {
  const row = results.find((result) => result.id === id);
  return `${row?.state}: ${row?.found}`;
}

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

describe("DNS", () => {
  const domain = "*.example-sites.com";
  const host = "sitefleet-doctor.example-sites.com";

  it.each([
    [
      "through a CNAME to Fastly's addresses",
      { cname: "x.sni.global.fastly.net", addresses: ["151.101.1.1", "2a04:4e42::1"] },
      `ok: ${host} leads to Fastly through x.sni.global.fastly.net`,
    ],
    [
      "to addresses of Fastly's",
      { cname: undefined, addresses: ["151.101.1.1"] },
      `ok: ${host} leads to Fastly`,
    ],
    [
      "through a CNAME of Fastly's to addresses of the account's own",
      { cname: "acme.map.fastly.net", addresses: ["203.0.113.1"] },
      `ok: ${host} is acme.map.fastly.net`,
    ],
    [
      "to somebody else",
      { cname: undefined, addresses: ["203.0.113.1"] },
      `fail: ${host} leads to 203.0.113.1, which is not Fastly`,
    ],
    [
      "to a name that only looks like Fastly's",
      { cname: "x.fastly.net.evil.example", addresses: ["203.0.113.1"] },
      `fail: ${host} leads to 203.0.113.1 through x.fastly.net.evil.example, which is not Fastly`,
    ],
    [
      "to Fastly and to somebody else",
      { cname: undefined, addresses: ["151.101.1.1", "2001:db8::1"] },
      `fail: ${host} leads to Fastly and to 2001:db8::1`,
    ],
    ["nowhere", { cname: undefined, addresses: [] }, `fail: ${host} does not exist`],
    [
      "to a name without address",
      { cname: "gone.example", addresses: [] },
      `fail: ${host} is gone.example, which has no address`,
    ],
    ["to a name server that does not answer", undefined, "fail: no name server answers"],
  ] satisfies [string, HostRecords | undefined, string][])("that leads %s", async (_, records, expected) => {
    const account = await accountWith({ "/public-ip-list": IPS });
    const results = await checkDns(jobWith({ records }), account);
    expect(stateOf(results, `dns/${domain}`)).toBe(expected);
    expect(exitCodeOf(results)).toBe(records === undefined ? 3 : expected.startsWith("ok") ? 0 : 1);
  });

  it.each([
    ["the API is on this machine", { fastly: { apiUrl: "http://127.0.0.1:8081" } }],
    [
      "the edge is on this machine",
      { verify: { url: "https://edge.localhost", hostSuffix: "v.example-sites.com" } },
    ],
    [
      "the edge has this machine's IPv6 address",
      { verify: { url: "http://[::1]:80", hostSuffix: "v.example-sites.com" } },
    ],
  ])("is not asked where %s", async (_, change) => {
    const account = await accountWith({});
    const results = await checkDns(jobWith(change), account);
    expect(results).toEqual([expect.objectContaining({ id: `dns/${domain}`, state: "skipped" })]);
  });
});

const noIpv6 = !Object.values(networkInterfaces()).some((found) =>
  found?.some(({ address }) => address === "::1"),
);
if (noIpv6) process.stderr.write("skipped: this machine has no ::1\n");

describe("a certificate", () => {
  it("is refused that nobody known has signed, and taken when its authority is known", async () => {
    const { mirror } = await startFirstTime();
    const verify = { url: mirror.file.edge.https, hostSuffix: "v.example-sites.com" };
    const [stranger] = await checkTls({ ...jobWith({ verify }), fleet: withRealTime(jobWith({ verify })) });
    expect(stranger).toMatchObject({ id: "tls/*.example-sites.com", state: "fail" });
    expect(stranger?.found).toMatch(/^the certificate is not valid: /);
    const tls = { url: mirror.file.edge.https, ca: await readFile(mirror.file.edge.ca, "utf8") };
    const [known] = await checkTls({ ...jobWith({ verify, tls }), fleet: withRealTime(jobWith({ verify })) });
    expect(known).toMatchObject({ state: "ok" });
  });

  it("that ends within two weeks is to be looked at", async () => {
    const { mirror } = await startFirstTime();
    const verify = { url: mirror.file.edge.https, hostSuffix: "v.example-sites.com" };
    const tls = { url: mirror.file.edge.https, ca: await readFile(mirror.file.edge.ca, "utf8") };
    const job = jobWith({ verify, tls });
    const [found] = await checkTls({ ...job, fleet: withRealTime(job) });
    const left = Number(/(\d+) days left/.exec(found?.found ?? "")?.[1]);
    const later = fleetOf(job.fleet.environment, { clock: new FakeClock(Date.now() + (left - 13) * DAY) });
    expect((await checkTls({ ...job, fleet: later }))[0]).toMatchObject({ state: "warn" });
  });

  it("cannot be looked at where nobody answers, or where there is no TLS", async () => {
    const closed = { url: "https://127.0.0.1:1", hostSuffix: "v.example-sites.com" };
    const [unreachable] = await checkTls(jobWith({ verify: closed }));
    expect(unreachable).toMatchObject({ state: "fail", cause: "unreachable" });
    const plain = { url: "http://127.0.0.1:1", hostSuffix: "v.example-sites.com" };
    expect((await checkTls(jobWith({ verify: plain })))[0]).toMatchObject({ state: "skipped" });
    expect((await checkTls(jobWith({ verify: undefined })))[0]).toMatchObject({ state: "skipped" });
  });

  it("is waited for 10 s in all, however often the other side says a little", async () => {
    const { port, connected } = await listenWith("127.0.0.1", (socket) => {
      // The beginning of a record that never ends, a byte at a time.
      socket.on("data", () => socket.write(Buffer.of(0x16)));
    });
    const clock = new FakeClock(NOW);
    const job = jobWith({ verify: { url: `https://127.0.0.1:${port}`, hostSuffix: "v.example-sites.com" } });
    const found = checkTls({ ...job, fleet: fleetOf(job.fleet.environment, { clock }) });
    await connected;
    clock.advance(9_999);
    expect(clock.sleeping).toBe(1);
    clock.advance(1);
    expect(await found).toEqual([
      {
        id: "tls/*.example-sites.com",
        state: "fail",
        found: `127.0.0.1:${port} does not speak TLS: no answer within 10 s`,
        fix: "check verify.url and its DNS",
        cause: "unreachable",
      },
    ]);
  });

  it("is not waited for any longer once the run is stopped", async () => {
    const { port, connected } = await listenWith("127.0.0.1", () => undefined);
    const stop = new AbortController();
    const job = jobWith({ verify: { url: `https://127.0.0.1:${port}`, hostSuffix: "v.example-sites.com" } });
    const clock = new FakeClock(NOW);
    const fleet = fleetOf(job.fleet.environment, { clock, signal: stop.signal });
    const found = checkTls({ ...job, fleet });
    await connected;
    stop.abort(new Error("interrupted"));
    await expect(found).rejects.toThrow("interrupted");
    expect(clock.sleeping).toBe(0);
  });

  it.skipIf(noIpv6)("is asked for at an IPv6 address too", async () => {
    const { port, connected } = await listenWith("::1", (socket) => socket.destroy());
    const verify = { url: `https://[::1]:${port}`, hostSuffix: "v.example-sites.com" };
    const [found] = await checkTls(jobWith({ verify }));
    await connected;
    expect(found).toMatchObject({ state: "fail", cause: "unreachable" });
    expect(found?.found).toMatch(new RegExp(`^\\[::1\\]:${port} does not speak TLS: `));
  });

  /** Listens at a free port; `connected` resolves at the first connection. */
  async function listenWith(
    host: string,
    serve: (socket: Socket) => void,
  ): Promise<{ readonly port: number; readonly connected: Promise<unknown> }> {
    const sockets = new Set<Socket>();
    const server = createTcpServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined); // whoever asked may be gone
      serve(socket);
    });
    const connected = once(server, "connection");
    server.listen(0, host);
    await once(server, "listening");
    onTestFinished(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return { port: (server.address() as AddressInfo).port, connected };
  }

  function withRealTime({ fleet }: DoctorJob): DoctorJob["fleet"] {
    return fleetOf(fleet.environment, { clock: new FakeClock(Date.now()) });
  }
});

describe("what customers point their domains to", () => {
  const record = (id: string, record_type: string): object => ({
    id,
    type: "dns_record",
    attributes: { record_type, region: "global" },
  });
  const configuration = (name: string, isDefault: boolean, ...ids: readonly string[]): object => ({
    id: name,
    type: "tls_configuration",
    attributes: { name, default: isDefault },
    relationships: { dns_records: { data: ids.map((id) => ({ id, type: "dns_record" })) } },
  });

  it("is the record of the account's default TLS configuration", async () => {
    const account = await accountWith({
      "/tls/configurations": {
        data: [
          configuration("old", false, "o.sni.global.fastly.net"),
          configuration("new", true, "n.sni.global.fastly.net", "151.101.2.132"),
        ],
        included: [
          record("o.sni.global.fastly.net", "CNAME"),
          record("n.sni.global.fastly.net", "CNAME"),
          record("151.101.2.132", "A"),
        ],
      },
    });
    expect(await readCustomerTarget(account)).toEqual({
      cname: "n.sni.global.fastly.net",
      addresses: ["151.101.2.132"],
      source: "new",
      note: undefined,
    });
  });

  it("is not guessed where the account has none, or the token may not look", async () => {
    const none = await readCustomerTarget(await accountWith({ "/tls/configurations": { data: [] } }));
    expect([none.cname, none.note]).toEqual([undefined, expect.stringContaining("no TLS configuration yet")]);
    const refused = await readCustomerTarget(await accountWith({}));
    expect([refused.cname, refused.note]).toEqual([
      undefined,
      expect.stringContaining("the token may not read"),
    ]);
  });
});
