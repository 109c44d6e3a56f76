import { messageOf } from "../../lib/caught.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { SECOND_PURGE_MS, purgeAgain } from "../../purge/purge.ts";
import { isEuOnly } from "../../site/model.ts";
import type { SiteRecord } from "../../site/model.ts";
import { areaOf } from "../../site/protected-areas.ts";
import { afterCommit } from "../commit.ts";
import type { EdgeProbe } from "./edge-probe.ts";
import { planProbes } from "./edge-verification.ts";
import type { ProbePlan, ServingHost } from "./edge-verification.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import type { EdgeWishes, Published } from "../published.ts";
import { findReceipt, writeReceipt } from "./receipt.ts";
import type { Receipt } from "./receipt.ts";
import { readSite } from "../record-store.ts";
import { RunWatch } from "./run-watch.ts";
import { Verifying } from "./verifying.ts";
import { planWarm, warm } from "./warm.ts";
import type { WarmVisit } from "./warm.ts";

/** What is done besides publishing. */
interface Wanted {
  readonly edge: EdgeProbe;
  /** Most pages to request. A publish that changes more is left cold unless somebody gave the number for it. */
  readonly warm: { readonly limit: number; readonly isGiven: boolean } | undefined;
  readonly verify: EdgeWishes["verify"];
}

/** A publish that is live, and what is known of it. */
interface LiveRun<T extends Published = Published> extends Wanted {
  readonly ref: SiteRef;
  readonly watch: RunWatch;
  readonly report: T & { readonly release: string };
  readonly record: SiteRecord;
  readonly hosts: readonly ServingHost[];
}

/**
 * Runs a publish and what follows it at the edge: pages that changed are requested once, and the edge is asked until it
 * shows the release everywhere. The second purge comes after a first round of questions and before the last one, so a run
 * that dies meanwhile leaves the purge owed.
 * @throws SitefleetError `publish/not-verified` when the edge answers otherwise at the end; the purge stays owed
 */
export async function withFollowUp<T extends Published>(
  deps: PublishDeps,
  request: EdgeWishes,
  publish: (deps: PublishDeps) => Promise<T>,
): Promise<T> {
  const wanted = request.dryRun ? undefined : wantedOf(deps, request);
  if (!wanted) return publish(deps);
  const { site, siteEnv } = request;
  const ref = { site, siteEnv };
  const takesOver = request.wait !== false && !deps.later;
  const watch = new RunWatch(deps, wanted.edge, { takesOver });
  const report = await publishWatched(watch, ref, publish);
  const { release } = report;
  const record = watch.record ?? (wanted.verify && (await readSite(watch.deps, ref)).record);
  if (!record || release === null) return report;
  const hosts = servingHosts(record, report.preview?.host);
  return followUp({ ...wanted, ref, watch, report: { ...report, release }, record, hosts });
}

async function publishWatched<T>(
  watch: RunWatch,
  ref: SiteRef,
  publish: (deps: PublishDeps) => Promise<T>,
): Promise<T> {
  try {
    return await publish(watch.deps);
  } catch (error) {
    if (!watch.deps.signal.aborted) await finishAfterFailure(watch, ref);
    throw error;
  }
}

/** @throws SitefleetError `settings/invalid` or `cli/usage` when verifying is impossible */
function wantedOf(deps: PublishDeps, request: EdgeWishes): Wanted | undefined {
  const { edge, environment, later } = deps;
  const { verify } = request;
  if (verify && (later || request.wait === false)) {
    throw new SitefleetError("cli/usage", "only a publish that waits for its second purge can be verified", {
      hint: "--verify goes neither with --no-wait nor with --batch",
    });
  }
  if (!edge) {
    if (!verify) return undefined;
    throw new SitefleetError(
      "settings/invalid",
      `environment "${environment.name}" does not say where its edge is, so nothing can be verified`,
      { hint: "add verify.url and verify.hostSuffix to its settings" },
    );
  }
  const isGiven = typeof request.warm === "number";
  const limit = typeof request.warm === "number" ? request.warm : environment.publishing.warm;
  // Purges of a batch are sent together and much later: what is requested before them would be old.
  const isWarmed = request.warm !== false && limit > 0 && !later;
  if (!isWarmed && !verify) return undefined;
  return { edge, warm: isWarmed ? { limit, isGiven } : undefined, verify };
}

/** Hosts that show what was published. */
function servingHosts(record: SiteRecord, preview: string | undefined): readonly ServingHost[] {
  return Object.entries(record.domains).flatMap(([host, entry]) => {
    const isShown = preview === undefined ? entry.kind === "primary" : host === preview;
    if (entry.removing || !isShown) return [];
    return [{ host, forceTls: entry.forceTls, euOnly: isEuOnly(record, entry) }];
  });
}

async function followUp<T extends Published>(run: LiveRun<T>): Promise<T> {
  const { watch, report, ref, verify } = run;
  const { deps, edge } = watch;
  const liveAt = watch.times.get("firstPurge") ?? deps.clock.now();
  const deadline = liveAt + (verify?.timeoutMs ?? 0);
  const isOwed = watch.rests.length > 0;
  const verifying = verify && new Verifying(watch, probesOf(run));
  // What the first purge missed the second one reaches: more is not waited for before it.
  await verifying?.round(isOwed ? Math.min(liveAt + SECOND_PURGE_MS, deadline) : deadline);
  const visits = visitsOf(run);
  const first = visits && (await warm(deps, edge, visits.first));
  await purgeRests(watch, ref);
  if (isOwed) await verifying?.round(deadline);
  const again = isOwed && first && first.warmed > 0 ? await warm(deps, edge, visits.again) : undefined;
  if (!verifying || verifying.isRight) await settleRests(watch, ref);
  const receipt = verifying?.receiptOf(report);
  const unread = receipt && (await keepReceipt(deps, ref, receipt));
  if (verifying && !verifying.isRight) throw verifying.failure(report.release);
  const note = first?.note ?? again?.note;
  return {
    ...report,
    ...(first && visits
      ? { warm: { ...first, skipped: visits.skipped, ms: first.ms + (again?.ms ?? 0) } }
      : {}),
    ...(receipt ? { receipt } : {}),
    warnings: [...report.warnings, ...[note, unread].filter(isText), ...(receipt?.notes ?? [])],
  };
}

function isText(text: string | undefined): text is string {
  return text !== undefined;
}

function probesOf({ ref, record, report, hosts, watch }: LiveRun): ProbePlan {
  const shown = record.releases.find(({ id }) => id === report.release);
  const expected = {
    release: report.release,
    hosts,
    changed: watch.changedObjects,
    hasRules: shown !== undefined && (shown.slots !== "" || shown.buckets !== null),
    suspended: record.policies.suspended,
  };
  return planProbes(ref, expected, watch.edge);
}

/** What is requested after the first purge, and what of it again after the second. */
interface Visits {
  readonly first: readonly WarmVisit[];
  readonly again: readonly WarmVisit[];
  /** Pages that nobody can ask for without a password. */
  readonly skipped: number;
}

function visitsOf(run: LiveRun): Visits | undefined {
  const { watch, record, hosts, report } = run;
  const changed = watch.changedObjects.filter((object) => !("removedAt" in object));
  if (!run.warm || changed.length === 0 || record.policies.suspended !== null) return undefined;
  const { limit, isGiven } = run.warm;
  if (changed.length > limit && !isGiven) return undefined;
  const isOpen = (path: string): boolean => areaOf(record.protectedAreas, path) === undefined;
  const plan = planWarm(changed, watch.edge, { hosts, isOpen, limit });
  const first = [...plan.hosts, ...plan.pages];
  const shown = record.releases.find(({ id }) => id === report.release);
  // The purge is of configs and rule buckets; in place also of pages.
  const isAll = report.written?.kind === "in-place" || (shown?.buckets ?? null) !== null;
  const skipped = plan.skipped;
  return first.length === 0 ? undefined : { first, again: isAll ? first : plan.hosts, skipped };
}

async function purgeRests(watch: RunWatch, ref: SiteRef): Promise<void> {
  if (watch.rests.length === 0) return;
  try {
    for (const { purge } of watch.rests) await purgeAgain(watch.deps, purge);
  } catch (error) {
    throw afterCommit(ref, error);
  }
  watch.note("secondPurge");
}

async function settleRests(watch: RunWatch, ref: SiteRef): Promise<void> {
  if (watch.rests.length === 0) return;
  try {
    for (const { finish } of watch.rests) await finish();
  } catch (error) {
    throw afterCommit(ref, error);
  }
  watch.note("settled");
}

async function finishRests(watch: RunWatch, ref: SiteRef): Promise<void> {
  await purgeRests(watch, ref);
  await settleRests(watch, ref);
}

/**
 * What went live before a publish failed is finished as it would be without us. Where that fails too it stays owed, and
 * the publish's own failure is what has to be told.
 */
async function finishAfterFailure(watch: RunWatch, ref: SiteRef): Promise<void> {
  try {
    await finishRests(watch, ref);
  } catch (error) {
    watch.deps.onProgress({ step: `the second purge stays owed: ${messageOf(error)}` });
  }
}

/**
 * A release keeps the receipt of the run that made it; one that only looked at it again replaces none that was good, and
 * none that a newer version may have written.
 * @returns what to say of a receipt that cannot be read: what this run saw of the edge is no less true for it
 */
async function keepReceipt(deps: PublishDeps, ref: SiteRef, receipt: Receipt): Promise<string | undefined> {
  try {
    const former = receipt.kind === "unchanged" ? await findReceipt(deps, ref, receipt.release) : undefined;
    if (!former?.verified) await writeReceipt(deps, ref, receipt);
    return undefined;
  } catch (error) {
    if (!(error instanceof SitefleetError) || error.code !== "site/unreadable") throw error;
    return `${error.message}; it stays as it is, so this run's receipt is not stored`;
  }
}
