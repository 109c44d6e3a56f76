import { SitefleetError, assertNever } from "../../lib/errors.ts";
import { forEachLimit } from "../../lib/for-each-limit.ts";
import { releasePrefix } from "../../site/layout.ts";
import type { PutInput } from "../../store/object-store.ts";
import type { PlannedCopy } from "./delta-plan.ts";
import { placeOf } from "../publish-deps.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import type { ReleaseObject } from "./release-object.ts";
import type { PlannedObject } from "./release-plan.ts";
import { READ_BUDGET } from "../folder/scan.ts";

/** Requests under way; the store opens as many connections. */
export const PARALLEL_WRITES = 64;

/** One object to write, and where. */
export type ObjectWrite =
  | { readonly kind: "upload"; readonly to: string; readonly object: PlannedObject }
  | { readonly kind: "copy"; readonly to: string; readonly copy: PlannedCopy };

/**
 * Writes objects below prefixes of a site.
 * @param input.count how many there are
 * @param input.planned what a copy falls back to when its source is gone
 * @throws SitefleetError `publish/file-changed` when a file is not what was scanned
 */
export async function writeObjects(
  deps: PublishDeps,
  ref: SiteRef,
  input: {
    readonly writes: Iterable<ObjectWrite>;
    readonly count: number;
    readonly planned: readonly PlannedObject[];
    readonly step: string;
  },
): Promise<void> {
  const { writes, count, planned, step } = input;
  let done = 0;
  let byKey: ReadonlyMap<string, PlannedObject> | undefined;
  // Few publishes have a copy whose source is gone; the others need no index.
  const find = (key: string): PlannedObject | undefined =>
    (byKey ??= new Map(planned.map((object) => [object.key, object]))).get(key);
  const options = { limit: PARALLEL_WRITES, budget: READ_BUDGET, weightOf, signal: deps.signal };
  await forEachLimit(writes, options, async (write) => {
    if (write.kind === "upload") await upload(deps, ref, write);
    else if (!(await copied(deps, ref, write))) {
      await upload(deps, ref, { to: write.to, object: fallback(find, write.copy) });
    }
    done += 1;
    deps.onProgress({ step, done, total: count });
  });
}

function weightOf(write: ObjectWrite): number {
  return write.kind === "upload" && write.object.body.kind === "file" ? write.object.size : 0;
}

function keyOf(deps: PublishDeps, ref: SiteRef, at: { readonly key: string; readonly at: string }): string {
  return releasePrefix(placeOf(deps, ref), at.at) + at.key;
}

async function upload(
  deps: PublishDeps,
  ref: SiteRef,
  write: { readonly to: string; readonly object: PlannedObject },
): Promise<void> {
  const { object, to } = write;
  const { key, headers, metadata } = object;
  if (object.body.kind === "elsewhere") {
    const from = object.body.storeKey;
    const replace = { headers, metadata };
    const target = keyOf(deps, ref, { key, at: to });
    const outcome = await deps.store.hosting.copy({ from, to: target, replace, signal: deps.signal });
    if (outcome.kind === "not-found") throw notAtHand(key);
    return;
  }
  const body = bodyOf(object);
  await deps.store.hosting.put({
    key: keyOf(deps, ref, { key, at: to }),
    body,
    ...(typeof body === "string" ? { sha256: object.hash } : {}),
    headers,
    metadata,
    signal: deps.signal,
  });
}

function bodyOf({ key, body, size, hash }: PlannedObject): PutInput["body"] {
  switch (body.kind) {
    case "file":
      return { path: body.path, size, sha256: hash };
    case "text":
      return body.text;
    case "stored":
    case "elsewhere":
      throw notAtHand(key);
    default:
      return assertNever(body);
  }
}

/**
 * Copies inside the store with the object's own headers; `false` when the source is gone, or was not what it had to be. An
 * asset that is only kept for pages loaded earlier may be gone.
 */
async function copied(
  deps: PublishDeps,
  ref: SiteRef,
  write: { readonly to: string; readonly copy: PlannedCopy },
): Promise<boolean> {
  const { object, from, etag } = write.copy;
  const { key, headers, metadata } = object;
  const outcome = await deps.store.hosting.copy({
    from: keyOf(deps, ref, from),
    to: keyOf(deps, ref, { key, at: write.to }),
    replace: { headers, metadata },
    signal: deps.signal,
  });
  if (outcome.kind === "not-found") return "removedAt" in object;
  return etag === undefined || outcome.etag === etag;
}

function fallback(find: (key: string) => PlannedObject | undefined, { object }: PlannedCopy): PlannedObject {
  const found = find(object.key);
  if (found && isAtHand(found, object)) return found;
  throw notAtHand(object.key);
}

function isAtHand(found: PlannedObject, object: ReleaseObject): boolean {
  return found.hash === object.hash && found.body.kind !== "stored";
}

function notAtHand(key: string): SitefleetError {
  return new SitefleetError("site/unreadable", `the content of "${key}" is gone from the store`, {
    hint: "publish the site's folder again",
  });
}
