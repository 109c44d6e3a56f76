import { expect, test } from "vitest";
import { DIFFERENCES } from "../../compute/differences.ts";
import { ALLOWANCES, EVERYWHERE, UNSEEN } from "./allowances.ts";
import { counterexampleText } from "./counterexample-text.ts";
import { searchDifference } from "./search.ts";
import { allSettings } from "./settings.ts";
import { Tally, tallyText } from "./tally.ts";
import type { TallyFigures } from "./tally.ts";

const settings = allSettings();
const SEED = 20_260_105;
/** Shares of the requests. Whoever has to raise one allows for more than before. */
const MOST_PARTED = 0.015;
const MOST_EXCUSED = 0.16;

async function expectEqual(cases: number, seed: number): Promise<TallyFigures> {
  const tally = new Tally();
  const difference = await searchDifference({ vcl: settings, compute: settings }, { cases, seed, tally });
  if (difference === null) return tally.figures();
  const { one, found } = difference;
  return expect.fail(
    `npm run equality -- --seed ${seed} --cases ${cases}\n\n${counterexampleText(one, found)}`,
  );
}

test(
  "VCL and the Compute app answer the same to the same 250 cases, and little of it is excused",
  { timeout: 240_000 },
  async () => {
    const figures = await expectEqual(250, SEED);
    expect(figures.requests).toBeGreaterThan(800);
    expect(figures.parted / figures.requests, tallyText(figures)).toBeLessThan(MOST_PARTED);
    expect(figures.excused / figures.requests, tallyText(figures)).toBeLessThan(MOST_EXCUSED);
  },
);

/** In the test's name, so that what fails can be run again. */
const anySeed = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;

test(`They do for 50 that nobody has seen before, of seed ${anySeed}`, { timeout: 240_000 }, async () => {
  await expectEqual(50, anySeed);
});

test("Every listed difference is either allowed for here, or is none of what is compared", () => {
  const known = new Set([
    ...ALLOWANCES.map(({ id }) => id),
    ...Object.keys(EVERYWHERE),
    ...Object.keys(UNSEEN),
  ]);
  expect([...known].sort()).toEqual(DIFFERENCES.map(({ id }) => id).toSorted());
});
