import type { Environment } from "../settings/environment.ts";
import { ASSET_EXTENSIONS } from "../site/asset-extensions.ts";
import {
  CONDITIONS,
  DEBUG_HEADER,
  DEBUG_PREFIX,
  DIRECTORY_LEVELS,
  EMPTY_SHA256,
  EU_COUNTRIES,
  GUESS_PENALTY,
  LIMITS,
  PROBE_HEADER,
  SECOND_REGION_TTL,
} from "../site/edge-names.ts";
import { EDGE_PAGES, PAGE_PARTS } from "../site/edge-pages.ts";
import { CASELESS_PATTERNS, EDGE_PATTERNS } from "../site/edge-patterns.ts";
import { REFUSED_HEADERS, REFUSED_HEADER_PREFIXES } from "../site/header-names.ts";
import {
  AREA_SLOTS,
  CONFIG_METADATA,
  HEADER_SLOTS,
  OBJECT_METADATA,
  READABLE_CODEC_VERSIONS,
  RULE_SLOTS,
} from "../site/metadata.ts";
import { QUERY_CAPTURES } from "../site/query-match.ts";
import { ERROR_STATUS, PRIVATE_DICTIONARY } from "./constants.ts";
import { originsOf, shieldDirector } from "./origins.ts";

/** A feature of the edge: the name that comments tell, and the template that has its macros. */
export interface FeatureFile {
  readonly name: string;
  readonly file: string;
  /** The template that gives the macros that `file` lacks, or "". */
  readonly base: string;
}

/** The request header in which the edge keeps a field of the host's config. */
export function configHeader(field: keyof typeof CONFIG_METADATA): string {
  return `SF-Config-${CONFIG_METADATA[field].toUpperCase()}`;
}

/** Fields of a config that ride under names of their own. */
const NOT_CARRIED = ["version", "site", "base", "release"];

/** What every template can name: the environment, the features in their order, and the names that other parts share. */
export function templateValues(environment: Environment, features: readonly FeatureFile[]): object {
  const { http, https } = environment.publicPorts;
  return {
    environment,
    features,
    codes: ERROR_STATUS,
    limits: LIMITS,
    dictionary: PRIVATE_DICTIONARY,
    debugPrefix: DEBUG_PREFIX,
    names: { debug: DEBUG_HEADER, probe: PROBE_HEADER },
    meta: mapValues(CONFIG_METADATA, (letter) => `x-amz-meta-${letter}`),
    object: mapValues(OBJECT_METADATA, (letter) => `x-amz-meta-${letter}`),
    cfg: mapValues(CONFIG_METADATA, (letter) => `SF-Config-${letter.toUpperCase()}`),
    carried: Object.keys(CONFIG_METADATA).filter((field) => !NOT_CARRIED.includes(field)),
    conditions: CONDITIONS,
    assetExtensions: ASSET_EXTENSIONS,
    directoryLevels: DIRECTORY_LEVELS,
    codecVersions: READABLE_CODEC_VERSIONS,
    metadata: metadataNames(),
    slots: RULE_SLOTS.split(""),
    queryCaptures: QUERY_CAPTURES,
    areaSlots: AREA_SLOTS.split(""),
    headerSlots: HEADER_SLOTS.split(""),
    refusedHeaders: REFUSED_HEADERS,
    refusedPrefixes: REFUSED_HEADER_PREFIXES,
    euCountries: EU_COUNTRIES,
    challengePath: EDGE_PATTERNS.challenge,
    patterns: { ...EDGE_PATTERNS, ...CASELESS_PATTERNS },
    pages: EDGE_PAGES,
    page: PAGE_PARTS,
    secondTtl: SECOND_REGION_TTL,
    guessPenalty: GUESS_PENALTY,
    origins: originsOf(environment),
    shield: environment.fastly.shield === undefined ? "" : shieldDirector(environment.fastly.shield),
    ports: { http: http === 80 ? "" : `:${http}`, https: https === 443 ? "" : `:${https}` },
    emptyHash: EMPTY_SHA256,
  };
}

/** Full header names of all metadata that the edge reads, each once. */
function metadataNames(): readonly string[] {
  const letters = [...Object.values(CONFIG_METADATA), ...Object.values(OBJECT_METADATA)];
  return [...new Set<string>(letters)].map((letter) => `x-amz-meta-${letter}`);
}

function mapValues<K extends string>(
  table: Readonly<Record<K, string>>,
  map: (value: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries<string>(table).map(([key, value]) => [key, map(value)]));
}
