import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { counterexampleText } from "./counterexample-text.ts";
import { searchDifference } from "./search.ts";
import { allSettings } from "./settings.ts";
import { Tally, tallyText } from "./tally.ts";
import type { TallyFigures } from "./tally.ts";

/**
 * `npm run equality -- --cases 20000 [--seed=N] [--jobs 2]`: exit 1 with a small case where VCL and the Compute app differ.
 * Cases are searched in portions, each of a seed of its own, so that how many threads there are changes nothing in them.
 */

/** Some of the cases. */
interface Portion {
  readonly seed: number;
  readonly cases: number;
}

/** What came of them: `difference` for a person to read, `null` where there was none. */
interface Report {
  readonly portion: Portion;
  readonly figures: TallyFigures;
  readonly difference: string | null;
}

const PORTION = 1_000;
const MAX_JOBS = 64;

if (isMainThread) await main();
else serve();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { cases: { type: "string" }, seed: { type: "string" }, jobs: { type: "string" } },
  });
  const cases = numberOf("cases", values.cases ?? "2000", { min: 1 });
  const seed = numberOf("seed", values.seed ?? String(crypto.getRandomValues(new Int32Array(1))[0]), {});
  const jobs = numberOf("jobs", values.jobs ?? "1", { min: 1, max: MAX_JOBS });
  process.stderr.write(`equality of VCL and Compute: ${cases} cases of seed ${seed}\n`);
  const tally = new Tally();
  let done = 0;
  const failed = await searchPortions(portionsOf(cases, seed), jobs, ({ portion, figures }) => {
    done += portion.cases;
    tally.add(figures);
    process.stderr.write(`${done} cases\n`);
  });
  if (failed === null) {
    process.stdout.write(`${cases} cases are alike (seed ${seed})\n${tallyText(tally.figures())}\n`);
    return;
  }
  const { portion, difference } = failed;
  const again = `npm run equality -- --cases ${portion.cases} --seed=${portion.seed}`;
  process.stdout.write(`${difference}\n\nagain: ${again}\n`);
  process.exitCode = 1;
}

function numberOf(
  name: string,
  text: string,
  limits: { readonly min?: number; readonly max?: number },
): number {
  const value = Number(text);
  const isGood =
    /^-?\d{1,10}$/.test(text) && value >= (limits.min ?? -Infinity) && value <= (limits.max ?? Infinity);
  if (!isGood) process.stderr.write(`--${name}: "${text}" is no number that it may be\n`);
  return isGood ? value : process.exit(2);
}

/** The first portion has the seed itself, so that a portion can be searched again alone. */
function portionsOf(cases: number, seed: number): readonly Portion[] {
  return Array.from({ length: Math.ceil(cases / PORTION) }, (_, index) => ({
    seed: (seed + Math.imul(index, 0x9e37_79b1)) | 0,
    cases: Math.min(PORTION, cases - index * PORTION),
  }));
}

/** Shares the portions out among threads; ends with the first difference. @throws Error where a thread does */
async function searchPortions(
  portions: readonly Portion[],
  jobs: number,
  onAlike: (report: Report) => void,
): Promise<Report | null> {
  const waiting = [...portions];
  const count = Math.min(jobs, portions.length);
  const workers = Array.from({ length: count }, () => new Worker(new URL(import.meta.url)));
  try {
    return await new Promise<Report | null>((resolve, reject) => {
      let open = portions.length;
      for (const worker of workers) {
        const next = (): void => {
          const portion = waiting.shift();
          if (portion !== undefined) worker.postMessage(portion, []);
        };
        worker.on("error", reject);
        worker.on("message", (report: Report) => {
          if (report.difference === null) {
            onAlike(report);
            open -= 1;
            if (open === 0) resolve(null);
            next();
          } else {
            resolve(report);
          }
        });
        next();
      }
    });
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** A thread: searches each portion that it is given. */
function serve(): void {
  const port = parentPort;
  if (port === null) throw new Error("this is no thread of a search");
  const settings = allSettings();
  port.on("message", (portion: Portion) => {
    void search(portion).then((report) => port.postMessage(report, []));
  });

  async function search(portion: Portion): Promise<Report> {
    const tally = new Tally();
    const found = await searchDifference({ vcl: settings, compute: settings }, { ...portion, tally });
    const difference = found === null ? null : counterexampleText(found.one, found.found);
    return { portion, figures: tally.figures(), difference };
  }
}
