import { hash } from "node:crypto";

import { assertDefined } from "../../lib/errors.ts";
import { DELTA_HASH_DIGITS, REMOVED, packDelta } from "../../site/delta-list.ts";
import type { DeltaClaim, PackedDelta } from "../../site/delta-list.ts";
import { encodePath } from "../../site/page-key.ts";
import { isAsset, sameObject } from "./release-object.ts";
import type { Ghost, LocatedObject, ReleaseObject, ReleaseState } from "./release-object.ts";

/** Why a release becomes a full one. */
export type FullReason =
  /** The site shows nothing yet, or what it shows cannot be trusted. */
  | "no-base"
  /** It was asked for. */
  | "wanted"
  /** Nothing of the former release stays where it is. */
  | "all-changed"
  /** No delta list leads every key rightly. */
  | "collision"
  /** The delta list does not fit in every domain's config. */
  | "too-long";

/** An object whose bytes are in the store already, with other headers or under another key or prefix. */
export interface PlannedCopy {
  readonly object: ReleaseObject;
  readonly from: { readonly key: string; readonly at: string };
  /** ETag that the copy must have, where the source may be overwritten meanwhile. */
  readonly etag?: string;
}

/** How a release gets its objects. */
export interface StoragePlan<T extends ReleaseObject = ReleaseObject> {
  readonly kind: "delta" | "full";
  readonly reason: FullReason | undefined;
  /** Objects to write below the new release's prefix from here. */
  readonly upload: readonly T[];
  /** Objects to write below it from the store's own. */
  readonly copy: readonly PlannedCopy[];
  /** What the release holds and the list that says so, once its id is known. */
  readonly placed: (release: string) => PlacedRelease;
}

export interface PlacedRelease extends ReleaseState {
  /** Packed delta list. */
  readonly delta: string;
}

export interface DeltaInput<T extends ReleaseObject> {
  /** What the release that is replaced holds; `undefined`: nothing, or nothing that is known for certain. */
  readonly current: ReleaseState | undefined;
  /** What the new release shows, one object a key. */
  readonly next: readonly T[];
  /** Epoch milliseconds. */
  readonly now: number;
  /** How long removed assets stay readable. */
  readonly graceMs: number;
  /** Removed assets to keep readable where the release is not known that shows them. */
  readonly removed?: readonly LocatedObject[];
  /** Whether a delta list of this text fits in every config that will carry it. */
  readonly fits: (delta: string) => boolean;
  /** Copies and uploads everything. */
  readonly full?: boolean;
  /** What delta lists know a key by; `keyHash` where it is absent. */
  readonly hashOf?: (key: string) => string;
}

/** The longest release id stands in for the one that is not known yet. */
export const LONGEST_RELEASE = "zzzz";

/** Where an object of the new release comes from. */
type Move<T> =
  | { readonly kind: "keep"; readonly object: LocatedObject }
  | { readonly kind: "copy"; readonly object: T; readonly from: LocatedObject }
  | { readonly kind: "upload"; readonly object: T };

/**
 * Decides what a publish writes. A key whose object is equal stays where it lies; equal bytes elsewhere in the release,
 * or with other headers, are copied inside the store; the rest is uploaded. All that differs from the base release is in
 * the delta list; where that is impossible everything goes below a prefix of its own.
 */
export function planDelta<T extends ReleaseObject>(input: DeltaInput<T>): StoragePlan<T> {
  const { current } = input;
  if (!current) return fullPlan({ ...input, graced: input.removed ?? [] }, "no-base");
  const graced = gracedObjects({ ...input, current });
  const full = (reason: FullReason): StoragePlan<T> => fullPlan({ ...input, graced }, reason);
  if (input.full) return full("wanted");
  const moves = planMoves(input.next, current);
  const kept = moves.filter((move) => move.kind === "keep").length;
  if (kept === 0 && input.next.length > 0) return full("all-changed");
  const hashOf = remembered(input.hashOf ?? keyHash);
  const place = (release: string): Placement => placeDelta({ release, current, moves, graced, hashOf });
  const trial = place(LONGEST_RELEASE);
  if (trial.kind !== "ok") return full(trial.kind);
  if (!input.fits(trial.placed.delta)) return full("too-long");
  return {
    kind: "delta",
    reason: undefined,
    upload: moves.flatMap((move) => (move.kind === "upload" ? [move.object] : [])),
    copy: moves.flatMap((move) =>
      move.kind === "copy" ? [{ object: move.object, from: { key: move.from.key, at: move.from.at } }] : [],
    ),
    placed: (release) => {
      // What leads every key rightly under one new id does under any.
      const placement = place(release);
      const found = placement.kind === "ok" ? placement.placed : undefined;
      assertDefined(found, `the delta list of release ${release}`);
      return found;
    },
  };
}

/** Hashes are asked for again under the release's real id. */
function remembered(hashOf: (key: string) => string): (key: string) => string {
  const known = new Map<string, string>();
  return (key) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const hash = hashOf(key);
    known.set(key, hash);
    return hash;
  };
}

function planMoves<T extends ReleaseObject>(next: readonly T[], current: ReleaseState): readonly Move<T>[] {
  const find = contentFinder(current);
  return next.map((object): Move<T> => {
    const known = current.objects.get(object.key);
    if (known && sameObject(known, object)) return { kind: "keep", object: unremoved(known) };
    const from = find(object);
    return from ? { kind: "copy", object, from } : { kind: "upload", object };
  });
}

/** Finds an object of the release with the same bytes, at the same key if there is one. */
function contentFinder(current: ReleaseState): (object: ReleaseObject) => LocatedObject | undefined {
  let byHash: ReadonlyMap<string, LocatedObject> | undefined;
  return (object) => {
    const own = current.objects.get(object.key);
    if (own?.hash === object.hash) return own;
    // Most releases keep nearly everything, and many need no search at all.
    byHash ??= new Map([...current.objects.values()].map((known) => [known.hash, known]));
    return byHash.get(object.hash);
  };
}

/** The object as one that is shown (again). */
export function unremoved(object: LocatedObject): LocatedObject {
  if (object.removedAt === undefined) return object;
  const { removedAt: _, ...rest } = object;
  return rest;
}

/** Assets that the new release does not have but that pages loaded before it may still ask for. */
export function gracedObjects(input: {
  readonly current: ReleaseState;
  readonly next: readonly ReleaseObject[];
  readonly now: number;
  readonly graceMs: number;
}): readonly LocatedObject[] {
  const shown = new Set(input.next.map(({ key }) => key));
  const since = new Date(input.now).toISOString();
  return [...input.current.objects.values()].flatMap((object) => {
    if (shown.has(object.key) || !isAsset(object)) return [];
    const removedAt = object.removedAt ?? since;
    return input.now - Date.parse(removedAt) < input.graceMs ? [{ ...object, removedAt }] : [];
  });
}

/** Everything below the new release's prefix: what the store has by copy, the rest by upload. */
function fullPlan<T extends ReleaseObject>(
  input: DeltaInput<T> & { readonly graced: readonly LocatedObject[] },
  reason: FullReason,
): StoragePlan<T> {
  const { current, graced, next } = input;
  const find = current ? contentFinder(current) : () => undefined;
  const upload: T[] = [];
  const copy: PlannedCopy[] = [];
  for (const object of next) {
    const from = find(object);
    if (from) copy.push({ object, from: { key: from.key, at: from.at } });
    else upload.push(object);
  }
  return {
    kind: "full",
    reason,
    upload,
    copy: [...copy, ...graced.map((object) => ({ object, from: { key: object.key, at: object.at } }))],
    placed: (release) => ({
      release,
      base: release,
      objects: new Map([...next, ...graced].map((object) => [object.key, locate(object, release)])),
      ghosts: [],
      delta: "",
    }),
  };
}

/** The object as part of a release: what else the planner knows of it (where its bytes come from) stays behind. */
function locate(object: ReleaseObject & { readonly removedAt?: string }, at: string): LocatedObject {
  const { key, size, hash, headers, metadata, removedAt } = object;
  return { key, size, hash, headers, metadata, at, ...(removedAt === undefined ? {} : { removedAt }) };
}

interface DeltaPlacement<T> {
  readonly release: string;
  readonly current: ReleaseState;
  readonly moves: readonly Move<T>[];
  readonly graced: readonly LocatedObject[];
  readonly hashOf: (key: string) => string;
}

type Placement =
  | { readonly kind: "ok"; readonly placed: PlacedRelease }
  | { readonly kind: Exclude<PackedDelta["kind"], "ok"> };

/** The release's objects, ghosts and delta list, or why there is none. */
function placeDelta<T extends ReleaseObject>(placement: DeltaPlacement<T>): Placement {
  const { release, current, moves, graced, hashOf } = placement;
  const { base } = current;
  const objects = new Map<string, LocatedObject>();
  for (const move of moves) {
    objects.set(move.object.key, move.kind === "keep" ? move.object : locate(move.object, release));
  }
  for (const object of graced) objects.set(object.key, object);
  const ghosts = ghostsOf(current, objects);
  const delta = deltaOf({ base, objects, ghosts }, hashOf);
  if (delta.kind !== "ok") return delta;
  return { kind: "ok", placed: { release, base, objects, ghosts, delta: delta.text } };
}

/** What lies below a prefix that the release reads from, but is not part of it. */
function ghostsOf(current: ReleaseState, objects: ReadonlyMap<string, LocatedObject>): readonly Ghost[] {
  const read = new Set([current.base, ...[...objects.values()].map(({ at }) => at)]);
  const left = [...current.objects.values()].filter(({ key, at }) => objects.get(key)?.at !== at);
  return [...current.ghosts, ...left.map(({ key, at }) => ({ key, at }))].filter(({ at }) => read.has(at));
}

/** The delta list by which the edge finds every object and no ghost, or why there is none. */
export function deltaOf(
  state: {
    readonly base: string;
    readonly objects: ReadonlyMap<string, LocatedObject>;
    readonly ghosts: readonly Ghost[];
  },
  hashOf: (key: string) => string = keyHash,
): PackedDelta {
  const claim = ({ key, at }: Ghost): DeltaClaim => [hashOf(key), at === state.base ? undefined : at];
  const leads = [...state.objects.values()].map(claim);
  const avoids = state.ghosts.map(claim);
  const entries = new Map<string, string>();
  for (const [hash, at] of leads) if (at !== undefined) entries.set(hash, at);
  for (const [hash, at] of avoids) if (at === undefined && !entries.has(hash)) entries.set(hash, REMOVED);
  return packDelta(entries, { leads, avoids });
}

/** What a delta list knows a page key by: `deltaHash` of it, which Node finds sooner by itself. */
export function keyHash(key: string): string {
  return hash("sha256", encodePath(key), "base64").slice(0, DELTA_HASH_DIGITS);
}
