import { CsvError, parse } from "csv-parse/sync";
import type { RedirectRule } from "../../site/redirect-rule.ts";
import type { ParsedRedirects, RuleNote } from "../../site/redirects-file.ts";
import { ruleOf } from "./site-file.ts";

/** Names of columns, in lower case, by what they hold. */
const COLUMNS = {
  from: ["source", "from", "old", "origin", "old url", "redirect from"],
  to: ["target", "to", "new", "destination", "new url", "redirect to"],
  status: ["status", "code", "status code", "statuscode", "type"],
  permanent: ["permanent"],
} as const satisfies Record<string, readonly string[]>;
type Column = keyof typeof COLUMNS;

const RECORD_LIMIT = 16_000;

/**
 * Reads redirects from CSV (RFC 4180; `;` or tab where the first line has no comma): source, target, status, in this
 * order or in that of a header line. A query in a source becomes conditions. Problems name the line.
 */
export function parseRedirectCsv(text: string, file: string): ParsedRedirects {
  const records = readRecords(text, file);
  if ("note" in records) return { rules: [], problems: [records.note] };
  const [first, ...rest] = records.records;
  if (first === undefined) return { rules: [], problems: [] };
  const isHeader = !/^(?:\/|https?:\/\/)/i.test(first.cells[0] ?? "");
  const columns = isHeader
    ? headerColumns(first.cells)
    : new Map<Column, number>([
        ["from", 0],
        ["to", 1],
        ["status", 2],
      ]);
  const missing = (["from", "to"] as const).find((column) => !columns.has(column));
  if (missing !== undefined) {
    const reason = `has no column named ${COLUMNS[missing].slice(0, 2).join(" or ")}`;
    return {
      rules: [],
      problems: [{ source: { file, line: 1 }, text: first.cells.join(","), reason, what: "header" }],
    };
  }
  const rules: RedirectRule[] = [];
  const problems: RuleNote[] = [];
  for (const record of isHeader ? rest : records.records) {
    const read = readRecord(record, columns, file);
    if (read.kind === "ok") rules.push(read.rule);
    else problems.push(read.note);
  }
  return { rules, problems };
}

interface Row {
  /** Line on which the record ends. */
  readonly line: number;
  readonly cells: readonly string[];
}

function readRecords(
  text: string,
  file: string,
): { readonly records: readonly Row[] } | { readonly note: RuleNote } {
  const first = /^[^\r\n]*/.exec(text)?.[0] ?? "";
  const delimiter = first.includes(",") ? "," : first.includes(";") ? ";" : first.includes("\t") ? "\t" : ",";
  try {
    const records: Row[] = [];
    parse(text, {
      bom: true,
      delimiter,
      max_record_size: RECORD_LIMIT,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
      on_record: (cells: readonly string[], { lines: line }) => {
        if (cells.some((cell) => cell !== "")) records.push({ line, cells });
        return null;
      },
    });
    return { records };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error["lines"] === "number" ? error["lines"] : 1;
    return {
      note: {
        source: { file, line },
        text: (text.split("\n")[line - 1] ?? "").trim(),
        reason: `is no CSV: ${error.message}`,
      },
    };
  }
}

function headerColumns(cells: readonly string[]): ReadonlyMap<Column, number> {
  const names = cells.map((cell) => cell.toLowerCase().replaceAll("_", " "));
  const columns = new Map<Column, number>();
  for (const [column, known] of Object.entries(COLUMNS)) {
    const at = names.findIndex((name) => known.some((other) => other === name));
    const key = (["from", "to", "status", "permanent"] as const).find((name) => name === column);
    if (at !== -1 && key !== undefined) columns.set(key, at);
  }
  return columns;
}

function readRecord(row: Row, columns: ReadonlyMap<Column, number>, file: string): ReturnType<typeof ruleOf> {
  const source = { file, line: row.line };
  const cell = (column: Column): string => row.cells[columns.get(column) ?? -1] ?? "";
  const [from = "", query = ""] = cell("from").split(/\?(.*)/s);
  const status = statusCell(cell("status"), cell("permanent"));
  if (status === null) {
    const reason = `has the status "${cell("status") || cell("permanent")}", which is no status code`;
    return { kind: "refused", note: { source, text: row.cells.join(","), reason } };
  }
  const pairs = query
    .split("&")
    .filter((part) => part !== "")
    .map((part): readonly [string, string] => {
      const equals = part.indexOf("=");
      return equals === -1 ? [part, ""] : [part.slice(0, equals), part.slice(equals + 1)];
    });
  return ruleOf({ source, from, to: cell("to"), query: pairs, status, forced: false });
}

/** `undefined` where the table says nothing, `null` where it says something else. */
function statusCell(status: string, permanent: string): number | undefined | null {
  if (/^[0-9]{3}$/.test(status)) return Number(status);
  if (status !== "") return null;
  switch (permanent.toLowerCase()) {
    case "":
      return undefined;
    case "true":
      return 308;
    case "false":
      return 307;
    default:
      return null;
  }
}
