import { PROTECTED_HEADERS } from "../protected-headers.ts";
import type { FunctionRow } from "../catalog-rows.ts";
import type { Transaction } from "../runtime.ts";
import type { VclValue } from "../values.ts";
import { NOT_SET_TEXT } from "../values.ts";
import type { MessageName } from "./header-variables.ts";
import { headerPlace, headersOf, isMessageName, parseHeaderName, writeHeader } from "./header-variables.ts";
import { defineFunction, text, textOrNull, word } from "./rows.ts";

const HEADERS = { category: "headers" };
const MISC = { category: "miscellaneous" };

function messageOf(value: VclValue | undefined): MessageName | null {
  const name = word(value);
  return isMessageName(name) ? name : null;
}

/** A name that can stand in a header line (RFC 9110 §5.1); others are silently no header. */
function isToken(name: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name);
}

function writableName(t: Transaction, name: string): string | null {
  if (isToken(name) && !PROTECTED_HEADERS.has(name.toLowerCase())) return name;
  t.vclError = "EINVAL";
  return null;
}

/** `header.set(resp, "X", value)`: the value prints as in `set`, so what is not set is written as text. */
function setHeader(t: Transaction, args: readonly VclValue[]): null {
  const message = messageOf(args[0]);
  const header = writableName(t, text(args[1]));
  if (message !== null && header !== null)
    writeHeader(t, headerPlace(message, header), textOrNull(args[2]) ?? NOT_SET_TEXT);
  return null;
}

function filterHeaders(t: Transaction, args: readonly VclValue[], keepListed: boolean): null {
  const message = messageOf(args[0]);
  const headers = message === null ? null : headersOf(t, message);
  if (headers === null) return null;
  const names = new Set(args.slice(1).map((name) => text(name).toLowerCase()));
  headers.retain((name) => names.has(name) === keepListed || PROTECTED_HEADERS.has(name));
  return null;
}

/** Joins the lines of one header into the first, with the separator and a blank (functions/miscellaneous/std-collect). */
function collect(t: Transaction, args: readonly VclValue[]): null {
  const name = parseHeaderName(word(args[0]));
  const headers = name === null ? null : headersOf(t, name.message);
  if (name === null || headers === null) return null;
  const values = headers.getAll(name.header);
  const separator = textOrNull(args[1])?.[0] ?? ",";
  if (values.length > 1) writeHeader(t, headerPlace(name.message, name.header), values.join(`${separator} `));
  return null;
}

function count(t: Transaction, args: readonly VclValue[]): bigint {
  const collection = word(args[0]);
  const [message = "", part] = collection.split(".");
  if (part === "headers" && isMessageName(message)) return BigInt(headersOf(t, message)?.size ?? 0);
  const name = parseHeaderName(collection);
  if (name === null) return 0n;
  return BigInt(headersOf(t, name.message)?.getAll(name.header).length ?? 0);
}

/** Name and value of one Set-Cookie line, without its attributes. */
function parseSetCookie(line: string): readonly [string, string] {
  const pair = line.split(";", 1)[0] ?? "";
  const equals = pair.indexOf("=");
  return equals === -1 ? [pair.trim(), ""] : [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()];
}

function setCookies(t: Transaction, where: VclValue | undefined): string[] {
  const message = messageOf(where);
  return message === null ? [] : (headersOf(t, message)?.getAll("set-cookie") ?? []);
}

/** The last cookie of the name wins, as in a browser. */
function cookieValue(t: Transaction, args: readonly VclValue[]): string | null {
  const wanted = text(args[1]);
  const found = setCookies(t, args[0])
    .map(parseSetCookie)
    .findLast(([name]) => name === wanted);
  return found?.[1] ?? null;
}

function deleteCookie(t: Transaction, args: readonly VclValue[]): boolean {
  const wanted = text(args[1]);
  const lines = setCookies(t, args[0]);
  const kept = lines.filter((line) => parseSetCookie(line)[0] !== wanted);
  const message = messageOf(args[0]);
  const headers = message === null ? null : headersOf(t, message);
  if (headers === null || kept.length === lines.length) return false;
  headers.unset("set-cookie");
  for (const line of kept) headers.add("Set-Cookie", line);
  return true;
}

/** `header.*`, `std.collect`, `std.count`, `setcookie.*`. */
export const HEADER_FUNCTIONS: readonly FunctionRow[] = [
  defineFunction("STRING header.get(ID<message> where, STRING header_name)", HEADERS, (t, [where, name]) => {
    const message = messageOf(where);
    return message === null ? null : (headersOf(t, message)?.get(text(name)) ?? null);
  }),
  defineFunction("VOID header.set(ID<message> where, STRING header_name, STRING value)", HEADERS, setHeader),
  defineFunction("VOID header.unset(ID<message> where, STRING header_name)", HEADERS, (t, [where, name]) => {
    const message = messageOf(where);
    const header = writableName(t, text(name));
    if (message !== null && header !== null) headersOf(t, message)?.unset(header);
    return null;
  }),
  defineFunction("VOID header.filter(ID<message> where, STRING... headers)", HEADERS, (t, args) =>
    filterHeaders(t, args, false),
  ),
  defineFunction("VOID header.filter_except(ID<message> where, STRING... headers)", HEADERS, (t, args) =>
    filterHeaders(t, args, true),
  ),
  defineFunction("VOID std.collect(ID<header> header, [STRING separator_character])", MISC, collect),
  defineFunction("INTEGER std.count(ID<collection> collection)", MISC, count),
  defineFunction(
    "STRING setcookie.get_value_by_name(ID<message> where, STRING cookie_name)",
    MISC,
    cookieValue,
  ),
  defineFunction("BOOL setcookie.delete_by_name(ID<message> where, STRING cookie_name)", MISC, deleteCookie),
];
