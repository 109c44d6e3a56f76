import { assertNever } from "../../lib/errors.ts";
import { lowerName } from "../../http/header-list.ts";
import type { HeaderList } from "../../http/header-list.ts";
import type { VariableRow } from "../catalog-rows.ts";
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
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 10 || code === 13 || code === 0) return value.slice(0, i);
  }
  return value;
}

/** Writes one header line and charges it; `null` takes the header away. */
export function writeHeader(t: Transaction, to: Omit<HeaderName, "subfield">, value: string | null): void {
  const headers = headersOf(t, to.message);
  if (headers === null) return;
  if (value === null) {
    headers.unset(to.header);
    return;
  }
  const clean = headerText(value);
  chargeHeader(t, to.header, clean);
  headers.set(to.header, clean);
  checkHeaderCount(headers, kindOf(to.message));
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
  return { ...row, doc, header: { message, header, lower: lowerName(header) } };
}

function wholeHeader(message: MessageName, header: string): Parameters<typeof stringVariable>[1] {
  const lower = lowerName(header);
  const to = { message, header };
  const set = (t: Transaction, value: string | null): void => writeHeader(t, to, value);
  const clear = (t: Transaction): void => headersOf(t, message)?.unset(lower);
  if (message === "req") return { get: (t) => t.req.headers.getLower(lower), set, clear };
  return { get: (t) => headersOf(t, message)?.getLower(lower) ?? null, set, clear };
}

function oneSubfield(parsed: HeaderName, subfield: string): Parameters<typeof stringVariable>[1] {
  const { message, header } = parsed;
  const lower = lowerName(header);
  const separator = separatorOf(lower);
  const clear = (t: Transaction): void => {
    const value = headersOf(t, message)?.getLower(lower) ?? null;
    if (value === null || readSubfield(value, subfield, separator) === null) return;
    writeHeader(t, parsed, removeSubfield(value, subfield, separator));
  };
  return {
    get: (t) => {
      const value = headersOf(t, message)?.getLower(lower) ?? null;
      return value === null ? null : readSubfield(value, subfield, separator);
    },
    set: (t, value) => {
      if (value === null) return clear(t);
      const old = headersOf(t, message)?.getLower(lower) ?? null;
      writeHeader(t, parsed, writeSubfield(old, { name: subfield, value, separator }));
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
