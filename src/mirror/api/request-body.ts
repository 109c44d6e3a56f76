import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { ApiError, badRequest } from "./api-error.ts";

/** Largest body taken: a batch of 1,000 dictionary items of 8,000 characters, percent-encoded VCL of 1 MB. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

const objectSchema = z.record(z.string(), z.unknown());

/** The fields of a form or JSON body (forms where the type is not said, as curl and Fastly do). Throws 400 and 413. */
export async function readBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await readBytes(request);
  if (bytes.length === 0) return {};
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const text = bytes.toString("utf8");
  return type === "application/json" || type.endsWith("+json") ? parseJson(text) : parseForm(text);
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function tooLarge(): ApiError {
  return new ApiError(413, "Request entity too large", `the limit is ${MAX_BODY_BYTES} bytes`);
}

function parseJson(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badRequest("the body is not valid JSON");
  }
  const object = objectSchema.safeParse(value);
  if (!object.success) throw badRequest("the body is not a JSON object");
  return object.data;
}

function parseForm(text: string): Readonly<Record<string, unknown>> {
  return Object.fromEntries(new URLSearchParams(text));
}
