import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PROJECT, readPage } from "./page.ts";

const folder = join(PROJECT, "docs", "decisions");
const files = (await readdir(folder)).filter((name) => name !== "README.md").sort();

describe("docs/decisions", () => {
  it("are numbered from 1 without gap or repetition", () => {
    expect(files.map((name) => Number(name.slice(0, 4)))).toEqual(files.map((_, index) => index + 1));
  });

  it("are listed in the index by the title that each page has", async () => {
    const titles = await Promise.all(
      files.map(async (name) => ({
        name,
        title: (await readFile(join(folder, name), "utf8")).split("\n")[0],
      })),
    );
    const index = await readPage("decisions/README.md");
    const listed = [...index.matchAll(/^(\d+)\. \[(.*)\]\((.*)\)$/gm)].map(([, number, title, name]) => ({
      name,
      title: `# ${number}. ${title}`,
    }));
    expect(listed).toEqual(titles);
  });

  it.each(files)("%s says the context, the choice and the consequences", async (name) => {
    const text = await readFile(join(folder, name), "utf8");
    for (const part of ["Context", "Choice", "Consequences"]) expect(text).toContain(`**${part}.**`);
  });
});
