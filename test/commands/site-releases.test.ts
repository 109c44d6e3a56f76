import { expect, test } from "vitest";
import { createReport } from "../../src/commands/report.ts";
import { releasesText } from "../../src/commands/site-releases.ts";
import type { ReleaseRow } from "../../src/commands/site-releases.ts";

const small: ReleaseRow = {
  id: "1",
  createdAt: "2026-03-01T12:00:00.000Z",
  files: 3,
  redirects: 1,
  patterns: 0,
  bytes: 90,
  base: "1",
  delta: 0,
  state: "",
  previews: [],
};

const large: ReleaseRow = {
  ...small,
  id: "1zz",
  files: 123_456,
  redirects: 200_000,
  patterns: 1_000,
  bytes: 123_456_789_012,
  base: "1zy",
  delta: 12_345,
  state: "incomplete",
  previews: [
    { name: "pr-12345678901234567", expiresAt: "2026-03-08T12:00:00.000Z" },
    { name: "next", expiresAt: "2026-03-09T12:00:00.000Z" },
  ],
};

test("a release is one line where that fits the terminal", () => {
  expect(releasesText([small], 80)).toBe("1  2026-03-01T12:00:00.000Z  3 files  1 redirect  90 bytes  full");
});

test("rows that are too long for the terminal go on below, and lose nothing", () => {
  const lines = releasesText([large, small], 80).split("\n");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(lines.filter((line) => !line.startsWith(" ")).map((line) => line.split("  ")[0])).toEqual([
    "1zz",
    "1",
  ]);
  const oneLine = releasesText([large], undefined);
  expect(oneLine).not.toContain("\n");
  const cellsOf = (text: string): readonly string[] => text.split(/\n {4}|\n| {2,}/);
  expect(cellsOf(releasesText([large], 80))).toEqual(cellsOf(oneLine));
  expect(cellsOf(oneLine)).toHaveLength(9);
});

test("what a program reads has one line a release, however long", () => {
  const lines = releasesText([large, large, large], undefined).split("\n");
  expect(lines).toHaveLength(3);
  expect(Math.max(...lines.map((line) => line.length))).toBeGreaterThan(80);
});

test("a report says how wide its terminal is, or that there is none", () => {
  const silent = (): void => undefined;
  expect(createReport(silent, silent, { json: false, width: 80 }).width).toBe(80);
  expect(createReport(silent, silent, { json: false }).width).toBeUndefined();
});
