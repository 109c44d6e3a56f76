import { z } from "zod";

import { parseJson } from "../../lib/json.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { receiptKey } from "../../site/layout.ts";
import { isReleaseId } from "../../site/names.ts";
import { placeOf } from "../publish-deps.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import { readSite, releaseNotFound } from "../record-store.ts";

const count = z.int().min(0);
const releaseId = z.string().refine(isReleaseId, "must be a release id");
/** A moment, and milliseconds since the run began. */
const moment = z.object({ at: z.iso.datetime(), ms: z.number() });

const probeSchema = z.object({
  host: z.string(),
  path: z.string(),
  hop: z.enum(["edge", "shield"]),
  /** Why the answer is not that of the release; absent = it is. */
  problem: z.string().optional(),
  /** `null` = no answer came. */
  status: count.nullable(),
  /** Release that the last answer named. */
  release: z.string().nullable(),
  /** Surrogate keys that the last answer carried. */
  keys: z.array(z.string()),
  attempts: count,
  /** Milliseconds until the answer was right, or until the last one. */
  ms: z.number(),
});

/** What is known about how a release went live, as JSON beside it. Later versions may add fields. */
export const receiptSchema = z.object({
  format: z.literal(1),
  site: z.string(),
  siteEnv: z.string(),
  release: releaseId,
  previous: releaseId.nullable(),
  /** `unchanged`: the run wrote no content and finished, or only verified, what another had done. */
  kind: z.enum(["delta", "full", "in-place", "unchanged"]),
  files: count,
  redirects: count,
  bytes: count,
  /** Objects that were written for it. */
  written: z.object({ uploaded: count, uploadedBytes: count, copied: count }),
  /** Calls that the run made. */
  requests: z.object({
    get: count,
    head: count,
    put: count,
    copy: count,
    delete: count,
    list: count,
    purge: count,
    edge: count,
  }),
  /** What of this happened, in this order. */
  times: z.object({
    started: moment,
    scanned: moment.optional(),
    uploaded: moment.optional(),
    committed: moment.optional(),
    configsWritten: moment.optional(),
    firstPurge: moment.optional(),
    /** The first time that every probe saw the release. */
    liveAt: moment.optional(),
    secondPurge: moment.optional(),
    settled: moment.optional(),
  }),
  purgeKeys: z.array(z.string()),
  /** Whether every probe saw the release after the second purge. */
  verified: z.boolean(),
  hosts: z.object({ serving: count, probed: count }),
  probes: z.array(probeSchema),
  notes: z.array(z.string()),
});

export type Receipt = z.output<typeof receiptSchema>;

/** Stores a receipt beside its release; one that is there is replaced. */
export async function writeReceipt(deps: PublishDeps, ref: SiteRef, receipt: Receipt): Promise<void> {
  await deps.store.config.put({
    key: receiptKey(placeOf(deps, ref), receipt.release),
    body: `${JSON.stringify(receipt)}\n`,
    headers: { contentType: "application/json" },
    signal: deps.signal,
  });
}

/**
 * The receipt of a release, if it has one.
 * @throws SitefleetError `site/unreadable`
 */
export async function findReceipt(
  deps: PublishDeps,
  ref: SiteRef,
  release: string,
): Promise<Receipt | undefined> {
  const key = receiptKey(placeOf(deps, ref), release);
  const found = await deps.store.config.get({ key, signal: deps.signal });
  if (found.kind === "not-found") return undefined;
  const parsed = receiptSchema.safeParse(parseJson(Buffer.from(found.body).toString("utf8")));
  if (parsed.success) return parsed.data;
  throw new SitefleetError("site/unreadable", `"${key}" is not a receipt that this version can read`, {
    hint: "publish a change with --verify: a new release gets a receipt of its own",
  });
}

/**
 * Reads the receipt of a release, of the one that the site shows unless told.
 * @throws SitefleetError `site/not-found`, `release/not-found`, `release/no-receipt`, `site/unreadable`
 */
export async function readReceipt(deps: PublishDeps, ref: SiteRef, release?: string): Promise<Receipt> {
  // A name from a command line becomes part of a key only when it is that of a release.
  const named = release !== undefined && isReleaseId(release) && (await findReceipt(deps, ref, release));
  if (named) return named;
  const { record } = await readSite(deps, ref);
  const wanted = release ?? record.current;
  if (wanted === null) {
    throw new SitefleetError("release/not-found", `site "${ref.site}" shows nothing yet`, {
      hint: "publish the site first",
    });
  }
  if (!record.releases.some(({ id }) => id === wanted)) throw releaseNotFound(record, wanted);
  const receipt = release === undefined ? await findReceipt(deps, ref, wanted) : undefined;
  if (receipt) return receipt;
  throw new SitefleetError("release/no-receipt", `release ${wanted} of "${ref.site}" has no receipt`, {
    hint: "`publish --verify` writes one, also for a folder that the site shows already",
  });
}

/** The receipt as lines for people. */
export function receiptText(receipt: Receipt): string {
  const { times, requests, probes } = receipt;
  const moments = Object.entries(times).flatMap(([name, time]) =>
    time ? [`  ${name.padEnd(15)} ${time.at}  +${time.ms} ms`] : [],
  );
  const store = requests.get + requests.head + requests.put + requests.copy + requests.delete + requests.list;
  const asked = probes.map(
    ({ host, path, hop, problem, ms }) =>
      `  ${hop.padEnd(6)} ${host}${path}  ${problem ?? `right after ${ms} ms`}`,
  );
  return [
    `${receipt.site} (${receipt.siteEnv}) release ${receipt.release}, ${receipt.kind}, ${receipt.verified ? "verified" : "NOT verified"}`,
    `${receipt.files} files, ${receipt.redirects} redirects, ${receipt.bytes} bytes; ${receipt.written.uploaded} uploaded, ${receipt.written.copied} copied`,
    `requests: ${store} to the store, ${requests.purge} purges, ${requests.edge} to the edge`,
    ...moments,
    `purged: ${receipt.purgeKeys.join(" ") || "nothing"}`,
    `${receipt.hosts.probed} of ${receipt.hosts.serving} domains looked at:`,
    ...asked,
    ...receipt.notes,
  ].join("\n");
}
