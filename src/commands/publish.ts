import { resolve } from "node:path";
import { domainToASCII } from "node:url";

import { parseDuration } from "../lib/duration.ts";
import { SitefleetError } from "../lib/errors.ts";
import { LONGEST_PREVIEW_MS } from "../publish/previews.ts";
import type { PublishDeps } from "../publish/publish-deps.ts";
import type { PreviewInput } from "../publish/publish-preview.ts";
import { publishFolder } from "../publish/publish.ts";
import type { PublishReport } from "../publish/publish.ts";
import { DEFAULT_SITE_ENV, parseDomainName, siteEnvOf } from "../site/names.ts";
import type { CommandDefinition, CommandInput } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { argumentOf, siteRefOf, urlOf, withPublishing } from "./publishing.ts";

export const commands: readonly CommandDefinition[] = [
  {
    verb: undefined,
    summary: "publish a folder as the new release of a site",
    args: [{ name: "<dir>", summary: "folder with the built site" }],
    options: [
      { flags: "--site <uid>", summary: "site to publish; made if it is new", required: true },
      {
        flags: "--site-env <name>",
        summary: "website environment (default: that of the domains, else production)",
      },
      { flags: "--domain <host...>", summary: "domains to add to the site" },
      { flags: "--preview <name>", summary: "show it only as this preview, on a host of its own" },
      { flags: "--expires <time>", summary: "how long a preview lives: 12h, 7d (default: by the settings)" },
    ],
    writes: true,
    examples: [
      "publish dist --site acme --domain www.example.com",
      "publish dist --site acme",
      "publish dist --site acme --domain acme.staging.example.net",
      "publish dist --site acme --preview pr-42 --expires 7d",
    ],
    run: (context, input) => withPublishing(context, (deps) => runPublish(context, deps, input)),
  },
];

async function runPublish(context: CommandContext, deps: PublishDeps, input: CommandInput): Promise<void> {
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
  const report = await publishFolder(deps, { ...ref, dir, domains, dryRun: context.dryRun, preview });
  for (const warning of report.warnings) context.report.warn(warning);
  const urls = report.domains.map((domain) => urlOf(deps.environment, domain));
  context.report.result({ ...report, urls }, describePublish(report, urls));
}

/** @throws SitefleetError `cli/usage` for a time that is none, or without a preview */
function previewInputOf({ flags }: CommandInput): PreviewInput | undefined {
  const name = flags.text("preview");
  const expires = flags.text("expires");
  const lifetime = expires === undefined ? undefined : parseDuration(expires);
  if (expires !== undefined && (lifetime === undefined || lifetime > LONGEST_PREVIEW_MS || lifetime === 0)) {
    throw new SitefleetError("cli/usage", `"${expires}" is no length of time for a preview`, {
      hint: "for instance 12h, 7d or 2w; at most 365d",
    });
  }
  if (name === undefined && expires !== undefined) {
    throw new SitefleetError("cli/usage", "--expires needs --preview NAME; sites do not expire");
  }
  return name === undefined ? undefined : { name, lifetime };
}

function describePublish(report: PublishReport, urls: readonly string[]): string {
  const { site, siteEnv, release, preview } = report;
  const size = `${report.files} files, ${report.redirects} redirects, ${report.bytes} bytes`;
  const first = {
    published: `published ${site} (${siteEnv}): release ${release}, ${size}`,
    unchanged: `${site} (${siteEnv}) shows this already: release ${release}, ${size}`,
    planned: `would publish ${site} (${siteEnv}): ${size}`,
  }[report.kind];
  if (preview) return [`preview ${preview.name} until ${preview.expiresAt}: ${first}`, ...urls].join("\n");
  const none = "no domain shows it yet: sitefleet domain add www.example.com --site ";
  return [first, ...(urls.length === 0 && report.kind !== "planned" ? [none + site] : urls)].join("\n");
}
