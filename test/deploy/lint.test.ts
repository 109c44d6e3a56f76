import { describe, expect, it } from "vitest";
import { lintService } from "../../src/deploy/lint.ts";
import { renderService } from "../../src/render/render.ts";
import { desiredService } from "../../src/deploy/desired.ts";
import { formatDiagnostic } from "../../src/vcl/diagnostics.ts";
import { desiredWith, environmentWith } from "./deploy-fixture.ts";

const SECOND = { region: "eu-west-1", configBucket: "fleet-config-eu", hostingBucket: "fleet-hosting-eu" };

function serviceWith(main: string) {
  const desired = desiredWith();
  return { content: { ...desired.content, vcls: [{ name: "main", content: main, main: true }] } };
}

describe("lintService", () => {
  it.each([
    ["one region", environmentWith()],
    ["two regions", environmentWith({ s3: { second: SECOND } })],
  ])("finds nothing in the rendered service with %s", (_, environment) => {
    const findings = lintService(desiredService(environment, renderService(environment)));
    expect(findings.map(formatDiagnostic)).toEqual([]);
  });

  it("knows the service's backends, shields and dictionaries", () => {
    const main = `sub vcl_recv {
#FASTLY recv
  set req.backend = fastly.try_select_shield(ssl_shield_iad_va_us, F_hosting);
  set req.http.X = table.lookup(sitefleet_private, "config_segment", "");
  return(lookup);
}
`;
    expect(lintService(serviceWith(main)).map(formatDiagnostic)).toEqual([]);
  });

  it.each([
    ["a backend that does not exist", "set req.backend = F_nowhere;"],
    ["a broken statement", "set req.http.X = ;"],
  ])("finds %s, with its file and line", (_, statement) => {
    const [finding] = lintService(serviceWith(`sub vcl_recv {\n#FASTLY recv\n  ${statement}\n}\n`));
    expect(finding?.severity).toBe("error");
    expect(formatDiagnostic(finding ?? never())).toMatch(/^main:3:/);
  });
});

function never(): never {
  throw new Error("nothing was found");
}
