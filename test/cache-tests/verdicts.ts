import type { CaseRequest } from "./cases.ts";
import type { ClientResponse } from "./client.ts";
import type { OriginSaw } from "./scripted-origin.ts";
import { wireValue } from "./wire-values.ts";

/** A check that did not hold: of what the case is about (`Assertion`), or of what it takes for granted (`Setup`). */
export class Unmet extends Error {
  override readonly name = "Unmet";
  readonly kind: "Assertion" | "Setup";

  constructor(kind: "Assertion" | "Setup", text: string) {
    super(text);
    this.kind = kind;
  }
}

interface Check {
  readonly setup: boolean;
  readonly text: string;
}

function check(holds: boolean, { setup, text }: Check): void {
  if (!holds) throw new Unmet(setup ? "Setup" : "Assertion", text);
}

function isSetup(request: CaseRequest, field: string): boolean {
  return request.setup || request.setup_tests.includes(field);
}

/** One request of a case, counted from 1, with what the client got. */
export interface Received {
  readonly number: number;
  readonly request: CaseRequest;
  readonly response: ClientResponse;
  /** The body that an origin sends when the case names none. */
  readonly token: string;
}

/** Checks what the client got, in the order in which the published results were made: the first failure counts. */
export function checkResponse(received: Received): void {
  const numbers = received.response.headers.get("request-numbers")?.split(" ") ?? [];
  check(new Set(numbers).size === numbers.length, { setup: true, text: "retry" });
  checkSource(received);
  checkStatus(received);
  checkHeaders(received);
  checkInterim(received);
  checkBody(received);
}

function checkSource({ number, request, response }: Received): void {
  const setup = isSetup(request, "expected_type");
  const count = Number.parseInt(response.headers.get("server-request-count") ?? "", 10);
  if (request.expected_type === "cached" && !(response.status === 304 && Number.isNaN(count))) {
    check(count < number, { setup, text: `Response ${number} does not come from cache` });
  }
  if (request.expected_type === "not_cached") {
    check(count === number, { setup, text: `Response ${number} comes from cache` });
  }
}

function checkStatus({ number, request, response }: Received): void {
  const { status } = response;
  const differs = (wanted: number): string => `Response ${number} status is ${status}, not ${wanted}`;
  if (request.expected_status !== undefined) {
    const wanted = request.expected_status;
    if (wanted === null) return;
    check(status === wanted, { setup: isSetup(request, "expected_status"), text: differs(wanted) });
  } else if (request.response_status !== undefined) {
    const [wanted] = request.response_status;
    check(status === wanted, { setup: true, text: differs(wanted) });
  } else if (status === 999) {
    const text = `Request ${number} should have been conditional, but it was not.`;
    check(false, { setup: isSetup(request, "expected_type"), text });
  } else {
    check(status === 200, { setup: true, text: differs(200) });
  }
}

function checkHeaders(received: Received): void {
  const { number, request, response } = received;
  const setup = isSetup(request, "expected_response_headers");
  for (const header of request.expected_response_headers) {
    const name = typeof header === "string" ? header : header[0];
    const found = response.headers.get(name.toLowerCase());
    if (typeof header === "string" || header.length === 3) {
      check(found !== undefined, { setup, text: `Response ${number} ${name} header not present.` });
    }
    if (typeof header === "string") continue;
    const text = `Response ${number} header ${name} is "${found}", not "${header.slice(1).join(" ")}"`;
    check(headerHolds(header, found, received), { setup, text });
  }
  for (const header of request.expected_response_headers_missing) {
    // A name with a value was meant for "not with this value"; the published results never looked at it.
    if (typeof header !== "string") continue;
    check(!response.headers.has(header.toLowerCase()), {
      setup: isSetup(request, "expected_response_headers_missing"),
      text: `Response ${number} includes unexpected header ${header}`,
    });
  }
}

function headerHolds(
  header: readonly [string, string | number] | readonly [string, "=" | ">", string | number],
  found: string | undefined,
  { request, response }: Received,
): boolean {
  if (header.length === 2) {
    const now = Number(response.headers.get("server-now"));
    const baseUrl = response.headers.get("server-base-url") ?? "";
    const capability = response.headers.get("capability-seen") ?? "";
    return found === wireValue(header, request, { now, baseUrl, capability });
  }
  const [, operator, other] = header;
  if (operator === "=") return found === response.headers.get(String(other).toLowerCase());
  return Number.parseInt(found ?? "", 10) > Number(other);
}

function checkInterim({ request, response }: Received): void {
  const expected = request.expected_interim_responses;
  if (expected === undefined) return;
  const setup = isSetup(request, "expected_interim_responses");
  for (const [at, [status, headers = []]] of expected.entries()) {
    const text = `Interim response ${at + 1} not received`;
    const [found, lines] = response.interim[at] ?? [null, new Map<string, string>()];
    check(found === status, { setup, text });
    for (const [name, value] of headers) check(lines.get(name.toLowerCase()) === value, { setup, text });
  }
  const text = `Received ${response.interim.length} interim response(s), expected ${expected.length}`;
  check(response.interim.length === expected.length, { setup, text });
}

function checkBody({ number, request, response, token }: Received): void {
  const { status, body } = response;
  if (!request.check_body) return;
  const wanted = request.expected_response_text;
  if (wanted !== undefined) {
    const setup = isSetup(request, "expected_response_text");
    check(wanted === null || body === wanted, { setup, text: `Response body is "${body}", not "${wanted}"` });
    return;
  }
  const own = request.response_body ?? null;
  if (own === null && (status === 204 || status === 304 || request.request_method === "HEAD")) return;
  const sent = own ?? token;
  check(body === sent, { setup: true, text: `Response ${number} body is "${body}", not "${sent}"` });
}

/** Checks what the origin saw against what the client got; to be called after the last request. */
export function checkOrigin(received: readonly Received[], seen: readonly OriginSaw[]): void {
  let at = 0;
  for (const one of received) {
    const { request, number } = one;
    // The origin does not see it.
    if (request.expected_type === "cached") continue;
    const saw = seen[at];
    at += 1;
    checkReached(one, saw);
    checkRequestHeaders(one, saw);
    for (const [name, value] of saw?.sent ?? []) {
      const found = one.response.headers.get(name.toLowerCase()) ?? null;
      if (name.toLowerCase() === "date") continue;
      const text = `Response ${number} header ${name} is "${found}", not "${value}"`;
      check(found === value, { setup: true, text });
    }
    if (request.expected_method !== undefined) {
      const text = `Request ${number} had method ${saw?.method}, not ${request.expected_method}`;
      check(saw?.method === request.expected_method, { setup: isSetup(request, "expected_method"), text });
    }
  }
}

const VALIDATING = { etag_validated: "if-none-match", lm_validated: "if-modified-since" } as const;

function checkReached({ request, number }: Received, saw: OriginSaw | undefined): void {
  const setup = isSetup(request, "expected_type");
  const type = request.expected_type;
  if (type === "not_cached") {
    const text = `Response ${number} comes from cache (${saw?.number} on server)`;
    check(saw?.number === number, { setup, text });
  }
  if (type !== "etag_validated" && type !== "lm_validated") return;
  check(saw !== undefined, { setup, text: `request ${number} wasn't sent to server` });
  const name = VALIDATING[type];
  check(saw?.headers[name] !== undefined, { setup, text: `request ${number} doesn't have ${name} header` });
}

function checkRequestHeaders({ request, number }: Received, saw: OriginSaw | undefined): void {
  const setup = isSetup(request, "expected_request_headers");
  for (const header of request.expected_request_headers) {
    const name = typeof header === "string" ? header : header[0];
    const found = saw?.headers[name.toLowerCase()];
    const holds = typeof header === "string" ? found !== undefined : found === header[1];
    check(holds, { setup, text: `Request ${number} header ${name} is "${String(found)}"` });
  }
  for (const header of request.expected_request_headers_missing) {
    const name = typeof header === "string" ? header : header[0];
    const found = saw?.headers[name.toLowerCase()];
    const holds = typeof header === "string" ? found === undefined : found !== header[1];
    check(holds, {
      setup: isSetup(request, "expected_request_headers_missing"),
      text: `Request ${number} header ${name} is "${String(found)}"`,
    });
  }
}
