import { brotliDecompressSync, gunzipSync } from "node:zlib";
import type { Asked } from "./buckets.ts";
import type { Seen, Stored } from "./edge.ts";

/** An answer in the form in which two are compared; what may differ is taken out of it piece by piece. */
export interface View {
  status: number;
  /** By name in lower case; several lines of a name with a comma between them. */
  readonly headers: Map<string, string>;
  /** Decoded where the edge has encoded it, one character a byte. */
  body: string;
  asked: readonly Asked[];
  stored: readonly Stored[];
  alarms: readonly Readonly<Record<string, unknown>>[];
  /** The line of the request, field by field. */
  readonly line: Map<string, unknown>;
}

/** What differs between two answers. */
export interface Finding {
  /** `status`, `header etag`, `body`, `asked`, `stored`, `alarms` or `log phase`. */
  readonly what: string;
  readonly vcl: string;
  readonly compute: string;
}

/** @throws Error where the body is not of the coding that its header names */
export function viewOf({ status, headers, body, asked, stored, lines }: Seen): View {
  const shown = new Map<string, string>();
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    const before = shown.get(lower);
    shown.set(lower, before === undefined ? value : `${before}, ${value}`);
  }
  const [line = {}] = lines.filter((one) => !("alarm" in one));
  return {
    status,
    headers: shown,
    // A part of what is encoded cannot be decoded.
    body: (status === 206 ? body : decoded(body, shown.get("content-encoding"))).toString("latin1"),
    asked,
    stored,
    alarms: lines.filter((one) => one !== line),
    line: new Map(Object.entries(line)),
  };
}

/** What an object's own coding says is not looked at: such a body begins with its name in clear. */
function decoded(body: Buffer, coding: string | undefined): Buffer {
  if (body.length === 0) return body;
  if (coding === "br" && !isPlain(body)) return brotliDecompressSync(body);
  return coding === "gzip" && !isPlain(body) ? gunzipSync(body) : body;
}

/** Objects of ours are never packed themselves, whatever they say. */
function isPlain(body: Buffer): boolean {
  return /^(?:object |<)/.test(body.toString("latin1", 0, 7));
}

/** All in which two views differ. */
export function findingsOf(vcl: View, compute: View): readonly Finding[] {
  const findings: Finding[] = [];
  const compare = (what: string, a: unknown, b: unknown): void => {
    const [left, right] = [textOf(a), textOf(b)];
    if (left !== right) findings.push({ what, vcl: left, compute: right });
  };
  compare("status", vcl.status, compute.status);
  for (const name of keysOf(vcl.headers, compute.headers)) {
    compare(`header ${name}`, vcl.headers.get(name), compute.headers.get(name));
  }
  compare("body", vcl.body, compute.body);
  compare("asked", vcl.asked, compute.asked);
  compare("stored", vcl.stored, compute.stored);
  compare("alarms", vcl.alarms, compute.alarms);
  for (const name of keysOf(vcl.line, compute.line)) {
    compare(`log ${name}`, vcl.line.get(name), compute.line.get(name));
  }
  return findings;
}

function keysOf(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): readonly string[] {
  return [...new Set([...a.keys(), ...b.keys()])].sort();
}

/** Lists one a line. */
function textOf(value: unknown): string {
  if (value === undefined) return "(none)";
  if (typeof value === "string") return value;
  return Array.isArray(value) ? value.map((one) => JSON.stringify(one)).join("\n") : JSON.stringify(value);
}
