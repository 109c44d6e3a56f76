import { z } from "zod";
import { makeHeaderRule } from "../../site/headers-file.ts";
import type { HeaderRule } from "../../site/headers-file.ts";
import type { SlashPolicy } from "../../site/page-key.ts";
import type { RedirectRule, RuleSource } from "../../site/redirect-rule.ts";
import type { RuleNote } from "../../site/redirects-file.ts";
import { jsonItemLines } from "./item-lines.ts";
import { NOTHING, innerFolder, ruleOf, settingNote } from "./site-file.ts";
import type { RuleFields, SiteFile } from "./site-file.ts";
import { headerPath, rulePath } from "./vercel-source.ts";

/** Members that have their meaning at Vercel's build or in its account. */
const BUILD_MEMBERS = new Set([
  "$schema",
  "alias",
  "build",
  "buildCommand",
  "builds",
  "bunVersion",
  "devCommand",
  "env",
  "framework",
  "git",
  "github",
  "ignoreCommand",
  "installCommand",
  "name",
  "passiveRegions",
  "public",
  "regions",
  "relatedProjects",
  "scope",
  "version",
]);
/** Members that a published site there would have, and here has not. */
const SERVICES = new Set(["crons", "fluid", "functionFailoverRegions", "functions", "images"]);
const LISTS = ["redirects", "rewrites", "headers"] as const;

const documentSchema = z.looseObject({
  cleanUrls: z.boolean().optional(),
  trailingSlash: z.boolean().optional(),
  outputDirectory: z.string().nullish(),
});
const conditionSchema = z.object({
  type: z.string(),
  key: z.string().optional(),
  value: z.unknown().optional(),
});
const matcher = {
  source: z.string(),
  has: z.array(conditionSchema).default([]),
  missing: z.array(conditionSchema).default([]),
};
const ruleSchema = z.object({
  ...matcher,
  destination: z.string(),
  permanent: z.boolean().optional(),
  statusCode: z.int().optional(),
});
const headerSchema = z.object({
  ...matcher,
  headers: z.array(z.object({ key: z.string(), value: z.string() })),
});
type Condition = z.output<typeof conditionSchema>;

/** Reads what a `vercel.json` says about a site that is already built. */
export function readVercelJson(text: string, file: string): SiteFile {
  const top = { file, line: 1 };
  const document = parseJson(text, file);
  if ("note" in document) return { ...NOTHING, problems: [document.note] };
  const settings = documentSchema.safeParse(document.value);
  if (!settings.success) {
    const names = settings.error.issues.map(({ path }) => path.join(".")).join(", ");
    return { ...NOTHING, problems: [settingNote(top, names || "the document", "is of the wrong kind")] };
  }
  const { data } = settings;
  const lists = { redirects: [] as RedirectRule[], headers: [] as HeaderRule[], problems: [] as RuleNote[] };
  for (const name of LISTS) {
    for (const item of itemsOf(text, file, { name, value: data[name] })) {
      const read = "note" in item ? item : readItem(name, item);
      if ("note" in read) lists.problems.push(read.note);
      if ("redirect" in read) lists.redirects.push(read.redirect);
      if ("header" in read) {
        lists.headers.push(...read.header.rules);
        lists.problems.push(...read.header.problems);
      }
    }
  }
  const folder = data.outputDirectory ?? undefined;
  const publishDir = folder === undefined ? undefined : innerFolder(folder);
  const outside = folder !== undefined && publishDir === undefined;
  if (outside) lists.problems.push(settingNote(top, `outputDirectory: ${folder}`, "leads out of the folder"));
  if ("routes" in data) {
    lists.problems.push(
      settingNote(top, "routes", "is the old form of redirects, rewrites and headers; write those"),
    );
  }
  return { ...lists, trailingSlash: slashPolicy(data), publishDir, warnings: warningsOf(top, data) };
}

function parseJson(text: string, file: string): { readonly value: unknown } | { readonly note: RuleNote } {
  try {
    return { value: JSON.parse(text.replace(/^\ufeff/, "")) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const at = /at position (\d+)/.exec(error.message)?.[1];
    const line = at === undefined ? 1 : text.slice(0, Number(at)).split("\n").length;
    const shown = (text.split("\n")[line - 1] ?? "").trim();
    return { note: settingNote({ file, line }, shown, "cannot be read: it is no JSON") };
  }
}

interface Item {
  readonly source: RuleSource;
  readonly value: unknown;
}

function itemsOf(
  text: string,
  file: string,
  list: { readonly name: string; readonly value: unknown },
): readonly (Item | { readonly note: RuleNote })[] {
  if (list.value === undefined) return [];
  if (!Array.isArray(list.value)) {
    return [{ note: settingNote({ file, line: 1 }, list.name, "is no list") }];
  }
  const lines = jsonItemLines(text, list.name);
  return list.value.map((value: unknown, index) => ({ source: { file, line: lines[index] ?? 1 }, value }));
}

type ReadItem =
  | { readonly note: RuleNote }
  | { readonly redirect: RedirectRule }
  | { readonly header: ReturnType<typeof makeHeaderRule> };

function readItem(name: (typeof LISTS)[number], item: Item): ReadItem {
  return name === "headers" ? readHeader(item) : readRule(name, item);
}

function readRule(name: "redirects" | "rewrites", { source, value }: Item): ReadItem {
  const fields = ruleSchema.safeParse(value);
  if (!fields.success) return { note: shapeNote(source, value, fields.error) };
  const { data } = fields;
  const text = `${data.source} ${data.destination}`;
  const path = rulePath(data.source, data.destination);
  if (path.kind === "refused") return { note: { source, text, reason: path.reason } };
  const query = queryOf(data.has, data.missing);
  if (query.kind === "refused") return { note: { source, text, reason: query.reason } };
  // At Vercel redirects come before the site's files, rewrites after them.
  const status = name === "rewrites" ? 200 : (data.statusCode ?? (data.permanent === false ? 307 : 308));
  const rule: RuleFields = {
    source,
    from: path.from,
    to: path.to,
    query: query.pairs,
    status,
    forced: name === "redirects",
  };
  const made = ruleOf(rule);
  return made.kind === "ok" ? { redirect: made.rule } : { note: made.note };
}

type ReadQuery =
  | { readonly kind: "ok"; readonly pairs: readonly (readonly [string, string])[] }
  | { readonly kind: "refused"; readonly reason: string };

/** Conditions on the query by a text or one named capture of everything; all others are refused by name. */
function queryOf(has: readonly Condition[], missing: readonly Condition[]): ReadQuery {
  const [absent] = missing;
  if (absent)
    return { kind: "refused", reason: `has \`missing\` (${absent.type}), which cannot be asked for` };
  const pairs: (readonly [string, string])[] = [];
  for (const { type, key, value } of has) {
    if (type !== "query") {
      const reason = `asks for a ${type}; answers are kept by their URL alone and cannot differ by it`;
      return { kind: "refused", reason };
    }
    const named = typeof value === "string" ? /^\(\?<([A-Za-z]\w*)>\.[*+]\)$/.exec(value)?.[1] : undefined;
    const isPlain = typeof value === "string" && /^[\w\-~ %/:@,;]*$/.test(value);
    if (key === undefined || (named === undefined && !isPlain)) {
      const reason = `asks for the query parameter "${key ?? ""}" by more than a text or \`(?<name>.*)\``;
      return { kind: "refused", reason };
    }
    pairs.push([key, named === undefined ? encodeURIComponent(String(value)) : `:${named}`]);
  }
  return { kind: "ok", pairs };
}

function readHeader({ source, value }: Item): ReadItem {
  const fields = headerSchema.safeParse(value);
  if (!fields.success) return { note: { ...shapeNote(source, value, fields.error), what: "header" } };
  const { data } = fields;
  const path = headerPath(data.source);
  const condition = [...data.has, ...data.missing][0];
  const reason =
    condition !== undefined
      ? `asks for a ${condition.type}; a file has the same headers for everyone`
      : path.kind === "refused"
        ? path.reason
        : undefined;
  if (reason !== undefined || path.kind === "refused") {
    return { note: { what: "header", source, text: data.source, reason: reason ?? "" } };
  }
  const lines = data.headers.map((header) => ({
    source,
    text: `${header.key}: ${header.value}`,
    name: header.key,
    value: header.value,
  }));
  return { header: makeHeaderRule({ source, path: path.from, lines }) };
}

function shapeNote(source: RuleSource, value: unknown, error: z.ZodError): RuleNote {
  const named = z.object({ source: z.string() }).safeParse(value);
  const names = [...new Set(error.issues.map(({ path }) => path.join(".")))].filter((name) => name !== "");
  return {
    source,
    text: named.data?.source ?? "(no source)",
    reason: `has a member that is missing or of the wrong kind: ${names.join(", ") || "all"}`,
  };
}

/** Without clean URLs, Vercel shows each file at its own name only. */
function slashPolicy(settings: z.output<typeof documentSchema>): SlashPolicy | undefined {
  if (settings.cleanUrls === false) return "none";
  if (settings.trailingSlash === undefined) return undefined;
  return settings.trailingSlash ? "force" : "drop";
}

function warningsOf(source: RuleSource, settings: object): readonly RuleNote[] {
  const known = new Set<string>([...LISTS, ...BUILD_MEMBERS, ...Object.keys(documentSchema.shape), "routes"]);
  return Object.keys(settings)
    .filter((name) => !known.has(name))
    .map((name) =>
      settingNote(
        source,
        name,
        SERVICES.has(name) ? "has no effect: a static site runs no code" : "is not known",
      ),
    );
}
