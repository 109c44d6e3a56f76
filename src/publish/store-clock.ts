import { SitefleetError } from "../lib/errors.ts";
import type { PublishDeps } from "./publish-deps.ts";

/** How far this machine's clock and the store's may be apart; S3 itself takes no signature that is further off. */
const LIMIT_MS = 900_000;

/** The time by the store's clock as far as it is known, epoch milliseconds. */
export function storeTime({ clock, store }: PublishDeps): number {
  return clock.now() + (store.clockOffset?.() ?? 0);
}

/**
 * The time by which it is decided what is old enough to be deleted, epoch milliseconds: the earlier one where this
 * machine and the store differ a little. Ask only after a request was answered.
 * @throws SitefleetError `site/clock-skew` when they differ by more than 15 minutes
 */
export function deletionTime(deps: PublishDeps): number {
  const offset = deps.store.clockOffset?.() ?? 0;
  if (Math.abs(offset) <= LIMIT_MS) return Math.min(deps.clock.now(), storeTime(deps));
  const minutes = Math.round(Math.abs(offset) / 60_000);
  throw new SitefleetError(
    "site/clock-skew",
    `this machine's clock is ${minutes} minutes ${offset < 0 ? "ahead of" : "behind"} the store's, so nobody knows what is old enough to be deleted`,
    { hint: "nothing was deleted; set this machine's clock and run the command again" },
  );
}
