import type { ReleaseEntry } from "../../site/model.ts";
import { findManifest } from "./manifest.ts";
import { pathOfObject } from "./object-path.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import { sameObject } from "./release-object.ts";
import type { Manifest, ReleaseObject } from "./release-object.ts";
import { bucketsDigest } from "./release-plan.ts";
import type { ReleasePlan } from "./release-plan.ts";

/** How a release would differ from the one that is shown. Paths are encoded, as visitors ask for them, in order. */
export interface ReleaseChanges {
  readonly added: readonly string[];
  /** Other content or other headers. */
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Whether redirect patterns, which have no path of their own, differ. */
  readonly patterns: boolean;
}

/**
 * Compares a plan with what a site shows, by its manifest; nothing is written.
 * @returns `undefined` when nobody knows what the release that is shown holds
 */
export async function readChanges(
  deps: PublishDeps,
  ref: SiteRef,
  { plan, shown }: { readonly plan: ReleasePlan; readonly shown: ReleaseEntry | undefined },
): Promise<ReleaseChanges | undefined> {
  const manifest = shown === undefined || shown.dirty ? undefined : await findManifest(deps, ref, shown);
  if (shown !== undefined && manifest?.base !== shown.base) return undefined;
  const patterns = plan.slots !== (shown?.slots ?? "") || bucketsOf(plan) !== manifest?.buckets?.digest;
  return { ...compareObjects(shownObjects(manifest), plan.objects), patterns };
}

function bucketsOf({ buckets }: ReleasePlan): string | undefined {
  return buckets.size === 0 ? undefined : bucketsDigest(buckets);
}

/** Removed assets can still be read for a while, but they are not of the site any more. */
function shownObjects(manifest: Manifest | undefined): ReadonlyMap<string, ReleaseObject> {
  const located = [...(manifest?.objects ?? [])];
  return new Map(located.filter(([, object]) => object.removedAt === undefined));
}

function compareObjects(
  before: ReadonlyMap<string, ReleaseObject>,
  next: readonly ReleaseObject[],
): Omit<ReleaseChanges, "patterns"> {
  const paths = { added: new Set<string>(), changed: new Set<string>(), removed: new Set<string>() };
  const kept = new Set(next.map(({ key }) => key));
  for (const object of next) {
    const known = before.get(object.key);
    if (known === undefined) paths.added.add(pathOfObject(object));
    else if (!sameObject(known, object)) paths.changed.add(pathOfObject(object));
  }
  for (const [key, object] of before) if (!kept.has(key)) paths.removed.add(pathOfObject(object));
  const sorted = (set: ReadonlySet<string>): readonly string[] => [...set].sort();
  return { added: sorted(paths.added), changed: sorted(paths.changed), removed: sorted(paths.removed) };
}

/** Paths listed of each kind. */
const LISTED = 20;

/** The same for people; nothing for a release that differs in nothing. */
export function changesText({ added, changed, removed, patterns }: ReleaseChanges): readonly string[] {
  const list = (sign: string, paths: readonly string[]): readonly string[] => {
    const more = paths.length - LISTED;
    const shown = paths.slice(0, LISTED).map((path) => `  ${sign} ${path}`);
    return more > 0 ? [...shown, `  ${sign} and ${more} more`] : shown;
  };
  return [
    ...list("+", added),
    ...list("~", changed),
    ...list("-", removed),
    ...(patterns ? ["  ~ redirect patterns"] : []),
  ];
}
