import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CASES } from "../../src/conformance/cases.ts";
import { runCases } from "../../src/conformance/run.ts";
import { SitefleetError } from "../../src/lib/errors.ts";
import { FEATURES } from "../../src/render/features.ts";
import type { FeatureName } from "../../src/render/features.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

/** The case that shows each feature; a feature without its file must fail it, or not compile at all. */
const SHOWN_BY: Readonly<Record<FeatureName, string>> = {
  "edge-gate": "headers/internal-names-are-stripped",
  "version-marker": "debug/revision-for-who-knows",
  probe: "probe/past-the-edge",
  "method-policy": "method/post-is-refused",
  "path-hygiene": "path/slashes-collapse",
  "config-lookup": "host/serves-its-site",
  "unknown-host": "host/unknown",
  "canonical-host": "canonical-host/alias",
  "force-tls": "tls/forced",
  suspended: "suspended/gone",
  expiry: "expiry/ends",
  "eu-only": "eu-only/visitors",
  passwords: "password/asked-for",
  "origin-headers": "headers/nothing-internal-leaks",
  "surrogate-keys": "publish/seen-at-once",
  "delta-releases": "release/delta",
  "rule-buckets": "rules/buckets",
  "pattern-redirects": "redirect/patterns",
  "page-lookup": "host/serves-its-site",
  "exact-redirects": "redirect/exact",
  "alias-pages": "rules/alias-pages",
  "packed-headers": "headers/of-a-page",
  "segmented-caching": "large-files/in-segments",
  "canonical-path": "page/canonical-paths",
  "not-found": "not-found/own-page",
  redirect: "tls/forced",
  compression: "http/compression",
  backends: "host/serves-its-site",
  "second-region": "origin/second-region",
  shielding: "http/shield",
  "s3-signing": "host/serves-its-site",
  "origin-trouble": "origin/clear-503",
  "error-page": "host/unknown",
  "response-headers": "headers/nothing-internal-leaks",
  hsts: "hsts/only-over-tls",
  noindex: "robots/noindex",
  log: "log/one-line-per-request",
};

describe("each feature's file is needed", () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await startFleet();
    await fleet.deploy();
    await fleet.prepare();
  }, 120_000);
  afterAll(() => fleet.close());

  it.each(FEATURES)("without %s its conformance case fails", async (feature) => {
    const shown = CASES.filter(({ id }) => id === SHOWN_BY[feature]);
    expect(shown).toHaveLength(1);
    await fleet.deploy();
    expect(await verdictOf(shown)).toBe("passed");
    const deployed = await fleet.deploy({ without: [feature] }).then(
      () => true,
      (error: unknown) => {
        expect(error).toBeInstanceOf(SitefleetError);
        expect(error).toMatchObject({ code: expect.stringMatching(/^(render|deploy)\//) });
        return false;
      },
    );
    if (deployed) expect(await verdictOf(shown)).toBe("failed");
  });

  async function verdictOf(cases: typeof CASES): Promise<string | undefined> {
    await fleet.target.act?.({ do: "purge-all" });
    return (await runCases(cases, fleet.target))[0]?.verdict;
  }
});
