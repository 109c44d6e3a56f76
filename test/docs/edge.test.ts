import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { desiredService } from "../../src/deploy/service/desired.ts";
import { lintService } from "../../src/deploy/lint/lint.ts";
import { formatFinding } from "../../src/deploy/lint/finding.ts";
import { FEATURES, STAGES } from "../../src/render/features.ts";
import { renderService } from "../../src/render/render.ts";
import { SNIPPET_PLACES } from "../../src/lib/fastly-names.ts";
import { exampleEnvironment, exampleLocal } from "../support/environments.ts";
import { withTeamFolder } from "../support/team-folder.ts";

const page = await readFile(join(import.meta.dirname, "..", "..", "docs", "edge.md"), "utf8");

function section(title: string): string {
  return page.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? "";
}

function wordsIn(text: string): readonly string[] {
  return [...text.matchAll(/`([a-z0-9_-]+)`/g)].map((match) => match[1] ?? "");
}

describe("docs/edge.md", () => {
  it("lists the features, the stages and the places of snippets that there are", () => {
    expect(wordsIn(section("Features"))).toEqual(FEATURES);
    expect([...section("Stages").matchAll(/^\| `(\w+)`/gm)].map((match) => match[1])).toEqual(STAGES);
    expect(wordsIn(section("Snippets"))).toEqual(expect.arrayContaining([...SNIPPET_PLACES]));
  });

  it("has examples that keep every contract together", async () => {
    const examples = [...page.matchAll(/^```\w+ edge\/(\S+)\n([^]*?)^```$/gm)];
    expect(examples.length).toBeGreaterThan(3);
    const files = Object.fromEntries(examples.map(([, file = "", text = ""]) => [file, text]));
    const production = { ...exampleEnvironment("production"), secrets: exampleLocal().secrets };
    const environment = await withTeamFolder(production, files);
    const rendered = renderService(environment);
    expect(lintService(desiredService(environment, rendered)).map(formatFinding)).toEqual([]);
    expect(rendered.files[0]?.content).toContain("X-Country");
    expect(rendered.snippets).toHaveLength(1);
  });
});
