import { describe, expect, it } from "vitest";
import { formatAlike } from "../../../src/deploy/alike/alike-text.ts";
import { proveAlike, unexplainedIn } from "../../../src/deploy/alike/alike.ts";
import type { AlikeReport } from "../../../src/deploy/alike/alike.ts";
import { contentOf, desiredService } from "../../../src/deploy/service/desired.ts";
import { TEMPLATES, renderService } from "../../../src/render/render.ts";
import { readRenderSources } from "../../../src/render/render-sources.ts";
import { environmentOf } from "../../../src/settings/environment.ts";
import type { Environment } from "../../../src/settings/environment.ts";
import { parseSettings } from "../../../src/settings/schema.ts";
import type { SettingsInput } from "../../../src/settings/schema.ts";
import { withTeamFolder } from "../../support/team-folder.ts";

type EnvironmentInput = SettingsInput["environments"][string];
type Dictionary = NonNullable<EnvironmentInput["fastly"]["dictionaries"]>[string];

function environmentInput(domain: string, more: Partial<EnvironmentInput> = {}): EnvironmentInput {
  return {
    fastly: { serviceName: domain, domains: [`*.${domain}`] },
    s3: { region: "us-east-1", configBucket: "acme-config", hostingBucket: "acme-hosting" },
    ...more,
  };
}

const VARIABLES = { SITEFLEET_EDGE_S3_KEY: "AKIA:edge-key", SITEFLEET_CONFIG_SEGMENT: "segment-of-tests" };

async function compare(
  environments: SettingsInput["environments"],
  files: Readonly<Record<string, string>> = {},
): Promise<AlikeReport> {
  const parsed = parseSettings({ environments });
  if (!("settings" in parsed)) throw new Error(JSON.stringify(parsed.issues));
  const { settings } = parsed;
  const first = await withTeamFolder(environmentOf(settings, "test", VARIABLES), files);
  const sources = readRenderSources(first.edge, TEMPLATES);
  const render = (environment: Environment) => renderService(environment, { sources });
  const sideOf = (name: "test" | "production") => {
    const environment = { ...environmentOf(settings, name, VARIABLES), edge: first.edge };
    const own = settings.environments[name];
    if (!own) throw new Error(`no ${name}`);
    return { settings: own, environment, desired: desiredService(environment, render(environment)) };
  };
  return proveAlike([sideOf("test"), sideOf("production")], (environment) => {
    const rendered = render(environment);
    return { content: contentOf(environment, rendered), revision: rendered.revision };
  });
}

function causesAt(report: AlikeReport, where: RegExp): readonly string[] {
  const found = report.differences.filter((one) => where.test(one.where));
  return [...new Set(found.flatMap(({ settings }) => settings))];
}

describe("the proof that two environments are alike", () => {
  it("owes every line and field to the setting that says so", async () => {
    const report = await compare({
      test: environmentInput("test.example.com", { hsts: false }),
      production: environmentInput("example.com", {
        s3: { region: "eu-central-1", configBucket: "acme-live", hostingBucket: "acme-hosting" },
        fastly: { serviceName: "live", domains: ["*.example.com"], backends: { maxConnections: 400 } },
      }),
    });
    expect(unexplainedIn(report)).toEqual([]);
    expect(causesAt(report, /^domain /)).toEqual(["environments.test.fastly.domains"]);
    expect(causesAt(report, /^backend config\.max_conn$/)).toEqual([
      "environments.production.fastly.backends",
    ]);
    expect(causesAt(report, /^backend hosting\.address$/)).toEqual(["environments.test.s3.region"]);
    expect(causesAt(report, /^backend config\.address$/)).toEqual([
      "environments.test.s3.configBucket",
      "environments.test.s3.region",
    ]);
    const lines = causesAt(report, /^main\.vcl:/);
    expect(lines).toContain("environments.test");
    expect(lines).toContain("environments.test.hsts");
    expect(lines).toContain("environments.test.s3.configBucket");
    expect(report.withoutEffect).toEqual(["environments.test.fastly.serviceName"]);
    expect(formatAlike(report)).toContain("each said by a setting");
  });

  it("tells both sides of a line as they will be deployed", async () => {
    const report = await compare({
      test: environmentInput("example.org"),
      production: environmentInput("example.org"),
    });
    const [heading] = report.differences;
    expect(heading).toMatchObject({
      from: ["# sitefleet test, revision (revision)"],
      to: ["# sitefleet production, revision (revision)"],
      settings: ["environments.test"],
      unexplained: false,
    });
    expect(report.differences.every(({ settings }) => settings.join() === "environments.test")).toBe(true);
  });

  it.for([
    ["asks for the one name", '{% if environment.name == "test" %}set req.http.X-Only = "1";{% endif %}'],
    [
      "asks for the other name",
      '{% if environment.name == "production" %}set req.http.X-Only = "1";{% endif %}',
    ],
    ["asks for any other name", '{% if environment.name != "test" %}set req.http.X-Only = "1";{% endif %}'],
    [
      "asks for a name where another setting hides it",
      '{% if environment.name == "production" and not environment.hsts %}set req.http.X-Only = "1";{% endif %}',
    ],
  ] as const)("finds a template that %s", async ([, text]) => {
    const report = await compare(
      {
        test: environmentInput("test.example.com"),
        production: environmentInput("example.com", { hsts: false }),
      },
      { "snippets/recv-only.vcl.njk": `${text}\n` },
    );
    const odd = unexplainedIn(report);
    expect(odd.map(({ where }) => where)).toEqual(["snippet recv-only:1"]);
    expect(formatAlike(report)).toContain("snippet recv-only:1 (");
    expect(formatAlike(report)).toContain("no setting explains it");
  });

  it("finds a template that is not the same twice", async () => {
    const report = await compare(
      { test: environmentInput("test.example.com"), production: environmentInput("example.com") },
      {
        "snippets/recv-dice.vcl.njk":
          'set req.http.X = "{{ range(0, 1000000) | random }}-{{ range(0, 1000000) | random }}";\n',
      },
    );
    expect(unexplainedIn(report).map(({ where }) => where)).toEqual(["snippet recv-dice:1"]);
  });

  it("says what a template of the team makes of a setting", async () => {
    const report = await compare(
      {
        test: environmentInput("test.example.com", { tlsRedirectStatus: 308 }),
        production: environmentInput("example.com"),
      },
      { "snippets/recv-own.vcl.njk": 'set req.http.X-Own = "{{ environment.tlsRedirectStatus }}";\n' },
    );
    expect(unexplainedIn(report)).toEqual([]);
    expect(causesAt(report, /^snippet recv-own:1$/)).toEqual(["environments.test.tlsRedirectStatus"]);
  });

  it("takes settings together that are none alone, such as a dictionary that becomes private", async () => {
    const withLimits = (limits: Dictionary): EnvironmentInput =>
      environmentInput("x", {
        fastly: { serviceName: "x", domains: ["*.example.com"], dictionaries: { limits } },
      });
    const report = await compare({
      test: withLimits({ items: { a: "1", b: "2" } }),
      production: withLimits({ private: true, items: { a: { env: "SITEFLEET_EDGE_S3_KEY" } } }),
    });
    expect(unexplainedIn(report)).toEqual([]);
    expect(causesAt(report, /^dictionary limits item b$/)).not.toEqual([]);
    expect(report.differences.find(({ where }) => where === "dictionary limits item a")).toMatchObject({
      from: ["1"],
      to: ["the value of SITEFLEET_EDGE_S3_KEY"],
    });
  });
});
