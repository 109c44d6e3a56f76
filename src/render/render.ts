import { createHash } from "node:crypto";
import nunjucks from "nunjucks";
import { messageOf } from "../lib/caught.ts";
import { SitefleetError } from "../lib/errors.ts";
import { packagePath } from "../lib/package-root.ts";
import type { Environment } from "../settings/environment.ts";
import { REFUSED_HEADERS, REFUSED_HEADER_PREFIXES } from "../site/header-names.ts";
import {
  AREA_SLOTS,
  CODEC_VERSION,
  CONFIG_METADATA,
  FORMER_CODEC_VERSIONS,
  HEADER_SLOTS,
  OBJECT_METADATA,
  RULE_SLOTS,
} from "../site/metadata.ts";
import { QUERY_CAPTURES } from "../site/query-match.ts";
import {
  ASSET_EXTENSIONS,
  CHALLENGE_PATH,
  CONDITIONS,
  DEBUG_HEADER,
  DEBUG_PREFIX,
  DIRECTORY_LEVELS,
  EMPTY_SHA256,
  ERROR_STATUS,
  EU_COUNTRIES,
  GUESS_PENALTY,
  LIMITS,
  PRIVATE_DICTIONARY,
  PROBE_HEADER,
} from "./constants.ts";
import { FEATURES } from "./features.ts";
import type { FeatureName } from "./features.ts";
import { originsOf, shieldDirector } from "./origins.ts";
import { toVclString } from "./vcl-string.ts";

/** Rendered VCL of one environment; the same settings and templates give the same bytes. */
export interface RenderedService {
  readonly files: readonly RenderedFile[];
  /** SHA-256 (first 16 hex) over the files before the revision was put in; the edge tells it to who asks rightly. */
  readonly revision: string;
}

export interface RenderedFile {
  readonly name: string;
  readonly content: string;
  readonly main: boolean;
}

export interface RenderOptions {
  /** Folder of templates; default: the project's own. */
  readonly templates?: string;
  /** Features to leave out: for tests that show each one is needed. */
  readonly without?: readonly FeatureName[];
}

/** Fields of a config that ride under names of their own. */
const NOT_CARRIED = ["version", "site", "base", "release"];

/** The project's templates: beside `src/` and `dist/` alike. */
export const TEMPLATES = packagePath("templates");

/**
 * Renders the service of one environment.
 * @throws SitefleetError `render/template` when a template fails (unknown name, syntax), with the template's own message
 */
export function renderService(environment: Environment, options: RenderOptions = {}): RenderedService {
  const engine = createEngine(options.templates ?? TEMPLATES);
  const context = contextOf(environment, options.without ?? []);
  const revision = createHash("sha256")
    .update(renderMain(engine, context, ""))
    .digest("hex")
    .slice(0, 16);
  const content = renderMain(engine, context, revision);
  return { files: [{ name: "main.vcl", content, main: true }], revision };
}

function createEngine(templates: string): nunjucks.Environment {
  const engine = new nunjucks.Environment(new nunjucks.FileSystemLoader(templates), {
    autoescape: false,
    throwOnUndefined: true,
    trimBlocks: true,
    lstripBlocks: true,
  });
  engine.addFilter("vcl", toVclString);
  return engine;
}

function renderMain(engine: nunjucks.Environment, context: object, revision: string): string {
  try {
    return tidy(engine.render("main.vcl.njk", { ...context, revision }));
  } catch (error) {
    const reason = messageOf(error);
    throw new SitefleetError("render/template", `a template failed: ${reason}`, {
      cause: error,
      hint: "the message names the template; every value must exist and every import must resolve",
    });
  }
}

function contextOf(environment: Environment, without: readonly FeatureName[]): object {
  const { http, https } = environment.publicPorts;
  return {
    environment,
    features: FEATURES.filter((name) => !without.includes(name)).map((name) => ({
      name,
      file: `${name}.vcl.njk`,
    })),
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
    codecVersions: [...FORMER_CODEC_VERSIONS, CODEC_VERSION],
    metadata: metadataNames(),
    slots: RULE_SLOTS.split(""),
    queryCaptures: QUERY_CAPTURES,
    areaSlots: AREA_SLOTS.split(""),
    headerSlots: HEADER_SLOTS.split(""),
    refusedHeaders: REFUSED_HEADERS,
    refusedPrefixes: REFUSED_HEADER_PREFIXES,
    euCountries: EU_COUNTRIES,
    challengePath: CHALLENGE_PATH,
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

/** No trailing blanks, no runs of empty lines, one newline at the end. */
function tidy(text: string): string {
  return `${text
    .replace(/[ \t]+$/gm, "")
    .replace(/\n{3,}/g, "\n\n")
    .replace(/\{\n\n+/g, "{\n")
    .trim()}\n`;
}
