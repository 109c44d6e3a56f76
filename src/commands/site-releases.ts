import { SitefleetError } from "../lib/errors.ts";
import { previewRows, removePreview } from "../publish/previews/previews.ts";
import type { PreviewRow } from "../publish/previews/previews.ts";
import { promotePreview } from "../publish/previews/promote.ts";
import { promoteSite } from "../publish/previews/promote-site.ts";
import { readSite } from "../publish/record-store.ts";
import type { Published } from "../publish/published.ts";
import { rollBack } from "../publish/release/rollback.ts";
import type { ShowWishes } from "../publish/release/rollback.ts";
import { isStale, staleText } from "../publish/release/stale-release.ts";
import { unpackDelta } from "../site/delta-list.ts";
import type { ReleaseEntry, SiteRecord } from "../site/model.ts";
import type { CommandDefinition } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { EDGE_OPTIONS, describeEdge, edgeWishesOf } from "./publish-edge.ts";
import { argumentOf, columns, counted, fittedColumns, siteRefOf, urlOf } from "./publishing.ts";
import { siteCommand } from "./site-command.ts";
import type { SiteJob } from "./site-command.ts";

const NO_WAIT = {
  flags: "--no-wait",
  summary: "end when it is live; the second purge stays owed for the next run or `purge --owed --send`",
};

/** `site` commands about releases and where they are shown. */
export const commands: readonly CommandDefinition[] = [
  siteCommand({
    verb: "releases",
    summary:
      "list the releases that can be shown again, newest first; `3 + 5` is release 3 with 5 other pages and files",
    writes: false,
    examples: ["site releases acme"],
    run: runReleases,
  }),
  siteCommand({
    verb: "rollback",
    summary: "show an earlier release again",
    options: [
      { flags: "--to <release>", summary: "default: the one shown before" },
      NO_WAIT,
      ...EDGE_OPTIONS,
    ],
    writes: true,
    examples: ["site rollback acme", "site rollback acme --to 3", "site rollback acme --verify"],
    run: runRollback,
  }),
  siteCommand({
    verb: "previews",
    summary: "list the previews of a site",
    writes: false,
    examples: ["site previews acme"],
    run: runPreviews,
  }),
  siteCommand({
    verb: "unpreview",
    summary: "take a preview down; its release stays until it is pruned",
    args: [{ name: "<name>", summary: "name of the preview" }],
    writes: true,
    examples: ["site unpreview acme pr-42"],
    run: async (context, { deps, ref, input }) => {
      const name = argumentOf(input, 1);
      await removePreview(deps, ref, name);
      const text = `${ref.site} (${ref.siteEnv}) has no preview ${name} any more`;
      context.report.result({ ...ref, name, removed: true }, text);
    },
  }),
  siteCommand({
    verb: "promote",
    summary: "show on the site's own domains what a preview, or another website environment, shows",
    args: [{ name: "[name]", summary: "name of the preview" }],
    options: [
      { flags: "--from <site-env>", summary: "take what the site shows in this website environment" },
      NO_WAIT,
      ...EDGE_OPTIONS,
    ],
    writes: true,
    examples: ["site promote acme pr-42", "site promote acme --from staging"],
    run: runPromote,
  }),
];

export interface ReleaseRow {
  readonly id: string;
  readonly createdAt: string;
  readonly files: number;
  readonly redirects: number;
  /** Rules with slots; `null` where the release was written before they were counted. */
  readonly patterns: number | null;
  /** Bytes of all files that have an object. */
  readonly bytes: number;
  /** Release that it is a delta of; itself when it is a full one. */
  readonly base: string;
  /** How many pages differ from the base. */
  readonly delta: number;
  readonly state: "current" | "previous" | "incomplete" | "";
  /** Previews that show it. */
  readonly previews: readonly { readonly name: string; readonly expiresAt: string }[];
}

/** The releases of a site, newest first. */
export function releaseRows(record: SiteRecord): readonly ReleaseRow[] {
  const previews = previewRows(record, 0).filter(({ state }) => state !== "removing");
  return record.releases.toReversed().map((release) => ({
    id: release.id,
    createdAt: release.createdAt,
    files: release.files,
    redirects: release.redirects,
    patterns: release.patterns ?? null,
    bytes: release.bytes,
    base: release.base,
    delta: unpackDelta(release.delta)?.size ?? 0,
    state: stateOf(record, release),
    previews: previews
      .filter((preview) => preview.release === release.id)
      .map(({ name, expiresAt }) => ({ name, expiresAt })),
  }));
}

function stateOf(record: SiteRecord, release: ReleaseEntry): ReleaseRow["state"] {
  if (release.dirty) return "incomplete";
  if (release.id === record.current) return "current";
  return release.id === record.previous ? "previous" : "";
}

async function runReleases(context: CommandContext, { deps, ref }: SiteJob): Promise<void> {
  const { record } = await readSite(deps, ref);
  const releases = releaseRows(record);
  context.report.result(releases, releasesText(releases, context.report.width));
}

/**
 * The releases for people, one line each where that fits.
 * @param width columns of the terminal; `undefined` = none
 */
export function releasesText(releases: readonly ReleaseRow[], width: number | undefined): string {
  const rows = releases.map((row) => [
    row.id,
    row.createdAt,
    counted(row.files, "file"),
    counted(row.redirects, "redirect") + (row.patterns ? ` + ${counted(row.patterns, "pattern")}` : ""),
    counted(row.bytes, "byte"),
    row.base === row.id ? "full" : `${row.base} + ${row.delta}`,
    row.state,
    ...row.previews.map(({ name, expiresAt }) => `preview ${name} until ${expiresAt}`),
  ]);
  return rows.length === 0 ? "no releases" : fittedColumns(rows, width);
}

async function runRollback(context: CommandContext, job: SiteJob): Promise<void> {
  const { deps, ref, input } = job;
  const shown = await rollBack(deps, ref, { to: input.flags.text("to"), ...wishesOf(context, job) });
  const { release, record } = shown;
  if (await isStale(deps, ref, { record, release })) context.report.warn(staleText(release));
  context.report.result(
    { ...ref, release, previous: record.previous, ...edgeDocument(shown) },
    withEdge(context, shown, `${ref.site} (${ref.siteEnv}) shows release ${release}`),
  );
}

/** What the flags want of the edge. A dry run asks it for nothing: it would show what it showed before. */
function wishesOf(context: CommandContext, { input }: SiteJob): ShowWishes {
  const wait = !input.flags.has("no-wait");
  if (!wait) {
    context.report.progress("the second purge will be owed: the next run sends it, or `purge --owed --send`");
  }
  const wishes = edgeWishesOf(input);
  return context.dryRun ? { wait } : { wait, ...wishes };
}

/** What was done at the edge, where something was. */
function edgeDocument({ warm, receipt }: Published): Pick<Published, "warm" | "receipt"> {
  return { ...(warm ? { warm } : {}), ...(receipt ? { receipt } : {}) };
}

/** The line with what was done at the edge below it; what went wrong there is told. */
function withEdge(context: CommandContext, shown: Published, line: string): string {
  for (const warning of shown.warnings) context.report.warn(warning);
  return [line, ...describeEdge(shown)].join("\n");
}

async function runPreviews(context: CommandContext, { deps, ref }: SiteJob): Promise<void> {
  const { record } = await readSite(deps, ref);
  const previews = previewRows(record, deps.clock.now()).map((row) => ({
    ...row,
    url: urlOf(deps.environment, row.host),
  }));
  const rows = previews.map((row) => [
    row.name,
    `release ${row.release}`,
    untilText(row),
    row.state,
    row.url,
  ]);
  context.report.result(previews, rows.length === 0 ? "no previews" : columns(rows));
}

function untilText({ expiresAt }: PreviewRow): string {
  return `until ${expiresAt}`;
}

async function runPromote(context: CommandContext, job: SiteJob): Promise<void> {
  const { deps, ref, input } = job;
  const [, name] = input.args;
  const from = input.flags.text("from");
  if ((name === undefined) === (from === undefined)) {
    throw new SitefleetError("cli/usage", "either the name of a preview or --from is to be given", {
      hint: "sitefleet site promote acme pr-42, or sitefleet site promote acme --from staging",
    });
  }
  if (from !== undefined) return runPromoteFrom(context, job, from);
  const preview = name ?? "";
  const shown = await promotePreview(deps, ref, { name: preview, ...wishesOf(context, job) });
  const { release, record } = shown;
  if (await isStale(deps, ref, { record, release })) context.report.warn(staleText(release));
  context.report.result(
    { ...ref, release, previous: record.previous, preview, ...edgeDocument(shown) },
    withEdge(
      context,
      shown,
      `${ref.site} (${ref.siteEnv}) shows release ${release}, which the preview ${preview} showed`,
    ),
  );
}

async function runPromoteFrom(context: CommandContext, job: SiteJob, siteEnv: string): Promise<void> {
  const { deps, ref } = job;
  const { siteEnv: from } = siteRefOf(deps, ref.site, siteEnv);
  const { dryRun } = context;
  const report = await promoteSite(deps, ref, { from, dryRun, ...wishesOf(context, job) });
  const source = `release ${report.from.release} of ${from}`;
  const text = {
    published: `${ref.site} (${ref.siteEnv}) shows release ${report.release}, made from ${source}`,
    unchanged: `${ref.site} (${ref.siteEnv}) shows this already: release ${report.release}`,
    planned: `would show ${source} in ${ref.siteEnv}`,
  }[report.kind];
  context.report.result(report, withEdge(context, report, text));
}
