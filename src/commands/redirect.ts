import { addingRule, editRules, listRules, removingRule } from "../publish/redirects.ts";
import type { RuleEdit } from "../publish/redirects.ts";
import type { PublishDeps } from "../publish/publish-deps.ts";
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
      { flags: "--status <code>", summary: "301, 302, 303, 307 or 308", default: "301" },
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

function lineOf(input: CommandInput): string {
  const status = `${input.flags.text("status") ?? "301"}${input.flags.has("force") ? "!" : ""}`;
  return `${argumentOf(input, 0)} ${argumentOf(input, 1)} ${status}`;
}

async function runEdit(
  context: CommandContext,
  deps: PublishDeps,
  job: { readonly input: CommandInput; readonly edit: RuleEdit },
): Promise<void> {
  const ref = flaggedSite(deps, job.input);
  const report = await editRules(deps, ref, { edit: job.edit, dryRun: context.dryRun });
  for (const warning of report.warnings) context.report.warn(warning);
  const rules = report.rules.length === 0 ? ["no rules of its own"] : report.rules;
  const head = `rules of ${ref.site} (${ref.siteEnv}), release ${report.release ?? "none"}:`;
  context.report.result({ ...ref, ...report }, [head, ...rules].join("\n"));
}
