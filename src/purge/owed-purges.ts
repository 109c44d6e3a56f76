import { randomUUID } from "node:crypto";
import { z } from "zod";

import { SitefleetError } from "../lib/errors.ts";
import { owedPrefix } from "../site/layout.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { purgeTwice } from "./purge.ts";
import type { PurgeDeps } from "./purge.ts";

/** A purge that no site owns, as it lies in the config bucket until it has been sent twice. */
export interface StoredPurge {
  readonly key: string;
  readonly keys: readonly string[];
  readonly soft: boolean;
  readonly reason: string;
  /** ISO 8601. */
  readonly since: string;
}

export interface OwedDeps extends PurgeDeps {
  readonly config: ObjectStore;
  readonly serverEnv: string;
}

const storedSchema = z.strictObject({
  format: z.literal(1),
  keys: z.array(z.string()).min(1),
  soft: z.boolean(),
  reason: z.string(),
  since: z.string(),
});

/**
 * Writes the purge down, sends it twice together with whatever earlier runs left, and takes it out again: it survives a
 * crash at any moment.
 */
export async function purgeDurably(
  deps: OwedDeps,
  order: { readonly keys: readonly string[]; readonly soft: boolean; readonly reason: string },
): Promise<void> {
  const since = new Date(deps.clock.now()).toISOString();
  // The time comes first so that a listing is oldest first.
  const key = `${owedPrefix(deps.serverEnv)}${since}-${randomUUID()}.json`;
  const body = JSON.stringify({ format: 1, ...order, since });
  await deps.config.put({ key, body, headers: { contentType: "application/json" }, signal: deps.signal });
  await settleStoredPurges(deps);
}

/**
 * Sends every stored purge twice and deletes it.
 * @returns how many there were
 */
export async function settleStoredPurges(deps: OwedDeps): Promise<number> {
  const stored = await readOwedPurges(deps);
  const orders = [true, false].map((soft) => ({
    soft,
    keys: stored.filter((purge) => purge.soft === soft).flatMap(({ keys }) => keys),
  }));
  await Promise.all(orders.map((order) => purgeTwice(deps, order)));
  for (const { key } of stored) await deps.config.delete({ key, signal: deps.signal });
  return stored.length;
}

/** All purges that lie in the bucket, oldest first. */
export async function readOwedPurges(deps: OwedDeps): Promise<readonly StoredPurge[]> {
  const stored: StoredPurge[] = [];
  for await (const entry of deps.config.list({ prefix: owedPrefix(deps.serverEnv), signal: deps.signal })) {
    if (entry.kind !== "object") continue;
    const found = await deps.config.get({ key: entry.key, signal: deps.signal });
    // Another process may have settled it between the listing and the read.
    if (found.kind === "not-found") continue;
    stored.push(parseStored(entry.key, Buffer.from(found.body).toString("utf8")));
  }
  return stored;
}

function parseStored(key: string, text: string): StoredPurge {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const parsed = storedSchema.safeParse(json);
  if (!parsed.success) {
    throw new SitefleetError("site/unreadable", `"${key}" is not a purge that this version can read`, {
      hint: "update sitefleet; if the object is damaged, purge what it may have meant and delete it",
    });
  }
  const { keys, soft, reason, since } = parsed.data;
  return { key, keys, soft, reason, since };
}
