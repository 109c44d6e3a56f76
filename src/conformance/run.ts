import { messageOf } from "../lib/caught.ts";
import { systemClock } from "../lib/clock.ts";
import type { Clock } from "../lib/clock.ts";
import { SitefleetError } from "../lib/errors.ts";
import type { Act, Capability, ConformanceCase, Step } from "./case.ts";
import { openConnections } from "./connections.ts";
import type { Connections } from "./connections.ts";
import { findMismatches } from "./expect.ts";
import { footprintOf, runScheduled } from "./schedule.ts";
import { send } from "./send.ts";
import type { ConformanceTarget } from "./target.ts";

export interface CaseResult {
  readonly id: string;
  readonly title: string;
  readonly verdict: "passed" | "failed" | "skipped";
  /** For failed: which step and what was wrong. For skipped: what the target lacks. */
  readonly reasons: readonly string[];
}

/** An edge logs after it has answered, and a log is delivered later still: so long a line may take, ms. */
const LOG_DEADLINE = 3_000;
const LOG_INTERVAL = 50;

/** Cases that run at a time. More of them would only wait for the edge, and for the API's writes. */
const PARALLEL_CASES = 8;

export interface RunOptions {
  /** Default: the machine's. */
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  /** Told of each in the order of the cases. */
  readonly onResult?: (result: CaseResult) => void;
}

/** Runs cases: several at a time, but none beside what changes what it sees (see `footprintOf`). Results are in their order. */
export async function runCases(
  cases: readonly ConformanceCase[],
  target: ConformanceTarget,
  options: RunOptions = {},
): Promise<readonly CaseResult[]> {
  const connections = openConnections();
  const run = { target, connections, clock: options.clock ?? systemClock };
  const results: (CaseResult | undefined)[] = cases.map(() => undefined);
  let told = 0;
  try {
    await runScheduled(cases, { limit: PARALLEL_CASES, footprint: footprintOf }, async (row, index) => {
      options.signal?.throwIfAborted();
      results[index] = await runCase(row, run);
      for (let next = results[told]; next !== undefined; next = results[told]) {
        told += 1;
        options.onResult?.(next);
      }
    });
  } finally {
    connections.close();
  }
  return results.filter((result) => result !== undefined);
}

interface Run {
  readonly connections: Connections;
  readonly target: ConformanceTarget;
  readonly clock: Clock;
}

async function runCase(row: ConformanceCase, run: Run): Promise<CaseResult> {
  const { id, title } = row;
  const { target } = run;
  const lacking = (row.needs ?? []).filter((need) => !target.capabilities.has(need));
  if (lacking.length > 0)
    return { id, title, verdict: "skipped", reasons: [`the target lacks: ${lacking.join(", ")}`] };
  // A long-lived log is read only where a case asks for its lines.
  const readsLog = row.steps.some((step) => "log" in step);
  const logged = readsLog ? (await needed(target.readLog, "log")()).length : 0;
  const state = { etag: "", logged };
  for (const [index, step] of row.steps.entries()) {
    const reasons = await runStep(step, run, state);
    if (reasons.length === 0) continue;
    const where = `step ${index + 1}${"send" in step ? ` (${step.send.method ?? "GET"} ${step.send.host} ${step.send.path ?? "/"})` : ""}`;
    await restoreOrigins(row, target);
    return { id, title, verdict: "failed", reasons: reasons.map((reason) => `${where}: ${reason}`) };
  }
  return { id, title, verdict: "passed", reasons: [] };
}

async function runStep(
  step: Step,
  run: Run,
  state: { etag: string; readonly logged: number },
): Promise<readonly string[]> {
  const { target } = run;
  try {
    if ("act" in step) {
      await needed(target.act, "publish")(step.act);
      return [];
    }
    if ("log" in step) return await findLogLine(step.log, run, state.logged);
    const answer = await send(step.send, { target, etag: state.etag, connections: run.connections });
    state.etag = answer.headers.get("etag") ?? "";
    return findMismatches(step.expect, { sent: step.send, answer, target });
  } catch (error) {
    if (error instanceof SitefleetError && error.kind === "fault") throw error;
    return [messageOf(error)];
  }
}

async function findLogLine(
  fields: Readonly<Record<string, string | number>>,
  { target, clock }: Run,
  from: number,
): Promise<readonly string[]> {
  const readLog = needed(target.readLog, "log");
  const isMeant = (line: Readonly<Record<string, unknown>>): boolean =>
    Object.entries(fields).every(([name, value]) => line[name] === value);
  for (let waited = 0; waited <= LOG_DEADLINE; waited += LOG_INTERVAL) {
    if ((await readLog()).slice(from).some(isMeant)) return [];
    await clock.sleep(LOG_INTERVAL);
  }
  return [`no log line has ${JSON.stringify(fields)}`];
}

/** A failed case must not leave the origins down for the next one. */
async function restoreOrigins(row: ConformanceCase, target: ConformanceTarget): Promise<void> {
  const locations = row.steps.flatMap((step) =>
    "act" in step && step.act.do === "origin" ? [step.act.location] : [],
  );
  for (const location of new Set(locations)) {
    await target.act?.({ do: "origin", location, answer: "normal" } satisfies Act);
  }
}

function needed<T>(value: T | undefined, capability: Capability): T {
  if (value === undefined)
    throw new SitefleetError("fault/internal", `the target claims ${capability} but cannot do it`);
  return value;
}
