import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

import { SitefleetError } from "../lib/errors.ts";
import type { FileBody, PutInput } from "./object-store.ts";

/** Whether a body is a file on this machine. */
export function isFileBody(body: PutInput["body"]): body is FileBody {
  return typeof body !== "string" && !(body instanceof Uint8Array);
}

/**
 * Reads a file body whole.
 * @throws SitefleetError `publish/file-changed` when the file is gone or is not what was scanned
 */
export async function readFileBody(file: FileBody): Promise<Uint8Array> {
  let body: Uint8Array;
  try {
    body = await readExactly(file);
  } catch (error) {
    throw fileChanged(file.path, error);
  }
  if (createHash("sha256").update(body).digest("hex") !== file.sha256)
    throw fileChanged(file.path, undefined);
  return body;
}

/** No more is read than one byte over the size, however much the file has grown. */
async function readExactly({ path, size }: FileBody): Promise<Uint8Array> {
  const handle = await open(path, "r");
  try {
    const bytes = Buffer.allocUnsafe(size + 1);
    let length = 0;
    while (length <= size) {
      const { bytesRead } = await handle.read(bytes, length, size + 1 - length, null);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await handle.close();
  }
}

/** The error of a file that is not what was scanned. */
export function fileChanged(path: string, cause: unknown): SitefleetError {
  return new SitefleetError("publish/file-changed", `"${path}" changed while it was being published`, {
    cause,
    hint: "nothing was published; wait until the build has ended and run the command again",
  });
}
