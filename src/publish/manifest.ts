import { z } from "zod";

import { SitefleetError } from "../lib/errors.ts";
import { manifestKey } from "../site/layout.ts";
import { REDIRECT_STATUSES } from "../site/rule-slots.ts";
import type { RedirectObject } from "../site/redirect-plan.ts";
import { placeOf } from "./publish-deps.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";

/** A file of a release. */
export interface ReleaseFile {
  /** Page key, decoded. */
  readonly key: string;
  /** Canonical URL path, encoded. */
  readonly canonical: string;
  readonly size: number;
  /** Hex SHA-256 of the content. */
  readonly hash: string;
  readonly contentType: string;
  readonly cacheControl: string;
  /** The file has no object: a redirect of the folder stands in its place. */
  readonly hidden?: true;
}

/** What a release holds: enough to make the next one from it without the folder. */
export interface Manifest {
  readonly release: string;
  /** Text of the folder's `_redirects`. */
  readonly folderRules: string | undefined;
  readonly files: readonly ReleaseFile[];
  readonly redirects: readonly RedirectObject[];
}

const headSchema = z.strictObject({
  format: z.literal(1),
  release: z.string(),
  folderRules: z.string().optional(),
});
const lineSchema = z.union([
  z.strictObject({
    key: z.string(),
    canonical: z.string(),
    size: z.int(),
    hash: z.string(),
    contentType: z.string(),
    cacheControl: z.string(),
    hidden: z.literal(true).optional(),
  }),
  z.strictObject({
    key: z.string(),
    location: z.string(),
    status: z.literal([...REDIRECT_STATUSES]),
    text: z.string(),
  }),
]);

/** One JSON document a line: the head, then files and redirects. */
export function manifestText(manifest: Manifest): string {
  const { release, folderRules, files, redirects } = manifest;
  const head = { format: 1, release, ...(folderRules === undefined ? {} : { folderRules }) };
  return [head, ...files, ...redirects].map((line) => `${JSON.stringify(line)}\n`).join("");
}

/**
 * Reads a manifest's text.
 * @throws SitefleetError `site/unreadable`
 */
export function parseManifest(key: string, text: string): Manifest {
  const [first = "", ...lines] = text.split("\n").filter((line) => line !== "");
  const head = headSchema.safeParse(parseLine(first));
  if (!head.success) throw unreadable(key);
  const files: ReleaseFile[] = [];
  const redirects: RedirectObject[] = [];
  for (const line of lines) {
    const parsed = lineSchema.safeParse(parseLine(line));
    if (!parsed.success) throw unreadable(key);
    if ("location" in parsed.data) redirects.push(parsed.data);
    else {
      const { hidden, ...file } = parsed.data;
      files.push(hidden ? { ...file, hidden } : file);
    }
  }
  return { release: head.data.release, folderRules: head.data.folderRules, files, redirects };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function unreadable(key: string): SitefleetError {
  return new SitefleetError(
    "site/unreadable",
    `"${key}" is missing or not a manifest that this version can read`,
    {
      hint: "publish the site's folder again; that writes a new one",
    },
  );
}

export async function readManifest(deps: PublishDeps, ref: SiteRef, release: string): Promise<Manifest> {
  const key = manifestKey(placeOf(deps, ref), release);
  const found = await deps.store.config.get({ key, signal: deps.signal });
  if (found.kind === "not-found") throw unreadable(key);
  return parseManifest(key, Buffer.from(found.body).toString("utf8"));
}

export async function writeManifest(deps: PublishDeps, ref: SiteRef, manifest: Manifest): Promise<void> {
  await deps.store.config.put({
    key: manifestKey(placeOf(deps, ref), manifest.release),
    body: manifestText(manifest),
    headers: { contentType: "application/x-ndjson" },
    signal: deps.signal,
  });
}
