import { openPublishing, rehearse } from "../fleet/publish-session.ts";
import { SitefleetError } from "../lib/errors.ts";
import type { PublishDeps, SiteRef } from "../publish/publish-deps.ts";
import { siteEnvsOf } from "../publish/site-list.ts";
import type { Environment } from "../settings/environment.ts";
import { DEFAULT_SITE_ENV, parseSiteUid } from "../site/names.ts";
import type { CommandInput, OptionDefinition } from "./command.ts";
import type { CommandContext } from "./context.ts";

/** The flag of every command that means one site by its uid. */
export const SITE_ENV_OPTION: OptionDefinition = {
  flags: "--site-env <name>",
  summary: "website environment",
  default: DEFAULT_SITE_ENV,
};

/** Runs `work` with what publishing takes; in a dry run writes stay in memory and purges are only told. */
export async function withPublishing<T>(
  context: CommandContext,
  work: (deps: PublishDeps) => Promise<T>,
): Promise<T> {
  const fleet = await context.fleet();
  const session = openPublishing(fleet);
  try {
    return await (context.dryRun ? rehearse(session, fleet.notes, work) : work(session.deps));
  } finally {
    await session.close();
  }
}

/**
 * The site that a command line means.
 * @throws SitefleetError `site/invalid-name`, `site/invalid-setting` for an environment that no suffix leads to
 */
export function siteRefOf(deps: PublishDeps, site: string, siteEnv: string): SiteRef {
  const known = siteEnvsOf(deps);
  if (!known.includes(siteEnv)) {
    throw new SitefleetError("site/invalid-setting", `there is no website environment "${siteEnv}"`, {
      hint: `known: ${known.join(", ")} (hostSuffixes in the settings)`,
    });
  }
  return { site: parseSiteUid(site), siteEnv };
}

/** The site of the flags `--site` and `--site-env`. */
export function flaggedSite(deps: PublishDeps, input: CommandInput): SiteRef {
  const { flags } = input;
  return siteRefOf(deps, flags.text("site") ?? "", flags.text("site-env") ?? DEFAULT_SITE_ENV);
}

/** The n-th argument; the program has checked that it is there. */
export function argumentOf(input: CommandInput, index: number): string {
  const value = input.args[index];
  if (value === undefined) throw new SitefleetError("cli/usage", `argument ${index + 1} is missing`);
  return value;
}

/** `on` and `off` of a flag (bare = on), `undefined` when it was not given. */
export function switchOf(input: CommandInput, name: string): boolean | undefined {
  if (!input.flags.has(name)) return undefined;
  return input.flags.text(name) !== "off";
}

/** Rows as aligned columns. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** The URL under which a visitor reaches a domain of the environment: TLS wherever that is on its usual port. */
export function urlOf({ publicPorts }: Environment, domain: string, forceTls = false): string {
  const { http, https } = publicPorts;
  if (!forceTls && http !== 80) return `http://${domain}:${http}/`;
  return `https://${domain}${https === 443 ? "" : `:${https}`}/`;
}
