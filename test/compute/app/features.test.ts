import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { DIFFERENCES, NO_COUNTERPART } from "../../../compute/differences.ts";
import { FEATURES } from "../../../src/render/features.ts";
import { packagePath } from "../../../src/lib/package-root.ts";

/** What is no feature: the walk, its types, and what features share. */
const SHARED = [
  "app",
  "deliver",
  "main",
  "metadata",
  "object",
  "platform",
  "read-through",
  "rehearsal",
  "settings",
  "visit",
];

test("every feature of the templates has a file of its name in the app, or a reason why not", async () => {
  const files = await readdir(packagePath("compute/src"));
  const names = files.filter((file) => file.endsWith(".ts")).map((file) => file.slice(0, -3));
  expect([...names, ...Object.keys(NO_COUNTERPART)].sort()).toEqual([...FEATURES, ...SHARED].sort());
});

test("each difference has its own name, and says what and why", () => {
  expect(new Set(DIFFERENCES.map(({ id }) => id)).size).toBe(DIFFERENCES.length);
  for (const { what, why } of DIFFERENCES) {
    expect(what.length).toBeGreaterThan(20);
    expect(why.length).toBeGreaterThan(20);
  }
});
