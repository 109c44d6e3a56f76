import { readFile } from "node:fs/promises";

import { SitefleetError } from "../lib/errors.ts";
import { forEachLimit } from "../lib/for-each-limit.ts";
import { releasePrefix } from "../site/layout.ts";
import { pageMetadata, redirectMetadata } from "../site/object-metadata.ts";
import type { RedirectObject } from "../site/redirect-plan.ts";
import type { ReleaseFile } from "./manifest.ts";
import { placeOf, sha256Hex } from "./publish-deps.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";
import type { ReleasePlan } from "./release-plan.ts";
import { READ_BUDGET } from "./scan.ts";

const PARALLEL_UPLOADS = 48;

/** Where the bytes of a release come from. */
export type FileSource =
  /** Paths on this machine by page key. */
  | { readonly kind: "folder"; readonly paths: ReadonlyMap<string, string> }
  /** Another release of the same site, copied inside the store. */
  | { readonly kind: "release"; readonly release: string };

type Job =
  | { readonly kind: "file"; readonly file: ReleaseFile }
  | { readonly kind: "redirect"; readonly redirect: RedirectObject };

/**
 * Writes every object of a release below its prefix, which nobody reads yet.
 * @throws SitefleetError `publish/file-changed` when a file is not what was scanned
 */
export async function uploadRelease(
  deps: PublishDeps,
  ref: SiteRef,
  upload: { readonly release: string; readonly plan: ReleasePlan; readonly source: FileSource },
): Promise<void> {
  const jobs: Job[] = [
    ...upload.plan.files.filter(({ hidden }) => !hidden).map((file) => ({ kind: "file" as const, file })),
    ...upload.plan.redirects.map((redirect) => ({ kind: "redirect" as const, redirect })),
  ];
  const place = placeOf(deps, ref);
  const target = { prefix: releasePrefix(place, upload.release), source: upload.source, from: "" };
  const from = upload.source.kind === "release" ? releasePrefix(place, upload.source.release) : "";
  let done = 0;
  const options = { limit: PARALLEL_UPLOADS, budget: READ_BUDGET, weightOf, signal: deps.signal };
  await forEachLimit(jobs, options, async (job) => {
    if (job.kind === "file") await writeFile(deps, { ...target, from }, job.file);
    else await writeRedirect(deps, target.prefix, job.redirect);
    done += 1;
    deps.onProgress({ step: "uploading", done, total: jobs.length });
  });
}

function weightOf(job: Job): number {
  return job.kind === "file" ? job.file.size : 0;
}

async function writeFile(
  deps: PublishDeps,
  target: { readonly prefix: string; readonly source: FileSource; readonly from: string },
  file: ReleaseFile,
): Promise<void> {
  const { signal } = deps;
  const key = target.prefix + file.key;
  if (target.source.kind === "release") {
    const outcome = await deps.store.hosting.copy({ from: target.from + file.key, to: key, signal });
    if (outcome.kind === "ok") return;
    throw new SitefleetError("site/unreadable", `release "${target.source.release}" lacks "${file.key}"`, {
      hint: "publish the site's folder again",
    });
  }
  await deps.store.hosting.put({
    key,
    body: await readScanned(target.source.paths, file),
    headers: { contentType: file.contentType, cacheControl: file.cacheControl },
    metadata: pageMetadata(file.canonical),
    signal,
  });
}

async function readScanned(paths: ReadonlyMap<string, string>, file: ReleaseFile): Promise<Uint8Array> {
  const path = paths.get(file.key);
  if (path === undefined) throw new SitefleetError("fault/internal", `no path for the key "${file.key}"`);
  let body: Uint8Array | undefined;
  try {
    body = await readFile(path);
  } catch (error) {
    throw fileChanged(path, error);
  }
  if (sha256Hex(body) !== file.hash) throw fileChanged(path, undefined);
  return body;
}

function fileChanged(path: string, cause: unknown): SitefleetError {
  return new SitefleetError("publish/file-changed", `"${path}" changed while it was being published`, {
    cause,
    hint: "nothing was published; wait until the build has ended and run the command again",
  });
}

async function writeRedirect(deps: PublishDeps, prefix: string, redirect: RedirectObject): Promise<void> {
  await deps.store.hosting.put({
    key: prefix + redirect.key,
    body: `${redirect.text}\n`,
    headers: { contentType: "text/plain; charset=utf-8", cacheControl: "public, max-age=0, must-revalidate" },
    metadata: redirectMetadata(redirect),
    signal: deps.signal,
  });
}
