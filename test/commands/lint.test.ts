import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadSettings } from "../../src/settings/load.ts";
import { runHere } from "../support/command-line.ts";
import type { CommandEnd } from "../support/command-line.ts";
import { exampleSettings } from "../support/environments.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { tempDir } from "../support/temp-dir.ts";

const variables = {
  FASTLY_API_TOKEN: "token-of-the-test",
  SITEFLEET_EDGE_S3_KEY: "AKIAEDGEREADER:edge-s3-secret/with+signs",
  SITEFLEET_CONFIG_SEGMENT: "hidden-config-segment",
  PATH: "",
};

/** Runs `lint` in a folder with the example's settings and this file in the team's folder, from a folder below. */
async function lintWith(
  files: Readonly<Record<string, string>>,
  ...flags: readonly string[]
): Promise<CommandEnd> {
  const dir = await tempDir();
  const settings = { ...exampleSettings, edge: { templates: "./edge" } };
  await writeFile(join(dir, "sitefleet.config.json"), JSON.stringify(settings));
  await mkdir(join(dir, "edge"));
  await mkdir(join(dir, "below"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, "edge", name), text);
  const cwd = join(dir, "below");
  return runHere(["lint", "--env", "production", ...flags], { cwd, clock: new InstantClock(0), variables });
}

const RESTART =
  "{#- after: log -#}\n{% macro deliver_decide() %}\nif (resp.http.X-Again) {\n  restart;\n}\n{% endmacro %}\n";

describe("sitefleet lint", () => {
  it("ends with 0 where nothing is found", async () => {
    expect(await lintWith({})).toMatchObject({ code: 0, out: "production: 0 errors, 0 warnings\n" });
  });

  it("ends with 1 where a contract is broken, and names the line of the template", async () => {
    const { code, out } = await lintWith({ "ours.vcl.njk": RESTART });
    expect(code).toBe(1);
    expect(out).toMatch(/^edge\/ours\.vcl\.njk:4: error\[sitefleet\/restart-budget\]: /);
    expect(out).toContain("restart;\n");
    expect(out).toMatch(/\^\^\^/);
  });

  it("tells the same as JSON", async () => {
    const { code, out } = await lintWith({ "ours.vcl.njk": RESTART }, "--json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      environment: "production",
      findings: [
        {
          rule: "sitefleet/restart-budget",
          severity: "error",
          file: "main.vcl",
          line: expect.any(Number),
          column: expect.any(Number),
          template: "edge/ours.vcl.njk",
          templateLine: 4,
        },
      ],
      falco: { ran: false, reason: "falco is not on the PATH" },
    });
  });

  it("ends with 2 where the team's folder is wrong, with file and line", async () => {
    const { code, err } = await lintWith({ "ours.vcl.njk": "{#- after: log -#}\n\n{% if %}" });
    expect(code).toBe(2);
    expect(err).toContain("edge/ours.vcl.njk:3: ");
    expect(err).toContain("[render/override]");
  });
});

describe("edge.templates in the settings", () => {
  it("is a folder from where the settings are", async () => {
    const dir = await tempDir();
    const path = join(dir, "sitefleet.config.json");
    await writeFile(path, JSON.stringify({ ...exampleSettings, edge: { templates: "./our/edge/" } }));
    expect((await loadSettings(path)).edgeFolder).toEqual({
      path: join(dir, "our", "edge"),
      label: "our/edge",
    });
    await writeFile(path, JSON.stringify({ ...exampleSettings, edge: {} }));
    expect((await loadSettings(path)).edgeFolder).toBeUndefined();
  });

  it.each(["../edge", "/etc", "a/../../b", "..", "", "edge/..", "a//b", "a\\b"])(
    "is not %j",
    async (templates) => {
      const path = join(await tempDir(), "sitefleet.config.json");
      await writeFile(path, JSON.stringify({ ...exampleSettings, edge: { templates } }));
      await expect(loadSettings(path)).rejects.toMatchObject({
        code: "settings/invalid",
        details: [expect.stringContaining("edge.templates: must be a folder beside the settings file")],
      });
    },
  );
});
