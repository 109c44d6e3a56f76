import { TomlError, parse } from "smol-toml";
import { z } from "zod";
import { makeHeaderRule } from "../../site/headers-file.ts";
import type { HeaderRule } from "../../site/headers-file.ts";
import { conditionProblem } from "../../site/redirect-line.ts";
import type { RedirectRule, RuleSource } from "../../site/redirect-rule.ts";
import type { RuleNote } from "../../site/redirects-file.ts";
import { tomlItemLines } from "./item-lines.ts";
import { NOTHING, innerFolder, ruleOf, settingNote } from "./site-file.ts";
import type { SiteFile } from "./site-file.ts";

/** Parts of the file that have their meaning at Netlify's build, which is over when a folder is published. */
const BUILD_TABLES = new Set(["build", "context", "dev", "template"]);
/** Parts that a published site there would have, and here has not. */
const SERVICES = new Set(["edge_functions", "functions", "images", "plugins"]);

const buildSchema = z.looseObject({ publish: z.string().optional(), base: z.string().optional() });
const listSchema = z.array(z.record(z.string(), z.unknown()));

const redirectSchema = z.object({
  from: z.string(),
  to: z.string().optional(),
  status: z.int().optional(),
  force: z.boolean().default(false),
  query: z.record(z.string(), z.string()).default({}),
  conditions: z.record(z.string(), z.unknown()).default({}),
  headers: z.record(z.string(), z.unknown()).default({}),
  signed: z.unknown().optional(),
});
/** Names that the file once had. */
const OLD_NAMES: Readonly<Record<string, string>> = {
  origin: "from",
  destination: "to",
  params: "query",
  parameters: "query",
  sign: "signed",
  signing: "signed",
};
const headerValue = z.union([z.string(), z.array(z.string()), z.number(), z.boolean()]);
const headersSchema = z.object({ for: z.string(), values: z.record(z.string(), headerValue) });

/** Reads what a `netlify.toml` says about a site that is already built. */
export function readNetlifyToml(text: string, file: string): SiteFile {
  const document = parseToml(text, file);
  if ("note" in document) return { ...NOTHING, problems: [document.note] };
  const { table } = document;
  const top = { file, line: 1 };
  const redirects = readRedirects(text, file, table["redirects"]);
  const headers = readHeaders(text, file, table["headers"]);
  const build = readBuild(top, table["build"]);
  return {
    redirects: redirects.rules,
    headers: headers.rules,
    trailingSlash: undefined,
    publishDir: build.publishDir,
    problems: [...build.problems, ...redirects.problems, ...headers.problems],
    warnings: [...topWarnings(top, table), ...redirects.warnings, ...headers.warnings],
  };
}

type TomlTable = Readonly<Record<string, unknown>>;

function parseToml(text: string, file: string): { readonly table: TomlTable } | { readonly note: RuleNote } {
  try {
    return { table: parse(text.replace(/^\ufeff/, ""), { unsafeKeyBehaviour: "throw" }) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const line = text.split("\n")[error.line - 1] ?? "";
    const reason = error.message.split("\n")[0] ?? "is no TOML";
    return { note: settingNote({ file, line: error.line }, line.trim(), `cannot be read: ${reason}`) };
  }
}

function topWarnings(source: RuleSource, table: TomlTable): readonly RuleNote[] {
  const warnings = Object.keys(table).flatMap((name) => {
    if (name === "redirects" || name === "headers" || BUILD_TABLES.has(name)) return [];
    const reason = SERVICES.has(name) ? "has no effect: a static site runs no code" : "is not known";
    return [settingNote(source, name, reason)];
  });
  const contexts = z.record(z.string(), z.looseObject({})).safeParse(table["context"] ?? {});
  const scoped = Object.entries(contexts.data ?? {}).flatMap(([context, settings]) =>
    ["redirects", "headers"]
      .filter((name) => name in settings)
      .map((name) =>
        settingNote(source, `context.${context}.${name}`, "has no effect: rules are for every context"),
      ),
  );
  return [...warnings, ...scoped];
}

function readBuild(
  source: RuleSource,
  value: unknown,
): { readonly publishDir: string | undefined; readonly problems: readonly RuleNote[] } {
  const build = buildSchema.safeParse(value ?? {});
  if (!build.success) {
    return { publishDir: undefined, problems: [settingNote(source, "build", "has a field that is no text")] };
  }
  const { publish, base = "" } = build.data;
  if (publish === undefined) return { publishDir: undefined, problems: [] };
  const publishDir = innerFolder(base, publish);
  const problems =
    publishDir === undefined
      ? [settingNote(source, `publish = "${publish}"`, "leads out of the folder")]
      : [];
  return { publishDir, problems };
}

interface ReadList<Rule> {
  readonly rules: readonly Rule[];
  readonly problems: readonly RuleNote[];
  readonly warnings: readonly RuleNote[];
}

function readRedirects(text: string, file: string, value: unknown): ReadList<RedirectRule> {
  const list = listSchema.safeParse(value ?? []);
  if (!list.success) return wrongList({ file, line: 1 }, "redirects");
  const lines = tomlItemLines(text, "redirects", list.data.length);
  const read = list.data.map((item, index) => readRedirect({ file, line: lines[index] ?? 1 }, item));
  return merged(read);
}

function wrongList<Rule>(source: RuleSource, name: string): ReadList<Rule> {
  return { rules: [], problems: [settingNote(source, name, "is no list of tables")], warnings: [] };
}

function merged<Rule>(lists: readonly ReadList<Rule>[]): ReadList<Rule> {
  return {
    rules: lists.flatMap(({ rules }) => rules),
    problems: lists.flatMap(({ problems }) => problems),
    warnings: lists.flatMap(({ warnings }) => warnings),
  };
}

function readRedirect(source: RuleSource, item: TomlTable): ReadList<RedirectRule> {
  const renamed = Object.fromEntries(
    Object.entries(item).map(([name, value]) => [OLD_NAMES[name] ?? name, value]),
  );
  const warnings = unknownNames(source, renamed, redirectSchema.shape);
  const fields = redirectSchema.safeParse(renamed);
  if (!fields.success) return { rules: [], problems: [shapeNote(source, item, fields.error)], warnings };
  const { from, to, status, force, query, conditions, headers, signed } = fields.data;
  const condition = Object.entries(conditions).find(([, value]) => !Array.isArray(value) || value.length > 0);
  const reason =
    condition !== undefined
      ? conditionProblem(`${condition[0]}=${String(condition[1])}`)
      : extraProblem(headers, signed);
  if (reason !== undefined)
    return { rules: [], problems: [{ source, text: `${from} ${to ?? ""}`.trim(), reason }], warnings };
  const made = ruleOf({ source, from, to, query: Object.entries(query), status, forced: force });
  return made.kind === "ok"
    ? { rules: [made.rule], problems: [], warnings }
    : { rules: [], problems: [made.note], warnings };
}

function unknownNames(source: RuleSource, item: TomlTable, shape: object): readonly RuleNote[] {
  return Object.keys(item)
    .filter((name) => !Object.hasOwn(shape, name))
    .map((name) => settingNote(source, name, "is not known here"));
}

function extraProblem(headers: TomlTable, signed: unknown): string | undefined {
  if (signed !== undefined && signed !== "") return conditionProblem("signed");
  return Object.keys(headers).length > 0
    ? "has `headers`, which are for requests to other hosts; a static site makes none"
    : undefined;
}

/** What is wrong with an item's fields, in one line. */
function shapeNote(source: RuleSource, item: TomlTable, error: z.ZodError): RuleNote {
  const names = [...new Set(error.issues.map(({ path }) => path.join(".")))].filter((name) => name !== "");
  const from = item["from"] ?? item["for"] ?? item["source"];
  return {
    source,
    text: typeof from === "string" ? from : "(no path)",
    reason: `has a field that is missing or of the wrong kind: ${names.join(", ")}`,
  };
}

function readHeaders(text: string, file: string, value: unknown): ReadList<HeaderRule> {
  const list = listSchema.safeParse(value ?? []);
  if (!list.success) return wrongList({ file, line: 1 }, "headers");
  const lines = tomlItemLines(text, "headers", list.data.length);
  return merged(list.data.map((item, index) => readHeader({ file, line: lines[index] ?? 1 }, item)));
}

function readHeader(source: RuleSource, item: TomlTable): ReadList<HeaderRule> {
  const warnings = unknownNames(source, item, headersSchema.shape);
  const fields = headersSchema.safeParse(item);
  if (!fields.success) {
    const note = { ...shapeNote(source, item, fields.error), what: "header" as const };
    return { rules: [], problems: [note], warnings };
  }
  const lines = Object.entries(fields.data.values).map(([name, given]) => {
    const value = oneLine(Array.isArray(given) ? given.join(", ") : String(given));
    return { source, text: `${name}: ${value}`, name, value };
  });
  const made = makeHeaderRule({ source, path: fields.data.for, lines });
  return { ...made, warnings };
}

/** A value may be written over several lines, which a header cannot have. */
function oneLine(value: string): string {
  return value.replaceAll(/\s*[\r\n]+\s*/g, " ").trim();
}
