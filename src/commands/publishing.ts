import { openPublishing, rehearse } from "../fleet/publish-session.ts";
import { SitefleetError } from "../lib/errors.ts";
import type { PublishDeps, SiteRef } from "../publish/publish-deps.ts";
import { siteEnvsOf } from "../publish/site-list.ts";
import type { Environment } from "../settings/environment.ts";
import { DEFAULT_SITE_ENV, parseSiteUid } from "../site/names.ts";
import type { CommandInput, OptionDefinition } from "./command.ts";
import type { CommandContext } from "./context.ts";

/** The flag of lists that can be of one website environment only. */
export const SITE_ENV_FILTER: OptionDefinition = {
  flags: "--site-env <name>",
  summary: "only this website environment (default: all)",
};

/**
 * The website environments that a list is of.
 * @throws SitefleetError `site/invalid-setting` for one that no suffix leads to
 */
export function listedSiteEnvs(deps: PublishDeps, input: CommandInput): readonly string[] {
  const named = input.flags.text("site-env");
  return named === undefined ? siteEnvsOf(deps) : [knownSiteEnv(deps, named)];
}

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
  return { siteEnv: knownSiteEnv(deps, siteEnv), site: parseSiteUid(site) };
}

function knownSiteEnv(deps: PublishDeps, siteEnv: string): string {
  const known = siteEnvsOf(deps);
  if (known.includes(siteEnv)) return siteEnv;
  throw new SitefleetError("site/invalid-setting", `there is no website environment "${siteEnv}"`, {
    hint: `known: ${known.join(", ")} (hostSuffixes in the settings)`,
  });
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

/** The flags that lead a command to the same place, for advice: ` --site-env staging --env test`; nothing for the defaults. */
export function placeFlags(context: Pick<CommandContext, "environmentName">, siteEnv: string): string {
  const { environmentName } = context;
  const site = siteEnv === DEFAULT_SITE_ENV ? "" : ` --site-env ${siteEnv}`;
  return environmentName === "local" ? site : `${site} --env ${environmentName}`;
}

/** `1 file`, `2 files`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** What a release has, in words: `5 files, 1 redirect, 3 patterns, 90 bytes`. */
export function contentText(release: {
  readonly files: number;
  readonly redirects: number;
  readonly patterns?: number | undefined;
  readonly bytes: number;
}): string {
  const { files, redirects, patterns = 0, bytes } = release;
  const rules = [counted(redirects, "redirect"), ...(patterns === 0 ? [] : [counted(patterns, "pattern")])];
  return [counted(files, "file"), ...rules, counted(bytes, "byte")].join(", ");
}

/** Rows as aligned columns. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = widthsOf(rows);
  return rows.map((row) => aligned(row, widths)).join("\n");
}

/**
 * Rows as aligned columns where they fit; else each row on as many lines as it takes, the further ones set in. Nothing is
 * cut: only a cell that is longer by itself passes the width.
 * @param width columns of the terminal; `undefined` = any length will do
 */
export function fittedColumns(rows: readonly (readonly string[])[], width: number | undefined): string {
  const text = columns(rows);
  if (width === undefined || text.split("\n").every((line) => line.length <= width)) return text;
  return rows.flatMap((row) => wrapped(row, width)).join("\n");
}

function wrapped(row: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  for (const cell of row) {
    if (cell === "") continue;
    const last = lines.at(-1);
    const longer = `${last}  ${cell}`;
    if (last !== undefined && longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(last === undefined ? cell : `    ${cell}`);
  }
  return lines;
}

/** Rows whose widths decide those of a list's columns: a list that is no longer looks like a table. */
const MEASURED_ROWS = 200;

export interface ListRow {
  readonly document: unknown;
  readonly cells: readonly string[];
}

/** Writes a list as it comes, however long it is. */
export async function streamRows(
  context: CommandContext,
  rows: AsyncIterable<ListRow>,
  none: string,
): Promise<void> {
  const writer = context.report.rows();
  let waiting: ListRow[] | undefined = [];
  let widths: readonly number[] = [];
  const write = (batch: readonly ListRow[]): void => {
    for (const { document, cells } of batch) writer.row(document, aligned(cells, widths));
  };
  for await (const row of rows) {
    if (waiting === undefined) write([row]);
    else if (waiting.push(row) === MEASURED_ROWS) {
      widths = widthsOf(waiting.map(({ cells }) => cells));
      write(waiting);
      waiting = undefined;
    }
  }
  if (waiting !== undefined) {
    widths = widthsOf(waiting.map(({ cells }) => cells));
    write(waiting);
  }
  writer.end(none);
}

function widthsOf(rows: readonly (readonly string[])[]): readonly number[] {
  return (rows[0] ?? []).map((_, column) =>
    rows.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), 0),
  );
}

function aligned(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, column) => cell.padEnd(widths[column] ?? 0))
    .join("  ")
    .trimEnd();
}

/** The URL under which a visitor reaches a domain of the environment: TLS wherever that is on its usual port. */
export function urlOf({ publicPorts, target }: Environment, domain: string, forceTls = false): string {
  const { http, https } = publicPorts;
  // Plain HTTP never reaches a Compute service.
  if (!forceTls && http !== 80 && target !== "compute") return `http://${domain}:${http}/`;
  return `https://${domain}${https === 443 ? "" : `:${https}`}/`;
}
