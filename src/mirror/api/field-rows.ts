import type { FieldRow } from "./fields.ts";
import type { FieldValue } from "./state.ts";

/** What every kind of object has. */
export const NAME: FieldRow = { name: "name", type: "text", initial: "" };
export const COMMENT: FieldRow = { name: "comment", type: "text", initial: "" };

/** A text that is `initial` where nobody says. */
export function text(name: string, initial = ""): FieldRow {
  return { name, type: "text", initial };
}

/** A text, `null` where nobody says. */
export function nullable(name: string, initial: FieldValue = null): FieldRow {
  return { name, type: "nullable", initial };
}

export function integer(name: string, initial: number): FieldRow {
  return { name, type: "integer", initial };
}

/** A number that is printed as a string. */
export function numeral(name: string, initial: string): FieldRow {
  return { name, type: "numeral", initial };
}

/** A number that is printed as a string, `null` where nobody says. */
export function nullableNumeral(name: string): FieldRow {
  return { name, type: "nullableNumeral", initial: null };
}

/** A truth value that is printed as `"0"` or `"1"`. */
export function flag(name: string, initial = "0"): FieldRow {
  return { name, type: "flag", initial };
}

/** A truth value that is printed as `"0"` or `"1"`, `null` where nobody says. */
export function nullableFlag(name: string): FieldRow {
  return { name, type: "nullableFlag", initial: null };
}

/** A sentence about a field whose value is none of those allowed; `null` when it is one. */
export function oneOf(field: string, value: string, allowed: readonly string[]): string | null {
  if (allowed.includes(value)) return null;
  return `${field} '${value}' is not one of ${allowed.join(", ")}`;
}
