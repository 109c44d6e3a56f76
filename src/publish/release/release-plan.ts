import { createHash } from "node:crypto";

import { SitefleetError } from "../../lib/errors.ts";
import { KEY_LIMIT, releasePrefix } from "../../site/layout.ts";
import type { SitePlace } from "../../site/layout.ts";
import { fitHeaders, headersFor } from "../../site/headers-file.ts";
import type { AppliedHeaders, HeaderRule } from "../../site/headers-file.ts";
import { OBJECT_METADATA } from "../../site/metadata.ts";
import type { SitePolicies } from "../../site/model.ts";
import { printable } from "../../site/names.ts";
import { metadataProblem, pageMetadata } from "../../site/object-metadata.ts";
import type { Metadata } from "../../site/object-metadata.ts";
import { canonicalPath, dottedAliasKey, encodePath } from "../../site/page-key.ts";
import type { SlashPolicy } from "../../site/page-key.ts";
import type { AliasObject, RedirectObject, RedirectPlan } from "../../site/redirect-plan.ts";
import { noteText } from "../../site/redirects-file.ts";
import type { RuleNote } from "../../site/redirects-file.ts";
import { bucketMetadata } from "../../site/rule-buckets.ts";
import { packRules } from "../../site/rule-slots.ts";
import type { ObjectHeaders } from "../../store/object-store.ts";
import { cacheControlOf } from "../folder/content-headers.ts";
import { LONGEST_RELEASE } from "./delta-plan.ts";
import { sha256Hex } from "../publish-deps.ts";
import { redirectBody, redirectObject } from "./redirect-object.ts";
import type { ReleaseObject, SourceFile } from "./release-object.ts";
import { planRules, readRules, refuseProblems, slashPolicyOf } from "./release-rules.ts";
import type { Strictness } from "./release-rules.ts";

/** Where the bytes of an object are. */
export type ObjectBody =
  /** On this machine. */
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "text"; readonly text: string }
  /** In the store only, wherever the hash is found. */
  | { readonly kind: "stored" }
  /** In the store under this key, with another website environment's prefix. */
  | { readonly kind: "elsewhere"; readonly storeKey: string };

/** An object as a release will have it, and where its bytes come from. */
export interface PlannedObject extends ReleaseObject {
  readonly body: ObjectBody;
}

/** A file of a folder, or of a release whose folder is not at hand. */
export interface PlanFile extends SourceFile {
  /** Where it is read from; absent = its bytes are in the store only. */
  readonly source?: string;
}

/** What a release will hold. */
export interface ReleasePlan {
  /** In order of their keys. */
  readonly objects: readonly PlannedObject[];
  /** All files, also those that a redirect hides. */
  readonly files: readonly SourceFile[];
  readonly control: ReadonlyMap<string, string>;
  /** Packed rule slots. */
  readonly slots: string;
  /** Metadata of rule buckets by the hash of a first path segment. */
  readonly buckets: ReadonlyMap<string, Metadata>;
  /** Where each slot's rule was written, for errors. */
  readonly slotNames: readonly string[];
  /** Encoded directories that have a 404.html; `""` is the root. */
  readonly notFoundPages: readonly string[];
  readonly trailingSlash: SitePolicies["trailingSlash"];
  readonly counts: {
    readonly files: number;
    /** Redirect objects. */
    readonly redirects: number;
    /** Rules in slots and buckets, each counted once. */
    readonly patterns: number;
    readonly bytes: number;
  };
  readonly digest: string;
  readonly warnings: readonly string[];
}

export interface PlanInput {
  readonly place: SitePlace;
  readonly files: readonly PlanFile[];
  /** Texts of the folder's control files by name. */
  readonly control: ReadonlyMap<string, string>;
  /** The site's own rules, tried first. */
  readonly siteRules: readonly string[];
  readonly policies: Pick<SitePolicies, "trailingSlash" | "precedence">;
  /** `false`: what cannot be used is left out with a warning; `site`: only what the folder's files say is. */
  readonly strict?: Strictness;
  /** Bytes of a config that slots and the list of buckets may take, given what else the release puts there. */
  readonly roomFor: (release: Pick<ReleasePlan, "notFoundPages" | "trailingSlash">) => number;
}

const DETAIL_LIMIT = 100;

/**
 * Decides what a release holds: the folder's files, a redirect object per exact rule that applies, one per page whose
 * dotted name would be taken for a file, and the slots. Same input, same digest.
 * @throws SitefleetError `redirects/invalid` or `publish/invalid-folder` with everything that is wrong
 */
export function planRelease(input: PlanInput): ReleasePlan {
  const { control, policies, place, strict = true } = input;
  const said = readRules(input);
  const trailingSlash = slashPolicyOf(policies.trailingSlash, said.folder);
  const fileKeys = new Set(input.files.map(({ key }) => key));
  const room = input.roomFor({ notFoundPages: notFoundPagesOf(input.files), trailingSlash });
  const rules = planRules({ rules: said, fileKeys, precedence: policies.precedence, room });
  const made = planFiles(input.files, { trailingSlash, headers: said.folder.headers });
  const problems = [said.site, said.folder, rules, made].flatMap((part) => part.problems);
  const lenient = refuseProblems(problems, strict);
  const ruled = new Set([...rules.objects, ...rules.aliases].map(({ key }) => key));
  const dotted = dottedAliases(input.files, trailingSlash).filter(
    ({ key }) => !fileKeys.has(key) && !ruled.has(key),
  );
  const redirects = [...rules.objects, ...dotted];
  const shown = input.files.filter(({ key }) => !ruled.has(key));
  const objects = [
    ...shown.flatMap(({ key }) => made.objects.get(key) ?? []),
    ...aliasObjects(made.objects, rules.aliases),
    ...redirects.map(plannedRedirect),
  ].sort(byKey);
  refuseUnstorable(place, objects);
  const content = {
    objects,
    files: input.files,
    control,
    slots: packRules(rules.slots.map(({ rule }) => rule)),
    buckets: bucketsOf(place, rules.buckets),
    notFoundPages: notFoundPagesOf(shown),
    trailingSlash,
  };
  return {
    ...content,
    slotNames: rules.slots.map(({ source, text }) => `"${printable(text)}" (${source.file}:${source.line})`),
    counts: {
      files: shown.length,
      redirects: redirects.length,
      patterns: patternCount(rules),
      bytes: shown.reduce((sum, { size }) => sum + size, 0),
    },
    digest: digestOf(content),
    warnings: [...lenient, ...[...said.folder.warnings, ...rules.warnings].map(noteText)],
  };
}

/** A rule that can match below several first segments stands in several buckets. */
function patternCount({ slots, buckets }: RedirectPlan): number {
  const placed = [slots, ...buckets.values()].flat();
  return new Set(placed.map(({ source }) => `${source.file}:${source.line}`)).size;
}

function bucketsOf(place: SitePlace, buckets: RedirectPlan["buckets"]): ReadonlyMap<string, Metadata> {
  return new Map(
    [...buckets].map(([hash, rules]) => [
      hash,
      bucketMetadata({ site: place.site, rules: rules.map(({ rule }) => rule) }),
    ]),
  );
}

function byKey(a: ReleaseObject, b: ReleaseObject): number {
  return a.key < b.key ? -1 : 1;
}

const NO_HEADERS: AppliedHeaders = { native: {}, extra: [], lines: [] };

interface FilesPlan {
  readonly objects: ReadonlyMap<string, PlannedObject>;
  /** Headers that do not fit. */
  readonly problems: readonly RuleNote[];
}

function planFiles(
  files: readonly PlanFile[],
  choices: { readonly trailingSlash: SlashPolicy; readonly headers: readonly HeaderRule[] },
): FilesPlan {
  const objects = new Map<string, PlannedObject>();
  const problems: RuleNote[] = [];
  const usual = new Map<string, ObjectHeaders>();
  for (const file of files) {
    const { key, size, hash, path, source } = file;
    const applied = choices.headers.length === 0 ? NO_HEADERS : headersFor(choices.headers, path);
    const plain = usualMetadata(file, choices.trailingSlash);
    const fitted = fitHeaders(applied, { file: path, metadata: plain });
    if (fitted.kind === "over") problems.push(fitted.note);
    const headers = applied === NO_HEADERS ? usualHeaders(usual, file) : nativeHeaders(file, applied);
    const metadata = fitted.kind === "ok" ? fitted.metadata : plain;
    const object =
      source === undefined
        ? { key, size, hash, headers, metadata, body: { kind: "stored" as const } }
        : new FolderObject(file, headers, metadata === plain ? choices.trailingSlash : metadata);
    objects.set(key, object);
  }
  return { objects, problems };
}

/**
 * An object of a file that is at hand, as short as it can be kept: a class for its getters, since what follows from the
 * file is made when it is asked for.
 */
class FolderObject implements PlannedObject {
  readonly headers: ObjectHeaders;
  readonly #file: PlanFile;
  /** The policy that the usual metadata follow from, where these are not others. */
  readonly #metadata: SlashPolicy | Metadata;

  constructor(file: PlanFile, headers: ObjectHeaders, metadata: SlashPolicy | Metadata) {
    this.headers = headers;
    this.#file = file;
    this.#metadata = metadata;
  }

  get key(): string {
    return this.#file.key;
  }

  get size(): number {
    return this.#file.size;
  }

  get hash(): string {
    return this.#file.hash;
  }

  get metadata(): Metadata {
    const metadata = this.#metadata;
    return typeof metadata === "string" ? usualMetadata(this.#file, metadata) : metadata;
  }

  get body(): ObjectBody {
    const { source } = this.#file;
    return source === undefined ? { kind: "stored" } : { kind: "file", path: source };
  }
}

function usualMetadata({ path }: PlanFile, trailingSlash: SlashPolicy): Metadata {
  return pageMetadata(encodePath(canonicalPath(path, trailingSlash)));
}

/** The defaults of a file, as one object for all files that have them in common. */
function usualHeaders(known: Map<string, ObjectHeaders>, { path, contentType }: PlanFile): ObjectHeaders {
  const cacheControl = cacheControlOf(path);
  const name = `${contentType}\n${cacheControl}`;
  const headers = known.get(name) ?? { contentType, cacheControl };
  known.set(name, headers);
  return headers;
}

/** The defaults of a file, with what its rules set or take away. */
function nativeHeaders({ path, contentType }: PlanFile, { native }: AppliedHeaders): ObjectHeaders {
  const chosen = { contentType, cacheControl: cacheControlOf(path), ...native };
  return Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== null));
}

/** Pages that are shown at other paths too: the same answer, which no path is canonical for. */
function aliasObjects(
  files: ReadonlyMap<string, PlannedObject>,
  aliases: readonly AliasObject[],
): readonly PlannedObject[] {
  return aliases.flatMap(({ key, file, status }) => {
    const object = files.get(file);
    if (!object) return [];
    const { size, hash, headers, body } = object;
    const { [OBJECT_METADATA.canonicalPath]: _, ...metadata } = object.metadata;
    const shownAs = status === 200 ? {} : { [OBJECT_METADATA.status]: String(status) };
    return [{ key, size, hash, headers, metadata: { ...metadata, ...shownAs }, body }];
  });
}

function plannedRedirect(redirect: RedirectObject): PlannedObject {
  return { ...redirectObject(redirect), body: { kind: "text", text: redirectBody(redirect.text) } };
}

function dottedAliases(files: readonly PlanFile[], trailingSlash: SlashPolicy): RedirectObject[] {
  // Under `none` a page has no other spelling that leads to it.
  if (trailingSlash === "none") return [];
  return files.flatMap(({ path }) => {
    const key = dottedAliasKey(path);
    if (key === undefined) return [];
    const location = encodePath(canonicalPath(path, trailingSlash));
    return [{ key, location, status: 308 as const, text: `${encodePath(`/${key}`)} ${location} 308` }];
  });
}

function notFoundPagesOf(files: readonly PlanFile[]): readonly string[] {
  return files.flatMap(({ key }) => {
    if (key === "404.html") return [""];
    return key.endsWith("/404.html") ? [encodePath(key.slice(0, -"/404.html".length))] : [];
  });
}

/** Characters: a hash takes a few long texts sooner than many short ones. */
const HASHED_AT_ONCE = 64 * 1024;

/** One hash over all that a release is, whatever order its parts came in. */
function digestOf(content: Omit<ReleasePlan, "digest" | "counts" | "slotNames" | "warnings">): string {
  const hash = createHash("sha256");
  const headersTexts = new Map<ObjectHeaders, string>();
  let lines = "";
  const add = (line: string): void => {
    lines += line;
    if (lines.length < HASHED_AT_ONCE) return;
    hash.update(lines);
    lines = "";
  };
  for (const { key, size, hash: bytes, headers, metadata } of content.objects) {
    const headersText = headersTexts.get(headers) ?? fieldsText(headers);
    headersTexts.set(headers, headersText);
    add(`[${JSON.stringify(key)},${size},"${bytes}"]${headersText}${fieldsText(metadata)}\n`);
  }
  // A file's path and type count too: what they lead to may change by rules that do not come with the folder.
  for (const { path, hash: bytes, contentType } of content.files) {
    add(`[${JSON.stringify(path)},"${bytes}",${JSON.stringify(contentType)}]\n`);
  }
  hash.update(lines);
  const { slots, notFoundPages, trailingSlash } = content;
  const control = fields(Object.fromEntries(content.control));
  const buckets = bucketsDigest(content.buckets);
  hash.update(JSON.stringify([control, slots, buckets, notFoundPages, trailingSlash]));
  return hash.digest("hex");
}

/** Equal for equal rule buckets: those of an earlier release can be read again. */
export function bucketsDigest(buckets: ReadonlyMap<string, Metadata>): string {
  return sha256Hex(JSON.stringify([...buckets].map(([segment, metadata]) => [segment, fields(metadata)])));
}

/** Most objects have one or two fields, which need no sorting. */
function fieldsText(object: object): string {
  return JSON.stringify(fields(object));
}

function fields(object: object): readonly (readonly [string, unknown])[] {
  return Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));
}

function refuseUnstorable(place: SitePlace, objects: readonly ReleaseObject[]): void {
  const prefixBytes = Buffer.byteLength(releasePrefix(place, LONGEST_RELEASE));
  const problems = objects.flatMap(({ key, metadata }) => {
    const bytes = prefixBytes + Buffer.byteLength(key);
    if (bytes > KEY_LIMIT)
      return [`${printable(key)}: its key has ${bytes} bytes, the limit is ${KEY_LIMIT}`];
    const problem = metadataProblem(metadata);
    return problem === undefined ? [] : [`${printable(key)}: its metadata ${problem}`];
  });
  if (problems.length === 0) return;
  throw new SitefleetError("publish/invalid-folder", `${problems.length} files cannot be stored`, {
    details: problems.slice(0, DETAIL_LIMIT),
    hint: "shorten their paths and run the command again",
  });
}
