import { join, resolve } from "node:path";
import { domainToASCII } from "node:url";

import { DURATION_FORM, parseDuration } from "../lib/duration.ts";
import { SitefleetError } from "../lib/errors.ts";
import { LONGEST_PREVIEW_MS } from "../publish/previews/previews.ts";
import type { PublishDeps } from "../publish/publish-deps.ts";
import type { PreviewInput } from "../publish/previews/publish-preview.ts";
import { publishFolder } from "../publish/publish.ts";
import type { PublishReport } from "../publish/publish.ts";
import { changesText } from "../publish/release/release-changes.ts";
import { DEFAULT_SITE_ENV, parseDomainName, siteEnvOf } from "../site/names.ts";
import type { CommandDefinition, CommandInput } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { EDGE_OPTIONS, describeEdge, edgeWishesOf } from "./publish-edge.ts";
import { runBatch } from "./publish-batch.ts";
import { argumentOf, contentText, placeFlags, siteRefOf, urlOf, withPublishing } from "./publishing.ts";

export const commands: readonly CommandDefinition[] = [
  {
    verb: undefined,
    summary: "publish a folder as the new release of a site",
    args: [{ name: "[dir]", summary: "folder with the built site; needed without --batch" }],
    options: [
      { flags: "--site <uid>", summary: "site to publish; made if it is new; needed without --batch" },
      {
        flags: "--site-env <name>",
        summary: "website environment (default: that of the domains, else production)",
      },
      { flags: "--domain <host...>", summary: "domains to add to the site" },
      { flags: "--preview <name>", summary: "show it only as this preview, on a host of its own" },
      { flags: "--expires <time>", summary: "how long a preview lives: 12h, 7d (default: by the settings)" },
      {
        flags: "--batch <file>",
        summary: "publish many sites: one JSON object a line, folders relative to the file",
      },
      {
        flags: "--in-place",
        summary: "overwrite the release that is shown; visitors may meet old and new pages",
      },
      {
        flags: "--full",
        summary: "make a release that shares nothing with the ones before it (unchanged files are copied)",
      },
      {
        flags: "--no-grace",
        summary: "let removed files be gone at once, also for pages that were loaded before",
      },
      { flags: "--no-strict", summary: "leave out rules, headers and settings that cannot be used" },
      {
        flags: "--no-wait",
        summary: "end when the release is live, and leave the second purge to the next run",
      },
      ...EDGE_OPTIONS,
      { flags: "--retry", summary: "when someone else publishes meanwhile, publish over theirs" },
    ],
    writes: true,
    examples: [
      "publish dist --site acme --domain www.example.com",
      "publish dist --site acme",
      "publish dist --site acme --domain acme.staging.example.net",
      "publish dist --site acme --preview pr-42 --expires 7d",
      "publish dist --site acme --verify",
      "publish --batch sites.jsonl",
    ],
    run: async (context, input) => {
      // Read before anything is opened: a wrong command line is told as such, mirror or not.
      const batch = batchFileOf(input);
      return withPublishing(context, (deps) =>
        batch === undefined ? runPublish(context, deps, input) : runBatch(context, deps, batch),
      );
    },
  },
];

async function runPublish(
  context: CommandContext,
  deps: PublishDeps,
  input: CommandInput,
): Promise<number | void> {
  const domains = [...new Set(input.flags.list("domain"))].map((name) =>
    parseDomainName(name, domainToASCII),
  );
  const [first] = domains;
  const siteEnv =
    input.flags.text("site-env") ??
    (first === undefined ? DEFAULT_SITE_ENV : siteEnvOf(first, deps.environment.hostSuffixes));
  const ref = siteRefOf(deps, input.flags.text("site") ?? "", siteEnv);
  const dir = resolve(context.cwd, argumentOf(input, 0));
  const preview = previewInputOf(input);
  const { flags } = input;
  if (flags.has("in-place") && flags.has("full")) {
    throw new SitefleetError("cli/usage", "--in-place and --full exclude each other", {
      hint: "--in-place overwrites the release that is shown, --full makes another one",
    });
  }
  const report = await publishFolder(deps, {
    ...ref,
    dir,
    domains,
    preview,
    dryRun: context.dryRun,
    inPlace: flags.has("in-place"),
    full: flags.has("full"),
    grace: !flags.has("no-grace"),
    strict: !flags.has("no-strict"),
    wait: !flags.has("no-wait"),
    retry: flags.has("retry"),
    ...edgeWishesOf(input),
    // A dry run leaves nothing behind, not even what it read.
    ...(context.dryRun ? {} : { cacheDir: join(context.stateDir, "cache") }),
  });
  for (const warning of report.warnings) context.report.warn(warning);
  const urls = report.domains.map((domain) => urlOf(deps.environment, domain));
  context.report.result(
    { ...report, urls },
    describePublish(report, { urls, place: placeFlags(context, DEFAULT_SITE_ENV) }),
  );
}

/** What a batch says in its lines, or has no choice in; a flag that is given and ignored would mislead. */
const SINGLE_SITE_FLAGS = [
  "site",
  "site-env",
  "domain",
  "preview",
  "expires",
  "in-place",
  "full",
  "no-grace",
  "no-strict",
  "no-wait",
  "retry",
  "verify",
  "warm",
  "no-warm",
];

/**
 * The file of a batch, where one is published.
 * @throws SitefleetError `cli/usage` for a batch with what is in its lines, or one site without what it takes
 */
function batchFileOf({ args, flags }: CommandInput): string | undefined {
  const batch = flags.text("batch");
  const single = SINGLE_SITE_FLAGS.filter((name) => flags.has(name));
  if (batch !== undefined && (args.length > 0 || single.length > 0)) {
    throw new SitefleetError("cli/usage", "with --batch the file says what is published", {
      hint: `leave out ${args.length > 0 ? "the folder" : single.map((name) => `--${name}`).join(", ")}`,
    });
  }
  if (batch === undefined && (args.length === 0 || !flags.has("site"))) {
    const missing = args.length === 0 ? "argument 'dir'" : "option '--site <uid>'";
    throw new SitefleetError("cli/usage", `missing ${missing}`, {
      hint: "sitefleet publish dist --site acme, or sitefleet publish --batch sites.jsonl",
    });
  }
  return batch;
}

/** @throws SitefleetError `cli/usage` for a time that is none, or without a preview */
function previewInputOf({ flags }: CommandInput): PreviewInput | undefined {
  const name = flags.text("preview");
  const expires = flags.text("expires");
  const lifetime = expires === undefined ? undefined : parseDuration(expires);
  if (expires !== undefined && (lifetime === undefined || lifetime > LONGEST_PREVIEW_MS || lifetime === 0)) {
    throw new SitefleetError(
      "cli/usage",
      `--expires is "${expires}", which is no length of time for a preview`,
      {
        hint: `write it as ${DURATION_FORM}; at most 365d`,
      },
    );
  }
  if (name === undefined && expires !== undefined) {
    throw new SitefleetError("cli/usage", "--expires needs --preview NAME; sites do not expire");
  }
  return name === undefined ? undefined : { name, lifetime };
}

function describePublish(
  report: PublishReport,
  { urls, place }: { readonly urls: readonly string[]; readonly place: string },
): string {
  const { site, siteEnv, release, preview } = report;
  const size = contentText(report);
  const first = {
    published: `published ${site} (${siteEnv}): release ${release}, ${size}${describeWritten(report)}`,
    unchanged: `${site} (${siteEnv}) shows this already: release ${release}, ${size}`,
    planned: `would publish ${site} (${siteEnv}): ${size}`,
  }[report.kind];
  const rest = [...(report.changes ? changesText(report.changes) : []), ...describeEdge(report)];
  if (preview)
    return [`preview ${preview.name} until ${preview.expiresAt}: ${first}`, ...rest, ...urls].join("\n");
  const none = `no domain shows it yet: sitefleet domain add www.example.com --site ${site}${place}`;
  const shownAt = urls.length === 0 && report.kind !== "planned" ? [none] : urls;
  return [first, ...rest, ...shownAt].join("\n");
}

function describeWritten({ written }: PublishReport): string {
  if (!written) return "";
  const how = { delta: "", full: "a full release: ", "in-place": "in place: " }[written.kind];
  return ` (${how}${written.uploaded} uploaded, ${written.copied} copied)`;
}
