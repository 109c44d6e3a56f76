import { createHash, createHmac } from "node:crypto";
import type { RawObject, RawSite } from "../conformance/case.ts";
import { assertDefined } from "../lib/errors.ts";
import { deltaHash, packDelta } from "../site/delta-list.ts";
import type { PackedDelta } from "../site/delta-list.ts";
import { packHashes, segmentHash, shortHash } from "../site/short-hashes.ts";
import { ruleBucketKey, sitePrefix } from "../site/layout.ts";
import type { SitePlace } from "../site/layout.ts";
import { CODEC_VERSION, CONFIG_METADATA, OBJECT_METADATA, RULE_SLOTS } from "../site/metadata.ts";
import type { Metadata } from "../site/object-metadata.ts";
import { packHeaders } from "../site/packed-headers.ts";
import type { PackedHeader } from "../site/packed-headers.ts";
import { encodePath } from "../site/page-key.ts";
import { packAreas } from "../site/protected-areas.ts";
import type { PutInput } from "../store/object-store.ts";

/** An object as it is put. */
export type RawPut = Omit<PutInput, "signal">;

/** What is written for a raw site of the conformance cases, and its host's config. */
export interface EncodedRawSite {
  readonly hosting: readonly RawPut[];
  readonly buckets: readonly RawPut[];
  readonly config: Metadata;
}

/** Encodes a raw site as publishing would its own. Rules are taken as they are: cases are about the edge. */
export function encodeRawSite(raw: RawSite, place: SitePlace): EncodedRawSite {
  const own = { [CONFIG_METADATA.version]: String(CODEC_VERSION), [CONFIG_METADATA.site]: raw.site };
  return {
    hosting: Object.entries(raw.objects).map(([path, object]) => ({
      key: sitePrefix(place) + path,
      body: object.body ?? "",
      metadata: { ...ownHeaders(object), ...object.metadata },
      headers: { ...object.headers, contentType: object.type ?? "text/html; charset=utf-8" },
    })),
    buckets: bucketsOf(raw).map(({ tag, segment, rules }) => ({
      key: ruleBucketKey(place, { tag, segment }),
      body: "{}",
      metadata: { ...own, [CONFIG_METADATA.rules]: slotsOf(rules) },
    })),
    config: { ...own, ...listsOf(raw), ...raw.config },
  };
}

function ownHeaders({ own = {} }: RawObject): Metadata {
  const headers = Object.entries(own).map(([name, value]): PackedHeader =>
    value === null ? { kind: "remove", name } : { kind: "set", name, value },
  );
  return headers.length === 0 ? {} : { [OBJECT_METADATA.headers]: packHeaders(headers) };
}

/** Salts are the same in every run: nothing is secret here. */
function areasOf(passwords: Readonly<Record<string, string>>): string {
  const areas = Object.entries(passwords).map(([prefix, password]) => {
    const salt = sha256(prefix).slice(0, 32);
    return { prefix, salt, verifier: createHmac("sha256", salt).update(password, "utf8").digest("hex") };
  });
  return packAreas(areas);
}

function bucketsOf({
  buckets,
}: RawSite): readonly { tag: string; segment: string; rules: readonly string[] }[] {
  return Object.entries(buckets?.segments ?? {})
    .filter(([, rules]) => rules.length > 0)
    .map(([segment, rules]) => ({ tag: buckets?.tag ?? "", segment: hashOf(segment), rules }));
}

function listsOf(raw: RawSite): Metadata {
  const { delta = {}, directories = [], rules = [], passwords = {}, buckets } = raw;
  const changes = Object.entries(delta).map(
    ([key, release]) => [deltaHash(encodePath(key), sha256), release] as const,
  );
  const segments = Object.keys(buckets?.segments ?? {}).map(hashOf);
  const lists = {
    [CONFIG_METADATA.delta]: deltaText(packDelta(new Map(changes))),
    [CONFIG_METADATA.notFoundDirectories]: packHashes(
      directories.map((directory) => shortHash(encodePath(directory), sha256)),
    ),
    [CONFIG_METADATA.rules]: slotsOf(rules),
    [CONFIG_METADATA.protectedAreas]: areasOf(passwords),
    [CONFIG_METADATA.buckets]: buckets === undefined ? "" : buckets.tag + packHashes(segments),
  };
  return Object.fromEntries(Object.entries(lists).filter(([, value]) => value !== ""));
}

function deltaText(packed: PackedDelta): string {
  const text = packed.kind === "ok" ? packed.text : undefined;
  assertDefined(text, "the delta list of a case");
  return text;
}

function slotsOf(rules: readonly string[]): string {
  return rules.map((rule, index) => `${RULE_SLOTS.charAt(index)}=${rule}`).join("|");
}

function hashOf(segment: string): string {
  return segmentHash(encodePath(segment), sha256);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
