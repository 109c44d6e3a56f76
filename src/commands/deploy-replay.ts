import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { resolve } from "node:path";
import { createGunzip } from "node:zlib";
import { readLive } from "../deploy/live/live.ts";
import type { DeployPlan } from "../deploy/plan/deploy-plan.ts";
import type { DeploySession } from "../fleet/deploy-session.ts";
import { openPublishing } from "../fleet/publish-session.ts";
import { SitefleetError } from "../lib/errors.ts";
import { replayEnvironment } from "../replay/environment.ts";
import { readPlanSides } from "../replay/plan-sides.ts";
import { formatReplay } from "../replay/replay-text.ts";
import { runReplay } from "../replay/replay.ts";
import type { ReplayWork } from "../replay/replay.ts";
import { readRequestLines } from "../replay/request-lines.ts";
import { compileSides } from "../replay/side-program.ts";
import type { ReplaySummary } from "../replay/tally.ts";
import type { CommandInput } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { reasonOf, whileWriting } from "./output-file.ts";
import { storedSites } from "./replay-source.ts";

/** What `deploy plan` tells of a replay. */
export type ReplayReport =
  | { readonly kind: "skipped"; readonly reason: string }
  | ({
      readonly kind: "replayed";
      readonly seconds: number;
      readonly pairsPerSecond: number;
      /** File with every changed answer; `null` = none was wanted. */
      readonly out: string | null;
    } & ReplaySummary);

export interface ReplayJob {
  readonly input: CommandInput;
  readonly session: DeploySession;
  readonly plan: DeployPlan;
}

/** Replays what the flags ask for; `undefined` when they ask for nothing. */
export async function replayPlan(context: CommandContext, job: ReplayJob): Promise<ReplayReport | undefined> {
  const work = replayWork(context, job.input);
  if (work === undefined) return undefined;
  const { environment } = job.session.fleet;
  if (environment.target === "compute") {
    throw new SitefleetError(
      "compute/vcl-only",
      `environment "${environment.name}" has target "compute": there is no VCL to replay requests on`,
      { hint: "look at the plan without --replay and --sample" },
    );
  }
  const { client, desired, fleet } = job.session;
  const live = await readLive(client, desired.service);
  if (live?.active === undefined)
    return { kind: "skipped", reason: "nothing is live that it could be compared with" };
  const drops = job.plan.steps.flatMap((step) => (step.do === "drop" ? [step] : []));
  const planned = { desired: { content: job.plan.content, privateItems: desired.privateItems }, drops };
  const sides = await readPlanSides(client, { serviceId: live.id, version: live.active }, planned);
  for (const warning of sides.warnings) context.report.warn(warning);
  const publishing = openPublishing(fleet);
  const out = job.input.flags.text("replay-out");
  const changes = out === undefined ? undefined : await openChanges(context, out);
  try {
    const startedAt = context.clock.now();
    const summary = await runReplay({
      sides: compileSides(sides.before, sides.after),
      environment: replayEnvironment(fleet.environment),
      source: storedSites(publishing.deps),
      work,
      startedAt,
      signal: context.signal,
      onProgress: ({ pairs, sites }) => context.report.status(`replay: ${pairs} requests of ${sites} sites`),
      ...(changes === undefined ? {} : { onChange: (change) => writeLine(changes, change) }),
    });
    const seconds = (context.clock.now() - startedAt) / 1_000;
    const pairsPerSecond = seconds > 0 ? Math.round(summary.requests.pairs / seconds) : 0;
    refuseEmptyFile(work, summary);
    return { kind: "replayed", seconds, pairsPerSecond, out: out ?? null, ...summary };
  } finally {
    await changes?.close();
    await publishing.close();
  }
}

/** The report below a plan. */
export function formatReplayReport(report: ReplayReport): string {
  if (report.kind === "skipped") return `Replay: not made, ${report.reason}`;
  const speed = `  in ${report.seconds.toFixed(1)} s, ${report.pairsPerSecond} a second`;
  const file = report.out === null ? [] : [`  every changed answer is in ${report.out}`];
  return [formatReplay(report), speed, ...file].join("\n");
}

function replayWork(context: CommandContext, { flags }: CommandInput): ReplayWork | undefined {
  const [file, sample] = [flags.text("replay"), flags.text("sample")];
  if (file !== undefined && sample !== undefined) {
    throw new SitefleetError("cli/usage", "--replay and --sample are two ways to choose requests", {
      hint: "give one of them",
    });
  }
  if (file !== undefined) return { kind: "lines", lines: readRequestLines(readBytes(context, file)) };
  if (sample !== undefined) return { kind: "sample", sites: sampleSize(sample) };
  if (flags.text("replay-out") === undefined) return undefined;
  throw new SitefleetError("cli/usage", "--replay-out without --replay or --sample", {
    hint: "say what to replay: --replay requests.jsonl, or --sample 1000",
  });
}

function sampleSize(text: string): number | "all" {
  if (text === "all") return text;
  if (/^[1-9][0-9]{0,6}$/.test(text)) return Number(text);
  throw new SitefleetError("replay/invalid-requests", `--sample is "${text}", not a number of sites`, {
    hint: "give a number from 1 to 9999999, or `all`",
  });
}

const GZIP = /\.gz$/i;

/** The bytes of a file of requests, unpacked where it is a `.gz`. */
async function* readBytes(context: CommandContext, file: string): AsyncGenerator<Uint8Array> {
  const source = createReadStream(resolve(context.cwd, file));
  const unpacked = GZIP.test(file) ? source.pipe(createGunzip()) : source;
  // A pipe hands on bytes and no failures: who reads the end of it must hear of those of its source.
  source.on("error", (error) => unpacked.destroy(error));
  try {
    for await (const chunk of unpacked) if (Buffer.isBuffer(chunk)) yield chunk;
  } catch (cause) {
    throw new SitefleetError("replay/invalid-requests", `"${file}" cannot be read: ${reasonOf(cause)}`, {
      hint: "name a file of requests, one JSON document a line; docs/replay.md says what a line holds",
      cause,
    });
  }
}

function refuseEmptyFile(work: ReplayWork, { requests, badLines }: ReplaySummary): void {
  if (work.kind !== "lines" || requests.pairs + requests.refused > 0) return;
  throw new SitefleetError("replay/invalid-requests", "no line of the file is a request", {
    hint: "docs/replay.md says what a line holds",
    details: badLines.first.map(({ line, reason }) => `line ${line} ${reason}`),
  });
}

/** What visitors asked for is nobody's business but the team's: for the file's owner only. */
async function openChanges({ cwd }: CommandContext, file: string): Promise<FileHandle> {
  return whileWriting(file, () => open(resolve(cwd, file), "w", 0o600));
}

async function writeLine(file: FileHandle, change: unknown): Promise<void> {
  await file.write(`${JSON.stringify(change)}\n`);
}
