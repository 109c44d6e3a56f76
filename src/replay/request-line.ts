import { z } from "zod";
import { toByteString } from "../http/byte-string.ts";
import type { HeaderLine } from "../http/header-list.ts";
import { parseJson } from "../lib/json.ts";
import { findCountry } from "../mirror/edge/countries.ts";
import { parseFault } from "./origin-fault.ts";
import type { ReplayRequest } from "./request.ts";

/** A line of a file of requests. */
export type RequestLine =
  | { readonly kind: "request"; readonly request: ReplayRequest }
  | { readonly kind: "bad"; readonly line: number; readonly reason: string };

const URL_PARTS = /^(https?):\/\/([^/?#\s]+)([^#\s]*)$/i;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;

const method = z.string().regex(/^[A-Z-]{1,32}$/, "is no HTTP method in capitals");
const url = z.string().max(16_384).regex(URL_PARTS, "is no absolute http(s) URL without a fragment");
const headerValue = z.string().regex(/^[^\r\n\0]*$/, "has a line break");
const headers = z.record(z.string().regex(HEADER_NAME), z.union([headerValue, z.array(headerValue)]));
const country = z.string().refine((code) => findCountry(code) !== undefined, "is no ISO 3166-1 country code");
const shield = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "is no shield code such as iad-va-us");
const fault = z
  .string()
  .refine(
    (text) => parseFault(text) !== undefined,
    "is no fault such as hosting-503 or config-timeout-everywhere",
  );
const time = z.union([z.iso.datetime({ offset: true }), z.int().min(0)]);

/** A request as docs/replay.md describes it. */
const requestSchema = z.strictObject({
  url,
  method: method.default("GET"),
  headers: headers.default({}),
  tls: z.boolean().optional(),
  country: country.optional(),
  shield: shield.optional(),
  fault: fault.optional(),
  time: time.optional(),
});

/** What our own VCL logs of each request (templates/log.vcl.njk); its other fields say what became of it. */
const logSchema = z.looseObject({
  time: z.string().optional(),
  domain: z.string().min(1, "is empty: the request named no host that could be looked up"),
  method,
  path: z.string().startsWith("/", "is empty: the request was refused before its path was read"),
});

/** What stands before a line that Fastly sent in its classic format (guides: changing log line formats). */
const SYSLOG_HEAD = /^<\d{1,3}>[^{]{0,400}(?=\{)/;

/** Reads one line; what is no request says why. */
export function readRequestLine(text: string, line: number): RequestLine {
  const value = parseJson(text.replace(SYSLOG_HEAD, ""));
  if (value === undefined) return { kind: "bad", line, reason: "is not JSON" };
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { kind: "bad", line, reason: "is no JSON object" };
  }
  return "domain" in value && !("url" in value) ? fromLog(value, line) : fromRequest(value, line);
}

function fromRequest(value: object, line: number): RequestLine {
  const parsed = requestSchema.safeParse(value);
  if (!parsed.success) return bad(parsed.error, line);
  const { data } = parsed;
  const [, scheme = "", host = "", rest = ""] = URL_PARTS.exec(toByteString(data.url)) ?? [];
  const known = data.country === undefined ? undefined : findCountry(data.country);
  const failing = data.fault === undefined ? undefined : parseFault(data.fault);
  return {
    kind: "request",
    request: {
      about: "line",
      line,
      host,
      method: data.method,
      target: rest.startsWith("/") ? rest : `/${rest}`,
      tls: data.tls ?? scheme.toLowerCase() === "https",
      headers: headerLines(data.headers),
      ...(known === undefined ? {} : { country: known }),
      ...(data.shield === undefined ? {} : { shield: data.shield }),
      ...(failing === undefined ? {} : { fault: failing }),
      ...(data.time === undefined ? {} : { at: timeOf(data.time) }),
    },
  };
}

/** A line of the log has neither scheme nor query nor headers: it is replayed as a plain HTTPS request. */
function fromLog(value: object, line: number): RequestLine {
  const parsed = logSchema.safeParse(value);
  if (!parsed.success) return bad(parsed.error, line);
  const { domain, path, ...data } = parsed.data;
  const at = Date.parse(data.time ?? "");
  return {
    kind: "request",
    request: {
      about: "log line",
      line,
      host: toByteString(domain),
      method: data.method,
      target: toByteString(path),
      tls: true,
      headers: [],
      ...(Number.isNaN(at) ? {} : { at }),
    },
  };
}

/** The host of a URL is a header of its own; every other one may come several times. */
function headerLines(given: z.output<typeof headers>): readonly HeaderLine[] {
  return Object.entries(given).flatMap(([name, values]) =>
    name.toLowerCase() === "host"
      ? []
      : [values].flat().map((value): HeaderLine => [name, toByteString(value)]),
  );
}

function timeOf(value: z.output<typeof time>): number {
  return typeof value === "number" ? value : Date.parse(value);
}

function bad(error: z.ZodError, line: number): RequestLine {
  const problems = error.issues.map((issue) => {
    if (issue.code === "unrecognized_keys") return `has unknown fields: ${issue.keys.join(", ")}`;
    const message = issue.code === "invalid_key" ? "is no header name" : issue.message;
    return `"${issue.path.join(".")}" ${message}`;
  });
  return { kind: "bad", line, reason: problems.slice(0, 4).join("; ") };
}
