import { lookUpDelta } from "../../site/delta-list.ts";
import { isReleaseId } from "../../site/names.ts";
import { deltaOf, gracedObjects, keyHash, unremoved } from "./delta-plan.ts";
import type { PlacedRelease } from "./delta-plan.ts";
import { isAsset, sameObject } from "./release-object.ts";
import type { Ghost, LocatedObject, ReleaseObject, ReleaseState } from "./release-object.ts";
import type { PlannedObject } from "./release-plan.ts";
import type { ObjectWrite } from "./release-upload.ts";

/** What overwriting a release in place does, in this order. */
export interface InPlacePlan {
  /** Style, code, media: what pages refer to comes before the pages. */
  readonly assets: readonly ObjectWrite[];
  readonly pages: readonly ObjectWrite[];
  readonly removals: readonly Ghost[];
  readonly placed: PlacedRelease;
  /** Page keys whose answers change. */
  readonly changed: readonly string[];
  /** Prefixes below which it writes over what the release does not show: pruning may be deleting that by its name. */
  readonly revived: ReadonlySet<string>;
}

/**
 * Plans to bring a release to a new content where its objects lie. New keys go where the delta list leads for them, so
 * it hardly grows. `undefined` when no delta list leads every key rightly in this layout.
 */
export function planInPlace(input: {
  readonly current: ReleaseState & { readonly delta: string };
  readonly next: readonly PlannedObject[];
  /** Epoch milliseconds. */
  readonly now: number;
  readonly graceMs: number;
}): InPlacePlan | undefined {
  const { current, next } = input;
  const graced = gracedObjects(input);
  const objects = new Map<string, LocatedObject>(graced.map((object) => [object.key, object]));
  const changed: PlannedObject[] = [];
  for (const object of next) {
    const known = current.objects.get(object.key);
    const same = known !== undefined && sameObject(known, object);
    if (!same) changed.push(object);
    objects.set(object.key, same ? unremoved(known) : located(object, placeFor(current, object.key)));
  }
  const removals = [...current.objects.values()]
    .filter(({ key }) => !objects.has(key))
    .map(({ key, at }) => ({ key, at }));
  const isRevived = ({ key, at }: Ghost): boolean => objects.get(key)?.at === at;
  const ghosts = current.ghosts.filter((ghost) => !isRevived(ghost));
  const delta = deltaOf({ base: current.base, objects, ghosts });
  if (delta.kind !== "ok") return undefined;
  const find = sourceFinder(current, new Set(changed.map(({ key }) => key)));
  const writes = changed.map((object) => writeOf(object, placeFor(current, object.key), find(object)));
  return {
    assets: writes.filter((write) => isAsset(objectOf(write))),
    pages: writes.filter((write) => !isAsset(objectOf(write))),
    removals,
    placed: { release: current.release, base: current.base, objects, ghosts, delta: delta.text },
    changed: [...changed, ...removals].map(({ key }) => key),
    revived: new Set(current.ghosts.filter(isRevived).map(({ at }) => at)),
  };
}

function objectOf(write: ObjectWrite): ReleaseObject {
  return write.kind === "upload" ? write.object : write.copy.object;
}

function located(object: ReleaseObject, at: string): LocatedObject {
  const { key, size, hash, headers, metadata } = object;
  return { key, size, hash, headers, metadata, at };
}

/** The release below whose prefix the edge looks for a key, or will once it is not marked as removed. */
function placeFor(current: ReleaseState & { readonly delta: string }, key: string): string {
  const known = current.objects.get(key);
  if (known) return known.at;
  const tag = lookUpDelta(current.delta, keyHash(key));
  return tag !== undefined && isReleaseId(tag) ? tag : current.base;
}

/** Finds content that can be copied: the key's own under other headers, or an object's that this run does not overwrite. */
function sourceFinder(
  current: ReleaseState,
  overwritten: ReadonlySet<string>,
): (object: ReleaseObject) => LocatedObject | undefined {
  const byHash = new Map<string, LocatedObject>();
  for (const object of current.objects.values()) {
    if (!overwritten.has(object.key)) byHash.set(object.hash, object);
  }
  return (object) => {
    const own = current.objects.get(object.key);
    return own?.hash === object.hash ? own : byHash.get(object.hash);
  };
}

function writeOf(object: PlannedObject, to: string, from: LocatedObject | undefined): ObjectWrite {
  if (!from) return { kind: "upload", to, object };
  return { kind: "copy", to, copy: { object, from: { key: from.key, at: from.at } } };
}
