import { createHash } from "node:crypto";
import { isOwnLink } from "../compute/stores.ts";
import type { ServiceContent } from "../service/service-content.ts";

/** What a version's comment says about the deploy that made it. */
export interface Stamp {
  /** The version's own number: a copy of the comment on a clone does not pass for ours. */
  readonly version: number;
  /** Version that was live when it was made; `null` when none was. */
  readonly from: number | null;
  readonly revision: string;
  /** Digest of what was written (`digestContent`); `null` in stamps of before there was one. */
  readonly content: string | null;
  /** Commit that it was rendered from, with `-dirty` where files had changed since; `null` when unknown. */
  readonly commit: string | null;
  /** Who deployed it; `null` when unknown. */
  readonly by: string | null;
}

const STAMP =
  /^sitefleet ([0-9]{1,9}) from ([0-9]{1,9}|none): revision ([0-9A-Za-z_-]{1,128})(?:, content ([0-9a-f]{16}))?(?:, commit ([0-9a-f]{7,40}(?:-dirty)?))?(?:, by ([\w.@+[\]-]{1,64}))?$/;

export function formatStamp(stamp: Stamp): string {
  const { version, from, revision, content, commit, by } = stamp;
  return [
    `sitefleet ${version} from ${from ?? "none"}: revision ${revision}`,
    ...(content === null ? [] : [`content ${content}`]),
    ...(commit === null ? [] : [`commit ${commit}`]),
    ...(by === null ? [] : [`by ${by}`]),
  ].join(", ");
}

/** The stamp in a comment; `undefined` for every other comment. */
export function parseStamp(comment: string): Stamp | undefined {
  const [, version, from, revision, content, commit, by] = STAMP.exec(comment) ?? [];
  if (version === undefined || from === undefined || revision === undefined) return undefined;
  return {
    version: Number(version),
    from: from === "none" ? null : Number(from),
    revision,
    content: content ?? null,
    commit: commit ?? null,
    by: by ?? null,
  };
}

/** The stamp of a version that sitefleet itself made. */
export function ownStamp(version: { readonly number: number; readonly comment: string }): Stamp | undefined {
  const stamp = parseStamp(version.comment);
  return stamp?.version === version.number ? stamp : undefined;
}

/** Whether sitefleet made a version and nobody changed it between its being written and its going live. */
export function isOwnVersion(version: {
  readonly number: number;
  readonly comment: string;
  readonly content: ServiceContent;
}): boolean {
  const stamp = ownStamp(version);
  if (!stamp) return false;
  return stamp.content === null || stamp.content === digestContent(version.content);
}

/**
 * Digest of the kinds of which every object in a version is sitefleet's. By it a run knows that nobody changed a
 * draft between its being written and its going live.
 */
export function digestContent(content: ServiceContent): string {
  const { vcls, backends, healthchecks, domains, settings, compute } = content;
  // Of a Compute service's settings the revision tells, and stores are named by the account. Others make links too.
  const links = compute?.links.map(({ name }) => name).filter(isOwnLink) ?? [];
  const program = compute && [[compute.package?.filesHash ?? ""], links];
  const parts = [vcls, backends, healthchecks, domains, [settings], ...(program ?? [])].map((list) =>
    list.map(inOrder),
  );
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

/** An object as pairs in the order of its fields' names: how it was built does not count. */
function inOrder(value: object | string): unknown {
  if (typeof value === "string") return value;
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
}
