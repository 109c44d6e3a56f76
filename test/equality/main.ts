import { parseArgs } from "node:util";
import { counterexampleText } from "./counterexample-text.ts";
import { searchDifference } from "./search.ts";
import { allSettings } from "./settings.ts";

/** `npm run equality -- --cases 20000 [--seed N]`: exit 1 with a small case where VCL and the Compute app differ. */
const { values } = parseArgs({ options: { cases: { type: "string" }, seed: { type: "string" } } });
const cases = numberOf("cases", values.cases ?? "2000");
const seed = numberOf("seed", values.seed ?? String(crypto.getRandomValues(new Int32Array(1))[0]));

function numberOf(name: string, text: string): number {
  const value = Number(text);
  const isGood = /^-?\d{1,10}$/.test(text) && (name === "seed" || value > 0);
  if (!isGood) process.stderr.write(`--${name}: "${text}" is not a number\n`);
  return isGood ? value : process.exit(2);
}

const EVERY = 500;
let done = 0;
function onCase(): void {
  done += 1;
  if (done % EVERY === 0) process.stderr.write(`${done} cases\n`);
}

process.stderr.write(`equality of VCL and Compute: ${cases} cases of seed ${seed}\n`);
const settings = allSettings();
const difference = await searchDifference({ vcl: settings, compute: settings }, { cases, seed, onCase });
if (difference === null) {
  process.stdout.write(`${cases} cases are alike (seed ${seed})\n`);
} else {
  const { one, found } = difference;
  process.stdout.write(
    `${counterexampleText(one, found)}\n\nagain: npm run equality -- --cases ${cases} --seed ${seed}\n`,
  );
  process.exitCode = 1;
}
