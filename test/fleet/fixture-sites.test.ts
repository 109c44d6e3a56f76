import { describe, expect, it } from "vitest";
import type { Act } from "../../src/conformance/case.ts";
import { CASES } from "../../src/conformance/cases.ts";
import { FIXTURES } from "../../src/conformance/fixtures.ts";
import { isFixtureSite } from "../../src/fleet/fixture-sites.ts";
import { CONFIG_METADATA } from "../../src/site/metadata.ts";

/** The site that a config written by an act names; `undefined` for acts that write none. */
function siteIn(act: Act): string | undefined {
  switch (act.do) {
    case "publish":
    case "add-domain":
      return act.site;
    case "put-config":
      return act.metadata[CONFIG_METADATA.site] ?? "";
    case "put-site":
      return act.site.config?.[CONFIG_METADATA.site] ?? act.site.site;
    default:
      return undefined;
  }
}

describe("the sites of verification", () => {
  it("are all known by their names, also in configs that are wrong with intent", () => {
    const written = CASES.flatMap(({ id, steps }) =>
      steps.flatMap((step) => {
        const site = "act" in step ? siteIn(step.act) : undefined;
        return site === undefined ? [] : [{ id, site }];
      }),
    );
    expect(written.length).toBeGreaterThan(50);
    expect(written.filter(({ site }) => !isFixtureSite(site))).toEqual([]);
    expect(FIXTURES.filter(({ uid }) => !isFixtureSite(uid))).toEqual([]);
  });

  it("are not taken for a customer's", () => {
    expect(["acme", "sf-verifying", "my-sf-raw-site", ""].filter(isFixtureSite)).toEqual([]);
  });
});
