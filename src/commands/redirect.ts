import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";

import { errnoOf } from "../lib/caught.ts";
import { SitefleetError } from "../lib/errors.ts";
import { addingRule, editRules, importingRules, listRules, removingRule } from "../publish/redirects.ts";
import type { RuleEdit } from "../publish/redirects.ts";
import type { PublishDeps } from "../publish/publish-deps.ts";
import { refuseProblems } from "../publish/release/release-rules.ts";
import { parseRedirectCsv } from "../publish/site-files/redirect-csv.ts";
import { parseRedirects } from "../site/redirects-file.ts";
import type { CommandDefinition, CommandInput, OptionDefinition } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { SITE_ENV_OPTION, argumentOf, columns, flaggedSite, withPublishing } from "./publishing.ts";

const SITE: readonly OptionDefinition[] = [
  { flags: "--site <uid>", summary: "the site", required: true },
  SITE_ENV_OPTION,
];

export const commands: readonly CommandDefinition[] = [
  {
    verb: "add",
    summary: "add a redirect rule to a site; it is tried before those of the published folder",
    args: [
      { name: "<from>", summary: "path; `:name` stands for a segment, a final `/*` for the rest" },
      { name: "<to>", summary: "path or http(s) URL; may use `:name` and `:splat`" },
    ],
    options: [
      ...SITE,
      {
        flags: "--status <code>",
        summary: "301, 302, 303, 307, 308; 200, 404, 410, 451 show a page in place",
        default: "301",
      },
      { flags: "--force", summary: "redirect even where a page exists" },
    ],
    writes: true,
    examples: [
      "redirect add /old /new --site acme",
      'redirect add "/blog/*" "https://blog.example.com/:splat" --status 308 --site acme',
    ],
    run: (context, input) =>
      withPublishing(context, (deps) => runEdit(context, deps, { input, edit: addingRule(lineOf(input)) })),
  },
  {
    verb: "remove",
    summary: "remove a rule of the site's own",
    args: [{ name: "<from>", summary: "the rule's path" }],
    options: SITE,
    writes: true,
    examples: ["redirect remove /old --site acme"],
    run: (context, input) =>
      withPublishing(context, (deps) =>
        runEdit(context, deps, { input, edit: removingRule(argumentOf(input, 0)) }),
      ),
  },
  {
    verb: "import",
    summary: "add redirect rules from a file: CSV (source, target, status) or `_redirects` lines",
    args: [{ name: "<file>", summary: "CSV when its name ends in .csv or .tsv" }],
    options: [...SITE, { flags: "--no-strict", summary: "leave out lines that cannot be used" }],
    writes: true,
    examples: ["redirect import moved.csv --site acme", "redirect import moved.csv --site acme --dry-run"],
    run: (context, input) => withPublishing(context, (deps) => runImport(context, deps, input)),
  },
  {
    verb: "list",
    summary: "list all rules of a site in the order in which they are tried",
    options: SITE,
    writes: false,
    examples: ["redirect list --site acme"],
    run: (context, input) =>
      withPublishing(context, async (deps) => {
        const rows = await listRules(deps, flaggedSite(deps, input));
        const text = rows.length === 0 ? "no rules" : columns(rows.map((row) => [row.from, row.text]));
        context.report.result(rows, text);
      }),
  },
];

async function runImport(context: CommandContext, deps: PublishDeps, input: CommandInput): Promise<void> {
  const name = argumentOf(input, 0);
  const text = await readText(resolve(context.cwd, name));
  const isCsv = /\.(?:csv|tsv)$/i.test(name);
  const parsed = isCsv ? parseRedirectCsv(text, name) : parseRedirects(text, name);
  const strict = !input.flags.has("no-strict");
  for (const warning of refuseProblems(parsed.problems, strict)) context.report.warn(warning);
  await runEdit(context, deps, { input, edit: importingRules(parsed.rules) });
}

/** More than any list of redirects takes. */
const IMPORT_LIMIT = 50_000_000;

async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > IMPORT_LIMIT) {
      throw new SitefleetError("cli/usage", `"${path}" has ${size} bytes, the limit is ${IMPORT_LIMIT}`);
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
  } catch (error) {
    if (error instanceof SitefleetError) throw error;
    const reason = error instanceof TypeError ? "is not UTF-8" : `cannot be read: ${errnoOf(error)}`;
    throw new SitefleetError("cli/usage", `"${path}" ${reason}`, { cause: error });
  }
}

function lineOf(input: CommandInput): string {
  const status = `${input.flags.text("status") ?? "301"}${input.flags.has("force") ? "!" : ""}`;
  return `${argumentOf(input, 0)} ${argumentOf(input, 1)} ${status}`;
}

/** Rules that are printed after an edit; `redirect list` has them all. */
const SHOWN_RULES = 100;

async function runEdit(
  context: CommandContext,
  deps: PublishDeps,
  job: { readonly input: CommandInput; readonly edit: RuleEdit },
): Promise<void> {
  const ref = flaggedSite(deps, job.input);
  const report = await editRules(deps, ref, { edit: job.edit, dryRun: context.dryRun });
  for (const warning of report.warnings) context.report.warn(warning);
  const shown = report.rules.slice(-SHOWN_RULES);
  const more = report.rules.length - shown.length;
  const rules =
    shown.length === 0 ? ["no rules of its own"] : [...(more > 0 ? [`(${more} more)`] : []), ...shown];
  const head = `rules of ${ref.site} (${ref.siteEnv}), release ${report.release ?? "none"}:`;
  context.report.result({ ...ref, ...report }, [head, ...rules].join("\n"));
}
