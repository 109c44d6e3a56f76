import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { LOGGING_NAMES } from "../../src/mirror/api/logging-names.ts";
import { PRODUCTS } from "../../src/mirror/api/product-rows.ts";
import { UNBUILT_PATHS } from "../../src/mirror/api/unbuilt.ts";

async function page(): Promise<string> {
  const text = await readFile("docs/fastly-api.md", "utf8");
  return text.replace(/\s+/g, " ");
}

test("the page about the mirror's Fastly API names everything that answers 501", async () => {
  const [, missing = ""] = (await page()).split("## What is not there");
  for (const [path, name] of UNBUILT_PATHS) {
    expect(missing.toLowerCase(), path).toContain(
      name.toLowerCase().replace(/^lint$/, "lint of a stored version"),
    );
  }
});

test("the page names every product, and those that the edge does not do as such", async () => {
  const text = await page();
  const [, kept = ""] = /## What is kept, and not done(.*)## What is not there/.exec(text) ?? [];
  for (const { id, unserved, compute } of PRODUCTS.values()) {
    if (compute === true) continue;
    expect(text, id).toContain(`\`${id}\``);
    if (unserved !== null) expect(kept, id).toContain(`| \`${id}\``);
  }
  expect(text).toContain(`all ${LOGGING_NAMES.length} kinds of logging endpoints`);
});
