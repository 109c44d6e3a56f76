import { privatePrefix, sitePrefix } from "../../site/layout.ts";
import { isReleaseId, releaseIdOf, releaseNumberOf } from "../../site/names.ts";
import { writeManifest } from "./manifest.ts";
import { placeOf } from "../publish-deps.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import { changedMeanwhile } from "../record-store.ts";
import type { Manifest } from "./release-object.ts";

const ATTEMPTS = 8;

/**
 * Takes the next free release id by writing its manifest where none is: before any object of it exists, so that no two
 * runs ever write below one prefix and no prefix is written below twice. A run that dies leaves its id used up.
 * @param after the last number that is known to be used
 * @throws SitefleetError `release/exhausted`, `site/changed-meanwhile` when others are faster every time
 */
export async function claimRelease(
  deps: PublishDeps,
  ref: SiteRef,
  claim: { readonly after: number; readonly manifestOf: (release: string) => Manifest },
): Promise<string> {
  let number = claim.after + 1;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const release = releaseIdOf(number);
    const manifest = claim.manifestOf(release);
    if (await writeManifest(deps, ref, { manifest, condition: { kind: "absent" } })) return release;
    number = Math.max(number, await lastClaimed(deps, ref)) + 1;
  }
  throw changedMeanwhile(ref, "others make releases of it all the time");
}

/** The highest release number that has a manifest. */
async function lastClaimed(deps: PublishDeps, ref: SiteRef): Promise<number> {
  const prefix = `${privatePrefix(placeOf(deps, ref))}releases/`;
  let last = 0;
  for await (const { key } of deps.store.config.list({ prefix, signal: deps.signal })) {
    const id = key.slice(prefix.length).replace(/\.jsonl$/, "");
    if (isReleaseId(id)) last = Math.max(last, releaseNumberOf(id));
  }
  return last;
}

/**
 * The highest release number whose prefix holds objects. For a site whose record or manifest is lost: an id whose prefix
 * holds something is never handed out again.
 */
export async function lastStored(deps: PublishDeps, ref: SiteRef): Promise<number> {
  const prefix = sitePrefix(placeOf(deps, ref));
  let last = 0;
  for await (const entry of deps.store.hosting.list({ prefix, delimiter: "/", signal: deps.signal })) {
    const id = entry.key.slice(prefix.length).replace(/\/$/, "");
    if (entry.kind === "prefix" && isReleaseId(id)) last = Math.max(last, releaseNumberOf(id));
  }
  return last;
}
