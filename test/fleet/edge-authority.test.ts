import { describe, expect, it } from "vitest";
import { checkTls } from "../../src/setup/doctor/check-network.ts";
import { edgeChecksFor } from "../../src/fleet/edge-checks.ts";
import { openEdgeProbe } from "../../src/fleet/edge-probe.ts";
import { environmentTarget } from "../../src/fleet/conformance-target.ts";
import { fleetOf } from "../../src/fleet/fleet.ts";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { send } from "../../src/conformance/send.ts";
import { environmentWith } from "../deploy/deploy-fixture.ts";
import { startTlsEdge } from "../support/tls-edge.ts";
import type { TlsEdge } from "../support/tls-edge.ts";

const SUFFIX = "sites.example.net";
const NOTES = { progress: () => undefined, warn: () => undefined };

function startEdge(): Promise<TlsEdge> {
  return startTlsEdge(SUFFIX, (_, response) => {
    response.writeHead(404, { "sf-revision": "abc", "sf-version": "2" }).end();
  });
}

/** The test environment, verified at an edge that an authority vouches for, or nobody. */
function fleetAt(url: string, ca: string | undefined): Fleet {
  const verify = { url, hostSuffix: SUFFIX, ...(ca === undefined ? {} : { ca }) };
  return fleetOf({ ...environmentWith(), verify });
}

/** How everything that asks the edge fares there. */
async function askedBy(fleet: Fleet): Promise<Readonly<Record<string, unknown>>> {
  const { environment, signal } = fleet;
  const checks = edgeChecksFor(environment, NOTES);
  const target = await environmentTarget(fleet, undefined);
  const probe = openEdgeProbe(fleet);
  const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
  try {
    const page = { host: `a.${SUFFIX}`, path: "/", tls: true, signal };
    const job = { fleet, dns: { lookUp: () => Promise.resolve(undefined) }, tls: undefined };
    return {
      deploy: await checks.probe({ version: 2, revision: "abc" }),
      verify: await send({ host: "a", path: "/" }, { target, etag: "" }).then((one) => one.status, reasonOf),
      publish: await probe?.visit({ ...page, encoding: "gzip" }).then((one) => one.status, reasonOf),
      doctor: (await checkTls(job)).map(({ state, found }) => `${state}: ${found}`),
    };
  } finally {
    probe?.close();
  }
}

describe("verify.ca", () => {
  it("makes deploys, verification, publishes and doctor trust an edge that nobody else vouches for", async () => {
    const edge = await startEdge();
    expect(await askedBy(fleetAt(edge.url, edge.ca))).toMatchObject({
      deploy: true,
      verify: 404,
      publish: 404,
      doctor: [expect.stringMatching(/^(ok|warn): valid for \*\.sites\.example\.net/)],
    });
  });

  it("is needed by each of them, and helps only where it is the right one", async () => {
    const [edge, other] = [await startEdge(), await startEdge()];
    for (const ca of [undefined, other.ca]) {
      expect(await askedBy(fleetAt(edge.url, ca))).toEqual({
        deploy: false,
        verify: expect.stringMatching(/certificate/),
        publish: expect.stringMatching(/certificate/),
        doctor: [expect.stringMatching(/^fail: the certificate is not valid/)],
      });
    }
    expect(edge.hosts).toEqual([]);
  });

  it("does not make anybody trust a certificate of another host", async () => {
    const edge = await startTlsEdge("elsewhere.example.net", (_, response) => response.end());
    expect(await askedBy(fleetAt(edge.url, edge.ca))).toMatchObject({
      deploy: false,
      publish: expect.stringMatching(/altnames/),
    });
    expect(edge.hosts).toEqual([]);
  });

  it("of a file that is not there ends each of them before anything is asked", async () => {
    const edge = await startEdge();
    const fleet = fleetAt(edge.url, "/nowhere/ca.pem");
    const missing = expect.objectContaining({ code: "settings/invalid-ca" });
    expect(() => edgeChecksFor(fleet.environment, NOTES)).toThrow(missing);
    expect(() => openEdgeProbe(fleet)).toThrow(missing);
    await expect(environmentTarget(fleet, undefined)).rejects.toEqual(missing);
    const job = { fleet, dns: { lookUp: () => Promise.resolve(undefined) }, tls: undefined };
    expect(await checkTls(job)).toMatchObject([{ id: "tls", state: "fail" }]);
    expect(edge.hosts).toEqual([]);
  });
});
