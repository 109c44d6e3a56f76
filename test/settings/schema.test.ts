import { describe, expect, it } from "vitest";
import { parseSettings } from "../../src/settings/schema.ts";
import type { SettingsIssue } from "../../src/settings/schema.ts";
import { exampleSettings } from "../support/environments.ts";

function issuesOf(input: unknown): readonly SettingsIssue[] {
  const result = parseSettings(input);
  return "issues" in result ? result.issues : [];
}

const minimal = {
  fastly: { domains: ["*.example.com"] },
  s3: { region: "us-east-1", configBucket: "a-config", hostingBucket: "a-hosting" },
};

describe("settings", () => {
  it("accept a full example and fill in the defaults", () => {
    const result = parseSettings(exampleSettings);
    expect(result).toMatchObject({
      settings: { environments: { production: { hsts: true, publicPorts: { http: 80, https: 443 } } } },
    });
  });

  it("report every problem at once, each with its path", () => {
    const issues = issuesOf({
      environments: {
        Test: minimal,
        production: {
          ...minimal,
          s3: { ...minimal.s3, region: "US EAST", configBucket: "x" },
          hsts: "yes",
          fastly: { domains: ["Example.com"] },
        },
      },
    });
    const paths = issues.map((issue) => issue.path);
    expect(paths).toEqual(
      expect.arrayContaining([
        "environments.Test",
        "environments.production.s3.region",
        "environments.production.s3.configBucket",
        "environments.production.hsts",
        "environments.production.fastly.domains.0",
      ]),
    );
  });

  it("refuse fields that do not exist, so that a typo is not a silent default", () => {
    const [issue] = issuesOf({ environments: { test: { ...minimal, publicPort: 80 } } });
    expect(issue?.message).toContain("publicPort");
  });

  it("refuse a second location that is the first one", () => {
    const second = { region: "us-west-2", configBucket: "a-config", hostingBucket: "b-hosting" };
    expect(issuesOf({ environments: { test: { ...minimal, s3: { ...minimal.s3, second } } } })).toEqual([
      { path: "environments.test.s3.second.configBucket", message: "is the first location's own bucket" },
    ]);
  });

  it("refuse a conformance suffix that the service does not serve", () => {
    const verify = { url: "https://verify.example.org", hostSuffix: "verify.example.org" };
    expect(issuesOf({ environments: { test: { ...minimal, verify } } })).toEqual([
      { path: "environments.test.verify.hostSuffix", message: "no wildcard in fastly.domains covers it" },
    ]);
  });

  it.each([".Staging.example.com", "staging.example.com", ".", "..", ".a b"])(
    "refuse the host suffix %j",
    (suffix) => {
      expect(
        issuesOf({ environments: { test: { ...minimal, hostSuffixes: { [suffix]: "staging" } } } }),
      ).not.toEqual([]);
    },
  );
});

describe("a shield", () => {
  const withShield = (shield: string): boolean => {
    const [test] = Object.values(exampleSettings.environments);
    if (test === undefined) throw new Error("the example has no environment");
    const environments = { test: { ...test, fastly: { ...test.fastly, shield } } };
    return "settings" in parseSettings({ environments });
  };

  it.each(["iad-va-us", "frankfurt-de", "london_city-uk", "dub-dublin-ie", "bog-bogota-co", "syd"])(
    "may be %s, as Fastly's POPs have them",
    (shield) => expect(withShield(shield)).toBe(true),
  );

  it.each(["", "LHR", "iad va", "iad-", "-iad", 'a";', "a\nb", "1ad", "a".repeat(61)])(
    "may not be %j",
    (shield) => expect(withShield(shield)).toBe(false),
  );
});
