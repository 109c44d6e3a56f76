import { assertNever } from "../../lib/errors.ts";
import { lowerName } from "../../http/header-list.ts";
import type { HeaderList } from "../../http/header-list.ts";
import type { HeaderPlace, VariableRow } from "../catalog-rows.ts";
import type { Transaction } from "../runtime.ts";
import { readSubfield, removeSubfield, separatorOf, writeSubfield } from "../subfields.ts";
import { chargeHeader, checkHeaderCount } from "../workspace.ts";
import { knownVariable, scopesOf, stringVariable } from "./rows.ts";

/** The five messages whose headers VCL can reach. */
export type MessageName = "req" | "bereq" | "beresp" | "obj" | "resp";

/** Where each message exists (reference/vcl/variables/client-request/req-http and its siblings). */
export const MESSAGE_SCOPES: Readonly<Record<MessageName, string>> = {
  req: "all",
  bereq: "miss pass fetch",
  beresp: "fetch",
  obj: "hit error",
  resp: "deliver log",
};

export function isMessageName(text: string): text is MessageName {
  return Object.hasOwn(MESSAGE_SCOPES, text);
}

/** The header lines of a message, `null` where the message does not exist. */
export function headersOf(t: Transaction, message: MessageName): HeaderList | null {
  switch (message) {
    case "req":
      return t.req.headers;
    case "bereq":
      return t.bereq === null ? null : t.bereq.headers;
    case "beresp":
      return t.beresp === null ? null : t.beresp.headers;
    case "obj":
      return t.obj === null ? null : t.obj.headers;
    case "resp":
      return t.resp === null ? null : t.resp.headers;
    default:
      return assertNever(message);
  }
}

const HEADER_VARIABLE = /^(req|bereq|beresp|obj|resp)\.http\.([^:]+)(?::(.*))?$/s;

/** Parts of `req.http.Name:sub`. */
export interface HeaderName {
  readonly message: MessageName;
  readonly header: string;
  readonly subfield: string | null;
}

/** Takes `req.http.Cookie:session` apart; `null` for any other name. */
export function parseHeaderName(name: string): HeaderName | null {
  const match = HEADER_VARIABLE.exec(name);
  const [, message = "", header = "", subfield] = match ?? [];
  if (match === null || !isMessageName(message)) return null;
  return { message, header, subfield: subfield ?? null };
}

/**
 * A value as it can stand in a header line: it ends at the first line break or NUL, so VCL cannot smuggle a second
 * line into a message (reference/vcl/types/string: NUL ends a string).
 */
export function headerText(value: string): string {
  if (value.length > SCANNED_BY_HAND) return value.slice(0, endOfText(value));
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 10 || code === 13 || code === 0) return value.slice(0, i);
  }
  return value;
}

/** Characters up to which a loop is faster than three searches. */
const SCANNED_BY_HAND = 40;

function endOfText(value: string): number {
  let end = value.length;
  for (const stop of ["\n", "\r", "\0"]) {
    const at = value.indexOf(stop);
    if (at !== -1 && at < end) end = at;
  }
  return end;
}

/** Writes one header line and charges it; `null` takes the header away. */
export function writeHeader(t: Transaction, to: HeaderPlace, value: string | null): void {
  if (value === null) {
    headersOf(t, to.message)?.unsetLower(to.lower);
    return;
  }
  writeText(t, to, headerText(value));
}

/** The same for a text that is as `headerText` makes it. */
export function writeText(t: Transaction, to: HeaderPlace, clean: string): void {
  const headers = headersOf(t, to.message);
  if (headers === null) return;
  chargeHeader(t, to.header, clean);
  headers.setLower(to.header, to.lower, clean);
  checkHeaderCount(headers, kindOf(to.message));
}

/** Where a header is whose name only the running program knows. */
export function headerPlace(message: MessageName, header: string): HeaderPlace {
  return { message, header, lower: lowerName(header) };
}

/** Adds one more header line and charges it. */
export function addHeader(t: Transaction, to: Omit<HeaderName, "subfield">, value: string): void {
  const headers = headersOf(t, to.message);
  if (headers === null) return;
  const clean = headerText(value);
  chargeHeader(t, to.header, clean);
  headers.add(to.header, clean);
  checkHeaderCount(headers, kindOf(to.message));
}

function kindOf(message: MessageName): "request" | "response" {
  return message === "req" || message === "bereq" ? "request" : "response";
}

/** The row of one header, made when a program names it. */
export function headerVariable(name: string): VariableRow | undefined {
  const parsed = parseHeaderName(name);
  if (parsed === null) return undefined;
  const { message, header, subfield } = parsed;
  const scopes = MESSAGE_SCOPES[message];
  const page = {
    req: "client-request",
    bereq: "backend-request",
    beresp: "backend-response",
    obj: "cache-object",
  };
  const options = {
    name,
    read: scopes,
    write: message === "resp" ? "deliver log" : scopes,
    unset: scopes,
    category: message === "resp" ? "client-response" : page[message],
  };
  const row = stringVariable(
    options,
    subfield === null ? wholeHeader(message, header) : oneSubfield(parsed, subfield),
  );
  const doc = `reference/vcl/variables/${options.category}/${message}-http`;
  if (subfield !== null) return { ...row, doc };
  return { ...row, doc, header: headerPlace(message, header) };
}

function wholeHeader(message: MessageName, header: string): Parameters<typeof stringVariable>[1] {
  const to = headerPlace(message, header);
  const { lower } = to;
  const set = (t: Transaction, value: string | null): void => writeHeader(t, to, value);
  const clear = isFamily(lower)
    ? (t: Transaction): void => headersOf(t, message)?.unset(lower)
    : (t: Transaction): void => headersOf(t, message)?.unsetLower(lower);
  if (message === "req") return { get: (t) => t.req.headers.getLower(lower), set, clear };
  return { get: (t) => headersOf(t, message)?.getLower(lower) ?? null, set, clear };
}

/** `X-*`, which `unset` takes for every name that begins so. */
export function isFamily(lower: string): boolean {
  return lower.endsWith("*");
}

function oneSubfield(parsed: HeaderName, subfield: string): Parameters<typeof stringVariable>[1] {
  const { message, header } = parsed;
  const place = headerPlace(message, header);
  const { lower } = place;
  const separator = separatorOf(lower);
  const clear = (t: Transaction): void => {
    const value = headersOf(t, message)?.getLower(lower) ?? null;
    if (value === null || readSubfield(value, subfield, separator) === null) return;
    writeHeader(t, place, removeSubfield(value, subfield, separator));
  };
  return {
    get: (t) => {
      const value = headersOf(t, message)?.getLower(lower) ?? null;
      return value === null ? null : readSubfield(value, subfield, separator);
    },
    set: (t, value) => {
      if (value === null) return clear(t);
      const old = headersOf(t, message)?.getLower(lower) ?? null;
      writeHeader(t, place, writeSubfield(old, { name: subfield, value, separator }));
    },
    clear,
  };
}

/** Scopes of a message's headers. */
export function messageScopes(message: MessageName): VariableRow["read"] {
  return scopesOf(MESSAGE_SCOPES[message]);
}

/** `req.headers` and its like: words that functions take, without a value of their own. */
export const COLLECTION_VARIABLES: readonly VariableRow[] = (
  [
    ["req.headers", "client-request", "all"],
    ["bereq.headers", "backend-request", "miss pass fetch"],
    ["beresp.headers", "backend-response", "fetch"],
    ["obj.headers", "cache-object", "hit error"],
    ["resp.headers", "client-response", "deliver log"],
  ] as const
).map(([name, category, read]) => knownVariable("ID", { name, category, read }));
