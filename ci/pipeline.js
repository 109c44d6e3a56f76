// What continuous integration does with a change of the edge, for any CI: .github/workflows/deploy.yml calls only this, and
// docs/production.md describes it. Plain JavaScript, so that it runs before anything is built.
import { existsSync } from "node:fs";
import { appendFile, mkdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { CLI, EXIT, StepFailure, UseFailure, ask, run, shown, sitefleet, stopOnSignals } from "./programs.js";
import { startMirror, withStages } from "./stages.js";

/** @typedef {import("./stages.js").Stages} Stages */

const USAGE = `usage: node ci/pipeline.js STEP [options]

  checks         format, lint, layers, types, build, tests
  pull-request   checks; plan of every stage; the conformance cases on a mirror that runs the change
  merge          deploy to the first stage and verify it
  release        deploy to every stage, each verified before the next

  --built          check, build and test nothing: it was done before
  --through NAME   last stage of merge (test)
  --plans DIR      merge writes a plan file there for each later stage; release carries these out and nothing else, and
                   leaves earlier stages alone
  --report FILE    write plans, proof and outcome there (plan.md)
  --mirrors DIR    state folders of the mirrors that stand in where there is no Fastly token (.mirrors)

Without FASTLY_API_TOKEN, or one for a stage, mirrors are the stages; their state is kept for the next run.
`;

async function checks() {
  await run("npm", ["run", "check"]);
  await run("npm", ["run", "build"]);
  await run("npx", ["--no-install", "vitest", "run"]);
}

/** @typedef {{ mirrors: string, report: string, plans: string | undefined }} Options absolute paths */

/** @param {Options} options */
async function pullRequest(options) {
  // The report comes first: it is of use whatever the cases say.
  await withStages(options, ({ place, config }) =>
    sitefleet(["deploy", "ship", "--dry-run", ...config, "--report", options.report], place),
  );
  await summarize(options.report);
  await conformance(join(options.mirrors, "change"));
}

/** A mirror that runs the change and nothing else; deploying to it runs every case. @param {string} state */
async function conformance(state) {
  await rm(state, { recursive: true, force: true });
  const stop = await startMirror(state);
  try {
    await sitefleet(["lint", "--state", state]);
    await sitefleet(["deploy", "apply", "--state", state]);
  } finally {
    await stop();
    await rm(state, { recursive: true, force: true });
  }
}

/** @param {Options} options @param {string} through last stage to deploy to */
function merge(options, through) {
  return reported(options, async (stages) => {
    if (options.plans !== undefined) await writePlans(stages, { plans: options.plans, through });
    await ship(stages, ["--through", through, "--report", options.report]);
  });
}

/** @param {Options} options */
function release(options) {
  const { plans, report } = options;
  return reported(options, (stages) =>
    plans === undefined ? ship(stages, ["--report", report]) : carryOut(stages, { plans, report }),
  );
}

/** @param {Options} options @param {(stages: Stages) => Promise<void>} work */
async function reported(options, work) {
  try {
    await withStages(options, work);
  } finally {
    await summarize(options.report);
  }
}

/** @param {Stages} stages @param {readonly string[]} flags */
function ship({ place, config, create }, flags) {
  return sitefleet(["deploy", "ship", ...config, ...create, ...flags], place);
}

/**
 * Plans of the stages behind `through`, made before anything is deployed: if something is changed between this and what
 * the report shows, the plan does not apply. Says whether there is anything to release: nobody need approve nothing.
 * @param {Stages} stages @param {{ plans: string, through: string }} what
 */
async function writePlans(stages, { plans, through }) {
  await mkdir(plans, { recursive: true });
  const names = (await planned(stages)).map(({ environment }) => environment);
  for (const name of names) await rm(planFile(plans, name), { force: true });
  let release = false;
  for (const name of names.slice(names.indexOf(through) + 1)) {
    const { place, config } = stages;
    const out = planFile(plans, name);
    const plan = await ask(["deploy", "plan", "--env", name, ...config, "--out", out], place);
    // What is live and was never verified is to be verified, though nothing is to be written.
    const isEmpty = plan.steps.length === 0 && plan.drift.length === 0 && plan.unverified === null;
    if (!isEmpty) release = true;
    const what = isEmpty ? "nothing to release" : "plan";
    process.stderr.write(`${what} for ${name}, written to ${shown(out)}\n`);
  }
  await output("release", String(release));
}

/** Tells later jobs, where the CI has a file for that. @param {string} name @param {string} value */
async function output(name, value) {
  const file = process.env["GITHUB_OUTPUT"];
  if (file === undefined || file === "") return;
  try {
    await appendFile(file, `${name}=${value}\n`);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const what = `the file of GITHUB_OUTPUT, "${file}", cannot be written: ${error.message} [output/not-writable]`;
    throw new StepFailure(what, EXIT.usage);
  }
}

/**
 * Carries out what was planned at the merge, on the stages that have a plan. All others must run this change, verified: a
 * later change may have been merged since.
 * @param {Stages} stages @param {{ plans: string, report: string }} what
 */
async function carryOut(stages, { plans, report }) {
  const { place, config, create } = stages;
  const all = await planned(stages, ["--report", report]);
  const names = all.map(({ environment }) => environment);
  const due = names.filter((name) => existsSync(planFile(plans, name)));
  if (due.length === 0) {
    const wanted = names.map((name) => shown(planFile(plans, name))).join(" or ");
    throw new StepFailure(`no plan to carry out: there is no ${wanted}; merge --plans writes it`, EXIT.usage);
  }
  for (const { environment, plan } of all) {
    if (due.includes(environment)) continue;
    const { lastChange } = await ask(["deploy", "status", "--env", environment, ...config], place);
    if (plan.steps.length === 0 && lastChange === "verified") continue;
    const why = plan.steps.length === 0 ? `was not verified (${lastChange})` : "runs another change by now";
    throw new StepFailure(`${environment} ${why}: release that one, or merge again`, EXIT.changedMeanwhile);
  }
  for (const name of due) {
    await sitefleet(["deploy", "apply", planFile(plans, name), "--env", name, ...config, ...create], place);
    const { active, lastChange } = await ask(["deploy", "status", "--env", name, ...config], place);
    await appendFile(report, `\n${name}: version ${active.number} is live, ${lastChange}\n`);
  }
}

/** The report of a dry run. @param {Stages} stages @param {readonly string[]} flags */
async function planned({ place, config }, flags = []) {
  const { stages } = await ask(["deploy", "ship", "--dry-run", ...config, ...flags], place);
  return stages;
}

/** @param {string} plans @param {string} environment */
function planFile(plans, environment) {
  return join(plans, `${environment}.json`);
}

/** Shows the report on the run's own page, where the CI has one. @param {string} report */
async function summarize(report) {
  const page = process.env["GITHUB_STEP_SUMMARY"];
  if (page === undefined || page === "") return;
  if (existsSync(report)) await appendFile(page, await readFile(report, "utf8"));
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      built: { type: "boolean", default: false },
      through: { type: "string", default: "test" },
      report: { type: "string", default: "plan.md" },
      plans: { type: "string" },
      mirrors: { type: "string", default: ".mirrors" },
    },
  });
  const [step, ...rest] = positionals;
  if (step === undefined) throw new UseFailure("which step?");
  if (!Object.hasOwn(STEPS, step)) throw new UseFailure(`no step "${step}"`);
  if (rest.length > 0) throw new UseFailure(`one step at a time: ${positionals.join(" ")}`);
  for (const name of /** @type {const} */ (["through", "report", "plans", "mirrors"])) {
    // A variable of a CI that is not set makes an empty one; resolved it would be the folder itself.
    if (values[name] === "") throw new UseFailure(`--${name} is empty`);
  }
  const { built, through } = values;
  const [report, mirrors] = [resolve(values.report), resolve(values.mirrors)];
  const plans = values.plans === undefined ? undefined : resolve(values.plans);
  await mkdir(mirrors, { recursive: true });
  await rm(report, { force: true });
  await STEPS[step]({ report, mirrors, plans, built, through });
}

/** @type {Record<string, (options: Options & { built: boolean, through: string }) => Promise<void>>} */
const STEPS = {
  checks,
  async "pull-request"(options) {
    if (!options.built) await checks();
    needBuild();
    await pullRequest(options);
  },
  async merge(options) {
    if (!options.built) await run("npm", ["run", "build"]);
    needBuild();
    await merge(options, options.through);
  },
  async release(options) {
    if (!options.built) await run("npm", ["run", "build"]);
    needBuild();
    await release(options);
  },
};

function needBuild() {
  if (existsSync(CLI)) return;
  throw new UseFailure(`${shown(CLI)} is not there: leave --built out, or run \`npm run build\` before`);
}

stopOnSignals();
try {
  await main();
} catch (error) {
  const isUse = error instanceof UseFailure || String(error.code).startsWith("ERR_PARSE_ARGS");
  process.stderr.write(`\n${isUse ? `${error.message}\n\n${USAGE}` : `failed: ${error.message}\n`}`);
  process.exitCode = error instanceof StepFailure ? error.code : isUse ? EXIT.usage : EXIT.failed;
}
