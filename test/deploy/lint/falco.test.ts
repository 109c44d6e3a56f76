import { chmod, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";
import { desiredService } from "../../../src/deploy/service/desired.ts";
import type { DesiredService } from "../../../src/deploy/service/desired.ts";
import { runFalco } from "../../../src/deploy/lint/falco.ts";
import type { FalcoOutcome } from "../../../src/deploy/lint/falco.ts";
import { formatFinding } from "../../../src/deploy/lint/finding.ts";
import { renderService } from "../../../src/render/render.ts";
import type { Environment } from "../../../src/settings/environment.ts";
import { exampleEnvironment, exampleLocal } from "../../support/environments.ts";
import { withTeamFolder } from "../../support/team-folder.ts";
import { tempDir } from "../../support/temp-dir.ts";

const production: Environment = { ...exampleEnvironment("production"), secrets: exampleLocal().secrets };
const PATH = process.env["PATH"] ?? "";
const hasFalco = PATH.split(delimiter).some((folder) => existsSync(join(folder, "falco")));

function serviceOf(environment: Environment): DesiredService {
  return desiredService(environment, renderService(environment));
}

/** Runs a program that is called falco and does this. */
async function runScript(service: DesiredService, script: string): Promise<FalcoOutcome> {
  const folder = await tempDir();
  const path = join(folder, "falco");
  await writeFile(path, `#!${process.execPath}\n${script}\n`);
  await chmod(path, 0o755);
  return runFalco(service, { path: folder, signal: new AbortController().signal });
}

function linesOf(outcome: FalcoOutcome): readonly string[] {
  return outcome.ran ? outcome.findings.map(formatFinding) : [outcome.reason];
}

/** A script that finds something at the first line with a text. */
const FIND = (text: string, error: object): string => `
const { readFileSync } = require("node:fs");
const file = process.argv.at(-1);
const lines = readFileSync(file, "utf8").split("\\n");
const Line = lines.findIndex((line) => line.includes(${JSON.stringify(text)})) + 1;
const Token = { Line, Position: 3, File: file };
console.log(JSON.stringify({ LintErrors: { [file]: [{ Token, ...${JSON.stringify(error)} }] }, ParseErrors: {} }));
`;

const ERROR = { Severity: "Error", Message: "not so", Rule: "some/rule" };

describe("falco", () => {
  it("is skipped where it is not on the PATH", async () => {
    const outcome = await runFalco(serviceOf(production), {
      path: await tempDir(),
      signal: new AbortController().signal,
    });
    expect(outcome).toEqual({ ran: false, reason: "falco is not on the PATH" });
  });

  it("has its findings told at the lines of templates and snippets", async () => {
    const environment = await withTeamFolder(production, {
      "snippets/recv-a.vcl": '# one\nset req.http.X-A = "snippet";\n',
    });
    const service = serviceOf(environment);
    const [main] = linesOf(await runScript(service, FIND("unset req.http.SF-*;", ERROR)));
    expect(main).toMatch(
      /^edge-gate\.vcl\.njk:4: error\[falco\/some\/rule\]: not so\n {2}--> main\.vcl:\d+:3\n[^]*\d+ \| {5}unset req/,
    );
    const [snippet] = linesOf(await runScript(service, FIND('"snippet"', { ...ERROR, Severity: "Warning" })));
    expect(snippet).toMatch(/^edge\/snippets\/recv-a\.vcl:2: warning\[falco\/some\/rule\]: not so\n/);
  });

  it("has its advice, what is about generated declarations, and what is accepted left out", async () => {
    const service = serviceOf(production);
    const quiet: readonly (readonly [string, object])[] = [
      ["unset req.http.SF-*;", { ...ERROR, Severity: "Info" }],
      ["backend F_config", ERROR],
      [
        'set beresp.http.Vary = "Accept-Encoding";',
        {
          Severity: "Warning",
          Rule: "set-statement/overwrite-vary",
          Message: "Overwriting beresp.http.Vary may",
        },
      ],
    ];
    for (const [text, error] of quiet)
      expect(linesOf(await runScript(service, FIND(text, error)))).toEqual([]);
    const elsewhere = {
      Severity: "Warning",
      Rule: "set-statement/overwrite-vary",
      Message: "Overwriting beresp.http.Vary may",
    };
    expect(linesOf(await runScript(service, FIND("unset req.http.SF-*;", elsewhere)))).toHaveLength(1);
  });

  it("is asked with nothing of the environment but the PATH", async () => {
    const script = `console.log("has " + Object.keys(process.env).join());`;
    const [said] = linesOf(await runScript(serviceOf(production), script));
    expect(said).toContain('"has PATH"');
  });

  it.each([
    ["nothing", "", "it printed nothing"],
    ["words", 'console.log("panic: out of memory")', 'it printed "panic: out of memory"'],
    ["JSON of another kind", "console.log(JSON.stringify({ LintErrors: [1] }))", "it printed"],
  ])("that prints %s is a warning", async (_, script, message) => {
    const outcome = await runScript(serviceOf(production), script);
    expect(outcome.ran && outcome.findings.map(({ rule, severity }) => [rule, severity])).toEqual([
      ["falco/unreadable", "warning"],
    ]);
    expect(linesOf(outcome)[0]).toContain(message);
  });

  it.skipIf(!hasFalco)("finds nothing in the project's own VCL, and what is planted", async () => {
    const options = { path: PATH, signal: new AbortController().signal };
    for (const environment of [exampleLocal(), production]) {
      expect(linesOf(await runFalco(serviceOf(environment), options))).toEqual([]);
    }
    const broken = await withTeamFolder(production, { "snippets/recv-a.vcl": "set req.http.X-A = ;\n" });
    const found = linesOf(await runFalco(serviceOf(broken), options));
    expect(found[0]).toMatch(/^edge\/snippets\/recv-a\.vcl:1: error\[falco\/syntax\]/);
  });
});
