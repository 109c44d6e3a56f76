import {
  EDGE_SETTINGS_FORMAT,
  EDGE_SETTINGS_ITEM,
  EDGE_STORES,
  edgeSettingsItem,
} from "../../src/site/edge-settings.ts";
import type { EdgeOrigin, EdgeSettings } from "../../src/site/edge-settings.ts";
import type { Platform } from "./platform.ts";
import type { KeyPair, Secrets } from "./visit.ts";

/** What the stores hold, or why it cannot be used. `log` is the endpoint's name, as far as it is known. */
export type Setup =
  | { readonly kind: "ok"; readonly settings: EdgeSettings; readonly secrets: Secrets }
  | { readonly kind: "refused"; readonly reason: string; readonly log: string | undefined };

/** Reads the stores of the service. Never throws: a store that is not there is a reason. */
export async function readSetup(platform: Platform): Promise<Setup> {
  const read = readSettings(platform);
  if (typeof read === "string") return { kind: "refused", reason: read, log: undefined };
  const secrets = await readSecrets(platform);
  if (typeof secrets === "string") return { kind: "refused", reason: secrets, log: read.logEndpoint };
  return { kind: "ok", settings: read, secrets };
}

/** Of what was read last: a host that answers many requests gets the same text each time. */
let known: { readonly text: string; readonly settings: EdgeSettings } | undefined;

/** The settings of the version that answers, else those of all, or what is wrong with them. */
function readSettings(platform: Platform): EdgeSettings | string {
  let where = itemPlace(EDGE_SETTINGS_ITEM);
  try {
    const store = new platform.ConfigStore(EDGE_STORES.settings);
    const own = edgeSettingsItem(platform.env("FASTLY_SERVICE_VERSION") ?? "");
    const found = store.get(own);
    const hasOwn = found !== null && found !== "";
    if (hasOwn) where = itemPlace(own);
    const text = hasOwn ? found : store.get(EDGE_SETTINGS_ITEM);
    if (text === null || text === "") return `${where} is missing`;
    if (known?.text === text) return known.settings;
    const settings = parseSettings(text);
    if (settings === undefined) return `${where} has not the format ${EDGE_SETTINGS_FORMAT}`;
    known = { text, settings };
    return settings;
  } catch (error) {
    return `${where} cannot be read: ${messageOf(error)}`;
  }
}

function itemPlace(item: string): string {
  return `the item "${item}" of the Config Store "${EDGE_STORES.settings}"`;
}

async function readSecrets(platform: Platform): Promise<Secrets | string> {
  const where = `the Secret Store "${EDGE_STORES.secrets}"`;
  try {
    const store = new platform.SecretStore(EDGE_STORES.secrets);
    const configPair = keyPair((await store.get("config_s3_key"))?.plaintext());
    const hostingPair = keyPair((await store.get("hosting_s3_key"))?.plaintext());
    const segment = (await store.get("config_segment"))?.plaintext();
    if (configPair === undefined) return `"config_s3_key" in ${where} is missing or no key pair`;
    if (hostingPair === undefined) return `"hosting_s3_key" in ${where} is missing or no key pair`;
    if (segment === undefined || !/^[A-Za-z0-9_-]{1,128}$/.test(segment)) {
      return `"config_segment" in ${where} is missing or malformed`;
    }
    return { config: configPair, hosting: hostingPair, segment };
  } catch (error) {
    return `${where} cannot be read: ${messageOf(error)}`;
  }
}

function keyPair(text: string | undefined): KeyPair | undefined {
  // The id goes into a header.
  const found = /^([!-9;-~]+):(.+)$/.exec(text ?? "");
  const id = found?.[1];
  const secret = found?.[2];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** What an error says, for a log. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Reads what a deploy wrote; `undefined` for anything else, a later format among it. */
export function parseSettings(text: string): EdgeSettings | undefined {
  const parsed: unknown = parseJson(text);
  return isSettings(parsed) ? parsed : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

type Check = (value: unknown) => boolean;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

const isText: Check = (value) => typeof value === "string";
const isFlag: Check = (value) => typeof value === "boolean";
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const oneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
/** One list of the fields for all requests: what is made of an object anew costs each of them. */
const objectOf = (checks: Readonly<Record<string, Check>>): Check => {
  const fields = Object.entries(checks).map(([name, check]) => ({ name, check }));
  return (value) => isObject(value) && fields.every(({ name, check }) => check(value[name]));
};

const isOrigin: Check = objectOf({
  backend: isText,
  bucket: oneOf("config", "hosting"),
  isSecond: isFlag,
  region: isText,
  host: isText,
  tls: isFlag,
  prefix: isText,
} satisfies Record<keyof EdgeOrigin, Check>);

const hasSettings: Check = objectOf({
  format: oneOf(EDGE_SETTINGS_FORMAT),
  environment: isText,
  revision: isText,
  hostSuffixes: listOf(objectOf({ suffix: isText, siteEnv: isText })),
  publicPorts: objectOf({ http: isCount, https: isCount }),
  hsts: isFlag,
  tlsRedirectStatus: oneOf(301, 308),
  ttl: objectOf({
    config: isCount,
    unknownDomain: isCount,
    page: isCount,
    notFound: isCount,
    staleIfError: isCount,
  } satisfies Record<keyof EdgeSettings["ttl"], Check>),
  segmentedExtensions: listOf(isText),
  rateLimiting: isFlag,
  logEndpoint: isText,
  httpCache: isFlag,
  origins: (value) => listOf(isOrigin)(value) && hasBothBuckets(value),
} satisfies Record<keyof EdgeSettings, Check>);

function isSettings(value: unknown): value is EdgeSettings {
  return hasSettings(value);
}

const isFirstConfig: Check = objectOf({ bucket: oneOf("config"), isSecond: oneOf(false) });
const isFirstHosting: Check = objectOf({ bucket: oneOf("hosting"), isSecond: oneOf(false) });

/** Whether each bucket has an origin, which every request may need. */
function hasBothBuckets(origins: unknown): boolean {
  return Array.isArray(origins) && origins.some(isFirstConfig) && origins.some(isFirstHosting);
}
