import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "../../src/lib/error-codes.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const page = await readFile(join(root, "docs", "errors.md"), "utf8");
const codes = Object.entries(ERROR_CODES);

/** Sections of the page by the code in their heading, in order. */
const sections = page
  .split(/^## /m)
  .slice(1)
  .map((text) => {
    const [heading = "", ...lines] = text.split("\n");
    return { code: heading.replaceAll("`", ""), text: lines.join("\n") };
  });

/** Every source file but the table itself, as one text. */
async function sourceText(): Promise<string> {
  const names = await readdir(join(root, "src"), { recursive: true });
  const files = names.filter((name) => name.endsWith(".ts") && !name.endsWith("error-codes.ts"));
  return (await Promise.all(files.map((name) => readFile(join(root, "src", name), "utf8")))).join("\n");
}

describe("docs/errors.md", () => {
  it("has a section for every code, in the table's order, and no other", () => {
    expect(sections.map(({ code }) => code)).toEqual(codes.map(([code]) => code));
  });

  it("is in alphabetical order, as the table is", () => {
    expect(codes.map(([code]) => code)).toEqual(codes.map(([code]) => code).sort());
  });

  it.each(codes)("tells the kind, exit code, meaning and an example of %s", (code, row) => {
    const { text } = sections.find((section) => section.code === code) ?? { text: "" };
    const plain = text.replace(/\s+/g, " ");
    expect(plain).toContain(`Kind \`${row.kind}\`, exit ${row.exit}: ${row.meaning}.`);
    expect(text).toMatch(new RegExp(`^error: .+ \\[${code}\\]$`, "m"));
    // A bug of ours is not for the reader to mend.
    if (code !== "fault/internal") expect(text).toMatch(/^next: .+$/m);
  });

  it("describes only codes that something throws", async () => {
    const source = await sourceText();
    expect(codes.map(([code]) => code).filter((code) => !source.includes(`"${code}"`))).toEqual([]);
  });
});
