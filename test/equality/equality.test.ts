import { expect, test } from "vitest";
import { DIFFERENCES } from "../../compute/differences.ts";
import { ALLOWANCES, UNSEEN } from "./allowances.ts";
import { counterexampleText } from "./counterexample-text.ts";
import { searchDifference } from "./search.ts";
import { allSettings } from "./settings.ts";

const settings = allSettings();
const SEED = 20_260_105;

async function expectEqual(cases: number, seed: number): Promise<void> {
  const difference = await searchDifference({ vcl: settings, compute: settings }, { cases, seed });
  if (difference === null) return;
  const { one, found } = difference;
  expect.fail(`npm run equality -- --seed ${seed} --cases ${cases}\n\n${counterexampleText(one, found)}`);
}

test("VCL and the Compute app answer the same to the same 250 cases", { timeout: 240_000 }, async () => {
  await expectEqual(250, SEED);
});

/** In the test's name, so that what fails can be run again. */
const anySeed = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;

test(`They do for 50 that nobody has seen before, of seed ${anySeed}`, { timeout: 240_000 }, async () => {
  await expectEqual(50, anySeed);
});

test("Every listed difference is either allowed for here, or is none of what is compared", () => {
  const known = [...Object.keys(ALLOWANCES), ...Object.keys(UNSEEN)];
  expect(known.toSorted()).toEqual(DIFFERENCES.map(({ id }) => id).toSorted());
});
