import { domainToASCII } from "node:url";

import { SitefleetError } from "../lib/errors.ts";
import { purgeDurably } from "../purge/owed-purges.ts";
import type { PublishDeps } from "../publish/publish-deps.ts";
import { owedDepsOf, purgeKeyOf, readOwed, settleOwed } from "../publish/purging.ts";
import type { OwedRow, PurgeTarget } from "../publish/purging.ts";
import type { CommandDefinition, CommandInput } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { columns, withPublishing } from "./publishing.ts";

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
      { flags: "--owed", summary: "finish what interrupted runs left; with --dry-run list it" },
    ],
    writes: true,
    examples: [
      "purge --site acme",
      "purge --url https://www.example.com/about",
      "purge --all",
      "purge --owed",
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
  if (targets.length === 0) {
    throw new SitefleetError("cli/usage", "nothing to purge was named", {
      hint: "--site, --domain, --url, --key, --all or --owed",
    });
  }
  const keys = new Set<string>();
  for (const target of targets) keys.add(await purgeKeyOf(deps, target, domainToASCII));
  const order = { keys: [...keys], soft: input.flags.has("soft") };
  await purgeDurably(owedDepsOf(deps), { ...order, reason: "purge command" });
  context.report.result(order, `purged${order.soft ? " (soft)" : ""} ${order.keys.join(" ")}`);
}

async function runOwed(context: CommandContext, deps: PublishDeps, input: CommandInput): Promise<void> {
  if (targetsOf(input).length > 0) throw new SitefleetError("cli/usage", "--owed goes with no other target");
  if (!context.dryRun) {
    const done = await settleOwed(deps);
    context.report.result(done, `${done.purges} owed purges were sent`);
    return;
  }
  const rows: OwedRow[] = [];
  for await (const row of readOwed(deps)) rows.push(row);
  const text = columns(rows.map((row) => [row.since, row.site ?? "-", row.reason, row.keys.join(" ")]));
  context.report.result(rows, rows.length === 0 ? "nothing is owed" : text);
}
