import { domainToASCII } from "node:url";

import { assertNever, SitefleetError } from "../lib/errors.ts";
import type { CommitReport } from "../publish/commit.ts";
import { readOwner } from "../publish/config-sync.ts";
import { addDomain, removeDomain, setDomain } from "../publish/domains.ts";
import type { DomainChoices } from "../publish/domains.ts";
import type { PublishDeps, SiteRef } from "../publish/publish-deps.ts";
import { readRecord, siteNotFound } from "../publish/record-store.ts";
import { checkDomain, domainRows, readSites } from "../publish/site-list.ts";
import type { DomainCheck, DomainRow } from "../publish/site-list.ts";
import { HSTS_LIMIT } from "../site/model.ts";
import type { SiteRecord } from "../site/model.ts";
import { DEFAULT_SITE_ENV, parseDomainName, parseSiteUid, siteEnvOf } from "../site/names.ts";
import type { CommandDefinition, CommandInput, OptionDefinition } from "./command.ts";
import type { CommandContext } from "./context.ts";
import {
  SITE_ENV_FILTER,
  argumentOf,
  listedSiteEnvs,
  siteRefOf,
  streamRows,
  switchOf,
  urlOf,
  withPublishing,
} from "./publishing.ts";
import type { ListRow } from "./publishing.ts";

const CHOICES: readonly OptionDefinition[] = [
  { flags: "--force-tls [switch]", summary: "redirect http to https: on or off", choices: ["on", "off"] },
  { flags: "--hsts <seconds>", summary: "HSTS max-age in seconds, or off" },
  { flags: "--eu-only [switch]", summary: "visitors in the EU only: on or off", choices: ["on", "off"] },
  { flags: "--canonical <host>", summary: "redirect every request to this host of the site, or off" },
];
const DOMAIN = [{ name: "<domain>", summary: "host name, as visitors type it, in lower case" }];

export const commands: readonly CommandDefinition[] = [
  {
    verb: "add",
    summary: "give a domain to a site",
    args: DOMAIN,
    options: [
      { flags: "--site <uid>", summary: "site that the domain shows", required: true },
      ...CHOICES,
      { flags: "--take-over", summary: "take it from the site that has it" },
    ],
    writes: true,
    examples: [
      "domain add www.example.com --site acme --force-tls --hsts 31536000",
      "domain add example.com --site acme --canonical www.example.com",
    ],
    run: (context, input) => withPublishing(context, (deps) => runAdd(context, deps, input)),
  },
  {
    verb: "set",
    summary: "change the choices of a domain",
    args: DOMAIN,
    options: CHOICES,
    writes: true,
    examples: [
      "domain set www.example.com --force-tls off",
      "domain set www.example.com --hsts 300",
      "domain set www.example.com --eu-only on",
    ],
    run: (context, input) => withPublishing(context, (deps) => runSet(context, deps, input)),
  },
  {
    verb: "remove",
    summary: "take a domain off its site",
    args: DOMAIN,
    options: [{ flags: "--site <uid>", summary: "only if it is this site's" }],
    writes: true,
    examples: ["domain remove www.example.com"],
    run: (context, input) => withPublishing(context, (deps) => runRemove(context, deps, input)),
  },
  {
    verb: "list",
    summary: "list domains, of one site or of all",
    options: [{ flags: "--site <uid>", summary: "only those of this site" }, SITE_ENV_FILTER],
    writes: false,
    examples: ["domain list", "domain list --site acme --json"],
    run: (context, input) => withPublishing(context, (deps) => runList(context, deps, input)),
  },
  {
    verb: "check",
    summary: "say whether a name can be served and which site has it",
    args: DOMAIN,
    writes: false,
    examples: ["domain check www.example.com"],
    run: (context, input) => withPublishing(context, (deps) => runCheck(context, deps, input)),
  },
];

function domainOf(input: CommandInput): string {
  return parseDomainName(argumentOf(input, 0), domainToASCII);
}

function choicesOf(input: CommandInput): DomainChoices {
  const forceTls = switchOf(input, "force-tls");
  const euOnly = switchOf(input, "eu-only");
  const hsts = input.flags.text("hsts");
  const canonical = input.flags.text("canonical");
  return {
    ...(forceTls === undefined ? {} : { forceTls }),
    ...(euOnly === undefined ? {} : { euOnly }),
    ...(hsts === undefined ? {} : { hsts: hsts === "off" ? null : hstsSeconds(hsts) }),
    ...(canonical === undefined
      ? {}
      : { canonicalHost: canonical === "off" ? null : parseDomainName(canonical, domainToASCII) }),
  };
}

function hstsSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d{1,9}$/.test(text) && seconds <= HSTS_LIMIT) return seconds;
  throw new SitefleetError("site/invalid-setting", `HSTS max-age "${text}" is not a number of seconds`, {
    hint: `0 to ${HSTS_LIMIT}, or off`,
  });
}

async function runAdd(context: CommandContext, deps: PublishDeps, input: CommandInput): Promise<void> {
  const domain = domainOf(input);
  const siteEnv = siteEnvOf(domain, deps.environment.hostSuffixes);
  const ref = siteRefOf(deps, input.flags.text("site") ?? "", siteEnv);
  const takeOver = input.flags.has("take-over");
  reportDomain(context, deps, {
    verb: "added",
    domain,
    report: await addDomain(deps, ref, { domain, choices: choicesOf(input), takeOver }),
  });
}

async function runSet(context: CommandContext, deps: PublishDeps, input: CommandInput): Promise<void> {
  const domain = domainOf(input);
  const choices = choicesOf(input);
  if (Object.keys(choices).length === 0) {
    throw new SitefleetError("cli/usage", "nothing to set was given", {
      hint: "--force-tls on|off, --hsts SECONDS|off, --eu-only on|off, --canonical HOST|off",
    });
  }
  const report = await setDomain(deps, await siteOf(deps, domain), { domain, choices });
  reportDomain(context, deps, { verb: "set", domain, report });
}

async function runRemove(context: CommandContext, deps: PublishDeps, input: CommandInput): Promise<void> {
  const domain = domainOf(input);
  const site = input.flags.text("site");
  const siteEnv = siteEnvOf(domain, deps.environment.hostSuffixes);
  const ref = site === undefined ? await siteOf(deps, domain) : siteRefOf(deps, site, siteEnv);
  await removeDomain(deps, ref, domain);
  context.report.result({ domain, ...ref, removed: true }, `removed ${domain} from ${ref.site}`);
}

/** @throws SitefleetError `domain/not-found` when no site has the domain */
async function siteOf(deps: PublishDeps, domain: string): Promise<SiteRef> {
  const owner = await readOwner(deps, domain);
  if (owner.kind === "site") {
    return { site: owner.site, siteEnv: siteEnvOf(domain, deps.environment.hostSuffixes) };
  }
  throw new SitefleetError("domain/not-found", `no site has the domain "${domain}"`, {
    hint: `give it to one: sitefleet domain add ${domain} --site SITE`,
  });
}

function reportDomain(
  context: CommandContext,
  deps: PublishDeps,
  done: { readonly verb: string; readonly domain: string; readonly report: CommitReport },
): void {
  const row = domainRows(done.report.record).find(({ domain }) => domain === done.domain);
  const url = urlOf(deps.environment, done.domain, row?.forceTls);
  const text = row
    ? `${done.verb} ${rowText(row).join("  ").trimEnd()}\n${url}`
    : `${done.verb} ${done.domain}`;
  context.report.result({ ...row, url }, text);
}

function rowText(row: DomainRow): readonly string[] {
  const choices = [
    ...(row.canonicalHost === null ? [] : [`-> ${row.canonicalHost}`]),
    ...(row.forceTls ? ["force-tls"] : []),
    ...(row.hsts === null ? [] : [`hsts=${row.hsts}`]),
    ...(row.euOnly ? ["eu-only"] : []),
    ...(row.state === "live" ? [] : [row.state]),
  ];
  return [row.domain, row.site, row.siteEnv, choices.join(" ")];
}

async function runList(context: CommandContext, deps: PublishDeps, input: CommandInput): Promise<void> {
  const site = input.flags.text("site");
  const siteEnvs = listedSiteEnvs(deps, input);
  const records =
    site === undefined ? readSites(deps, siteEnvs) : recordsOf(deps, parseSiteUid(site), siteEnvs);
  await streamRows(context, listRows(records), "no domains");
}

async function* listRows(records: AsyncIterable<SiteRecord>): AsyncGenerator<ListRow> {
  for await (const record of records) {
    for (const row of domainRows(record)) yield { document: row, cells: rowText(row) };
  }
}

/** The records of one uid; @throws SitefleetError `site/not-found` when there is none */
async function* recordsOf(
  deps: PublishDeps,
  site: string,
  siteEnvs: readonly string[],
): AsyncGenerator<SiteRecord> {
  let found = 0;
  for (const siteEnv of siteEnvs) {
    const held = await readRecord(deps, { site, siteEnv });
    if (!held) continue;
    found += 1;
    yield held.record;
  }
  if (found === 0) throw siteNotFound(deps, { site, siteEnv: siteEnvs[0] ?? DEFAULT_SITE_ENV });
}

async function runCheck(context: CommandContext, deps: PublishDeps, input: CommandInput): Promise<number> {
  const check = await checkDomain(deps, argumentOf(input, 0), domainToASCII);
  context.report.result(withoutVerifiers(check), describeCheck(argumentOf(input, 0), check));
  return check.kind === "invalid" ? 2 : 0;
}

/** Who can read the bucket can guess against a verifier; a terminal's log is read by more. */
function withoutVerifiers(check: DomainCheck): object {
  if (check.kind !== "owned" || check.config.kind === "alias") return check;
  const protectedAreas = check.config.protectedAreas.map(({ prefix }) => ({ prefix }));
  return { ...check, config: { ...check.config, protectedAreas } };
}

function describeCheck(text: string, check: DomainCheck): string {
  switch (check.kind) {
    case "invalid": {
      const hint = check.suggestion === undefined ? "" : `; did you mean ${check.suggestion}?`;
      return `"${text}" cannot be served: it ${check.reason}${hint}`;
    }
    case "free":
      return `${check.domain} (${check.siteEnv}) can be served; no site has it`;
    case "unreadable":
      return `${check.domain} (${check.siteEnv}) has a config that cannot be read: it ${check.reason}`;
    case "owned": {
      const stray = check.inRecord ? "" : "; the site's record does not know it";
      const what =
        check.config.kind === "alias"
          ? `redirects to ${check.config.canonicalHost}`
          : `shows release ${check.config.release}`;
      return `${check.domain} (${check.siteEnv}) belongs to ${check.site} and ${what}${stray}`;
    }
    default:
      return assertNever(check);
  }
}
