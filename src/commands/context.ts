import type { Fleet } from "../fleet/fleet.ts";
import type { Clock } from "../lib/clock.ts";
import type { Environment, Variables } from "../settings/environment.ts";
import type { Settings } from "../settings/schema.ts";
import type { Report } from "./report.ts";
import type { StandardInput } from "./standard-input.ts";

/** What a run has of the process it runs in. */
export interface ProcessSurroundings {
  readonly cwd: string;
  readonly variables: Variables;
  readonly clock: Clock;
  /** The id of this process. */
  readonly pid: number;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  readonly input: StandardInput;
}

/** The flags that every command has, as they were given. */
export interface CommonFlags {
  readonly env?: string | undefined;
  readonly state?: string | undefined;
  readonly config?: string | undefined;
  readonly json?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly yes?: boolean | undefined;
}

/** Everything a command may touch; made once per run by `createContext`. */
export interface CommandContext extends ProcessSurroundings {
  readonly report: Report;
  /** State folder (`--state`, `SITEFLEET_STATE`, default `.sitefleet`), absolute. */
  readonly stateDir: string;
  /** `--env`, default `local`. */
  readonly environmentName: string;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  /** The settings file, found upward of `cwd`; with none, settings without environments (only `local` is known then). */
  settings(): Promise<Settings>;
  /** The chosen environment, or the one named. */
  environment(name?: string): Promise<Environment>;
  /** The chosen environment with this run's clock, signal and report. */
  fleet(): Promise<Fleet>;
}
