import { isFixtureSite } from "../../fleet/fixture-sites.ts";
import { openPublishing } from "../../fleet/publish-session.ts";
import { mapAhead } from "../../lib/map-ahead.ts";
import { configKeyOf } from "../../publish/publish-deps.ts";
import type { PublishDeps } from "../../publish/publish-deps.ts";
import { siteEnvsOf } from "../../publish/site-list.ts";
import { decodeConfig } from "../../site/codec.ts";
import { CODEC_VERSION, CONFIG_METADATA, READABLE_CODEC_VERSIONS } from "../../site/metadata.ts";
import { printable } from "../../site/names.ts";
import { checked, fail, ok, warn } from "./check.ts";
import type { CheckResult, DoctorJob } from "./check.ts";

/** Most configs that are read; of more, that many to twice as many spread over all. */
export const CONFIGS_READ = 1_000;
const PARALLEL_READS = 32;
const TOLD_EVERY = 500;
/** Domains that a row names. */
const NAMED = 5;

/** A domain, and what is said of its config. */
interface Finding {
  readonly domain: string;
  readonly said: string;
}

/** What was found in the configs of an environment. */
export interface ConfigScan {
  /** Domains that have a config, and how many of these were read. */
  readonly domains: number;
  readonly read: number;
  /** Written by a version that nobody here knows: the edge answers such a domain with an error page. */
  readonly unknown: readonly Finding[];
  /** Of a version that is known, and yet not to be read. */
  readonly broken: readonly Finding[];
  /** Written by an earlier version, which is read. */
  readonly former: readonly Finding[];
  /** With an object that lies where nobody looks. */
  readonly astray: readonly Finding[];
}

/** Whether the configs of all domains, or of many of them, are such as the edge can read; alike for both targets. */
export async function checkConfigs({ fleet }: DoctorJob): Promise<readonly CheckResult[]> {
  return checked("configs/codec", async () => {
    const session = openPublishing(fleet);
    try {
      return describeScan(await scanConfigs(session.deps, CONFIGS_READ), fleet.environment.name);
    } finally {
      await session.close();
    }
  });
}

/** @param limit most configs to read, or up to twice as many */
export async function scanConfigs(deps: PublishDeps, limit: number): Promise<ConfigScan> {
  const { domains, chosen } = await chooseFolders(deps, limit);
  const found = { unknown: [], broken: [], former: [], astray: [] } satisfies Record<string, Finding[]>;
  const kinds: Readonly<Record<keyof typeof found, Finding[]>> = found;
  let read = 0;
  for await (const seen of mapAhead(chosen, PARALLEL_READS, (folder) => readConfig(deps, folder))) {
    read += 1;
    if (read % TOLD_EVERY === 0) deps.onProgress({ step: "configs read", done: read, total: chosen.length });
    if (seen) kinds[seen.kind].push(seen);
  }
  return { domains, read, ...kinds };
}

/** Where a domain has an object: `<environment>/<website environment>/<domain>/`. */
interface Folder {
  readonly domain: string;
  readonly prefix: string;
}

/** Every domain, or of more than twice `limit` evenly many: what is kept is thinned out whenever it has grown too long. */
async function chooseFolders(
  deps: PublishDeps,
  limit: number,
): Promise<{ readonly domains: number; readonly chosen: readonly Folder[] }> {
  let chosen: Folder[] = [];
  let step = 1;
  let domains = 0;
  for await (const folder of configFolders(deps)) {
    if (domains % step === 0) chosen.push(folder);
    domains += 1;
    if (chosen.length <= 2 * limit) continue;
    chosen = chosen.filter((_, index) => index % 2 === 0);
    step *= 2;
  }
  return { domains, chosen };
}

async function* configFolders(deps: PublishDeps): AsyncGenerator<Folder> {
  for (const siteEnv of siteEnvsOf(deps)) {
    const prefix = `${deps.environment.name}/${siteEnv}/`;
    for await (const { kind, key } of deps.store.config.list({
      prefix,
      delimiter: "/",
      signal: deps.signal,
    })) {
      const domain = key.slice(prefix.length).replace(/\/$/, "");
      // What the publisher keeps for itself begins with `_`, which no domain does.
      if (kind === "prefix" && !domain.startsWith("_")) yield { domain, prefix: key };
    }
  }
}

const READABLE: ReadonlySet<string> = new Set(READABLE_CODEC_VERSIONS.map(String));

type Seen = Finding & { readonly kind: "unknown" | "broken" | "former" | "astray" };

async function readConfig(deps: PublishDeps, { domain, prefix }: Folder): Promise<Seen | undefined> {
  const found = await deps.store.config.head({ key: configKeyOf(deps, domain), signal: deps.signal });
  if (found.kind === "not-found") {
    // The domain may have been taken away since it was listed.
    return (await isEmpty(deps, prefix)) ? undefined : { kind: "astray", domain, said: "" };
  }
  const { metadata } = found.object;
  // A verification before this one left them; some are broken on purpose.
  if (isFixtureSite(metadata[CONFIG_METADATA.site] ?? "")) return undefined;
  const version = metadata[CONFIG_METADATA.version];
  if (version === undefined || !READABLE.has(version)) {
    const said = version === undefined ? "no codec version" : `codec version ${printable(version)}`;
    return { kind: "unknown", domain, said };
  }
  const decoded = decodeConfig(metadata);
  if (decoded.kind === "refused") return { kind: "broken", domain, said: decoded.reason };
  if (version === String(CODEC_VERSION)) return undefined;
  return { kind: "former", domain, said: `codec version ${version}` };
}

async function isEmpty({ store, signal }: PublishDeps, prefix: string): Promise<boolean> {
  for await (const _ of store.config.list({ prefix, signal })) return false;
  return true;
}

/** The rows that a scan becomes: one for each kind of finding, or one that nothing was found. */
export function describeScan(scan: ConfigScan, environment: string): readonly CheckResult[] {
  const { domains, read, unknown, broken, former, astray } = scan;
  const rows: CheckResult[] = [];
  if (unknown.length > 0) {
    const known = `this program and an edge that it deploys read ${[...READABLE].join(", ")}`;
    const fix = `update sitefleet to what published them, and from then on deploy the service before publishing: sitefleet deploy apply --env ${environment}`;
    rows.push(fail("configs/codec", `${namesOf(unknown)}; ${known}`, fix));
  }
  if (broken.length > 0) {
    const fix = `write it anew: sitefleet domain add DOMAIN --site SITE --take-over --env ${environment}`;
    rows.push(fail("configs/damaged", namesOf(broken), fix));
  }
  if (astray.length > 0) {
    const what = `no config where the edge looks, but other objects: ${namesOf(astray)}`;
    const fix =
      "set SITEFLEET_CONFIG_SEGMENT, and `hostSuffixes` in the settings, to what these domains were published with";
    rows.push(fail("configs/segment", what, fix));
  }
  if (former.length > 0) {
    const fix = `write them anew once the service is deployed: sitefleet site migrate --env ${environment}`;
    rows.push(warn("configs/former", namesOf(former), fix));
  }
  if (rows.length > 0) return rows;
  const which =
    read < domains ? `${read} of ${domains} configs` : read === 1 ? "1 config" : `${read} configs`;
  return [ok("configs/codec", read === 0 ? "there is no config yet" : `${which} looked at, all to be read`)];
}

function namesOf(findings: readonly Finding[]): string {
  const shown = findings
    .slice(0, NAMED)
    .map(({ domain, said }) => (said === "" ? domain : `${domain}: ${said}`));
  const more = findings.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
