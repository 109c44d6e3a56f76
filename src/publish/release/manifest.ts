import { gunzipSync, gzipSync } from "node:zlib";
import { z } from "zod";

import { parseJson } from "../../lib/json.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { manifestKey } from "../../site/layout.ts";
import type { ReleaseEntry } from "../../site/model.ts";
import type { ObjectHeaders, WriteCondition } from "../../store/object-store.ts";
import { hash, readManifestLine, release } from "./manifest-line.ts";
import { readFirstManifest } from "./manifest-upgrade.ts";
import { placeOf } from "../publish-deps.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import type { Ghost, LocatedObject, Manifest, SourceFile } from "./release-object.ts";

const headers = z
  .strictObject({
    contentType: z.string(),
    cacheControl: z.string(),
    contentEncoding: z.string(),
    contentDisposition: z.string(),
    contentLanguage: z.string(),
  })
  .partial();

const headSchema = z.strictObject({
  format: z.literal(2),
  release,
  base: release,
  control: z.record(z.string(), z.string()),
  buckets: z.strictObject({ tag: release, digest: hash }).optional(),
  /** How many lines follow; absent = written before they were counted. */
  lines: z.int().min(0).optional(),
  /** Sets of headers, which lines name by their index: most objects share a few. */
  headers: z.array(headers),
});
/** Most bytes that a manifest may unpack to: some hundred thousand files. */
const TEXT_LIMIT = 256 * 1024 * 1024;

/** Characters that are compressed at a time: a manifest is never in memory as one text. */
const MEMBER_CHARS = 512 * 1024;

/**
 * A manifest as it is stored: one JSON document a line, the head first, compressed. The lines are packed as they are
 * made, in several members, which unpack as one text (RFC 1952, section 2.2). A body that is cut where a member ends unpacks
 * too: the head says how many lines there are.
 */
export function manifestBody(manifest: Manifest): Uint8Array {
  const { base, buckets } = manifest;
  const control = Object.fromEntries(manifest.control);
  const sets = new Map<string, number>();
  const members: Uint8Array[] = [];
  let text = "";
  let lines = 0;
  for (const line of manifestLines(manifest, sets)) {
    text += `${line}\n`;
    lines += 1;
    if (text.length < MEMBER_CHARS) continue;
    members.push(packed(text));
    text = "";
  }
  const head = JSON.stringify({ format: 2, release: manifest.release, base, control, buckets, lines });
  // The sets of headers, and the count of the lines, are known when all lines are made.
  const first = `${head.slice(0, -1)},"headers":[${[...sets.keys()].join(",")}]}\n`;
  if (members.length === 0) return packed(first + text);
  return Buffer.concat([packed(first), ...members, ...(text === "" ? [] : [packed(text)])]);
}

/** Level 1: the lines are alike, and higher levels take longer than what they save takes to send. */
function packed(text: string): Uint8Array {
  return gzipSync(text, { level: 1 });
}

/** The lines after the head; notes the sets of headers that they name. */
function* manifestLines(manifest: Manifest, sets: Map<string, number>): Generator<string> {
  const files = new Map(manifest.files.map((file) => [file.key, file]));
  const texts = new Map<ObjectHeaders, string>();
  for (const object of manifest.objects.values()) {
    const file = files.get(object.key);
    const own = file && file.hash === object.hash && object.removedAt === undefined ? file : undefined;
    if (own) files.delete(own.key);
    const set = texts.get(object.headers) ?? JSON.stringify(object.headers);
    texts.set(object.headers, set);
    const index = sets.get(set) ?? sets.size;
    sets.set(set, index);
    yield objectLine(object, index, own);
  }
  for (const { key: hidden, path, size: bytes, hash: content, contentType } of files.values()) {
    yield JSON.stringify({ hidden, path, size: bytes, hash: content, contentType });
  }
  for (const { key: ghost, at } of manifest.ghosts) yield JSON.stringify({ ghost, at });
}

function objectLine(object: LocatedObject, headerSet: number, own: SourceFile | undefined): string {
  const { key: name, at, size: bytes, hash: content, metadata, removedAt } = object;
  const file = own && { file: { path: own.path, contentType: own.contentType } };
  const line = { key: name, at, size: bytes, hash: content, headers: headerSet, metadata, removedAt };
  return JSON.stringify({ ...line, ...file });
}

/** What a record says that a release holds. */
export type RecordedCounts = Partial<Pick<ReleaseEntry, "files" | "redirects">>;

/**
 * Reads a stored manifest, of this format or the first one; `undefined` when it is neither, or not whole. One that does not
 * say how many lines it has is compared with what the record says.
 */
export function readManifestBody(body: Uint8Array, recorded: RecordedCounts = {}): Manifest | undefined {
  const text = manifestText(body);
  if (text === undefined) return undefined;
  const lines = linesOf(text);
  const first = lines.next();
  const head = headSchema.safeParse(first.done === true ? undefined : parseJson(first.value));
  if (!head.success) return wholeByRecord(readFirstManifest(text), recorded);
  const sets = head.data.headers.map(presentFields);
  const objects = new Map<string, LocatedObject>();
  const files: SourceFile[] = [];
  const ghosts: Ghost[] = [];
  let count = 0;
  for (const line of lines) {
    count += 1;
    const data = readManifestLine(parseJson(line));
    if (data === undefined) return undefined;
    if ("ghost" in data) ghosts.push({ key: data.ghost, at: data.at });
    else if ("hidden" in data) {
      const { hidden, ...rest } = data;
      files.push({ key: hidden, ...rest });
    } else {
      const { file, removedAt, ...rest } = data;
      const set = sets[data.headers];
      if (!set) return undefined;
      objects.set(data.key, { ...rest, headers: set, ...(removedAt === undefined ? {} : { removedAt }) });
      if (file) files.push({ key: data.key, size: data.size, hash: data.hash, ...file });
    }
  }
  const { release: id, base, buckets } = head.data;
  const control = new Map(Object.entries(head.data.control));
  const manifest = { release: id, base, control, objects, files, ghosts, ...(buckets && { buckets }) };
  if (head.data.lines === undefined) return wholeByRecord(manifest, recorded);
  return head.data.lines === count ? manifest : undefined;
}

/**
 * The manifest, unless it holds less than the release by its record. It may hold more: pages that rules show elsewhere too,
 * and files that redirects hide, which only the first records count.
 */
function wholeByRecord(manifest: Manifest | undefined, recorded: RecordedCounts): Manifest | undefined {
  if (!manifest) return undefined;
  const { objects } = manifest;
  const shown = [...objects.values()].filter(({ removedAt }) => removedAt === undefined);
  const hidden = manifest.files.filter(({ key, hash: content }) => objects.get(key)?.hash !== content);
  const { files = 0, redirects = 0 } = recorded;
  return shown.length + hidden.length < files + redirects ? undefined : manifest;
}

/** Lines that hold something, one at a time: a list of them all would double what a large manifest takes. */
function* linesOf(text: string): Generator<string, undefined> {
  for (let from = 0; from < text.length;) {
    const found = text.indexOf("\n", from);
    const end = found === -1 ? text.length : found;
    if (end > from) yield text.slice(from, end);
    from = end + 1;
  }
}

function presentFields(set: z.output<typeof headers>): ObjectHeaders {
  return Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined));
}

function manifestText(body: Uint8Array): string | undefined {
  const isPacked = body[0] === 0x1f && body[1] === 0x8b;
  try {
    return Buffer.from(isPacked ? gunzipSync(body, { maxOutputLength: TEXT_LIMIT }) : body).toString("utf8");
  } catch (error) {
    // What zlib says of a damaged or too large body; none of it is a manifest.
    if (error instanceof Error && "code" in error && !(error instanceof SitefleetError)) return undefined;
    throw error;
  }
}

/**
 * The manifest of a release; `undefined` when it is missing, cut off or nothing that this version can read.
 * @param wanted the release, with what its record says that it holds, where there is one
 */
export async function findManifest(
  deps: PublishDeps,
  ref: SiteRef,
  wanted: Pick<ReleaseEntry, "id"> & RecordedCounts,
): Promise<Manifest | undefined> {
  const { id } = wanted;
  const found = await deps.store.config.get({
    key: manifestKey(placeOf(deps, ref), id),
    signal: deps.signal,
  });
  const manifest = found.kind === "ok" ? readManifestBody(found.body, wanted) : undefined;
  return manifest?.release === id ? manifest : undefined;
}

/**
 * The manifest of a release that can be trusted.
 * @throws SitefleetError `site/unreadable`
 */
export async function readManifest(
  deps: PublishDeps,
  ref: SiteRef,
  entry: Pick<ReleaseEntry, "id" | "dirty"> & RecordedCounts,
): Promise<Manifest> {
  const manifest = entry.dirty ? undefined : await findManifest(deps, ref, entry);
  if (manifest) return manifest;
  const name = manifestKey(placeOf(deps, ref), entry.id);
  throw new SitefleetError(
    "site/unreadable",
    entry.dirty
      ? `overwriting release ${entry.id} in place was interrupted, so what it holds is not known`
      : `"${name}" is missing or not a manifest that this version can read`,
    { hint: "publish the site's folder again; that writes a new one" },
  );
}

/** Writes a manifest; `false` when the condition does not hold. */
export async function writeManifest(
  deps: PublishDeps,
  ref: SiteRef,
  write: { readonly manifest: Manifest; readonly condition?: WriteCondition },
): Promise<boolean> {
  const { manifest, condition } = write;
  const outcome = await deps.store.config.put({
    key: manifestKey(placeOf(deps, ref), manifest.release),
    body: manifestBody(manifest),
    // No Content-Encoding: whoever reads the object gets the bytes that were written, never half-decoded ones.
    headers: { contentType: "application/gzip" },
    ...(condition === undefined ? {} : { condition }),
    signal: deps.signal,
  });
  return outcome.kind === "ok";
}
