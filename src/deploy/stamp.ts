/** What a version's comment says about the deploy that made it. */
export interface Stamp {
  /** The version's own number: a copy of the comment on a clone does not pass for ours. */
  readonly version: number;
  /** Version that was live when it was made; `null` when none was. */
  readonly from: number | null;
  readonly revision: string;
}

const STAMP = /^sitefleet ([0-9]{1,9}) from ([0-9]{1,9}|none): revision ([0-9A-Za-z_-]{1,128})$/;

export function formatStamp(stamp: Stamp): string {
  return `sitefleet ${stamp.version} from ${stamp.from ?? "none"}: revision ${stamp.revision}`;
}

/** The stamp in a comment; `undefined` for every other comment. */
export function parseStamp(comment: string): Stamp | undefined {
  const [, version, from, revision] = STAMP.exec(comment) ?? [];
  if (version === undefined || from === undefined || revision === undefined) return undefined;
  return { version: Number(version), from: from === "none" ? null : Number(from), revision };
}

/** The stamp of a version that sitefleet itself made. */
export function ownStamp(version: { readonly number: number; readonly comment: string }): Stamp | undefined {
  const stamp = parseStamp(version.comment);
  return stamp?.version === version.number ? stamp : undefined;
}
