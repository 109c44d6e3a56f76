import { z } from "zod";

import { parseJson } from "../lib/json.ts";
import { SitefleetError } from "../lib/errors.ts";
import { mapAhead } from "../lib/map-ahead.ts";
import { migrationKey, recordKey } from "../site/layout.ts";
import { CODEC_VERSION } from "../site/metadata.ts";
import { commitChange } from "./commit.ts";
import { PARALLEL_CONFIGS, readOwner } from "./config-sync.ts";
import { placeOf } from "./publish-deps.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";
import { GatheringPurge, SecondPasses } from "./batch/purge-gathering.ts";
import { parseRecord } from "./record-store.ts";
import type { HeldRecord } from "./record-store.ts";
import { failureText, siteEnvsOf, siteRefs } from "./site-list.ts";

/** What became of one site. */
export type MigrateOutcome =
  | { readonly kind: "current"; readonly ref: SiteRef }
  /** Written anew; in a dry run: would be. */
  | { readonly kind: "migrated"; readonly ref: SiteRef; readonly configs: number; readonly record: boolean }
  | { readonly kind: "failed"; readonly ref: SiteRef; readonly problem: string };

export interface MigrateReport {
  readonly current: number;
  readonly migrated: number;
  readonly failed: number;
  /** Configs that were written. */
  readonly configs: number;
  /** Site behind which an interrupted run was taken up. */
  readonly resumedAfter: SiteRef | undefined;
  /** Sites that are migrated, but whose second purge is still owed, and why. */
  readonly owed: readonly { readonly site: string; readonly siteEnv: string; readonly problem: string }[];
}

const PARALLEL_SITES = 16;
/** How often the cursor is written: what an interrupted run looks at twice at most. */
const CURSOR_EVERY = 500;
/** A cursor that is older says nothing: an older version may have written since. */
const CURSOR_LIFE_MS = 86_400_000;

/**
 * Writes every record and config of an older version in today's. Sites that are of today's cost one request for the
 * record and one per domain. Interrupted, it goes on behind the last site that was noted; what it could not read is told
 * and left alone.
 * @param options.onOutcome told of every site, in order
 */
export async function migrateFleet(
  deps: PublishDeps,
  options: {
    readonly dryRun?: boolean;
    /** Look at every site, also at those that an interrupted run has noted as done. */
    readonly restart?: boolean;
    readonly onOutcome: (outcome: MigrateOutcome) => void;
  },
): Promise<MigrateReport> {
  const cursor = new Cursor(deps);
  const resumedAfter = options.restart ? undefined : await cursor.read();
  const purge = new GatheringPurge(deps);
  const passes = new SecondPasses(deps, purge);
  const inner: PublishDeps = {
    ...deps,
    purge,
    later: (rest) => passes.add(rest),
    onProgress: () => undefined,
  };
  const counts = { current: 0, migrated: 0, failed: 0, configs: 0 };
  const sites = mapAhead(refsAfter(deps, resumedAfter), PARALLEL_SITES, (ref) =>
    migrateSite(inner, ref, options.dryRun ?? false),
  );
  try {
    for await (const outcome of sites) {
      counts[outcome.kind] += 1;
      if (outcome.kind === "migrated") counts.configs += outcome.configs;
      options.onOutcome(outcome);
      // A site that failed is looked at again by the next run, so the cursor stays before it.
      if (counts.failed === 0) await cursor.note(outcome.ref);
    }
  } finally {
    await passes.close();
  }
  if (counts.failed === 0) await cursor.clear();
  const owed = passes.unfinished.map(({ ref, error }) => ({ ...ref, problem: failureText(error) }));
  return { ...counts, resumedAfter, owed };
}

/** The sites behind one, in the order of their keys; that one may be gone by now. */
async function* refsAfter(deps: PublishDeps, last: SiteRef | undefined): AsyncGenerator<SiteRef> {
  for (const siteEnv of siteEnvsOf(deps)) {
    if (last && siteEnv < last.siteEnv) continue;
    for await (const ref of siteRefs(deps, [siteEnv])) {
      if (last?.siteEnv === siteEnv && `${ref.site}.json` <= `${last.site}.json`) continue;
      yield ref;
    }
  }
}

/** Brings one site to today's format and codec. */
export async function migrateSite(deps: PublishDeps, ref: SiteRef, dryRun: boolean): Promise<MigrateOutcome> {
  try {
    const stored = await readStored(deps, ref);
    // One that is being deleted has no configs, and its record is read in any format.
    if (!stored || stored.held.record.deleting) return { kind: "current", ref };
    const { held, isOld } = stored;
    const old = await oldConfigs(deps, ref, Object.keys(held.record.domains));
    if (!isOld && old.length === 0) return { kind: "current", ref };
    const done = { kind: "migrated" as const, ref, configs: old.length, record: isOld };
    if (dryRun) return done;
    await commitChange(deps, ref, {
      reason: `migrate to codec ${CODEC_VERSION}`,
      known: held,
      // What the record remembers of such a config is of no use: it must be written whatever it says.
      apply: (record) => ({
        ...record,
        domains: Object.fromEntries(
          Object.entries(record.domains).map(([domain, entry]) => [
            domain,
            old.includes(domain) ? { ...entry, digest: null } : entry,
          ]),
        ),
      }),
    });
    return done;
  } catch (error) {
    deps.signal.throwIfAborted();
    return { kind: "failed", ref, problem: failureText(error) };
  }
}

const looseRecord = z.looseObject({ format: z.number() });

/** The record, and whether it is stored in an earlier format; `undefined` when it is gone. */
async function readStored(
  deps: PublishDeps,
  ref: SiteRef,
): Promise<{ readonly held: HeldRecord; readonly isOld: boolean } | undefined> {
  const key = recordKey(placeOf(deps, ref));
  const found = await deps.store.config.get({ key, signal: deps.signal });
  if (found.kind === "not-found") return undefined;
  const record = parseRecord(key, found.body);
  const { format } = looseRecord.parse(parseJson(Buffer.from(found.body).toString("utf8")));
  return { held: { record, etag: found.object.etag }, isOld: format !== record.format };
}

/**
 * The site's domains whose configs an earlier codec version wrote.
 * @throws SitefleetError `site/unreadable` for a config that no version here can read: it is never overwritten unread
 */
async function oldConfigs(
  deps: PublishDeps,
  ref: SiteRef,
  domains: readonly string[],
): Promise<readonly string[]> {
  const old: string[] = [];
  const owners = mapAhead(domains, PARALLEL_CONFIGS, async (domain) => {
    return { domain, owner: await readOwner(deps, domain) };
  });
  for await (const { domain, owner } of owners) {
    if (owner.kind === "unreadable") {
      throw new SitefleetError("site/unreadable", `the config of "${domain}" ${owner.reason}`, {
        hint: "update sitefleet; a newer version may have written it",
      });
    }
    if (owner.kind === "site" && owner.site === ref.site && owner.isOld) old.push(domain);
  }
  return old;
}

const cursorSchema = z.strictObject({
  format: z.literal(1),
  site: z.string(),
  siteEnv: z.string(),
  at: z.iso.datetime(),
});

/** Where a run has come to, kept in the config bucket: any machine can go on. */
class Cursor {
  readonly #deps: PublishDeps;
  readonly #key: string;
  #noted = 0;

  constructor(deps: PublishDeps) {
    this.#deps = deps;
    this.#key = migrationKey(deps.environment.name, CODEC_VERSION);
  }

  async read(): Promise<SiteRef | undefined> {
    const { store, signal, clock } = this.#deps;
    const found = await store.config.get({ key: this.#key, signal });
    if (found.kind === "not-found") return undefined;
    const parsed = cursorSchema.safeParse(parseJson(Buffer.from(found.body).toString("utf8")));
    // One that cannot be read costs a second look at every site, no more.
    if (!parsed.success || clock.now() - Date.parse(parsed.data.at) > CURSOR_LIFE_MS) return undefined;
    return { site: parsed.data.site, siteEnv: parsed.data.siteEnv };
  }

  async note({ site, siteEnv }: SiteRef): Promise<void> {
    this.#noted += 1;
    if (this.#noted % CURSOR_EVERY !== 0) return;
    const { store, signal, clock } = this.#deps;
    const at = new Date(clock.now()).toISOString();
    const body = JSON.stringify({ format: 1, site, siteEnv, at });
    await store.config.put({ key: this.#key, body, headers: { contentType: "application/json" }, signal });
  }

  async clear(): Promise<void> {
    const { store, signal } = this.#deps;
    await store.config.delete({ key: this.#key, signal });
  }
}
