import { domainToASCII } from "node:url";

import { SitefleetError } from "../lib/errors.ts";
import { purgeDurably } from "../purge/owed-purges.ts";
import type { PublishDeps } from "../publish/publish-deps.ts";
import { owedDepsOf, purgeRequestsOf, readOwed, refuseUnknown, settleOwed } from "../publish/purging.ts";
import type { OwedRow, PurgeTarget } from "../publish/purging.ts";
import type { CommandDefinition, CommandInput } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { columns, counted, withPublishing } from "./publishing.ts";

export const commands: readonly CommandDefinition[] = [
  {
    verb: undefined,
    summary: "remove things from the edge's cache, now and once more about 2 s later",
    options: [
      { flags: "--site <uid...>", summary: "everything of a site" },
      { flags: "--domain <host...>", summary: "the config of a domain, and that it is unknown" },
      { flags: "--url <url...>", summary: "the page at a URL, on every domain of its site" },
      { flags: "--key <key...>", summary: "everything with a surrogate key" },
      { flags: "--all", summary: "everything of the environment's service" },
      { flags: "--soft", summary: "keep things as stale instead of dropping them" },
      { flags: "--owed", summary: "list what interrupted runs have left to be purged" },
      { flags: "--send", summary: "with --owed: finish it" },
    ],
    writes: true,
    examples: [
      "purge --site acme",
      "purge --url https://www.example.com/about",
      "purge --all",
      "purge --owed",
      "purge --owed --send",
    ],
    run: (context, input) =>
      withPublishing(context, (deps) =>
        input.flags.has("owed") ? runOwed(context, deps, input) : runPurge(context, deps, input),
      ),
  },
];

function targetsOf(input: CommandInput): readonly PurgeTarget[] {
  const { flags } = input;
  return [
    ...flags.list("site").map((site) => ({ kind: "site" as const, site })),
    ...flags.list("domain").map((domain) => ({ kind: "domain" as const, domain })),
    ...flags.list("url").map((url) => ({ kind: "url" as const, url })),
    ...flags.list("key").map((key) => ({ kind: "key" as const, key })),
    ...(flags.has("all") ? [{ kind: "all" as const }] : []),
  ];
}

async function runPurge(context: CommandContext, deps: PublishDeps, input: CommandInput): Promise<void> {
  const targets = targetsOf(input);
  if (input.flags.has("send")) {
    throw new SitefleetError("cli/usage", "--send goes with --owed", {
      hint: "sitefleet purge --owed --send",
    });
  }
  if (targets.length === 0) {
    throw new SitefleetError("cli/usage", "nothing to purge was named", {
      hint: "--site, --domain, --url, --key, --all or --owed",
    });
  }
  const soft = input.flags.has("soft");
  const asked = { targets, soft, reason: "purge command", toAscii: domainToASCII };
  await refuseUnknown(deps, targets, domainToASCII);
  const requests = await purgeRequestsOf(deps, asked);
  await purgeDurably(owedDepsOf(deps), requests);
  const keys = requests.flatMap((request) => request.keys);
  context.report.result({ keys, soft }, `purged${soft ? " (soft)" : ""} ${shownKeys(keys)}`);
}

async function runOwed(context: CommandContext, deps: PublishDeps, input: CommandInput): Promise<void> {
  if (targetsOf(input).length > 0) {
    throw new SitefleetError("cli/usage", "--owed goes with no other target", {
      hint: "what is owed is listed and sent as a whole: sitefleet purge --owed --send",
    });
  }
  if (input.flags.has("soft")) {
    throw new SitefleetError("cli/usage", "--owed goes without --soft: each purge is as it was owed");
  }
  if (input.flags.has("send") && !context.dryRun) {
    const done = await settleOwed(deps);
    context.report.result(done, `${counted(done.purges, "owed purge")} sent`);
    return;
  }
  const rows: OwedRow[] = [];
  for await (const row of readOwed(deps)) rows.push(row);
  context.report.result(rows, rows.length === 0 ? "nothing is owed" : describeOwed(rows));
}

/** Keys of a purge that are shown; `--json` has all. */
const SHOWN_KEYS = 4;

function shownKeys(keys: readonly string[]): string {
  const more = keys.length > SHOWN_KEYS ? ` and ${keys.length - SHOWN_KEYS} more` : "";
  return keys.slice(0, SHOWN_KEYS).join(" ") + more;
}

function describeOwed(rows: readonly OwedRow[]): string {
  const lines = rows.map(({ since, age, sent, site, siteEnv, reason, keys, soft }) => [
    since,
    `${age} s`,
    `sent ${sent}`,
    site === undefined ? "-" : `${site} (${siteEnv})`,
    `${reason}${soft ? ", soft" : ""}`,
    shownKeys(keys),
  ]);
  return `${columns(lines)}\nto finish it: sitefleet purge --owed --send`;
}
