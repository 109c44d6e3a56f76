import { createServer } from "node:http";
import { dirname } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { CASES } from "../../src/conformance/cases.ts";
import { runCases } from "../../src/conformance/run.ts";
import type { ConformanceTarget } from "../../src/conformance/target.ts";
import { environmentTarget, foreignTarget } from "../../src/fleet/conformance-target.ts";
import { fleetOf } from "../../src/fleet/fleet.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet, Target } from "../support/fleet.ts";
import { listenOnLoopback } from "../support/loopback-server.ts";

const SUFFIX = "conformance.localhost";

async function running(kind: Target): Promise<Fleet> {
  const fleet = await startFleet(kind);
  onTestFinished(() => fleet.close());
  await fleet.deploy();
  await fleet.prepare();
  return fleet;
}

/** The folder in which a mirror keeps what it is; its CA is in a folder of its own there. */
function stateOf({ mirror }: Fleet): string {
  return dirname(dirname(mirror.file.edge.ca));
}

async function failures(target: ConformanceTarget): Promise<readonly unknown[]> {
  const results = await runCases(CASES, target);
  expect(results.filter(({ verdict }) => verdict === "passed").length).toBeGreaterThan(60);
  return results.filter(({ verdict }) => verdict === "failed");
}

/** An edge that answers everything with one status, and a Location. */
async function stub(status: number, location: string): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status, { location }).end());
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${await listenOnLoopback(server)}`;
}

describe("what is verified of an edge", () => {
  test(
    "A Compute service is found to be one by its redirects, and its own cases pass",
    { timeout: 120_000 },
    async () => {
      const fleet = await running("compute");
      const { http, https } = fleet.mirror.file.edge;
      const foreign = await foreignTarget(http, SUFFIX);
      expect([...foreign.capabilities].sort()).toEqual(["tls", "tls-only"]);
      expect(foreign.https).toBe(https);
      expect(foreign.publicPorts.https).toBe(fleet.target.publicPorts.https);
      expect(
        await failures({ ...foreign, ...(fleet.target.ca === undefined ? {} : { ca: fleet.target.ca }) }),
      ).toEqual([]);
      // The settings of `local` cannot tell: what the mirror runs is what was deployed to it.
      const own = await environmentTarget(
        fleetOf(fleet.environment, { stateDir: stateOf(fleet) }),
        undefined,
      );
      expect([...own.capabilities].sort()).toEqual([
        "country",
        "debug",
        "hsts",
        "http-cache",
        "log",
        "rate-limiting",
        "segmented",
        "tls",
        "tls-only",
      ]);
      expect(own.https).toBe(https);
      expect(await failures(own)).toEqual([]);
    },
  );

  test("A VCL service has plain HTTP, its shield and blocks", { timeout: 120_000 }, async () => {
    const fleet = await running("vcl");
    const foreign = await foreignTarget(fleet.mirror.file.edge.http, SUFFIX);
    expect([...foreign.capabilities]).toEqual(["plain-http"]);
    expect(await failures(foreign)).toEqual([]);
    const own = await environmentTarget(fleetOf(fleet.environment, { stateDir: stateOf(fleet) }), undefined);
    expect([...own.capabilities].sort()).toEqual([
      "blocks",
      "country",
      "debug",
      "hsts",
      "http-cache",
      "log",
      "plain-http",
      "rate-limiting",
      "segmented",
      "shield",
      "tls",
    ]);
    expect(await failures(own)).toEqual([]);
  });

  test("Settings that say Compute without its HTTP cache are believed", async () => {
    const fleet = await startFleet();
    onTestFinished(() => fleet.close());
    const environment = { ...fleet.environment, target: "compute", compute: { httpCache: false } } as const;
    const { capabilities } = await environmentTarget(fleetOf(environment), undefined);
    for (const lacking of ["http-cache", "shield", "blocks"] as const)
      expect(capabilities.has(lacking)).toBe(false);
    expect(capabilities.has("segmented")).toBe(true);
  });

  test.each([
    [308, "https://main.conformance.localhost/", "https://127.0.0.1"],
    [308, "https://main.conformance.localhost:8443/", "https://127.0.0.1:8443"],
    [308, "http://main.conformance.localhost/", undefined],
    [308, "/elsewhere", undefined],
    [301, "https://main.conformance.localhost/", undefined],
    [308, "https://[broken", undefined],
  ])("A redirect with %i to %s means TLS at %s", async (status, location, https) => {
    const target = await foreignTarget(await stub(status, location), SUFFIX);
    expect(target.https).toBe(https);
    expect(target.capabilities.has("plain-http")).toBe(https === undefined);
  });

  test("An https URL is all that is asked of it, and one where nothing answers fails its cases", async () => {
    const tls = await foreignTarget("https://edge.example.com:444", SUFFIX);
    expect(tls).toMatchObject({
      https: "https://edge.example.com:444",
      publicPorts: { http: 80, https: 444 },
    });
    expect([...tls.capabilities]).toEqual(["tls"]);
    const nowhere = await foreignTarget("http://127.0.0.1:1", SUFFIX);
    const [result] = await runCases(CASES.slice(0, 1), nowhere);
    expect(result).toMatchObject({ verdict: "failed", reasons: [expect.stringContaining("ECONNREFUSED")] });
  });
});
