import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { desiredService } from "../../src/deploy/service/desired.ts";
import { ACCEPTED } from "../../src/deploy/lint/falco-answer.ts";
import { lintService } from "../../src/deploy/lint/lint.ts";
import { LINT_RULES } from "../../src/deploy/lint/rules.ts";
import { renderService } from "../../src/render/render.ts";
import { exampleEnvironment, exampleLocal } from "../support/environments.ts";
import { withTeamFolder } from "../support/team-folder.ts";

const page = await readFile(join(import.meta.dirname, "..", "..", "docs", "lint.md"), "utf8");

interface Section {
  readonly id: string;
  readonly contract: string;
  readonly file: string;
  readonly example: string;
}

/** The sections that are about a rule, in their order. */
const sections: readonly Section[] = page.split(/^## /m).flatMap((text) => {
  const id = /^`(sitefleet\/[a-z-]+)`/.exec(text)?.[1];
  if (id === undefined) return [];
  return [
    {
      id,
      contract: /^Contract: ([^]*?)\.$/m.exec(text)?.[1]?.replace(/\s+/g, " ") ?? "",
      file: /^Found in `edge\/([^`]+)`:$/m.exec(text)?.[1] ?? "",
      example: /^```vcl\n([^]*?)^```$/m.exec(text)?.[1] ?? "",
    },
  ];
});

describe("docs/lint.md", () => {
  it("has the rules that there are, each with its contract", () => {
    expect(sections.map(({ id, contract }) => [id, contract])).toEqual(
      LINT_RULES.map(({ id, contract }) => [id, contract]),
    );
  });

  it("says of each what it prevents and how to fix it", () => {
    expect(page.match(/^To fix it: /gm)).toHaveLength(LINT_RULES.length);
  });

  it.each(sections.map((section) => [section.id, section] as const))(
    "has an example that %s finds",
    async (id, { file, example }) => {
      const { secrets } = exampleLocal();
      const files = { [file]: example };
      const environment = await withTeamFolder({ ...exampleEnvironment("production"), secrets }, files);
      const findings = lintService(desiredService(environment, renderService(environment)));
      expect(findings.map(({ rule }) => rule)).toContain(id);
    },
  );

  it("tells what of falco's is left out, and why", () => {
    for (const { rule, why } of ACCEPTED) {
      expect(page.replace(/ +/g, " ")).toMatch(
        new RegExp(`\\| \`${rule}\` \\|[^\\n]*\\| ${why.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")} \\|`),
      );
    }
  });
});
