import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { NOUNS } from "../../src/commands/nouns.ts";
import { readInvocation } from "../../src/commands/program.ts";
import { PROJECT } from "./page.ts";

const GOLDEN = join(PROJECT, "test", "golden", "help");
const UPDATE = process.env["UPDATE_GOLDEN"] === "1";

const definitions = (
  await Promise.all(
    NOUNS.map(async ({ name, load }) =>
      (await load()).commands.map((definition) => ({
        words: definition.verb === undefined ? [name] : [name, definition.verb],
        definition,
      })),
    ),
  )
).flat();

const examples = definitions.flatMap(({ definition }) =>
  definition.examples.map((line) => ({ line, definition })),
);

/** Every `--help` there is: the program's, each noun's with verbs, each command's; by the golden file's name. */
const helps = [
  { file: "sitefleet.txt", words: [] },
  ...NOUNS.filter(({ name }) => definitions.some(({ words }) => words[0] === name && words.length > 1)).map(
    ({ name }) => ({ file: `${name}.txt`, words: [name] }),
  ),
  ...definitions.map(({ words }) => ({ file: `${words.join("-")}.txt`, words })),
];

/** Words of an example as a shell splits them; double quotes are all that examples use. */
function shellWords(line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
}

async function helpText(words: readonly string[]): Promise<string> {
  const shown = await readInvocation([...words, "--help"], "0.0.0");
  if (!("text" in shown)) throw new Error(`${words.join(" ")} --help is not shown as help`);
  expect(shown.exitCode).toBe(0);
  return shown.text;
}

describe("--help", () => {
  it.each(examples)("has the example `$line`, which is a valid command line of that command", async (row) => {
    const invocation = await readInvocation(shellWords(row.line), "0.0.0");
    expect(invocation).toHaveProperty("definition.summary", row.definition.summary);
  });

  it.each(definitions)("of $words has examples that begin with these words", ({ words, definition }) => {
    expect(definition.examples.length).toBeGreaterThan(0);
    for (const line of definition.examples) expect(shellWords(line).slice(0, words.length)).toEqual(words);
  });

  it.each(helps)("of $words is what $file says", async ({ file, words }) => {
    const text = await helpText(words);
    const path = join(GOLDEN, file);
    if (UPDATE) {
      await mkdir(GOLDEN, { recursive: true });
      await writeFile(path, text);
    }
    expect(text).toBe(await readFile(path, "utf8"));
  });

  it("has no golden file of a command that is gone", async () => {
    const gone = (await readdir(GOLDEN)).filter((file) => !helps.some((help) => help.file === file));
    if (UPDATE) await Promise.all(gone.map((file) => rm(join(GOLDEN, file))));
    else expect(gone).toEqual([]);
  });
});
