import { mkdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { writeFileAtomic } from "../lib/atomic-write.ts";
import { SitefleetError } from "../lib/errors.ts";
import { renderService } from "../render/render.ts";
import type { RenderedService } from "../render/render.ts";
import type { Environment } from "../settings/environment.ts";
import type { CommandContext } from "./context.ts";
import type { CommandDefinition, CommandInput } from "./command.ts";
import { whileWriting } from "./output-file.ts";

export const commands: readonly CommandDefinition[] = [
  {
    verb: undefined,
    summary: "render the VCL of an environment, to stdout or into a folder",
    options: [
      { flags: "--out <dir>", summary: "folder for the files, and for what they were rendered from" },
    ],
    writes: false,
    examples: ["render", "render --env production --out rendered/production"],
    run: runRender,
  },
];

async function runRender(context: CommandContext, input: CommandInput): Promise<void> {
  const environment = await context.environment();
  if (environment.target === "compute") {
    throw new SitefleetError(
      "compute/vcl-only",
      `environment "${environment.name}" has target "compute": there is no VCL to render`,
      { hint: "`sitefleet deploy plan` shows the settings of the app" },
    );
  }
  const rendered = renderService(environment);
  const { files, revision } = rendered;
  const out = input.flags.text("out");
  if (out === undefined) {
    const document = { environment: environment.name, revision, files };
    context.report.result(document, files.map(({ content }) => content).join("\n"));
    return;
  }
  const dir = resolve(context.cwd, out);
  const written = await whileWriting(out, () => writeFiles(dir, { rendered, environment }));
  const document = { environment: environment.name, revision, dir, files: written };
  context.report.result(document, `revision ${revision} in ${dir}: ${written.join(", ")}`);
}

const SOURCE_FILE = "rendered-from.json";

async function writeFiles(
  dir: string,
  what: { readonly rendered: RenderedService; readonly environment: Environment },
): Promise<readonly string[]> {
  await mkdir(dir, { recursive: true });
  for (const { name, content } of what.rendered.files) {
    if (basename(name) !== name) {
      throw new SitefleetError("fault/internal", `"${name}" is no name of a file`);
    }
    await writeFileAtomic(join(dir, name), content);
  }
  // Secrets are functions of the environment, and JSON leaves functions out.
  const { secrets: _, ...settings } = what.environment;
  const source = { revision: what.rendered.revision, environment: settings };
  await writeFileAtomic(join(dir, SOURCE_FILE), `${JSON.stringify(source, null, 2)}\n`);
  return [...what.rendered.files.map(({ name }) => name), SOURCE_FILE];
}
