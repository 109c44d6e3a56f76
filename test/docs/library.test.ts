import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import * as library from "../../src/index.ts";
import { exampleSettings } from "../support/environments.ts";
import { PROJECT, codeBlocks, readPage } from "./page.ts";

const page = await readPage("library.md");
const program = codeBlocks(page, "ts").join("\n");

/** Compiles one more text with the project's own options, as if it stood in `docs/` of this very tree. */
function typeErrors(text: string): readonly string[] {
  const file = join(PROJECT, "docs", "library.example.ts");
  const { config } = ts.readConfigFile(join(PROJECT, "tsconfig.json"), (path) => ts.sys.readFile(path)) as {
    config: { compilerOptions: object };
  };
  const options: ts.CompilerOptions = {
    ...ts.convertCompilerOptionsFromJson(config.compilerOptions, PROJECT).options,
    paths: { sitefleet: [join(PROJECT, "src", "index.ts")] },
    noEmit: true,
  };
  const host = ts.createCompilerHost(options);
  const original = { ...host };
  host.getSourceFile = (name, ...rest) =>
    name === file
      ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022)
      : original.getSourceFile(name, ...rest);
  host.fileExists = (name) => name === file || original.fileExists(name);
  const compiled = ts.createProgram([file], options, host);
  const source = compiled.getSourceFile(file);
  return [...compiled.getSyntacticDiagnostics(source), ...compiled.getSemanticDiagnostics(source)].map(
    ({ messageText, start = 0 }) =>
      `${text.slice(0, start).split("\n").length}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`,
  );
}

/** A folder of its own with a settings file; the program's made-up paths lead there. */
async function inFolder(text: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "sitefleet-library-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await writeFile(join(dir, "sitefleet.config.json"), JSON.stringify(exampleSettings));
  const places: readonly (readonly [string, string])[] = [
    ['"sitefleet.config.ts"', join(dir, "sitefleet.config.json")],
    ['".sitefleet"', join(dir, "state")],
    ['"/home/me/acme/dist"', join(PROJECT, "examples", "bakery")],
    ['"sitefleet"', pathToFileURL(join(PROJECT, "src", "index.ts")).href],
  ];
  let moved = text;
  for (const [from, to] of places) {
    expect(moved).toContain(from);
    moved = moved.replaceAll(from, JSON.stringify(to));
  }
  const file = join(dir, "program.ts");
  await writeFile(file, moved);
  return file;
}

describe("docs/library.md", () => {
  it("names everything that is exported", () => {
    const named = new Set([...page.matchAll(/`(\w+)[^`]*`/g)].map(([, name]) => name));
    expect(Object.keys(library).filter((name) => !named.has(name))).toEqual([]);
  });

  // It checks the types of all sources: half a minute on a busy machine.
  it("has examples that compile", { timeout: 120_000 }, () => {
    // With one mistake on purpose, so that a check that does not look cannot pass.
    const found = typeErrors(`${program}console.log(rendered.nothing);\n`);
    expect(found).toEqual([
      expect.stringContaining("Property 'nothing' does not exist on type 'RenderedService'"),
    ]);
  });

  it("has examples that run, from settings to a conformance case", async () => {
    vi.stubEnv("FASTLY_API_TOKEN", "token-of-the-example");
    const said: string[] = [];
    const log = vi
      .spyOn(console, "log")
      .mockImplementation((...words) => said.push(words.map(String).join(" ")));
    const error = vi.spyOn(console, "error").mockImplementation((line) => said.push(String(line)));
    onTestFinished(() => {
      vi.unstubAllEnvs();
      log.mockRestore();
      error.mockRestore();
    });
    await import(/* @vite-ignore */ await inFolder(program));
    expect(said).toEqual(
      expect.arrayContaining([
        "example-test-config [secret]",
        "deployed 1",
        expect.stringMatching(/^published 1 \d+$/),
        expect.stringMatching(/^passed host\/unknown/),
        "about.html /menu/",
        "1 1",
        expect.stringMatching(/^site\/invalid-name 2 choose a uid/),
      ]),
    );
    expect(said.filter((line) => line.startsWith("failed"))).toEqual([]);
  });
});
