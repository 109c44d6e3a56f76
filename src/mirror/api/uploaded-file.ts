import { Response } from "undici";
import { badRequest } from "./api-error.ts";
import type { ApiRequest } from "./exchange.ts";

/** The file that a multipart form has under a name; `null` when it has none. Throws 400 for what is no such form. */
export async function readUploadedFile(
  { headers, bytes }: Pick<ApiRequest, "headers" | "bytes">,
  name: string,
): Promise<Buffer | null> {
  const type = headers["content-type"] ?? "";
  if (!/^multipart\/form-data\s*;/i.test(type)) throw badRequest("the body is not multipart/form-data");
  const form = await readForm(bytes, type);
  const part = form.get(name);
  if (part === null) return null;
  return typeof part === "string" ? Buffer.from(part, "utf8") : Buffer.from(await part.arrayBuffer());
}

async function readForm(bytes: Uint8Array, type: string): Promise<Awaited<ReturnType<Response["formData"]>>> {
  try {
    return await new Response(bytes, { headers: { "content-type": type } }).formData();
  } catch (error) {
    // Whatever a form is made of, one that cannot be read is its sender's.
    if (error instanceof TypeError) throw badRequest("the body is not a readable multipart form");
    throw error;
  }
}
