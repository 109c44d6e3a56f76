import type { Preview } from "./previews/previews.ts";
import type { SiteRef } from "./publish-deps.ts";
import type { Receipt } from "./live/receipt.ts";
import type { WrittenCounts } from "./release/release.ts";
import type { WarmReport } from "./live/warm.ts";

/** What may be wanted of the edge when a publish is live. */
export interface EdgeWishes extends SiteRef {
  /** Decide and report, write nothing. */
  readonly dryRun?: boolean;
  /** `false`: return when the release is live; the second purge stays owed. */
  readonly wait?: boolean;
  /** Ask the edge until it shows the release, at most this long from the first purge; and store a receipt of the run. */
  readonly verify?: { readonly timeoutMs: number } | undefined;
  /** Most changed pages to request once, so that no visitor meets a cold one; by the settings unless given. */
  readonly warm?: number | false | undefined;
}

/** What a publish says of the release that it made, or found. */
export interface Published extends SiteRef {
  /** The release that the site, or the preview, shows; `null` for a plan of a new one. */
  readonly release: string | null;
  /** Where the release is shown, if only there. */
  readonly preview?: Preview;
  readonly previous: string | null;
  readonly files: number;
  /** Redirects that are objects of their own: exact rules, and what a page's dotted name needs. */
  readonly redirects: number;
  /** Rules that are tried one after the other: patterns, conditions and pages shown in place. */
  readonly patterns: number;
  readonly bytes: number;
  /** What was written for it; absent when nothing was. */
  readonly written?: WrittenCounts;
  /** What was requested to fill the caches. */
  readonly warm?: WarmReport;
  /** How the release went live, where that was verified. */
  readonly receipt?: Receipt;
  readonly warnings: readonly string[];
}
