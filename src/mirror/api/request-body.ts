import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { isErrno } from "../../lib/caught.ts";
import { ApiError, badRequest } from "./api-error.ts";

/** Largest body taken: a batch of 1,000 dictionary items of 8,000 characters, percent-encoded VCL of 1 MB. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** A request's body, read: fields, or the bytes of a route that wants those. */
export interface ReadBody {
  readonly body: Readonly<Record<string, unknown>>;
  readonly bytes: Buffer;
}

const NO_BYTES = Buffer.alloc(0);
const objectSchema = z.record(z.string(), z.unknown());

/**
 * A body as a route wants it: its bytes where the route says how many there may be, else the fields of a form or JSON
 * (forms where the type is not said, as curl and Fastly do). Throws 400 and 413.
 */
export async function readBody(request: IncomingMessage, maxBytes: number | undefined): Promise<ReadBody> {
  const bytes = await readBytes(request, maxBytes ?? MAX_BODY_BYTES);
  return maxBytes === undefined ? { body: fieldsOf(request, bytes), bytes: NO_BYTES } : { body: {}, bytes };
}

function fieldsOf(request: IncomingMessage, bytes: Buffer): Readonly<Record<string, unknown>> {
  if (bytes.length === 0) return {};
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const text = bytes.toString("utf8");
  return type === "application/json" || type.endsWith("+json") ? parseJson(text) : parseForm(text);
}

async function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  if (isTooLarge(request, limit)) throw tooLarge(limit);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > limit) throw tooLarge(limit);
      chunks.push(bytes);
    }
  } catch (error) {
    // Whoever leaves in the middle of a body is no fault of ours, and hears no answer.
    throw isErrno(error, "ECONNRESET") ? badRequest("the request ended before its body") : error;
  }
  return Buffer.concat(chunks);
}

/** Whether a request says by itself that its body is over the limit. */
export function isTooLarge(request: IncomingMessage, maxBytes: number | undefined): boolean {
  return Number(request.headers["content-length"] ?? 0) > (maxBytes ?? MAX_BODY_BYTES);
}

function tooLarge(limit: number): ApiError {
  return new ApiError(413, "Request entity too large", `the limit is ${limit} bytes`);
}

/**
 * The text without lone surrogates, which `\ud800` in JSON makes: VCL has its UTF-8, where all of them are one and the
 * same, so two keys of a dictionary could become one.
 */
function unicode(text: string): string {
  return Buffer.from(text, "utf8").toString("utf8");
}

function parseJson(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text, (_key, part: unknown) => (typeof part === "string" ? unicode(part) : part));
  } catch {
    throw badRequest("the body is not valid JSON");
  }
  const object = objectSchema.safeParse(value);
  if (!object.success) throw badRequest("the body is not a JSON object");
  return object.data;
}

const BRACKETED = /^([^[\]]+)\[([^[\]]*)\]$/;

/**
 * A form's fields. `name[]=a&name[]=b` is a list and `name[key]=a` an object, as Fastly's API and its clients write
 * them (recorded: rate limiters); of a plain name said twice the last one counts.
 */
function parseForm(text: string): Readonly<Record<string, unknown>> {
  const plain: [string, string][] = [];
  const lists = new Map<string, string[]>();
  const objects = new Map<string, [string, string][]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const [, outer, inner] = BRACKETED.exec(name) ?? [];
    if (outer === undefined || inner === undefined) plain.push([name, value]);
    else if (inner === "") grouped(lists, outer).push(value);
    else grouped(objects, outer).push([inner, value]);
  }
  const nested = [...objects].map(([name, entries]) => [name, Object.fromEntries(entries)] as const);
  return Object.fromEntries([...plain, ...lists, ...nested]);
}

function grouped<T>(groups: Map<string, T[]>, name: string): T[] {
  const group = groups.get(name) ?? [];
  groups.set(name, group);
  return group;
}
