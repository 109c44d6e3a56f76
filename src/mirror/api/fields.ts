import { z } from "zod";
import { badRequest } from "./api-error.ts";
import type { FieldValue, ResourceRecord } from "./state.ts";

/**
 * How a field is read from a form or JSON body and printed: `flag` prints `"0"`/`"1"`,
 * `numeral` prints a number as a string, `list` takes a JSON array or comma-separated text. What begins with `nullable`
 * prints "" as null; `defaulted` is a text that is its initial value where a client sends "".
 */
export type FieldType =
  | "text"
  | "defaulted"
  | "nullable"
  | "integer"
  | "nullableInteger"
  | "boolean"
  | "flag"
  | "nullableFlag"
  | "numeral"
  | "nullableNumeral"
  | "list";

/** One field of a resource kind: its name on the wire, its type, and what it is when nobody says. */
export interface FieldRow {
  readonly name: string;
  readonly type: FieldType;
  readonly initial: FieldValue;
}

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const integer = scalar.transform((value, context) => {
  const number = typeof value === "boolean" || value === null ? Number(value ?? 0) : Number(value);
  if (Number.isSafeInteger(number)) return number;
  context.addIssue({ code: "custom", message: "must be an integer" });
  return z.NEVER;
});

// Fastly's forms say 1 and 0, some clients say true and false (go-fastly calls the type Compatibool).
const TRUE = new Set(["1", "true"]);
const FALSE = new Set(["0", "false", ""]);

const boolean = scalar.transform((value, context) => {
  const word = String(value ?? "").toLowerCase();
  if (TRUE.has(word)) return true;
  if (FALSE.has(word)) return false;
  context.addIssue({ code: "custom", message: "must be 1 or 0" });
  return z.NEVER;
});

const list = z.union([z.array(z.string()), z.string()]).transform((value, context) => {
  if (typeof value !== "string") return value;
  if (!value.startsWith("[")) return value === "" ? [] : value.split(",").map((item) => item.trim());
  try {
    return z.array(z.string()).parse(JSON.parse(value));
  } catch {
    context.addIssue({ code: "custom", message: "must be a list of strings" });
    return z.NEVER;
  }
});

const absent = z.union([z.null(), z.literal("").transform(() => null)]);

const SCHEMAS: Readonly<Record<FieldType, z.ZodType<FieldValue>>> = {
  text: scalar.transform((value) => String(value ?? "")),
  defaulted: scalar.transform((value) => String(value ?? "")),
  nullable: scalar.transform((value) => (value === null || value === "" ? null : String(value))),
  integer,
  nullableInteger: z.union([absent, integer]),
  boolean,
  flag: boolean.transform((value) => (value ? "1" : "0")),
  nullableFlag: z.union([absent, boolean.transform((value) => (value ? "1" : "0"))]),
  numeral: integer.transform(String),
  nullableNumeral: z.union([absent, integer.transform(String)]),
  list,
};

/** The fields of `rows` that a body has, converted; others are ignored, as Fastly does. Throws 400 with every problem. */
export function readFields(
  rows: readonly FieldRow[],
  body: Readonly<Record<string, unknown>>,
): ResourceRecord {
  const fields: Record<string, FieldValue> = {};
  const problems: string[] = [];
  for (const { name, type, initial } of rows) {
    if (!Object.hasOwn(body, name) || body[name] === undefined) continue;
    const result = SCHEMAS[type].safeParse(body[name]);
    if (result.success) fields[name] = type === "defaulted" && result.data === "" ? initial : result.data;
    else problems.push(`'${name}' ${result.error.issues[0]?.message ?? "is not valid"}`);
  }
  if (problems.length > 0) throw badRequest(problems.join(", "));
  return fields;
}

/** The initial value of every field. */
export function initialFields(rows: readonly FieldRow[]): ResourceRecord {
  return Object.fromEntries(rows.map(({ name, initial }) => [name, initial]));
}
