import { messageOf } from "../lib/caught.ts";
import type { Clock } from "../lib/clock.ts";
import type { PublishDeps, SiteRef } from "../publish/publish-deps.ts";
import { owedDepsOf, settleOwed, settleOwedOf } from "../publish/purging.ts";
import { settleStoredPurges } from "../purge/owed-purges.ts";
import { withSession } from "./hook-state.ts";
import type { OpenSession } from "./hook-state.ts";

export interface SweepOptions {
  readonly openSession: OpenSession;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Sites that may owe something because of what failed here. */
  readonly failedSites: () => readonly SiteRef[];
  readonly warn: (line: string) => void;
}

/** Purges that no site owns are looked for this often: one listing. */
const EVERY_MS = 60_000;
/** All sites are looked at this often: one read for each. */
const ALL_SITES_EVERY = 360;
/** Younger ones are being sent by whoever owes them. */
const GRACE = { olderThanMs: 60_000 };

/**
 * Sends what interrupted runs, of any process, have left: everything at once now, then what no site owns and what
 * failed here every minute, and everything again every six hours. Resolves when the signal aborts.
 */
export async function sweepOwed(options: SweepOptions): Promise<void> {
  const { clock, signal } = options;
  for (let round = 0; !signal.aborted; round += 1) {
    await attempt(options, (deps) => sweepOnce(options, deps, round));
    if (signal.aborted) return;
    await clock.sleep(EVERY_MS, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

async function sweepOnce(options: SweepOptions, deps: PublishDeps, round: number): Promise<void> {
  if (round % ALL_SITES_EVERY === 0) {
    await settleOwed(deps, round === 0 ? {} : GRACE);
    return;
  }
  await settleStoredPurges(owedDepsOf(deps), GRACE);
  for (const ref of options.failedSites()) await settleOwedOf(deps, ref);
}

/** A failure is told; the next round tries again. */
async function attempt(options: SweepOptions, work: (deps: PublishDeps) => Promise<void>): Promise<void> {
  const { openSession, signal, warn } = options;
  try {
    await withSession(openSession, signal, work);
  } catch (error) {
    if (!signal.aborted) warn(`what is owed could not be sent: ${messageOf(error)}`);
  }
}
