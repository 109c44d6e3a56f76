import { z } from "zod";

import { parseJson } from "../../lib/json.ts";
import { isReleaseId } from "../../site/names.ts";
import { pageMetadata } from "../../site/object-metadata.ts";
import { REDIRECT_STATUSES } from "../../site/rule-slots.ts";
import { key } from "./manifest-line.ts";
import { redirectObject } from "./redirect-object.ts";
import type { LocatedObject, Manifest, SourceFile } from "./release-object.ts";

const headSchema = z.strictObject({
  format: z.literal(1),
  release: z.string().refine(isReleaseId),
  folderRules: z.string().optional(),
});
const fileSchema = z.strictObject({
  key,
  canonical: z.string(),
  size: z.int().min(0),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  contentType: z.string(),
  cacheControl: z.string(),
  hidden: z.literal(true).optional(),
});
const redirectSchema = z.strictObject({
  key,
  location: z.string(),
  status: z.literal([...REDIRECT_STATUSES]),
  text: z.string(),
});
const lineSchema = z.union([fileSchema, redirectSchema]);

/**
 * Reads a manifest of the first format, which knew only releases with everything below their own prefix and kept no file
 * paths.
 */
export function readFirstManifest(text: string): Manifest | undefined {
  const [first = "", ...lines] = text.split("\n").filter((line) => line !== "");
  const head = headSchema.safeParse(parseJson(first));
  if (!head.success) return undefined;
  const { release, folderRules } = head.data;
  const objects = new Map<string, LocatedObject>();
  const files: SourceFile[] = [];
  for (const line of lines) {
    const parsed = lineSchema.safeParse(parseJson(line));
    if (!parsed.success) return undefined;
    const { data } = parsed;
    if ("location" in data) objects.set(data.key, { ...redirectObject(data), at: release });
    else {
      files.push(sourceFile(data));
      if (!data.hidden) objects.set(data.key, fileObject(data, release));
    }
  }
  const control = new Map(folderRules === undefined ? [] : [["_redirects", folderRules] as const]);
  return { release, base: release, control, objects, files, ghosts: [] };
}

function fileObject(file: z.output<typeof fileSchema>, at: string): LocatedObject {
  const { contentType, cacheControl, size, hash } = file;
  const metadata = pageMetadata(file.canonical);
  return { key: file.key, size, hash, headers: { contentType, cacheControl }, metadata, at };
}

function sourceFile(file: z.output<typeof fileSchema>): SourceFile {
  const { size, hash, contentType } = file;
  return { key: file.key, path: filePath(file), size, hash, contentType };
}

/** The path that a file most likely had: of the spellings of one key the canonical path tells index pages apart. */
function filePath(file: z.output<typeof fileSchema>): string {
  if (!file.key.endsWith(".html") || file.key === "index.html") return file.key;
  return file.canonical.endsWith("/") ? `${file.key.slice(0, -".html".length)}/index.html` : file.key;
}
