import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CASES } from "../../src/conformance/cases.ts";
import { runCases } from "../../src/conformance/run.ts";
import type { Capability } from "../../src/conformance/case.ts";
import type { ConformanceTarget } from "../../src/conformance/target.ts";
import { packagePath } from "../../src/lib/package-root.ts";
import { buildCompute, hasComputeToolchain } from "../support/compute-build.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { findViceroy, localServerOf, startViceroy } from "../support/viceroy.ts";
import type { Viceroy } from "../support/viceroy.ts";

/** What Viceroy has; not TLS, shields, countries, times that can be moved, or the rate limiter, whose rates are always 0. */
const CAPABILITIES: readonly Capability[] = [
  "plain-http",
  "publish",
  "second-region",
  "debug",
  "log",
  "segmented",
];

const NO_CACHE = "Viceroy caches nothing that is fetched: an answer is never a hit";

/** Cases that cannot pass on Viceroy, and what it lacks compared with Fastly. */
const NOT_ON_VICEROY: Readonly<Record<string, string>> = {
  "debug/revision-for-who-knows": "Viceroy's services have version 0",
  "headers/from-a-file": NO_CACHE,
  "http/compression": "Viceroy does not compress: X-Compress-Hint is only a header there",
  "http/warm-page-is-a-hit": NO_CACHE,
  "password/cached-once": NO_CACHE,
  "probe/release-and-keys": NO_CACHE,
  "redirect/is-cached-and-never-304": NO_CACHE,
  "release/unchanged-pages-stay-cached": NO_CACHE,
  "rules/alias-pages": NO_CACHE,
};

const viceroy = findViceroy();

describe.skipIf(viceroy === undefined || !hasComputeToolchain())("the package on Viceroy", () => {
  let folder: string;
  let fleet: Fleet;
  let host: Viceroy;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sitefleet-viceroy-"));
    const built = await buildCompute(packagePath("."), [packagePath("compute/src/main.ts"), folder]);
    expect(built.code, built.out).toBe(0);
    fleet = await startFleet();
    await fleet.deploy();
    await fleet.prepare();
    host = await startViceroy({
      viceroy: viceroy ?? "",
      program: join(folder, "bin/main.wasm"),
      folder,
      config: localServerOf(fleet.environment),
    });
  }, 300_000);

  afterAll(async () => {
    await host?.close();
    await fleet?.close();
    await rm(folder, { recursive: true, force: true });
  });

  function target(): ConformanceTarget {
    const { hostSuffix, publicPorts, debugToken, act } = fleet.target;
    return {
      http: host.url,
      hostSuffix,
      publicPorts,
      capabilities: new Set(CAPABILITIES),
      ...(debugToken === undefined ? {} : { debugToken }),
      ...(act === undefined ? {} : { act }),
      readLog: () => Promise.resolve(host.lines.flatMap(logged)),
    };
  }

  it("passes every conformance case that Viceroy has the means for", { timeout: 300_000 }, async () => {
    const results = await runCases(CASES, target());
    const failed = results.filter(({ verdict }) => verdict === "failed");
    expect(failed.filter(({ id }) => NOT_ON_VICEROY[id] === undefined)).toEqual([]);
    expect(failed.map(({ id }) => id).sort()).toEqual(Object.keys(NOT_ON_VICEROY).sort());
    expect(results.filter(({ verdict }) => verdict === "passed").length).toBeGreaterThanOrEqual(95);
  });
});

/** A line of the logging endpoint: its name, ` :: ` and JSON. */
function logged(line: string): readonly Readonly<Record<string, unknown>>[] {
  const [, json] = /^\S+ :: (\{.*\})$/.exec(line) ?? [];
  return json === undefined ? [] : [JSON.parse(json) as Readonly<Record<string, unknown>>];
}
