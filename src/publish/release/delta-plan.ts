import { REMOVED, packDelta, shortHash } from "../../site/delta-list.ts";
import { encodePath } from "../../site/page-key.ts";
import { sha256Hex } from "../publish-deps.ts";
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
  /** Two keys share a hash and lie under different prefixes. */
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
  const known = new Map<string, PlacedRelease | undefined>();
  const placed = (release: string): PlacedRelease | undefined => {
    if (!known.has(release)) known.set(release, placeDelta({ release, current, moves, graced }));
    return known.get(release);
  };
  const trial = placed(LONGEST_RELEASE);
  if (!trial) return full("collision");
  if (!input.fits(trial.delta)) return full("too-long");
  return {
    kind: "delta",
    reason: undefined,
    upload: moves.flatMap((move) => (move.kind === "upload" ? [move.object] : [])),
    copy: moves.flatMap((move) =>
      move.kind === "copy" ? [{ object: move.object, from: { key: move.from.key, at: move.from.at } }] : [],
    ),
    // The same hashes collide under any id.
    placed: (release) => placed(release) ?? trial,
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
}

/** The release's objects, ghosts and delta list; `undefined` when two keys with one hash ask for different prefixes. */
function placeDelta<T extends ReleaseObject>(placement: DeltaPlacement<T>): PlacedRelease | undefined {
  const { release, current, moves, graced } = placement;
  const { base } = current;
  const objects = new Map<string, LocatedObject>();
  for (const move of moves) {
    objects.set(move.object.key, move.kind === "keep" ? move.object : locate(move.object, release));
  }
  for (const object of graced) objects.set(object.key, object);
  const ghosts = ghostsOf(current, objects);
  const delta = deltaOf({ base, objects, ghosts });
  return delta === undefined ? undefined : { release, base, objects, ghosts, delta };
}

/** What lies below a prefix that the release reads from, but is not part of it. */
function ghostsOf(current: ReleaseState, objects: ReadonlyMap<string, LocatedObject>): readonly Ghost[] {
  const read = new Set([current.base, ...[...objects.values()].map(({ at }) => at)]);
  const left = [...current.objects.values()].filter(({ key, at }) => objects.get(key)?.at !== at);
  return [...current.ghosts, ...left.map(({ key, at }) => ({ key, at }))].filter(({ at }) => read.has(at));
}

/**
 * The delta list by which the edge finds every object and no ghost, or `undefined` when none can: an entry is for a hash,
 * and keys that share one must lie under one prefix, without each other's ghosts.
 */
export function deltaOf(state: {
  readonly base: string;
  readonly objects: ReadonlyMap<string, LocatedObject>;
  readonly ghosts: readonly Ghost[];
}): string | undefined {
  const { base } = state;
  const wanted = new Map<string, string>();
  for (const { key, at } of state.objects.values()) {
    const hash = keyHash(key);
    const other = wanted.get(hash);
    if (other !== undefined && other !== at) return undefined;
    wanted.set(hash, at);
  }
  for (const { key, at } of state.ghosts) {
    const hash = keyHash(key);
    const tag = wanted.get(hash);
    if (tag === at) return undefined;
    if (tag === undefined && at === base) wanted.set(hash, REMOVED);
  }
  return packDelta(new Map([...wanted].filter(([, tag]) => tag !== base)));
}

/** What a delta list calls a page key. */
export function keyHash(key: string): string {
  return shortHash(encodePath(key), sha256Hex);
}
