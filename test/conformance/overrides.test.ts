import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CASES } from "../../src/conformance/cases.ts";
import { runCases } from "../../src/conformance/run.ts";
import { lintService } from "../../src/deploy/lint/lint.ts";
import { desiredService } from "../../src/deploy/service/desired.ts";
import { renderService } from "../../src/render/render.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { withTeamFolder } from "../support/team-folder.ts";

const redirect = `{% macro recv_page() %}
if (req.http.{{ cfg.forceTls }} == "1" && !fastly_info.edge.is_tls) {
  set req.http.SF-Location = "https://" req.http.SF-Host "/";
  set req.http.SF-Status = "302";
  set req.http.SF-Phase = "redirect";
  error {{ codes.redirect }} "force TLS";
}
{% endmacro %}
`;

/** Overrides in which lint can see nothing wrong, and the conformance case that does. */
const HARMFUL: readonly (readonly [what: string, files: Readonly<Record<string, string>>, caseId: string])[] =
  [
    ["sends everybody to the home page", { "force-tls.vcl.njk": redirect }, "tls/forced"],
    ["leaves HSTS out", { "hsts.vcl.njk": "{# nothing #}" }, "hsts/only-over-tls"],
    [
      "lets previews be found",
      {
        "noindex.vcl.njk": '{% macro deliver_edge() %}\nset resp.http.X-Robots-Tag = "all";\n{% endmacro %}',
      },
      "robots/noindex",
    ],
  ];

describe("a team's override that lint lets through", () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await startFleet();
    await fleet.deploy();
    await fleet.prepare();
  }, 120_000);
  afterAll(() => fleet.close());

  it.each(HARMFUL)("and that %s fails a conformance case", async (_, files, caseId) => {
    const cases = CASES.filter(({ id }) => id === caseId);
    expect(cases).toHaveLength(1);
    const overridden = await withTeamFolder(fleet.environment, files);
    const findings = lintService(desiredService(overridden, renderService(overridden)));
    expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
    await fleet.deploy();
    expect(await verdictOf(cases)).toBe("passed");
    await fleet.deploy({}, overridden.edge);
    expect(await verdictOf(cases)).toBe("failed");
  });

  async function verdictOf(cases: typeof CASES): Promise<string | undefined> {
    await fleet.target.act?.({ do: "purge-all" });
    return (await runCases(cases, fleet.target))[0]?.verdict;
  }
});
