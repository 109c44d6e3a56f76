import { existsSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { SitefleetError } from "../lib/errors.ts";
import { readMirrorFile } from "../settings/local.ts";
import type { MirrorFile } from "../settings/local.ts";
import type { Settings } from "../settings/schema.ts";
import { mirrorSettings, mirrorVariables } from "../setup/mirror-settings.ts";
import type { CommandContext } from "./context.ts";
import type { CommandDefinition, CommandInput } from "./command.ts";
import { writeOutputFile } from "./output-file.ts";

export const settingsCommand: CommandDefinition = {
  verb: "settings",
  summary: "write this folder's settings anew with environments on running mirrors; prints their variables",
  args: [{ name: "<environment=state...>", summary: "environment and the state folder of its mirror" }],
  options: [
    { flags: "--out <file>", summary: "file to write", default: "sitefleet.mirrors.json" },
    { flags: "--force", summary: "overwrite it" },
  ],
  writes: true,
  examples: ["mirror settings test=.mirrors/test production=.mirrors/production > .env"],
  run: runSettings,
};

async function runSettings(context: CommandContext, input: CommandInput): Promise<void> {
  const settings = await context.settings();
  const file = resolve(context.cwd, input.flags.text("out") ?? "sitefleet.mirrors.json");
  const mirrors = await readMirrors(context, { args: input.args, from: dirname(file) });
  refuseOtherFolder(settings, file);
  const moved = mirrorSettings(settings, mirrors);
  const variables = mirrorVariables(moved, mirrors);
  const text = Object.entries(variables).map(([name, value]) => `${name}='${value}'`);
  if (!context.dryRun) {
    await writeSettings(file, {
      text: `${JSON.stringify(moved, null, 2)}\n`,
      force: input.flags.has("force"),
    });
    context.report.progress(`settings written to ${relative(context.cwd, file)}; use them with --config`);
  }
  context.report.result({ file, settings: moved, variables }, text.join("\n"));
}

/** @param from folder of the settings that are written */
async function readMirrors(
  context: CommandContext,
  { args, from }: { readonly args: readonly string[]; readonly from: string },
): Promise<ReadonlyMap<string, MirrorFile>> {
  const mirrors = new Map<string, MirrorFile>();
  for (const arg of args) {
    const [, name, folder] = /^([^=]+)=(.+)$/.exec(arg) ?? [];
    if (name === undefined || folder === undefined || mirrors.has(name)) {
      throw new SitefleetError("cli/usage", `"${arg}" is not an environment and its mirror's state folder`, {
        hint: "example: sitefleet mirror settings test=.mirrors/test production=.mirrors/production",
      });
    }
    const mirror = await readMirrorFile(resolve(context.cwd, folder));
    // Paths in settings are told from where they are.
    mirrors.set(name, { ...mirror, edge: { ...mirror.edge, ca: relative(from, mirror.edge.ca) } });
  }
  return mirrors;
}

/** The team's folder is named from where the settings are. */
function refuseOtherFolder({ edge, edgeFolder }: Settings, file: string): void {
  if (edge?.templates === undefined || !edgeFolder) return;
  if (resolve(dirname(file), edge.templates) === edgeFolder.path) return;
  throw new SitefleetError("cli/usage", `${file} would not find the folder ${edgeFolder.label}`, {
    hint: "write it beside the settings file",
  });
}

async function writeSettings(
  file: string,
  what: { readonly text: string; readonly force: boolean },
): Promise<void> {
  if (!what.force && existsSync(file)) {
    throw new SitefleetError("setup/file-exists", `there is ${file} already`, {
      hint: "--force overwrites it; --dry-run only prints the variables",
    });
  }
  await writeOutputFile({ cwd: dirname(file), name: file }, what);
}
