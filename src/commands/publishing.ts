import type { FastlyClient } from "../fastly/client.ts";
import { SitefleetError } from "../lib/errors.ts";
import type { Progress, PublishDeps, SiteRef } from "../publish/publish-deps.ts";
import { siteEnvsOf } from "../publish/site-list.ts";
import type { PurgeApi } from "../purge/purge-api.ts";
import type { Environment } from "../settings/environment.ts";
import { DEFAULT_SITE_ENV, parseSiteUid } from "../site/names.ts";
import { DryRunStore } from "../store/dry-run-store.ts";
import { S3SiteStore } from "../store/s3-store.ts";
import type { CommandInput, OptionDefinition } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { connectFastly } from "./fastly-connection.ts";

/** The flag of every command that means one site by its uid. */
export const SITE_ENV_OPTION: OptionDefinition = {
  flags: "--site-env <name>",
  summary: "website environment",
  default: DEFAULT_SITE_ENV,
};

/**
 * Runs `work` with what publishing takes: both buckets, the edge's purge, clock and Ctrl-C. In a dry run writes stay in
 * memory and purges are only told.
 */
export async function withPublishing<T>(
  context: CommandContext,
  work: (deps: PublishDeps) => Promise<T>,
): Promise<T> {
  const environment = await context.environment();
  const store = new S3SiteStore({
    location: environment.s3,
    keys: environment.secrets.storeKeys(),
    clock: context.clock,
  });
  const fastly = new LazyFastly(context, environment);
  try {
    const deps: PublishDeps = {
      environment,
      store,
      purge: fastly,
      serviceId: () => fastly.serviceId(),
      clock: context.clock,
      signal: context.signal,
      onProgress: progressLines(context),
    };
    return await (context.dryRun ? runDry(context, deps, work) : work(deps));
  } finally {
    store.close();
    await fastly.close();
  }
}

async function runDry<T>(
  context: CommandContext,
  deps: PublishDeps,
  work: (deps: PublishDeps) => Promise<T>,
): Promise<T> {
  const store = { config: new DryRunStore(deps.store.config), hosting: new DryRunStore(deps.store.hosting) };
  const told = new Set<string>();
  const purge: PurgeApi = {
    purgeKeys({ keys }) {
      for (const key of keys) told.add(key);
      return Promise.resolve();
    },
    purgeAll() {
      told.add("everything");
      return Promise.resolve();
    },
  };
  const clock = { now: () => deps.clock.now(), sleep: () => Promise.resolve() };
  const result = await work({ ...deps, store, purge, clock, serviceId: () => Promise.resolve("dry-run") });
  const skipped = [...store.hosting.skipped, ...store.config.skipped].length;
  context.report.progress(`dry run: ${skipped} writes were not made`);
  if (told.size > 0) context.report.progress(`dry run: not purged: ${[...told].join(" ")}`);
  return result;
}

/** The Fastly API, connected when the first purge is sent: commands that only read need no token. */
class LazyFastly implements PurgeApi {
  readonly #context: CommandContext;
  readonly #environment: Environment;
  #client: Promise<FastlyClient> | undefined;
  #serviceId: Promise<string> | undefined;

  constructor(context: CommandContext, environment: Environment) {
    this.#context = context;
    this.#environment = environment;
  }

  async purgeKeys(input: Parameters<PurgeApi["purgeKeys"]>[0]): Promise<void> {
    await (await this.#connect()).purgeKeys(input);
  }

  async purgeAll(input: Parameters<PurgeApi["purgeAll"]>[0]): Promise<void> {
    await (await this.#connect()).purgeAll(input);
  }

  serviceId(): Promise<string> {
    return (this.#serviceId ??= this.#findService());
  }

  async close(): Promise<void> {
    await (await this.#client)?.close();
  }

  #connect(): Promise<FastlyClient> {
    return (this.#client ??= connectFastly(this.#context, this.#environment));
  }

  async #findService(): Promise<string> {
    const { serviceId, serviceName } = this.#environment.fastly;
    if (serviceId !== undefined) return serviceId;
    const found =
      serviceName === undefined ? undefined : await (await this.#connect()).findService(serviceName);
    if (found) return found.id;
    const { name } = this.#environment;
    throw new SitefleetError("deploy/no-service", `environment "${name}" has no Fastly service to purge`, {
      hint: `deploy it first (sitefleet deploy apply --env ${name}); what was committed is finished by the next run`,
    });
  }
}

/** Progress as lines: each step once, long ones at every tenth. */
function progressLines(context: CommandContext): PublishDeps["onProgress"] {
  return ({ step, done, total }: Progress): void => {
    if (done === undefined) context.report.progress(step);
    else if (total === undefined) {
      if (done % 1_000 === 0) context.report.progress(`${step}: ${done}`);
    } else if (done === total || done % Math.ceil(total / 10) === 0) {
      context.report.progress(`${step}: ${done} of ${total}`);
    }
  };
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

/** The URL under which a visitor reaches a domain of the environment. */
export function urlOf(environment: Environment, domain: string): string {
  const { http } = environment.publicPorts;
  return http === 80 ? `https://${domain}/` : `http://${domain}:${http}/`;
}
