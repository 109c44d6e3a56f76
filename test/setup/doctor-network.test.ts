import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, expect, it, onTestFinished } from "vitest";
import { fleetOf } from "../../src/fleet/fleet.ts";
import { checkDns, checkTls } from "../../src/setup/doctor/check-network.ts";
import { exitCodeOf } from "../../src/setup/doctor/check.ts";
import type { DoctorJob } from "../../src/setup/doctor/check.ts";
import type { HostRecords } from "../../src/setup/doctor/dns-lookup.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { DAY, NOW, accountWith, jobWith, stateOf } from "./doctor-fixture.ts";
import { startFirstTime } from "./first-time-fixture.ts";

const IPS = { addresses: ["151.101.0.0/16"], ipv6_addresses: ["2a04:4e42::/32"] };

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
    const server = createServer((socket) => {
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
