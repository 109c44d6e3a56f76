import { isAbsolute, resolve } from "node:path";
import { fleetOf } from "../fleet/fleet.ts";
import { SitefleetError } from "../lib/errors.ts";
import { environmentOf } from "../settings/environment.ts";
import type { Environment } from "../settings/environment.ts";
import { findSettingsFile, loadSettings } from "../settings/load.ts";
import { localEnvironment, readMirrorFile } from "../settings/local.ts";
import type { Settings } from "../settings/schema.ts";
import type { CommandContext, CommonFlags, ProcessSurroundings } from "./context.ts";
import type { Report } from "./report.ts";

/** Builds what commands get; settings and the mirror's file are read when first asked for. */
export function createContext(
  init: ProcessSurroundings & { readonly flags: CommonFlags; readonly report: Report },
): CommandContext {
  const { cwd, variables, clock, pid, signal, input, report, flags } = init;
  const state = flags.state ?? variables["SITEFLEET_STATE"] ?? ".sitefleet";
  const stateDir = isAbsolute(state) ? state : resolve(cwd, state);
  const environmentName = flags.env ?? "local";
  let loaded: Promise<Settings> | undefined;
  const settings = (): Promise<Settings> => (loaded ??= readSettings(cwd, flags.config));
  const environment = async (name = environmentName): Promise<Environment> => {
    if (name === "local") {
      refuseSettings(flags.config);
      const local = localEnvironment(await readMirrorFile(stateDir));
      // The mirror runs the team's own edge too, where there is one.
      const found = findSettingsFile(cwd);
      return found === undefined ? local : { ...local, edge: (await settings()).edgeFolder };
    }
    return environmentOf(await settings(), name, variables);
  };
  return {
    cwd,
    variables,
    clock,
    pid,
    signal,
    input,
    report,
    stateDir,
    environmentName,
    json: flags.json ?? false,
    dryRun: flags.dryRun ?? false,
    yes: flags.yes ?? false,
    settings,
    environment,
    fleet: async () =>
      fleetOf(await environment(), {
        clock,
        signal,
        notes: report,
        stateDir: environmentName === "local" ? stateDir : undefined,
      }),
  };
}

/** A flag that is given and ignored would mislead, most of all about which environment is meant. */
function refuseSettings(config: string | undefined): void {
  if (config === undefined) return;
  throw new SitefleetError("cli/usage", "the environment `local` is the mirror and takes no --config", {
    hint: "name one of the file's environments with --env, or leave --config out",
  });
}

async function readSettings(cwd: string, config: string | undefined): Promise<Settings> {
  if (config !== undefined) return loadSettings(resolve(cwd, config));
  const found = findSettingsFile(cwd);
  if (found !== undefined) return loadSettings(found);
  throw new SitefleetError("settings/not-found", `no settings file in ${cwd} or above`, {
    hint: "environments other than `local` need sitefleet.config.ts (or .js, .json)",
  });
}
