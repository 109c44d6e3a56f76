import { describe, expect, it } from "vitest";
import { parseSettings, settingsSchema, stagesOf } from "../../src/settings/schema.ts";
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

describe("settings of the service", () => {
  const issuesWith = (fastly: object) =>
    issuesOf({ environments: { test: { ...minimal, fastly: { ...minimal.fastly, ...fastly } } } }).map(
      ({ path, message }) => `${path.replace("environments.test.fastly.", "")}: ${message}`,
    );

  it("take ACLs, dictionaries, snippets and a logging endpoint", () => {
    expect(
      issuesWith({
        acls: { office: ["192.0.2.0/24", "!2001:db8::1", { entry: "10.0.0.0/8", comment: "inside" }] },
        dictionaries: { open: { items: { a: "" } }, closed: { private: true, items: { a: { env: "A" } } } },
        snippets: [{ name: "one", type: "recv", content: "# x" }],
        logging: {
          kind: "syslog",
          fields: { address: "logs.example.net", use_tls: true, token: { env: "T" } },
        },
      }),
    ).toEqual([]);
  });

  it.each([
    ["an entry that is no address", { acls: { a: ["example.com"] } }, "acls.a.0: must be an address"],
    ["a network that is too long", { acls: { a: ["192.0.2.0/33"] } }, "acls.a.0: must be an address"],
    ["a name of ours", { dictionaries: { sitefleet_x: { items: {} } } }, "begins with `sitefleet_`"],
    [
      "a secret in the file",
      { logging: { kind: "loggly", fields: { token: "abc" } } },
      "fields.token: is a secret",
    ],
    [
      "a secret that is an address",
      { logging: { kind: "sumologic", fields: { url: "https://collectors.example.net/abc" } } },
      "fields.url: is a secret",
    ],
    [
      "two kinds of compression",
      {
        logging: {
          kind: "https",
          fields: { url: "https://l.example/", compression_codec: "zstd", gzip_level: 3 },
        },
      },
      "fields.gzip_level: cannot be set together with compression_codec",
    ],
    [
      "a role beside keys",
      { logging: { kind: "s3", fields: { bucket_name: "b", iam_role: "arn:x", access_key: { env: "K" } } } },
      "fields.access_key: cannot be set together with iam_role",
    ],
    [
      "a wrong field",
      { logging: { kind: "s3", fields: { bucket_name: "b", bucket: "b" } } },
      "logging.fields.bucket: is no field of endpoints of kind s3",
    ],
    ["a missing field", { logging: { kind: "https", fields: {} } }, "logging.fields.url: is required"],
    [
      "a private item that is text",
      { dictionaries: { a: { private: true, items: { k: "v" } } } },
      "dictionaries.a",
    ],
  ])("refuse %s", (_, fastly, message) => {
    expect(issuesWith(fastly).join("\n")).toContain(message);
  });
});

describe("stages", () => {
  const environments = { test: minimal, production: minimal, other: minimal };

  it("are test and production as far as they exist, or as the settings say", () => {
    expect(stagesOf(settingsSchema.parse({ environments }))).toEqual(["test", "production"]);
    expect(stagesOf(settingsSchema.parse({ environments: { production: minimal } }))).toEqual(["production"]);
    const stages = ["other", "production"];
    expect(stagesOf(settingsSchema.parse({ environments, stages }))).toEqual(stages);
  });

  it("must exist, each once", () => {
    expect(issuesOf({ environments, stages: ["test", "staging", "test"] })).toEqual([
      { path: "stages.1", message: 'no environment "staging"' },
      { path: "stages.2", message: 'names "test" a second time' },
    ]);
  });
});
