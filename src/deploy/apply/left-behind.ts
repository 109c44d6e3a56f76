import { RemoteError } from "../../fastly/remote-error.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { InterruptedError } from "../../lib/interruption.ts";

/** The same error with more lines: what is live, and what stays changed. */
export function withLines(error: SitefleetError, lines: readonly string[]): SitefleetError {
  const { code, message, hint } = error;
  const told = {
    cause: error,
    details: [...error.details, ...lines],
    ...(hint === undefined ? {} : { hint }),
  };
  if (!(error instanceof RemoteError)) return new SitefleetError(code, message, told);
  const { landed, status } = error;
  return new RemoteError(code, message, { ...told, landed, ...(status === undefined ? {} : { status }) });
}

/** A version as what is live. */
export function sayLive(version: number | null): string {
  return version === null ? "nothing is live" : `version ${version} is live`;
}

/** What an error that ends a deploy before its activation leaves, told with it. */
export function sayNothingActivated(
  error: unknown,
  left: {
    readonly signal: AbortSignal;
    /** Version that is live; `null` when none is. */
    readonly live: number | null;
    readonly lasting: readonly string[];
    /** What the next run does about what was begun; a clause. */
    readonly next: string;
  },
): unknown {
  const { signal, live, lasting, next } = left;
  if (error instanceof SitefleetError) return withLines(error, ["nothing was activated", ...lasting]);
  if (!signal.aborted) return error;
  return new InterruptedError(`nothing was activated: ${sayLive(live)}, as before; ${next}`, lasting);
}
