import type { ReplayChange } from "./change.ts";
import type { ReplaySite } from "./site-source.ts";

/** What a replay found, in numbers and a few examples. */
export interface ReplaySummary {
  readonly sites: { readonly replayed: number; readonly unaffected: number; readonly changed: number };
  readonly requests: {
    /** Answered by both sides. */
    readonly pairs: number;
    /** Of those, answered otherwise by the new side in what visitors or caches see. */
    readonly changed: number;
    /** Of those, only logged otherwise. */
    readonly loggedOtherwise: number;
    /** Refused by Fastly itself, before any VCL. */
    readonly refused: number;
    /** Of those changed, for hosts that belong to no site. */
    readonly withoutSite: number;
  };
  /** By kind, the most frequent first. */
  readonly changes: readonly ChangeGroup[];
  /** Kinds of change that have no group because there were too many; their answers count above. */
  readonly ungrouped: number;
  /** Lines of the file that are no requests. */
  readonly badLines: {
    readonly count: number;
    readonly first: readonly { readonly line: number; readonly reason: string }[];
  };
}

/** Answers that change in the same way. */
export interface ChangeGroup {
  readonly what: string;
  readonly answers: number;
  readonly sites: number;
  /** The first ones, at most one of a site. */
  readonly examples: readonly ReplayChange[];
}

/** What is kept of a replay of any length. */
const LIMITS = { groups: 40, examplesOfGroup: 3, badLines: 20 } as const;

/** A changed answer, as far as it is counted. */
export interface SeenChange {
  readonly site: ReplaySite | null;
  /** The kind of change, without secrets. */
  readonly what: string;
  /** Not only the log differs. */
  readonly visible: boolean;
  /** All of it: of most changes nobody asks. */
  readonly describe: () => ReplayChange;
}

interface Group {
  answers: number;
  readonly sites: Set<string>;
  readonly examples: ReplayChange[];
}

/**
 * Counts while a replay runs. What it keeps grows with the number of sites that were seen, by a name each, and with
 * nothing else.
 */
export class Tally {
  readonly #sites = new Set<string>();
  readonly #changedSites = new Set<string>();
  readonly #groups = new Map<string, Group>();
  readonly #badLines: { readonly line: number; readonly reason: string }[] = [];
  #bad = 0;
  #ungrouped = 0;
  #pairs = 0;
  #changed = 0;
  #logged = 0;
  #refused = 0;
  #withoutSite = 0;

  get pairs(): number {
    return this.#pairs;
  }

  get sites(): number {
    return this.#sites.size;
  }

  /** A site of which at least one request is replayed. */
  seen(site: ReplaySite): void {
    this.#sites.add(nameOf(site));
  }

  alike(): void {
    this.#pairs += 1;
  }

  refused(): void {
    this.#refused += 1;
  }

  differs(seen: SeenChange): void {
    this.#pairs += 1;
    if (!seen.visible) this.#logged += 1;
    else {
      this.#changed += 1;
      if (seen.site === null) this.#withoutSite += 1;
      else this.#changedSites.add(nameOf(seen.site));
    }
    this.#group(seen);
  }

  bad(line: number, reason: string): void {
    this.#bad += 1;
    if (this.#badLines.length < LIMITS.badLines) this.#badLines.push({ line, reason });
  }

  summary(): ReplaySummary {
    const replayed = this.#sites.size;
    const changed = this.#changedSites.size;
    return {
      sites: { replayed, unaffected: replayed - changed, changed },
      requests: {
        pairs: this.#pairs,
        changed: this.#changed,
        loggedOtherwise: this.#logged,
        refused: this.#refused,
        withoutSite: this.#withoutSite,
      },
      changes: [...this.#groups]
        .map(([what, { answers, sites, examples }]) => ({ what, answers, sites: sites.size, examples }))
        .sort((a, b) => b.answers - a.answers || (a.what < b.what ? -1 : 1)),
      ungrouped: this.#ungrouped,
      badLines: { count: this.#bad, first: this.#badLines },
    };
  }

  #group({ what, site: owner, describe }: SeenChange): void {
    const known = this.#groups.get(what);
    if (known === undefined && this.#groups.size >= LIMITS.groups) {
      this.#ungrouped += 1;
      return;
    }
    const group = known ?? { answers: 0, sites: new Set(), examples: [] };
    this.#groups.set(what, group);
    group.answers += 1;
    const site = owner === null ? null : nameOf(owner);
    const isNew = site === null || !group.sites.has(site);
    if (site !== null) group.sites.add(site);
    if (isNew && group.examples.length < LIMITS.examplesOfGroup) group.examples.push(describe());
  }
}

function nameOf({ siteEnv, site }: ReplaySite): string {
  return `${siteEnv}/${site}`;
}
