import { forEachLimit } from "../lib/for-each-limit.ts";
import type { SitefleetError } from "../lib/errors.ts";
import { printable } from "../site/names.ts";
import type { ListedEntry, ObjectStore } from "../store/object-store.ts";
import { archiveTooLarge, invalidPrefix } from "./archive-guard.ts";
import type { ArchiveLimits } from "./archive-guard.ts";
import { readEntryPath } from "./entry-path.ts";
import { newFolder } from "./new-folder.ts";

/**
 * Prefix of what others put into the hosting bucket to be published as a site. A website environment's name begins with
 * a letter, so no visitor's path and no other site's release is ever below it.
 */
export function incomingPrefix(serverEnv: string, site: string): string {
  return `${serverEnv}/_incoming/${site}/`;
}

export interface DownloadInput {
  readonly hosting: ObjectStore;
  /** All of it, from the bucket's root, ending in `/`. */
  readonly prefix: string;
  /** An empty folder that nobody else can reach. */
  readonly to: string;
  readonly limits: ArchiveLimits;
  readonly signal: AbortSignal;
}

const PARALLEL_READS = 16;
/** Bytes in memory at a time; the store gives an object whole. */
const READ_BUDGET = 64 * 1024 * 1024;

/**
 * Copies what is below a prefix into a folder.
 * @returns how many files there are
 * @throws SitefleetError `hook/invalid-archive`
 */
export async function downloadPrefix(input: DownloadInput): Promise<number> {
  const { hosting, prefix, signal } = input;
  const invalid = (reason: string): SitefleetError => invalidPrefix(prefix, reason);
  const folder = newFolder(input.to, { ...input.limits, invalid });
  let files = 0;
  const options = { limit: PARALLEL_READS, budget: READ_BUDGET, weightOf: sizeOf, signal };
  const entries = withinLimits(hosting.list({ prefix, signal }), input.limits);
  await forEachLimit(entries, options, async (entry) => {
    if (entry.kind !== "object") return;
    const name = entry.key.slice(prefix.length);
    const read = readEntryPath(name);
    if (read.kind === "refused") throw invalid(read.reason);
    // Consoles make an empty object that ends in `/` and call it a folder.
    if (read.segments.length === 0 || name.endsWith("/")) return;
    const found = await hosting.get({ key: entry.key, signal });
    if (found.kind === "not-found" || found.body.length !== entry.size) {
      throw invalid(`"${printable(name)}" was changed while it was read`);
    }
    await folder.writeFile(read.segments, { body: found.body, name });
    files += 1;
  });
  if (files === 0) throw invalid("there is no file");
  return files;
}

function sizeOf(entry: ListedEntry): number {
  return entry.kind === "object" ? entry.size : 0;
}

async function* withinLimits(
  entries: AsyncIterable<ListedEntry>,
  limits: ArchiveLimits,
): AsyncGenerator<ListedEntry> {
  let count = 0;
  let bytes = 0;
  for await (const entry of entries) {
    count += 1;
    bytes += sizeOf(entry);
    if (count > limits.entries) throw archiveTooLarge(`has more than ${limits.entries} objects`);
    if (bytes > limits.unpackedBytes) throw archiveTooLarge(`has more than ${limits.unpackedBytes} bytes`);
    yield entry;
  }
}
