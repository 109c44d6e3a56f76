import { expect, test } from "vitest";
import { PLANTS } from "./planted.ts";
import type { Targets } from "./run-case.ts";
import { searchDifference } from "./search.ts";
import { settingWith, SETTINGS_COUNT } from "./settings.ts";

const settings = Array.from({ length: SETTINGS_COUNT }, (_, index) => settingWith(index));
/** Of the seed that `npm test` compares, and more than there: the last is found only behind the 250th. */
const SEARCH = { cases: 1_000, seed: 20_260_105, mayShrink: false } as const;

/** One setting for all cases: compiling the others would take longer than the search. */
function targetsOf({ setting, vcl, program }: (typeof PLANTS)[number]): Targets {
  const one = settings[setting];
  const changed = vcl === undefined ? one : settingWith(setting, vcl);
  if (one === undefined || changed === undefined) throw new Error(`there are no settings ${setting}`);
  return {
    vcl: Array.from({ length: SETTINGS_COUNT }, () => changed),
    compute: Array.from({ length: SETTINGS_COUNT }, () => one),
    ...(program === undefined ? {} : { program }),
  };
}

test.each(PLANTS)("A planted difference is found: $name", { timeout: 120_000 }, async (plant) => {
  const difference = await searchDifference(targetsOf(plant), SEARCH);
  expect(difference?.found.findings.length).toBeGreaterThan(0);
});

test("There are at least twenty, each of its own name, in either target", () => {
  expect(new Set(PLANTS.map(({ name }) => name)).size).toBeGreaterThanOrEqual(20);
  expect(PLANTS.filter(({ vcl }) => vcl !== undefined).length).toBeGreaterThan(5);
  expect(PLANTS.every(({ vcl, program }) => (vcl === undefined) !== (program === undefined))).toBe(true);
});
