import { describe, expect, it } from "vitest";
import { desiredService } from "../../../src/deploy/service/desired.ts";
import { lintService } from "../../../src/deploy/lint/lint.ts";
import type { LintFinding } from "../../../src/deploy/lint/finding.ts";
import { formatFinding } from "../../../src/deploy/lint/finding.ts";
import { LINT_RULES } from "../../../src/deploy/lint/rules.ts";
import { renderService } from "../../../src/render/render.ts";
import type { Environment } from "../../../src/settings/environment.ts";
import { exampleEnvironment, exampleLocal } from "../../support/environments.ts";
import { withTeamFolder } from "../../support/team-folder.ts";
import { BROKEN_CONTRACTS } from "./broken-contracts.ts";

const { secrets } = exampleLocal();
const test: Environment = { ...exampleEnvironment("test"), secrets };
const production: Environment = { ...exampleEnvironment("production"), secrets };

function findingsOf(environment: Environment): readonly LintFinding[] {
  return lintService(desiredService(environment, renderService(environment)));
}

describe("the contracts of rendered VCL", () => {
  it.each<[string, Environment]>([
    ["local", exampleLocal()],
    ["test", test],
    ["production", production],
    [
      "one region, without a shield",
      {
        ...production,
        s3: { ...production.s3, second: undefined },
        fastly: { ...production.fastly, shield: undefined },
      },
    ],
    [
      "large files and limits of guesses",
      { ...test, segmented: { extensions: ["mp4", "zip"] }, rateLimiting: true },
    ],
  ])("are kept in the project's own: %s", (_, environment) => {
    expect(findingsOf(environment).map(formatFinding)).toEqual([]);
  });

  it("are kept by features and snippets that do no harm", async () => {
    const environment = await withTeamFolder(production, {
      "countries.vcl.njk":
        "{#- after: eu-only -#}\n{% macro recv_first_pass() %}\nset req.http.X-Country = client.geo.country_code;\n{% endmacro %}\n{% macro deliver_edge() %}\nif (req.http.X-Country) {\n  set resp.http.X-Country = req.http.X-Country;\n}\n{% endmacro %}\n",
      "hsts.vcl.njk":
        '{#- extends -#}\n{% macro deliver_decide() %}\nif (req.restarts < 2 && resp.http.X-Again && req.http.SF-Phase == "page") {\n  restart;\n}\n{% endmacro %}\n',
      "snippets/deliver-marks.vcl": 'set resp.http.X-Served = "ours";\n',
    });
    expect(findingsOf(environment).map(formatFinding)).toEqual([]);
  });

  it("are kept by what teams write most", async () => {
    const environment = await withTeamFolder(production, {
      "maintenance.vcl.njk":
        '{#- before: config-lookup -#}\n{% macro recv_first_pass() %}\nif (req.http.X-Maintenance) { error 660 "maintenance"; }\n{% endmacro %}\n{% macro error() %}\nif (obj.status == 660) {\n  set obj.status = 503;\n  synthetic "back soon";\n  return(deliver);\n}\n{% endmacro %}\n',
      "ours.vcl.njk":
        '{#- after: response-headers -#}\n{% macro recv_page() %}\nif (req.http.host ~ "\\.staging\\.example-sites\\.com$" || req.http.host ~ "\\.staging\\." || req.http.host == "example-sites.com") { set req.http.X-Stage = "1"; }\n{% endmacro %}\n{% macro deliver_edge() %}\nadd resp.http.Set-Cookie = "ab=a; Path=/";\nset resp.http.Access-Control-Allow-Origin = "*";\nset resp.http.Content-Security-Policy = "script-src \'sha256-RFWPLDbv2BY+rCkDzsE+0fr8ylGr2R2faWMhq4lfEQc=\'";\n{% endmacro %}\n',
      "snippets/init-office.vcl": 'acl office { "192.0.2.0"/24; }\n',
      "snippets/recv-office.vcl":
        'if (fastly.ff.visits_this_service == 0 && client.ip !~ office && req.http.X-Office) {\n  error 403 "Forbidden";\n}\n',
      "snippets/log-more.vcl": 'if (req.http.SF-Hop == "edge") { log "x" client.ip req.url; }\n',
    });
    expect(findingsOf(environment).map(formatFinding)).toEqual([]);
  });

  it("are kept by what looks like a broken one and is none", async () => {
    const stages: Readonly<Record<string, string>> = {
      declarations:
        'sub ours_mark {\n  if (!req.http.X-Mark) {\n    return;\n  }\n  set req.http.X-Marked = "1";\n}',
      recv_first_pass: "set req.http.X-Country = client.geo.country_code;",
      recv_every_pass: "call ours_mark;",
      recv_page: [
        'set req.http.{{ cfg.forceTls }} = "1";',
        'if (req.http.SF-Path == "/old") {',
        '  set req.http.SF-Location = "/new";',
        '  set req.http.SF-Status = "301";',
        '  set req.http.SF-Phase = "redirect";',
        '  error {{ codes.redirect }} "moved";',
        "}",
      ].join("\n"),
      hash: "set req.hash += req.http.X-Country;",
      fetch: [
        'if (req.http.SF-Bucket == "hosting" && beresp.status == 200) {',
        '  set beresp.http.Vary = "Accept-Encoding, X-Country";',
        '  if (beresp.http.Cache-Control ~ "s-maxage=([0-9]{1,6})") {',
        "    set beresp.ttl = std.atoi(re.group.1);",
        "  }",
        "}",
      ].join("\n"),
      deliver_edge: [
        'if (!req.http.SF-Private && req.http.SF-Path ~ "^/assets/") {',
        '  set resp.http.Cache-Control = "public, max-age=600";',
        "}",
        'if (req.http.SF-Path == "/account.html") { set resp.http.Cache-Control = "private, no-store"; }',
        "set resp.http.X-Request = req.xid;",
        "if (req.http.SF-Trusted) { set resp.http.X-Key = req.url; }",
      ].join("\n"),
    };
    const macros = Object.entries(stages).map(
      ([stage, body]) => `{% macro ${stage}() %}\n${body}\n{% endmacro %}\n`,
    );
    const environment = await withTeamFolder(production, {
      "ours.vcl.njk": `{#- after: response-headers -#}\n${macros.join("")}`,
    });
    expect(findingsOf(environment).map(formatFinding)).toEqual([]);
  });

  it.each(BROKEN_CONTRACTS.map((one) => [one.what, one] as const))(
    "refuse %s",
    async (_, { files, rule, origin }) => {
      const findings = findingsOf(await withTeamFolder(production, files));
      const errors = findings.filter(({ severity }) => severity === "error");
      const found = errors.filter((finding) => finding.rule === rule);
      expect(
        errors.map((finding) => finding.rule),
        errors.map(formatFinding).join("\n"),
      ).toContain(rule);
      if (origin) {
        const places = new Set(found.map((one) => `${one.origin?.template}:${one.origin?.line}`));
        expect([...places]).toEqual([expect.stringMatching(origin)]);
      }
    },
  );

  it("have an example each that breaks them", () => {
    const examples = new Set(BROKEN_CONTRACTS.map(({ rule }) => rule));
    expect(LINT_RULES.map(({ id }) => id).filter((id) => !examples.has(id))).toEqual([]);
  });
});
