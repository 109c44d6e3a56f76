import { SitefleetError } from "../lib/errors.ts";
import type { PublishDeps, SiteRef } from "../publish/publish-deps.ts";
import { readSite } from "../publish/record-store.ts";
import { rollBack } from "../publish/rollback.ts";
import { deleteSite, setPolicies } from "../publish/site-changes.ts";
import { domainRows, readSites } from "../publish/site-list.ts";
import { NOT_FOUND_POLICIES, currentRelease } from "../site/model.ts";
import type { SitePolicies, SiteRecord } from "../site/model.ts";
import type { CommandDefinition, CommandInput } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { SITE_ENV_OPTION, argumentOf, columns, siteRefOf, switchOf, withPublishing } from "./publishing.ts";

const SITE = [{ name: "<site>", summary: "uid of the site" }];
const SWITCH = ["on", "off"];

export const commands: readonly CommandDefinition[] = [
  {
    verb: "list",
    summary: "list all sites",
    writes: false,
    examples: ["site list", "site list --json"],
    run: (context) => withPublishing(context, (deps) => runList(context, deps)),
  },
  siteCommand({
    verb: "show",
    summary: "show what is decided about a site",
    writes: false,
    examples: ["site show acme"],
    run: async (context, { deps, ref }) => {
      const { record } = await readSite(deps, ref);
      context.report.result(record, describeSite(record));
    },
  }),
  siteCommand({
    verb: "set",
    summary: "change the policies of a site",
    options: [
      {
        flags: "--not-found <policy>",
        summary: "page = the site's 404.html, redirect = redirect to it, builtin = the edge's own page",
        choices: NOT_FOUND_POLICIES,
      },
      {
        flags: "--strict-paths <switch>",
        summary: "other spellings of a page's path are not found instead of redirected",
        choices: SWITCH,
      },
      { flags: "--noindex <switch>", summary: "keep search engines away", choices: SWITCH },
    ],
    writes: true,
    examples: ["site set acme --not-found redirect", "site set acme --noindex on"],
    run: runSet,
  }),
  siteCommand({
    verb: "releases",
    summary: "list the releases that can be shown again",
    writes: false,
    examples: ["site releases acme"],
    run: runReleases,
  }),
  siteCommand({
    verb: "rollback",
    summary: "show an earlier release again",
    options: [{ flags: "--to <release>", summary: "default: the one shown before" }],
    writes: true,
    examples: ["site rollback acme", "site rollback acme --to 3"],
    run: async (context, { deps, ref, input }) => {
      const { release, record } = await rollBack(deps, ref, input.flags.text("to"));
      const document = { ...ref, release, previous: record.previous };
      context.report.result(document, `${ref.site} (${ref.siteEnv}) shows release ${release}`);
    },
  }),
  siteCommand({
    verb: "suspend",
    summary: "answer every request of a site with 410 or 503, or lift that",
    options: [
      { flags: "--status <code>", summary: "410 or 503", choices: ["410", "503"], default: "503" },
      { flags: "--lift", summary: "serve the site again" },
    ],
    writes: true,
    examples: ["site suspend acme --status 410", "site suspend acme --lift"],
    run: async (context, { deps, ref, input }) => {
      const status = input.flags.text("status") === "410" ? 410 : 503;
      const suspended = input.flags.has("lift") ? null : status;
      await setPolicies(deps, ref, { suspended });
      const text = suspended === null ? "is served again" : `is suspended with ${suspended}`;
      context.report.result({ ...ref, suspended }, `${ref.site} (${ref.siteEnv}) ${text}`);
    },
  }),
  siteCommand({
    verb: "delete",
    summary: "delete a site: its domains, all its objects, its record",
    writes: true,
    examples: ["site delete acme --yes"],
    run: runDelete,
  }),
];

interface SiteJob {
  readonly deps: PublishDeps;
  readonly ref: SiteRef;
  readonly input: CommandInput;
}

/** A command about one site: `site VERB <site> [--site-env]`. */
function siteCommand(
  definition: Omit<CommandDefinition, "args" | "run"> & {
    run(context: CommandContext, job: SiteJob): Promise<number | void>;
  },
): CommandDefinition {
  return {
    ...definition,
    args: SITE,
    options: [SITE_ENV_OPTION, ...(definition.options ?? [])],
    run: (context, input) =>
      withPublishing(context, (deps) => {
        const siteEnv = input.flags.text("site-env") ?? "production";
        return definition.run(context, { deps, ref: siteRefOf(deps, argumentOf(input, 0), siteEnv), input });
      }),
  };
}

async function runList(context: CommandContext, deps: PublishDeps): Promise<void> {
  const sites: { site: string; siteEnv: string; release: string | null; domains: string[] }[] = [];
  for await (const record of readSites(deps)) {
    const { site, siteEnv, current: release } = record;
    sites.push({ site, siteEnv, release, domains: Object.keys(record.domains).sort() });
  }
  const rows = sites.map((row) => [row.site, row.siteEnv, row.release ?? "-", row.domains.join(" ")]);
  context.report.result(sites, rows.length === 0 ? "no sites" : columns(rows));
}

function describeSite(record: SiteRecord): string {
  const { policies } = record;
  const release = currentRelease(record);
  const lines = [
    `${record.site} (${record.siteEnv})${record.deleting ? ", being deleted" : ""}`,
    release
      ? `release ${release.id} of ${release.createdAt}: ${release.files} files, ${release.redirects} redirects, ${release.bytes} bytes`
      : "nothing published yet",
    `previous release: ${record.previous ?? "none"}`,
    `not found: ${policies.notFound}; strict paths: ${policies.strictPaths ? "on" : "off"}; noindex: ${policies.noindex ? "on" : "off"}; suspended: ${policies.suspended ?? "no"}`,
    ...domainRows(record).map(
      (row) =>
        `domain ${row.domain}${row.canonicalHost === null ? "" : ` -> ${row.canonicalHost}`}${row.forceTls ? ", force-tls" : ""}${row.hsts === null ? "" : `, hsts ${row.hsts}`}${row.state === "live" ? "" : `, ${row.state}`}`,
    ),
    ...record.rules.map((rule) => `redirect ${rule}`),
    ...record.owed.map((owed) => `owed since ${owed.since}: ${owed.reason} (${owed.keys.join(" ")})`),
  ];
  return lines.join("\n");
}

async function runSet(context: CommandContext, { deps, ref, input }: SiteJob): Promise<void> {
  const notFound = NOT_FOUND_POLICIES.find((policy) => policy === input.flags.text("not-found"));
  const strictPaths = switchOf(input, "strict-paths");
  const noindex = switchOf(input, "noindex");
  const policies: Partial<SitePolicies> = {
    ...(notFound === undefined ? {} : { notFound }),
    ...(strictPaths === undefined ? {} : { strictPaths }),
    ...(noindex === undefined ? {} : { noindex }),
  };
  if (Object.keys(policies).length === 0) {
    throw new SitefleetError("cli/usage", "nothing to set was given", {
      hint: "--not-found, --strict-paths, --noindex",
    });
  }
  const { record } = await setPolicies(deps, ref, policies);
  context.report.result({ ...ref, policies: record.policies }, describeSite(record));
}

async function runReleases(context: CommandContext, { deps, ref }: SiteJob): Promise<void> {
  const { record } = await readSite(deps, ref);
  const releases = record.releases.toReversed().map((release) => ({
    id: release.id,
    createdAt: release.createdAt,
    files: release.files,
    redirects: release.redirects,
    bytes: release.bytes,
    state: release.id === record.current ? "current" : release.id === record.previous ? "previous" : "",
  }));
  const rows = releases.map(({ id, createdAt, files, redirects, bytes, state }) => [
    id,
    createdAt,
    `${files} files`,
    `${redirects} redirects`,
    `${bytes} bytes`,
    state,
  ]);
  context.report.result(releases, rows.length === 0 ? "no releases" : columns(rows));
}

async function runDelete(context: CommandContext, { deps, ref }: SiteJob): Promise<void> {
  const { record } = await readSite(deps, ref);
  const domains = Object.keys(record.domains);
  if (!context.yes && !context.dryRun) {
    throw new SitefleetError(
      "cli/usage",
      `site "${ref.site}" (${ref.siteEnv}) has ${domains.length} domains and ${record.releases.length} releases`,
      { hint: "to delete all of it, for good, add --yes" },
    );
  }
  const { objects } = await deleteSite(deps, ref);
  const text = `deleted ${ref.site} (${ref.siteEnv}): ${domains.length} domains, ${objects} objects`;
  context.report.result({ ...ref, domains, objects }, text);
}
