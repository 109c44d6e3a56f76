import { readFile } from "node:fs/promises";
import type { Fleet } from "../fleet/fleet.ts";
import { readMirrorFile } from "../settings/local.ts";
import { exitCodeOf } from "../setup/doctor/check.ts";
import type { DoctorJob } from "../setup/doctor/check.ts";
import { systemDns } from "../setup/doctor/dns-lookup.ts";
import { examine, formatResults } from "../setup/doctor/doctor.ts";
import type { CommandContext } from "./context.ts";
import type { CommandDefinition } from "./command.ts";

export const commands: readonly CommandDefinition[] = [
  {
    verb: undefined,
    summary:
      "check settings, secrets, Fastly, buckets, keys, DNS and TLS of an environment, and name each fix",
    writes: false,
    examples: ["doctor", "doctor --env production", "doctor --env production --json"],
    run: runDoctor,
  },
];

async function runDoctor(context: CommandContext): Promise<number> {
  const fleet = await context.fleet();
  const results = await examine({ fleet, dns: systemDns(), tls: await mirrorTls(fleet) });
  const exitCode = exitCodeOf(results);
  const text = formatResults(results);
  context.report.result({ environment: fleet.environment.name, exitCode, results }, text);
  return exitCode;
}

/** The mirror speaks TLS at a port of its own, and signs its certificates itself. */
async function mirrorTls({ stateDir }: Fleet): Promise<DoctorJob["tls"]> {
  if (stateDir === undefined) return undefined;
  const { edge } = await readMirrorFile(stateDir);
  return { url: edge.https, ca: await readFile(edge.ca, "utf8") };
}
