import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listFunctions } from "../../src/vcl/catalog.ts";
import { PROJECT, readPage } from "./page.ts";
import { vclSupportPage } from "./vcl-support-page.ts";

test("docs/vcl-support.md is what the catalog says", async () => {
  const page = vclSupportPage();
  if (process.env["UPDATE_GOLDEN"] === "1") {
    await writeFile(join(PROJECT, "docs", "vcl-support.md"), page);
  }
  expect(await readPage("vcl-support.md")).toBe(page);
});

test("at least nine functions of ten are executed", () => {
  const rows = listFunctions();
  const executed = rows.filter(({ call }) => call !== undefined);
  expect(executed.length / rows.length).toBeGreaterThanOrEqual(0.9);
});
