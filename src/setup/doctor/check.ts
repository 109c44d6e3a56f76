import type { Fleet } from "../../fleet/fleet.ts";
import { SitefleetError } from "../../lib/errors.ts";
import type { DnsLookup } from "./dns-lookup.ts";

/** `warn`: works, but will not for ever or not well. `skipped`: could not be looked at, and why is said. */
export type CheckState = "ok" | "warn" | "fail" | "skipped";

/** What one check found. */
export interface CheckResult {
  /** Stable, as `s3/edge-key`; where there are several of a kind, with the thing's name: `dns/*.example.com`. */
  readonly id: string;
  readonly state: CheckState;
  /** What was found, one line. */
  readonly found: string;
  /** What to do, where something is to be done. */
  readonly fix?: string;
  /** Why a check failed when what failed is the asking. */
  readonly cause?: "unreachable" | "not-authorised";
}

/** What the checks look at, and through what. */
export interface DoctorJob {
  readonly fleet: Fleet;
  readonly dns: DnsLookup;
  /** Where TLS is spoken when it is not at the settings' `verify.url`, and the authority in PEM that it is trusted by. */
  readonly tls: { readonly url: string; readonly ca: string } | undefined;
}

export function ok(id: string, found: string): CheckResult {
  return { id, state: "ok", found };
}

export function skipped(id: string, why: string): CheckResult {
  return { id, state: "skipped", found: why };
}

export function warn(id: string, found: string, fix: string): CheckResult {
  return { id, state: "warn", found, fix };
}

export function fail(id: string, found: string, fix: string): CheckResult {
  return { id, state: "fail", found, fix };
}

/** Exit codes of errors that say of a remote that it refused or did not answer. */
const UNREACHABLE = 3;
const NOT_AUTHORISED = 4;

/** Runs a check; an error that the product knows is what it found, its hint what to do. Others are bugs and go on. */
export async function checked(
  id: string,
  work: () => Promise<CheckResult | readonly CheckResult[]>,
): Promise<readonly CheckResult[]> {
  try {
    return [await work()].flat();
  } catch (error) {
    return [failedAs(id, error)];
  }
}

/** An error of the product as what a check found. */
export function failedAs(id: string, error: unknown): CheckResult {
  if (!(error instanceof SitefleetError) || error.kind === "fault") throw error;
  const cause = causeOf(error);
  return {
    ...fail(id, error.message, error.hint ?? `see ${error.code} in docs/errors.md`),
    ...(cause === undefined ? {} : { cause }),
  };
}

function causeOf(error: SitefleetError): CheckResult["cause"] {
  if (error.exitCode === UNREACHABLE) return "unreachable";
  return error.exitCode === NOT_AUTHORISED ? "not-authorised" : undefined;
}

/** Exit code of a doctor's run: 4 and 3 tell that the asking itself failed, 1 that something is wrong. */
export function exitCodeOf(results: readonly CheckResult[]): 0 | 1 | 3 | 4 {
  const failed = results.filter(({ state }) => state === "fail");
  if (failed.some(({ cause }) => cause === "not-authorised")) return NOT_AUTHORISED;
  if (failed.some(({ cause }) => cause === "unreachable")) return UNREACHABLE;
  return failed.length > 0 ? 1 : 0;
}
