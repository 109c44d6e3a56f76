import { createHash } from "node:crypto";
import { SitefleetError } from "../../lib/errors.ts";
import { edgeSettingsOf } from "../../render/edge-settings.ts";
import type { Environment } from "../../settings/environment.ts";
import { EDGE_SETTINGS_LIMIT } from "../../site/edge-settings.ts";
import type { EdgeSettings } from "../../site/edge-settings.ts";

type Unrevised = Omit<EdgeSettings, "revision">;

/**
 * The item of an environment as text.
 * @param filesHash of the package that reads it
 * @throws SitefleetError `compute/settings-too-long` naming the field that takes most of it
 */
export function appSettingsText(
  environment: Environment,
  filesHash: string,
): { readonly text: string; readonly revision: string } {
  const unrevised = unrevisedSettings(environment);
  const revision = revisionOf(unrevised, filesHash);
  const text = JSON.stringify({ ...unrevised, revision } satisfies EdgeSettings);
  refuseLong(text, { environment: environment.name, settings: unrevised });
  return { text, revision };
}

function unrevisedSettings(environment: Environment): Unrevised {
  const { httpCache } = environment.compute;
  const { revision: _, ...settings } = edgeSettingsOf(environment, { revision: "", httpCache });
  return settings;
}

/** Of package and settings: what the edge tells it runs. */
function revisionOf(settings: object, filesHash: string): string {
  const text = JSON.stringify([filesHash, inOrder(settings)]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** However the fields are ordered, the same settings have the same text. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== "object" || value === null) return value;
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([name, inner]) => [name, inOrder(inner)]);
}

/** Whether an item is as it was written for a revision: a change by hand gives it another digest. */
export function isRevision(
  revision: string,
  of: { readonly text: string | null; readonly filesHash: string },
): boolean {
  const parsed = parseObject(of.text);
  if (parsed === undefined) return false;
  const { revision: told, ...settings } = parsed;
  return told === revision && revisionOf(settings, of.filesHash) === revision;
}

function parseObject(text: string | null): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? Object.fromEntries(Object.entries(value)) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // edited by hand
    throw error;
  }
}

/** An item's fields by dotted name, such as `ttl.page`; a text that is no item is one field. */
export function appSettingsFields(text: string | null): Readonly<Record<string, string>> {
  if (text === null) return {};
  const parsed = parseObject(text);
  return parsed === undefined ? { "(text)": text } : Object.fromEntries(fieldsOf("", parsed));
}

type Field = readonly [name: string, value: string];

function fieldsOf(path: string, value: unknown): readonly Field[] {
  if (Array.isArray(value)) return listFields(path, value);
  if (typeof value !== "object" || value === null) return [[path, String(value)]];
  return Object.entries(value).flatMap(([name, inner]) =>
    fieldsOf(path === "" ? name : `${path}.${name}`, inner),
  );
}

/** Objects of a list are told by what they are about, so that one more of them changes no other one's name. */
function listFields(path: string, list: readonly unknown[]): readonly Field[] {
  const isPlain = list.every((one) => typeof one !== "object" || one === null);
  if (isPlain) return [[path, list.map(String).join(", ")]];
  return list.flatMap((one, index) => {
    const fields = new Map<string, unknown>(Object.entries(one ?? {}));
    const [key, label] = [...fields].find(([name]) => name === "backend" || name === "suffix") ?? ["", index];
    fields.delete(key);
    return fieldsOf(`${path}[${String(label)}]`, Object.fromEntries(fields));
  });
}

/** Where the settings file says what is in a field. */
const SOURCES: Readonly<Partial<Record<keyof EdgeSettings, string>>> = {
  hostSuffixes: "hostSuffixes",
  segmentedExtensions: "segmented.extensions",
  origins: "s3",
  logEndpoint: "fastly.logEndpoint",
};

function refuseLong(
  text: string,
  what: { readonly environment: string; readonly settings: Unrevised },
): void {
  const length = Buffer.byteLength(text);
  if (length <= EDGE_SETTINGS_LIMIT) return;
  const sizes = Object.entries(what.settings)
    .map(([name, value]) => ({ name, size: JSON.stringify(value).length }))
    .sort((a, b) => b.size - a.size);
  const [largest] = sizes;
  const field = largest?.name ?? "";
  const source = Object.entries(SOURCES).find(([name]) => name === field)?.[1] ?? field;
  throw new SitefleetError(
    "compute/settings-too-long",
    `the app's settings have ${length} characters, over the ${EDGE_SETTINGS_LIMIT} of a Config Store's item; ${largest?.size ?? 0} of them are in environments.${what.environment}.${source}`,
    {
      hint: `shorten \`${source}\``,
      details: sizes.slice(0, 3).map(({ name, size }) => `${name}: ${size} characters`),
    },
  );
}
