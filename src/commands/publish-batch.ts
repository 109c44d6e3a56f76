import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import { errnoOf, messageOf } from "../lib/caught.ts";
import { SitefleetError } from "../lib/errors.ts";
import { readBatch } from "../publish/batch/batch-file.ts";
import { publishBatch } from "../publish/batch/batch.ts";
import type { BatchOutcome, BatchReport } from "../publish/batch/batch.ts";
import type { PublishDeps } from "../publish/publish-deps.ts";
import type { CommandContext } from "./context.ts";
import { columns } from "./publishing.ts";

/** One line of the batch in the result. */
interface BatchRow {
  readonly line: number;
  readonly site: string;
  readonly siteEnv: string;
  readonly kind: "published" | "unchanged" | "planned" | "failed";
  readonly release: string | null;
  readonly problem?: string;
}

/**
 * `publish --batch FILE`: every site of the file.
 * @returns the exit code: 1 when a site failed or is not finished
 * @throws SitefleetError `publish/invalid-batch` before anything is written
 */
export async function runBatch(context: CommandContext, deps: PublishDeps, file: string): Promise<number> {
  const path = resolve(context.cwd, file);
  const entries = await readBatch(deps, { text: await readText(path), root: dirname(path) });
  const view = new BatchView(context, entries.length);
  const report = await publishBatch(deps, entries, {
    dryRun: context.dryRun,
    onOutcome: (outcome) => view.tell(outcome),
  });
  const rows = view.rows.toSorted((a, b) => a.line - b.line);
  for (const { site, siteEnv, problem } of report.owed) {
    context.report.warn(`${site} (${siteEnv}) is live, but its second purge is still owed: ${problem}`);
  }
  context.report.result({ sites: rows, ...report }, describeBatch(rows, report));
  return report.failed === 0 && report.owed.length === 0 ? 0 : 1;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new SitefleetError(
      "publish/invalid-batch",
      `"${path}" cannot be read: ${errnoOf(error) ?? messageOf(error)}`,
      {
        hint: "name a file with one JSON object a line",
        cause: error,
      },
    );
  }
}

/** Lines that are told on the way where there is no terminal to rewrite one on. */
const TOLD_STEPS = 20;

/** How far the batch is: counts, failures and the time that is left, in one line. */
class BatchView {
  readonly rows: BatchRow[] = [];
  readonly #context: CommandContext;
  readonly #total: number;
  readonly #beganAt: number;
  #failed = 0;

  constructor(context: CommandContext, total: number) {
    this.#context = context;
    this.#total = total;
    this.#beganAt = context.clock.now();
  }

  tell(outcome: BatchOutcome): void {
    const row = rowOf(outcome);
    this.rows.push(row);
    const { report } = this.#context;
    if (outcome.kind === "failed") {
      this.#failed += 1;
      report.warn(`line ${row.line}: ${row.site} (${row.siteEnv}): ${outcome.problem}`);
    } else {
      for (const warning of outcome.report.warnings) report.warn(`${row.site} (${row.siteEnv}): ${warning}`);
    }
    report.status(this.#line());
    const done = this.rows.length;
    const isStep = done === this.#total || done % Math.ceil(this.#total / TOLD_STEPS) === 0;
    if (isStep) report.step(this.#line());
  }

  #line(): string {
    const done = this.rows.length;
    const failed = this.#failed === 0 ? "" : `, ${this.#failed} failed`;
    const left = ((this.#context.clock.now() - this.#beganAt) / done) * (this.#total - done);
    const eta = done === this.#total ? "" : `, about ${secondsText(left / 1_000)} left`;
    return `${done} of ${this.#total} sites${failed}${eta}`;
  }
}

function rowOf(outcome: BatchOutcome): BatchRow {
  const { line, site, siteEnv } = outcome.entry;
  if (outcome.kind === "failed") {
    return { line, site, siteEnv, kind: "failed", release: null, problem: outcome.problem };
  }
  const { kind, release } = outcome.report;
  return { line, site, siteEnv, kind, release };
}

function secondsText(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 120 ? `${whole} s` : `${Math.round(whole / 60)} min`;
}

function describeBatch(rows: readonly BatchRow[], report: BatchReport): string {
  const count = (kind: BatchRow["kind"]): number => rows.filter((row) => row.kind === kind).length;
  const failures = rows.filter(({ kind }) => kind === "failed");
  const table = columns(
    failures.map(({ line, site, siteEnv, problem = "" }) => [`line ${line}`, site, siteEnv, problem]),
  );
  const done =
    count("planned") > 0 ? `${count("planned")} would be published` : `${count("published")} published`;
  const sum = `${rows.length} sites: ${done}, ${count("unchanged")} unchanged, ${failures.length} failed; ${report.purgeCalls} purge calls`;
  return failures.length === 0
    ? sum
    : `${table}\n${sum}\nrun the command again: what is done already is not done twice`;
}
