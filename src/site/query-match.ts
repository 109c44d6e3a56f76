import { encodePath } from "./page-key.ts";

/**
 * A condition on the request's query: the parameter has this value (`encodePath` form with `/` escaped too), or, with
 * `null`, it has any value, which is captured.
 */
export interface QueryMatch {
  /** Letters, digits and `-._~`: what every client spells the same way in a URL. */
  readonly name: string;
  readonly value: string | null;
}

/** Conditions that one rule may have. */
export const QUERY_MATCH_LIMIT = 2;

/** What a target calls the value of the first and of the second condition. */
export const QUERY_CAPTURES = ["a", "b"] as const;

const NAME = /^[A-Za-z0-9\-._~]{1,64}$/;
const LITERAL = /^(?:[A-Za-z0-9\-._~]|%[0-9A-F]{2})*$/;
/** Printable ASCII; escapes are complete and stand for no control character. */
const RAW_VALUE = /^(?:[!-$&-~]|%(?:[2-6][0-9A-Fa-f]|7[0-9A-Ea-e]|[89A-Fa-f][0-9A-Fa-f]))+$/;

/** A text as it stands for one value: everything but unreserved characters escaped, `/` too. */
export function encodeQueryValue(decoded: string): string {
  return encodePath(decoded).replaceAll("/", "%2F");
}

/** Whether a name can be asked for. */
export function isQueryName(name: string): boolean {
  return NAME.test(name);
}

/** Why conditions cannot stand in a rule, or `undefined`. */
export function queryProblem(query: readonly QueryMatch[]): string | undefined {
  if (query.length > QUERY_MATCH_LIMIT) {
    return `has ${query.length} conditions on the query, the limit is ${QUERY_MATCH_LIMIT}`;
  }
  if (query.some(({ name }) => !isQueryName(name))) return "has a query name that is not plain";
  if (new Set(query.map(({ name }) => name)).size < query.length) return "names a query parameter twice";
  const literals = query.flatMap(({ value }) => (value === null ? [] : [value]));
  return literals.every(isLiteral) ? undefined : "has a query value that is not percent-encoded";
}

function isLiteral(value: string): boolean {
  return LITERAL.test(value) && (value === "" || encodedValue(value) === value);
}

/** Conditions as they stand in a slot: `id={a}&lang=de`. */
export function queryText(query: readonly QueryMatch[]): string {
  return query
    .map(({ name, value }, index) => `${name}=${value ?? `{${QUERY_CAPTURES[index] ?? ""}}`}`)
    .join("&");
}

/** Reads what `queryText` wrote; `undefined` when it cannot have. */
export function parseQueryText(text: string): readonly QueryMatch[] | undefined {
  const query = text.split("&").map((part): QueryMatch => {
    const equals = part.indexOf("=");
    const value = part.slice(equals + 1);
    return { name: part.slice(0, Math.max(equals, 0)), value: /^\{[ab]\}$/.test(value) ? null : value };
  });
  return queryProblem(query) === undefined && queryText(query) === text ? query : undefined;
}

/**
 * The values of a rule's conditions in a request's query, or `undefined` when one of them is not met.
 *
 * A query (without its `?`) is split at `&`. A part without `=` has no value and counts for nothing; the first part
 * whose name, as it is spelled, is the condition's name gives the value, which is all behind the first `=`. `+` is a
 * plus sign. A value counts only when it is not empty, all printable ASCII, its escapes complete and not for control
 * characters, and its bytes UTF-8; it is then brought into one spelling: decoded, and all but unreserved characters
 * escaped again. The empty value meets only the empty literal.
 *
 * (In VCL: the first `=` part of `querystring.filter_except`, which compares names as they are spelled; then
 * `urlencode(urldecode(...))` with every `+` written `%2B`, and `utf8.is_valid`.)
 */
export function matchQuery(conditions: readonly QueryMatch[], query: string): readonly string[] | undefined {
  if (conditions.length === 0) return [];
  const values: string[] = [];
  for (const { name, value: wanted } of conditions) {
    const raw = firstValue(query, name);
    if (raw === undefined) return undefined;
    const value = raw === "" ? "" : encodedValue(raw);
    if (value === undefined || (wanted === null ? value === "" : value !== wanted)) return undefined;
    values.push(value);
  }
  return values;
}

function firstValue(query: string, name: string): string | undefined {
  const part = query.split("&").find((text) => text.startsWith(`${name}=`));
  return part?.slice(name.length + 1);
}

function encodedValue(raw: string): string | undefined {
  if (!RAW_VALUE.test(raw)) return undefined;
  try {
    return encodeQueryValue(decodeURIComponent(raw));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/**
 * The query that goes on to the target: without the parameters that were captured (every part of that name, also one
 * without `=`) and then without empty parts; unchanged when nothing was captured.
 */
export function keptQuery(conditions: readonly QueryMatch[], query: string): string {
  const taken = new Set(conditions.flatMap(({ name, value }) => (value === null ? [name] : [])));
  if (taken.size === 0) return query;
  return query
    .split("&")
    .filter((part) => part !== "" && !taken.has(part.replace(/=.*$/s, "")))
    .join("&");
}
