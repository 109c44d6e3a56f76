import { createHash } from "node:crypto";
import { decodeConfig } from "../site/codec.ts";
import { configKey, ruleBucketKey } from "../site/layout.ts";
import { CONFIG_METADATA, OBJECT_METADATA } from "../site/metadata.ts";
import type { ServedConfig, SiteRecord } from "../site/model.ts";
import { encodePath } from "../site/page-key.ts";
import { unpackRules } from "../site/rule-slots.ts";
import type { SlotRule } from "../site/rule-slots.ts";
import type { ReplayEnvironment } from "./environment.ts";
import type { ObjectView } from "./object-view.ts";
import type { ShelvedSite } from "./site-shelf.ts";
import type { SiteFile } from "./site-source.ts";

/** A page or file that a site shows. */
export interface CorpusPage {
  /** Canonical path, encoded. */
  readonly path: string;
  /** ETag as the replay's stores have it. */
  readonly etag: string;
}

/** What the bundled corpus needs to know of a site to ask it for everything once. */
export interface CorpusSite {
  /** Host with the most to show: the first of the site's own that has a config. */
  readonly host: string;
  readonly config: ServedConfig;
  /** The site's other hosts. */
  readonly others: readonly { readonly host: string; readonly kind: "primary" | "preview" | "alias" }[];
  readonly pages: readonly CorpusPage[];
  /** Files that are no pages. */
  readonly assets: readonly CorpusPage[];
  /** Encoded paths at which redirect objects lie. */
  readonly redirects: readonly string[];
  readonly rules: readonly SlotRule[];
}

/** Pages, assets, redirects and rules of each kind that are asked for; spread evenly over all that there are. */
export const CORPUS_SHARE = { pages: 6, assets: 3, redirects: 4, rules: 24, buckets: 3 } as const;

/** Looks at a site's configs and files; `undefined` when no host of it shows anything. */
export async function readCorpusSite(
  view: ObjectView,
  environment: ReplayEnvironment,
  { ref, record, files }: ShelvedSite,
): Promise<CorpusSite | undefined> {
  const hosts = hostsOf(record);
  for (const { host } of hosts.filter(({ kind }) => kind !== "alias")) {
    const config = await readConfig(view, environment, { host, siteEnv: ref.siteEnv });
    if (config === undefined) continue;
    const shown = files === undefined ? [] : shownFiles(files.values(), record, config.release);
    return {
      host,
      config,
      others: hosts.filter((other) => other.host !== host),
      ...sortFiles(shown),
      rules: [...config.rules, ...(await bucketRules(view, environment, { ref, config }))],
    };
  }
  const [alias] = hosts;
  return alias === undefined ? undefined : { ...EMPTY, host: alias.host, others: hosts.slice(1) };
}

/** A site whose hosts all lead elsewhere, or that has been published nowhere yet. */
const EMPTY: Omit<CorpusSite, "host" | "others"> = {
  config: {
    kind: "site",
    site: "",
    base: "0",
    release: "0",
    delta: "",
    forceTls: false,
    hsts: undefined,
    notFound: "builtin",
    notFoundDirectories: [],
    paths: "redirect",
    noindex: false,
    suspended: undefined,
    euOnly: false,
    protectedAreas: [],
    expiresAt: undefined,
    rules: [],
    buckets: undefined,
  },
  pages: [],
  assets: [],
  redirects: [],
  rules: [],
};

function hostsOf(record: SiteRecord): CorpusSite["others"] {
  const order = { primary: 0, preview: 1, alias: 2 } as const;
  return Object.entries(record.domains)
    .filter(([, entry]) => entry.removing === undefined)
    .map(([host, { kind }]) => ({ host, kind }))
    .sort((a, b) => order[a.kind] - order[b.kind] || (a.host < b.host ? -1 : 1));
}

/** Key of a host's config object. */
export function configKeyOf(
  { name: serverEnv, segment }: Pick<ReplayEnvironment, "name" | "segment">,
  at: { readonly host: string; readonly siteEnv: string },
): string {
  return configKey({ serverEnv, siteEnv: at.siteEnv, domain: at.host, segment: segment.reveal() });
}

async function readConfig(
  view: ObjectView,
  environment: ReplayEnvironment,
  at: { readonly host: string; readonly siteEnv: string },
): Promise<ServedConfig | undefined> {
  const found = await view.find("config", configKeyOf(environment, at));
  if (found === null) return undefined;
  const decoded = decodeConfig(found.metadata);
  return decoded.kind === "ok" && decoded.config.kind === "site" ? decoded.config : undefined;
}

/** What the release shows: of several objects with one key the one that its delta list or base leads to comes last. */
function shownFiles(files: Iterable<SiteFile>, record: SiteRecord, release: string): readonly SiteFile[] {
  const entry = record.releases.find(({ id }) => id === release);
  const byKey = new Map<string, SiteFile>();
  for (const file of files) {
    const known = byKey.get(file.key);
    if (known === undefined || known.at === entry?.base) byKey.set(file.key, file);
  }
  return [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

function sortFiles(files: readonly SiteFile[]): Pick<CorpusSite, "pages" | "assets" | "redirects"> {
  const pages: CorpusPage[] = [];
  const assets: CorpusPage[] = [];
  const redirects: string[] = [];
  for (const { key, hash, metadata } of files) {
    const path = metadata[OBJECT_METADATA.canonicalPath];
    if (metadata[OBJECT_METADATA.location] !== undefined) redirects.push(`/${encodePath(stemOf(key))}`);
    else if (path !== undefined) {
      (key.endsWith(".html") ? pages : assets).push({ path, etag: `"${hash.slice(0, 32)}"` });
    }
  }
  return {
    pages: shareOf(pages, CORPUS_SHARE.pages),
    assets: shareOf(assets, CORPUS_SHARE.assets),
    redirects: shareOf(redirects, CORPUS_SHARE.redirects),
  };
}

function stemOf(key: string): string {
  return key.endsWith(".html") ? key.slice(0, -".html".length) : key;
}

/** Up to `count` of a list, spread evenly, the first one among them. */
export function shareOf<T>(list: readonly T[], count: number): readonly T[] {
  if (list.length <= count) return list;
  return Array.from({ length: count }, (_, at) => list[Math.floor((at * list.length) / count)]).filter(
    (item) => item !== undefined,
  );
}

async function bucketRules(
  view: ObjectView,
  environment: ReplayEnvironment,
  { ref, config }: { readonly ref: ShelvedSite["ref"]; readonly config: ServedConfig },
): Promise<readonly SlotRule[]> {
  const { buckets } = config;
  if (buckets === undefined) return [];
  const rules: SlotRule[] = [];
  for (const segment of shareOf(buckets.segments, CORPUS_SHARE.buckets)) {
    const key = ruleBucketKey({ serverEnv: environment.name, ...ref }, { tag: buckets.tag, segment });
    const found = await view.find("config", key);
    if (found === null) continue;
    const unpacked = unpackRules(found.metadata[CONFIG_METADATA.rules] ?? "");
    // Rules that begin with a placeholder stand in every bucket: only a literal segment leads to this one.
    if (unpacked.kind === "ok") rules.push(...unpacked.rules.filter((rule) => leadsTo(rule, segment)));
  }
  return rules;
}

function leadsTo({ segments }: SlotRule, segment: string): boolean {
  const [first] = segments;
  if (first === undefined || first === null) return false;
  return createHash("sha256").update(first).digest("hex").startsWith(segment);
}
