import type { Clock } from "../lib/clock.ts";
import { systemClock } from "../lib/clock.ts";
import type { Environment } from "../settings/environment.ts";
import { localEnvironment, readMirrorFile } from "../settings/local.ts";

/** Where steps and warnings are told, one line each. */
export interface Notes {
  progress(line: string): void;
  warn(line: string): void;
}

/** One server environment and what work on it takes from its surroundings; every command runs on one. */
export interface Fleet {
  readonly environment: Environment;
  readonly clock: Clock;
  /** Ends the work early; what was begun is finished by the next run. */
  readonly signal: AbortSignal;
  readonly notes: Notes;
  /** State folder of the mirror, when the environment is one: lets conformance cases read the edge's CA and log. */
  readonly stateDir: string | undefined;
}

const SILENT: Notes = { progress: () => undefined, warn: () => undefined };

/** A fleet of an environment; unless told otherwise on the system's clock, never aborted and silent. */
export function fleetOf(environment: Environment, options: Partial<Omit<Fleet, "environment">> = {}): Fleet {
  return {
    environment,
    clock: options.clock ?? systemClock,
    signal: options.signal ?? new AbortController().signal,
    notes: options.notes ?? SILENT,
    stateDir: options.stateDir,
  };
}

/**
 * The fleet of the mirror that runs on a state folder.
 * @throws SitefleetError `mirror/not-running`
 */
export async function localFleet(
  stateDir: string,
  options: Partial<Omit<Fleet, "environment" | "stateDir">> = {},
): Promise<Fleet> {
  return fleetOf(localEnvironment(await readMirrorFile(stateDir)), { ...options, stateDir });
}
