import { migrateFleet } from "../publish/migrate.ts";
import type { MigrateOutcome } from "../publish/migrate.ts";
import type { PublishDeps } from "../publish/publish-deps.ts";
import type { CommandDefinition, CommandInput } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { columns, withPublishing } from "./publishing.ts";

/** How often the count is told. */
const STEP = 1_000;

/** `site migrate`. */
export const commands: readonly CommandDefinition[] = [
  {
    verb: "migrate",
    summary: "write records and configs of an older version anew, for all sites",
    options: [
      {
        flags: "--restart",
        summary: "look at every site again, also at those that an interrupted run has done",
      },
    ],
    writes: true,
    examples: ["site migrate --dry-run", "site migrate"],
    run: (context, input) => withPublishing(context, (deps) => runMigrate(context, deps, input)),
  },
];

async function runMigrate(context: CommandContext, deps: PublishDeps, input: CommandInput): Promise<number> {
  const { report, dryRun } = context;
  const failures: Extract<MigrateOutcome, { readonly kind: "failed" }>[] = [];
  let looked = 0;
  const result = await migrateFleet(deps, {
    dryRun,
    restart: input.flags.has("restart"),
    onOutcome(outcome) {
      looked += 1;
      if (outcome.kind === "failed") failures.push(outcome);
      report.status(`${looked} sites looked at`);
      if (looked % STEP === 0) report.step(`${looked} sites looked at`);
    },
  });
  for (const { site, siteEnv, problem } of result.owed) {
    report.warn(`${site} (${siteEnv}) is migrated, but its second purge is still owed: ${problem}`);
  }
  const { migrated, current, configs, failed, resumedAfter } = result;
  const done = dryRun ? "would be migrated" : "migrated";
  const text = [
    ...(resumedAfter === undefined ? [] : [`went on behind ${resumedAfter.site} (${resumedAfter.siteEnv})`]),
    ...(failures.length === 0
      ? []
      : [columns(failures.map(({ ref, problem }) => [ref.site, ref.siteEnv, problem]))]),
    `${migrated} sites with ${configs} configs ${done}, ${current} of today's version already, ${failed} could not be read`,
  ].join("\n");
  const unread = failures.map(({ ref, problem }) => ({ ...ref, problem }));
  report.result({ ...result, resumedAfter: resumedAfter ?? null, unread }, text);
  return failed === 0 && result.owed.length === 0 ? 0 : 1;
}
