import { listFunctions, listVariables } from "../../src/vcl/catalog.ts";
import { isInScope } from "../../src/vcl/catalog-rows.ts";
import type { FunctionRow, ParameterRow, Scopes, VariableRow } from "../../src/vcl/catalog-rows.ts";
import { COMPILE_RULES, RUNTIME_RULES } from "../../src/vcl/rules-engine.ts";
import { RULES } from "../../src/vcl/rules.ts";
import type { RuleRow } from "../../src/vcl/rules.ts";
import { VCL_STATES } from "../../src/vcl/states.ts";

const SITE = "https://www.fastly.com/documentation/";

/** Families whose names a program makes up: they are no rows, and all of them are executed. */
const FAMILIES = [
  "`req.http.NAME`, `bereq.http.NAME`, `beresp.http.NAME`, `obj.http.NAME`, `resp.http.NAME`, each with `:SUBFIELD` too",
  "`re.group.0` … `re.group.20`",
  "`backend.NAME.healthy`, `backend.NAME.connections_open`, `backend.NAME.connections_used`, `director.NAME.healthy`",
  "`ratecounter.NAME.bucket.10s` … `60s`, `ratecounter.NAME.rate.1s`, `10s`, `60s`",
];

/** The page of what the engine knows and executes, from the rows that checker and compiler read. */
export function vclSupportPage(): string {
  const functions = listFunctions();
  const variables = listVariables();
  const idle = functions.filter(({ call }) => call === undefined).map(({ name }) => `\`${name}\``);
  return [
    "# VCL: what is known and what is executed",
    "<!-- Made from the catalog: UPDATE_GOLDEN=1 npx vitest run test/docs/vcl-support.test.ts -->",
    [
      `- **Functions**: ${functions.length} known, ${functions.filter(({ call }) => call !== undefined).length} executed.`,
      `- **Variables**: ${variables.length} known by name, ${variables.filter(isExecuted).length} executed, ` +
        `${variables.filter(({ fact }) => fact === true).length} of them from a fixture where one says something; ` +
        `${variables.filter(({ type }) => type === "ID").length} are collections, words for functions; ` +
        "and the families below.",
      `- **Rules**: ${Object.keys(RULES).length} of parser and checker, ${Object.keys(COMPILE_RULES).length} of the compiler, ` +
        `${Object.keys(RUNTIME_RULES).length} while VCL runs.`,
    ].join("\n"),
    ...(idle.length === 0
      ? []
      : [
          "What is known and not executed is an error at validate time, with its place:",
          idle.map((line) => `- ${line}`).join("\n"),
        ]),
    "Marks: R read, W set, U unset, F a fixture may give the value, D deprecated. Subroutines are named where it is not all of them.",
    "## Functions",
    ...sections(functions, functionLine),
    "## Variables",
    FAMILIES.map((line) => `- ${line}`).join("\n"),
    ...sections(variables, variableLine),
    "## Rules",
    "### Parser and checker",
    ruleLines(RULES),
    "### Compiler",
    ruleLines(COMPILE_RULES),
    "### While VCL runs",
    `${ruleLines(RUNTIME_RULES)}\n`,
  ].join("\n\n");
}

function isExecuted(row: VariableRow): boolean {
  return row.get !== undefined || row.set !== undefined;
}

interface Documented {
  readonly name: string;
  readonly doc: string;
}

/** One heading for each folder of the reference, in its order. */
function sections<T extends Documented>(rows: readonly T[], line: (row: T) => string): string[] {
  const folders = new Map<string, T[]>();
  for (const row of rows) {
    const folder = row.doc.split("/").at(-2) ?? "";
    folders.set(folder, [...(folders.get(folder) ?? []), row]);
  }
  return [...folders]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([folder, group]) => {
      const sorted = group.toSorted((a, b) => (a.name < b.name ? -1 : 1));
      return `### ${folder}\n\n${sorted.map((row) => `- ${line(row)}`).join("\n")}`;
    });
}

function linked({ name, doc }: Documented, shown = name): string {
  return `[\`${shown}\`](${SITE}${doc})`;
}

/** `: recv deliver`, nothing for all subroutines. */
function where(...scopes: readonly Scopes[]): string {
  const states = VCL_STATES.filter((state) => scopes.some((scope) => isInScope(scope, state)));
  return states.length === VCL_STATES.length ? "" : `: ${states.join(" ")}`;
}

function parameterText(parameter: ParameterRow): string {
  const text = `${parameter.type}${parameter.variadic ? "..." : ""} ${parameter.name}`;
  return parameter.optional ? `[${text}]` : text;
}

function functionLine(row: FunctionRow): string {
  const signature = `${row.result} ${row.name}(${row.parameters.map(parameterText).join(", ")})`;
  return `${linked(row, signature)}${row.deprecated === undefined ? "" : " D"}${where(row.scopes)}`;
}

function variableLine(row: VariableRow): string {
  const marks = [
    row.read === "none" || row.type === "ID" ? "" : "R",
    row.write === "none" ? "" : "W",
    row.unset === "none" ? "" : "U",
    row.fact === true ? "F" : "",
    row.deprecated === undefined ? "" : "D",
  ].join("");
  return `${linked(row)} ${[row.type, marks].filter((word) => word !== "").join(" ")}${where(row.read, row.write)}`;
}

function ruleLines(rules: Readonly<Record<string, RuleRow>>): string {
  return Object.entries(rules)
    .map(([id, { severity, meaning, doc }]) => `- [\`${id}\`](${SITE}${doc}) ${severity}: ${meaning}`)
    .join("\n");
}
