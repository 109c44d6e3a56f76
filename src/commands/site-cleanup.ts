import { DURATION_FORM, parseDuration } from "../lib/duration.ts";
import { SitefleetError } from "../lib/errors.ts";
import { pruneFleet } from "../publish/prune/prune-fleet.ts";
import type { PruneOutcome } from "../publish/prune/prune-fleet.ts";
import { pruneSite } from "../publish/prune/prune.ts";
import type { PruneReport } from "../publish/prune/prune.ts";
import type { PruneRules } from "../publish/prune/prune-plan.ts";
import type { PublishDeps } from "../publish/publish-deps.ts";
import { readSite } from "../publish/record-store.ts";
import { deleteSite, purgeFiles, retainedUntil, undeleteSite } from "../publish/prune/site-deletion.ts";
import { DEFAULT_SITE_ENV } from "../site/names.ts";
import type { CommandDefinition, CommandInput } from "./command.ts";
import type { CommandContext } from "./context.ts";
import type { Report } from "./report.ts";
import { counted, placeFlags, siteRefOf, withPublishing } from "./publishing.ts";
import { siteCommand } from "./site-command.ts";
import type { SiteJob } from "./site-command.ts";

/** `site` commands that take things away for good. */
export const commands: readonly CommandDefinition[] = [
  {
    verb: "prune",
    summary: "delete releases, previews and leftovers that no host can ask for any more",
    args: [{ name: "[site]", summary: "uid of the site; without it --all is needed" }],
    options: [
      { flags: "--site-env <name>", summary: "website environment of the site (default: production)" },
      { flags: "--all", summary: "every site of every website environment" },
      { flags: "--keep <count>", summary: "how many of the newest releases stay", default: "10" },
      {
        flags: "--older <time>",
        summary: "only what has not been shown for this long: 90m, 12h, 30d, 2w",
        default: "30d",
      },
    ],
    writes: true,
    examples: ["site prune acme --keep 5 --older 30d --dry-run", "site prune --all"],
    run: (context, input) => withPublishing(context, (deps) => runPrune(context, deps, input)),
  },
  siteCommand({
    verb: "delete",
    summary: "take a site off the edge, then delete it for good",
    options: [
      { flags: "--purge-files", summary: "second step: delete all its objects and its record, for good" },
      { flags: "--undo", summary: "take the first step back: the site has its domains again" },
    ],
    writes: true,
    examples: ["site delete acme", "site delete acme --undo", "site delete acme --purge-files --yes"],
    run: runDelete,
  }),
];

async function runPrune(context: CommandContext, deps: PublishDeps, input: CommandInput): Promise<number> {
  const rules = pruneRulesOf(input);
  const [site] = input.args;
  const all = input.flags.has("all");
  if ((site === undefined) === !all) {
    throw new SitefleetError("cli/usage", "either a site or --all is to be given", {
      hint: "sitefleet site prune acme, or sitefleet site prune --all",
    });
  }
  if (all && input.flags.has("site-env")) {
    throw new SitefleetError(
      "cli/usage",
      "--all is every website environment, so it goes without --site-env",
      {
        hint: "sitefleet site prune acme --site-env staging, or sitefleet site prune --all",
      },
    );
  }
  if (site !== undefined) {
    const ref = siteRefOf(deps, site, input.flags.text("site-env") ?? DEFAULT_SITE_ENV);
    const report = await pruneSite(deps, ref, rules);
    context.report.result(report, describePrune(report));
    return 0;
  }
  return writePruned(context.report, pruneFleet(deps, rules));
}

/**
 * Writes a row for each site of which something was deleted, or that failed, as they are done: there may be any number.
 * @returns the exit code
 */
export async function writePruned(report: Report, outcomes: AsyncIterable<PruneOutcome>): Promise<number> {
  const total = { sites: 0, failed: 0, releases: 0, objects: 0, bytes: 0 };
  const rows = report.rows();
  for await (const outcome of outcomes) {
    if (outcome.kind === "failed") {
      const { ref, problem } = outcome;
      total.failed += 1;
      rows.row({ ...ref, state: "failed", problem }, `${ref.site} (${ref.siteEnv}): failed: ${problem}`);
      continue;
    }
    const { report: pruned } = outcome;
    total.sites += 1;
    total.releases += pruned.releases.length;
    total.objects += pruned.objects;
    total.bytes += pruned.bytes;
    if (didSomething(pruned)) rows.row(pruned, describePrune(pruned));
  }
  rows.end("nothing is left to prune");
  const { sites, failed, releases, objects, bytes } = total;
  const freed = `${counted(releases, "release")}, ${counted(objects, "object")}, ${counted(bytes, "byte")}`;
  const rest = failed === 0 ? "" : `; ${counted(failed, "site")} failed`;
  report.progress(`${counted(sites, "site")} pruned: ${freed}${rest}`);
  return failed === 0 ? 0 : 1;
}

function pruneRulesOf({ flags }: CommandInput): PruneRules {
  const keep = flags.text("keep") ?? "";
  const older = flags.text("older") ?? "";
  const olderThan = parseDuration(older);
  if (olderThan === undefined) {
    throw new SitefleetError("cli/usage", `--older is "${older}", which is no length of time`, {
      hint: `write it as ${DURATION_FORM}`,
    });
  }
  if (!/^\d{1,6}$/.test(keep)) {
    throw new SitefleetError("cli/usage", `--keep is "${keep}", which is no number of releases`, {
      hint: "a whole number from 0 to 999999, such as --keep 5",
    });
  }
  return { keep: Number(keep), olderThan };
}

function didSomething(report: PruneReport): boolean {
  return (
    report.objects > 0 ||
    report.releases.length > 0 ||
    report.previews.length > 0 ||
    report.state === "deleted"
  );
}

function pruneText(report: PruneReport): string {
  const { releases, previews, objects, bytes, kept } = report;
  const freed = `${counted(objects, "object")}, ${counted(bytes, "byte")} deleted`;
  switch (report.state) {
    case "deleted":
      return `deletion finished: ${freed}`;
    case "retained":
      return "being deleted; its files are kept until the deletion cannot be taken back any more";
    default: {
      const names = releases.length === 0 ? "no release" : `releases ${releases.join(", ")}`;
      const gone = previews.length === 0 ? "" : `, expired previews ${previews.join(", ")}`;
      return `${names} removed${gone}, ${kept} kept; ${freed}`;
    }
  }
}

function describePrune(report: PruneReport): string {
  return `${report.site} (${report.siteEnv}): ${pruneText(report)}`;
}

async function runDelete(context: CommandContext, job: SiteJob): Promise<void> {
  const { flags } = job.input;
  if (flags.has("undo") && flags.has("purge-files")) {
    throw new SitefleetError("cli/usage", "--undo and --purge-files are opposites", {
      hint: "--undo brings the site back, --purge-files deletes it for good",
    });
  }
  if (flags.has("undo")) return runUndelete(context, job);
  return flags.has("purge-files") ? runPurgeFiles(context, job) : runTakeOff(context, job);
}

async function runTakeOff(context: CommandContext, { deps, ref }: SiteJob): Promise<void> {
  const { record } = await readSite(deps, ref);
  const domains = Object.keys(record.deletion?.domains ?? record.domains).sort();
  const report = await deleteSite(deps, ref);
  const command = `sitefleet site delete ${ref.site}${placeFlags(context, ref.siteEnv)}`;
  const until = retainedUntil(report.record);
  const text = [
    `${ref.site} (${ref.siteEnv}) is off the edge, with ${counted(domains.length, "domain")}`,
    ...(until === undefined ? [] : [`its files stay until ${until}, then \`site prune\` deletes them`]),
    `bring it back: ${command} --undo`,
    `delete its files now: ${command} --purge-files --yes`,
  ].join("\n");
  context.report.result({ ...ref, domains, state: "off-the-edge", retainedUntil: until ?? null }, text);
}

async function runUndelete(context: CommandContext, { deps, ref }: SiteJob): Promise<void> {
  const { record: before } = await readSite(deps, ref);
  const { record, lost } = await undeleteSite(deps, ref);
  for (const { domain, owner } of lost) {
    context.report.warn(`${domain} belongs to site "${owner}" by now and was not brought back`);
  }
  const domains = Object.keys(record.domains)
    .filter((domain) => !lost.some((one) => one.domain === domain))
    .sort();
  const state = before.deleting ? "back" : "not-deleted";
  const is = before.deleting ? "is back" : "was not being deleted; it goes on";
  const text = `${ref.site} (${ref.siteEnv}) ${is} with ${counted(domains.length, "domain")}: ${domains.join(" ")}`;
  context.report.result({ ...ref, domains, state, lost }, text);
}

async function runPurgeFiles(context: CommandContext, { deps, ref }: SiteJob): Promise<void> {
  const { record } = await readSite(deps, ref);
  const domains = Object.keys(record.domains);
  if (!context.yes && !context.dryRun) {
    throw new SitefleetError(
      "cli/usage",
      `site "${ref.site}" (${ref.siteEnv}) has ${counted(domains.length, "domain")} and ${counted(record.releases.length, "release")}`,
      { hint: "to delete all of it, for good, add --yes" },
    );
  }
  const swept = await purgeFiles(deps, ref);
  const text = `deleted ${ref.site} (${ref.siteEnv}): ${counted(swept.objects, "object")}, ${counted(swept.bytes, "byte")}`;
  context.report.result({ ...ref, domains, state: "deleted", ...swept }, text);
}
