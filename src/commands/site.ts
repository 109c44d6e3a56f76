import { SitefleetError } from "../lib/errors.ts";
import { tightestFirst } from "../publish/limits/budget.ts";
import type { BudgetRow } from "../publish/limits/budget.ts";
import { readSite } from "../publish/record-store.ts";
import { readBudget } from "../publish/release/release-fit.ts";
import { setPolicies } from "../publish/site-changes.ts";
import { domainRows, readSites } from "../publish/site-list.ts";
import { NOT_FOUND_POLICIES, PRECEDENCES, TRAILING_SLASH_POLICIES, currentRelease } from "../site/model.ts";
import type { SitePolicies, SiteRecord } from "../site/model.ts";
import type { CommandDefinition } from "./command.ts";
import type { CommandContext } from "./context.ts";
import {
  SITE_ENV_FILTER,
  columns,
  contentText,
  listedSiteEnvs,
  streamRows,
  switchOf,
  withPublishing,
} from "./publishing.ts";
import type { ListRow } from "./publishing.ts";
import { commands as accessCommands } from "./site-access.ts";
import { commands as cleanupCommands } from "./site-cleanup.ts";
import { siteCommand } from "./site-command.ts";
import type { SiteJob } from "./site-command.ts";
import { commands as migrateCommands } from "./site-migrate.ts";
import { commands as receiptCommands } from "./site-receipt.ts";
import { commands as releaseCommands } from "./site-releases.ts";

const SWITCH = ["on", "off"];

export const commands: readonly CommandDefinition[] = [
  {
    verb: "list",
    summary: "list all sites",
    writes: false,
    options: [SITE_ENV_FILTER],
    examples: ["site list", "site list --json", "site list --site-env staging"],
    run: (context, input) =>
      withPublishing(context, (deps) =>
        streamRows(context, listRows(readSites(deps, listedSiteEnvs(deps, input))), "no sites"),
      ),
  },
  siteCommand({
    verb: "show",
    summary: "show what is decided about a site",
    writes: false,
    examples: ["site show acme"],
    run: async (context, { deps, ref }) => {
      const { record } = await readSite(deps, ref);
      // Who can read the bucket can guess against a verifier; a terminal's log is read by more.
      const protectedAreas = record.protectedAreas.map(({ prefix }) => ({ prefix }));
      const budget = tightestFirst(await readBudget(deps, ref, record));
      const text = [describeSite(record), ...budgetLines(budget)].join("\n");
      context.report.result({ ...record, protectedAreas, budget }, text);
    },
  }),
  siteCommand({
    verb: "set",
    summary: "change the policies of a site",
    options: [
      {
        flags: "--not-found <policy>",
        summary:
          "page = the site's 404.html, redirect = redirect to it, spa = /index.html for navigations, builtin = the edge's own page",
        choices: NOT_FOUND_POLICIES,
      },
      {
        flags: "--strict-paths <switch>",
        summary: "other spellings of a page's path are not found instead of redirected",
        choices: SWITCH,
      },
      { flags: "--noindex <switch>", summary: "keep search engines away", choices: SWITCH },
      {
        flags: "--trailing-slash <policy>",
        summary: "which path is a page's own, from the next publish on (auto: as the folder's files say)",
        choices: TRAILING_SLASH_POLICIES,
      },
      {
        flags: "--precedence <policy>",
        summary: "what wins where a file and a redirect rule have one path, from the next publish on",
        choices: PRECEDENCES,
      },
    ],
    writes: true,
    examples: [
      "site set acme --not-found redirect",
      "site set acme --noindex on",
      "site set acme --trailing-slash drop",
    ],
    run: runSet,
  }),
  ...releaseCommands,
  ...receiptCommands,
  siteCommand({
    verb: "suspend",
    summary: "answer every request of a site with 410 or 503, or lift that",
    options: [
      { flags: "--status <code>", summary: "what to answer (default: 503)", choices: ["410", "503"] },
      { flags: "--lift", summary: "serve the site again" },
    ],
    writes: true,
    examples: ["site suspend acme --status 410", "site suspend acme --lift"],
    run: async (context, { deps, ref, input }) => {
      if (input.flags.has("lift") && input.flags.has("status")) {
        throw new SitefleetError("cli/usage", "--lift and --status exclude each other", {
          hint: "--lift serves the site again, --status answers for it",
        });
      }
      const status = input.flags.text("status") === "410" ? 410 : 503;
      const suspended = input.flags.has("lift") ? null : status;
      await setPolicies(deps, ref, { suspended });
      const text = suspended === null ? "is served again" : `is suspended with ${suspended}`;
      context.report.result({ ...ref, suspended }, `${ref.site} (${ref.siteEnv}) ${text}`);
    },
  }),
  ...accessCommands,
  ...cleanupCommands,
  ...migrateCommands,
];

async function* listRows(records: AsyncIterable<SiteRecord>): AsyncGenerator<ListRow> {
  for await (const record of records) {
    const { site, siteEnv, current: release, deleting } = record;
    const domains = Object.keys(record.domains).sort();
    const state = deleting ? "being deleted" : domains.join(" ");
    yield {
      document: { site, siteEnv, release, domains, ...(deleting ? { deleting } : {}) },
      cells: [site, siteEnv, release ?? "-", state],
    };
  }
}

/** The site's own rules that are shown; `redirect list` and --json have all. */
const SHOWN_RULES = 20;

function describeSite(record: SiteRecord): string {
  const { policies } = record;
  const release = currentRelease(record);
  const lines = [
    `${record.site} (${record.siteEnv})${record.deleting ? ", being deleted" : ""}`,
    release
      ? `release ${release.id} of ${release.createdAt}: ${contentText(release)}`
      : "nothing published yet",
    `previous release: ${record.previous ?? "none"}`,
    `not found: ${policies.notFound}; strict paths: ${policies.strictPaths ? "on" : "off"}; noindex: ${policies.noindex ? "on" : "off"}; suspended: ${policies.suspended ?? "no"}`,
    `trailing slash: ${policies.trailingSlash}; precedence: ${policies.precedence}`,
    ...domainRows(record).map(
      (row) =>
        `domain ${row.domain}${row.canonicalHost === null ? "" : ` -> ${row.canonicalHost}`}${row.forceTls ? ", force-tls" : ""}${row.hsts === null ? "" : `, hsts ${row.hsts}`}${row.euOnly ? ", eu-only" : ""}${row.state === "live" ? "" : `, ${row.state}`}`,
    ),
    ...record.protectedAreas.map(({ prefix }) => `password at ${prefix}`),
    ...record.rules.slice(0, SHOWN_RULES).map((rule) => `redirect ${rule}`),
    ...(record.rules.length > SHOWN_RULES
      ? [
          `and ${record.rules.length - SHOWN_RULES} redirects more: sitefleet redirect list --site ${record.site}`,
        ]
      : []),
    ...record.owed.map((owed) => `owed since ${owed.since}: ${owed.reason} (${owed.keys.join(" ")})`),
  ];
  return lines.join("\n");
}

/** Rows of the budget that are shown, of each kind the fullest; all of them with --json. */
const SHOWN_ROWS = 8;

function budgetLines(budget: readonly BudgetRow[]): readonly string[] {
  const fullest = budget.filter((row, index) => budget.findIndex(({ what }) => what === row.what) === index);
  const rows = fullest.slice(0, SHOWN_ROWS).map(({ what, where, used, limit, unit }) => {
    const others = budget.filter((row) => row.what === what).length - 1;
    return [
      `  ${Math.round((100 * used) / limit)} %`,
      what,
      `${used} of ${limit} ${unit}`,
      others === 0 ? where : `${where}, and ${others} more`,
    ];
  });
  return rows.length === 0 ? [] : ["nearest to its limits:", columns(rows)];
}

async function runSet(context: CommandContext, { deps, ref, input }: SiteJob): Promise<void> {
  const notFound = NOT_FOUND_POLICIES.find((policy) => policy === input.flags.text("not-found"));
  const strictPaths = switchOf(input, "strict-paths");
  const noindex = switchOf(input, "noindex");
  const trailingSlash = TRAILING_SLASH_POLICIES.find(
    (policy) => policy === input.flags.text("trailing-slash"),
  );
  const precedence = PRECEDENCES.find((policy) => policy === input.flags.text("precedence"));
  const policies: Partial<SitePolicies> = {
    ...(notFound === undefined ? {} : { notFound }),
    ...(strictPaths === undefined ? {} : { strictPaths }),
    ...(noindex === undefined ? {} : { noindex }),
    ...(trailingSlash === undefined ? {} : { trailingSlash }),
    ...(precedence === undefined ? {} : { precedence }),
  };
  if (Object.keys(policies).length === 0) {
    throw new SitefleetError("cli/usage", "nothing to set was given", {
      hint: "--not-found, --strict-paths, --noindex, --trailing-slash, --precedence",
    });
  }
  const { record } = await setPolicies(deps, ref, policies);
  context.report.result({ ...ref, policies: record.policies }, describeSite(record));
}
