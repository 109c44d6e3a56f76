import { extname } from "node:path";
import { fleetOf } from "../fleet/fleet.ts";
import type { Notes } from "../fleet/fleet.ts";
import { readProvenance } from "../fleet/provenance.ts";
import { ship } from "../fleet/ship.ts";
import type { ShipReport, Stage } from "../fleet/ship.ts";
import { formatShip, formatShipMarkdown } from "../fleet/ship-text.ts";
import { SitefleetError } from "../lib/errors.ts";
import { InterruptedError } from "../lib/interruption.ts";
import { stagesOf } from "../settings/schema.ts";
import type { Settings } from "../settings/schema.ts";
import type { CommandContext } from "./context.ts";
import type { CommandDefinition, CommandInput } from "./command.ts";
import { checkOutputFile, writeOutputFile } from "./output-file.ts";

export const shipCommand: CommandDefinition = {
  verb: "ship",
  summary: "deploy one rendering to every stage in turn: plan all, prove them alike, apply, verify, next",
  options: [
    { flags: "--through <stage>", summary: "the last stage to deploy to; later ones are only planned" },
    { flags: "--create", summary: "make the buckets and the Fastly services where they do not exist" },
    { flags: "--report <file>", summary: "write plans, proof and outcome: .md, .json or plain text" },
  ],
  writes: true,
  examples: [
    "deploy ship",
    "deploy ship --dry-run --report plan.md",
    "deploy ship --through test --report report.json",
  ],
  run: runShip,
};

async function runShip(context: CommandContext, input: CommandInput): Promise<void> {
  if (context.environmentName !== "local") {
    throw new SitefleetError("cli/usage", "`deploy ship` takes no --env: it goes through every stage", {
      hint: "--through names the last stage to deploy to; `stages` in the settings is their order",
    });
  }
  // Before anything is deployed: what it did could not be told afterwards.
  const file = input.flags.text("report");
  if (file !== undefined) await checkOutputFile({ cwd: context.cwd, name: file });
  const settings = await context.settings();
  const names = stageNames(settings);
  const through = deployedStages(names, input.flags.text("through"));
  const deployed = context.dryRun ? 0 : through;
  const stages = await Promise.all(names.map((name) => openStage(context, { settings, name })));
  const create = input.flags.has("create");
  if (create) {
    const { setUpBuckets } = await import("../setup/bucket-setup.ts");
    for (const { fleet } of stages.slice(0, deployed)) await setUpBuckets(fleet);
  }
  const provenance = await readProvenance(context, context.signal);
  const path = context.variables["PATH"] ?? "";
  const report = await ship(stages, { deployed, create, provenance, path });
  await writeReport(context, { report, file });
  if (report.failure) throw report.failure;
  const document = { ...report, ...(context.dryRun ? { dryRun: true } : {}) };
  context.report.result(document, formatShip(report, context.dryRun));
}

function stageNames(settings: Settings): readonly string[] {
  const names = stagesOf(settings);
  if (names.length > 0) return names;
  throw new SitefleetError("settings/invalid", "the settings name no stages to ship through", {
    hint: 'add `stages: ["test", "production"]`, or environments of these names',
  });
}

function deployedStages(names: readonly string[], through: string | undefined): number {
  if (through === undefined) return names.length;
  const index = names.indexOf(through);
  if (index >= 0) return index + 1;
  throw new SitefleetError("cli/usage", `--through is "${through}", which is no stage`, {
    hint: `stages: ${names.join(", ")}`,
  });
}

async function openStage(
  context: CommandContext,
  what: { readonly settings: Settings; readonly name: string },
): Promise<Stage> {
  const { name } = what;
  const settings = what.settings.environments[name];
  // The settings' own rules see to it; `stages` names environments that exist.
  if (!settings) throw new SitefleetError("settings/unknown-environment", `no server environment "${name}"`);
  const { clock, signal, report } = context;
  const notes: Notes = {
    progress: (line) => report.progress(`${name}: ${line}`),
    warn: (line) => report.warn(`${name}: ${line}`),
  };
  return { settings, fleet: fleetOf(await context.environment(name), { clock, signal, notes }) };
}

async function writeReport(
  context: CommandContext,
  what: { readonly report: ShipReport; readonly file: string | undefined },
): Promise<void> {
  const { report, file } = what;
  if (file === undefined) return;
  // It holds no secret, but the whole edge configuration: for its owner only.
  const text = reportText(report, extname(file));
  await writeOutputFile({ cwd: context.cwd, name: file }, { text, mode: 0o600 });
  context.report.progress(`report written to ${file}`);
}

function reportText(report: ShipReport, extension: string): string {
  switch (extension) {
    case ".json":
      return `${JSON.stringify({ ...report, failure: failureDocument(report) }, null, 2)}\n`;
    case ".md":
      return formatShipMarkdown(report);
    default:
      return `${formatShip(report, true)}\n`;
  }
}

function failureDocument({ failure }: ShipReport): object | null {
  if (!failure) return null;
  const { message, details } = failure;
  if (failure instanceof InterruptedError) return { interrupted: true, message, details };
  return { code: failure.code, message, details };
}
