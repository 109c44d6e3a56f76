import type { PurgeApi } from "../../purge/purge-api.ts";
import type { SiteRecord } from "../../site/model.ts";
import { wrapBuckets } from "../../store/object-store.ts";
import type { ListInput, ListedEntry, ObjectStore } from "../../store/object-store.ts";
import type { EdgeProbe } from "./edge-probe.ts";
import type { PublishDeps, RestOfCommit } from "../publish-deps.ts";
import type { Milestone, PublishWatch } from "./publish-watch.ts";
import type { ReleaseObject } from "../release/release-object.ts";

/** Calls of one publish by what they do; a call that is repeated after a failure counts once. */
export interface RequestCounts {
  readonly get: number;
  readonly head: number;
  readonly put: number;
  readonly copy: number;
  readonly delete: number;
  readonly list: number;
  readonly purge: number;
  readonly edge: number;
}

/** Points that only who waits for the end comes by. */
type LatePoint = "firstPurge" | "liveAt" | "secondPurge" | "settled";

/** Watches one publish: when it came by which point, what it asked of others, what became new, what is left to do. */
export class RunWatch implements PublishWatch {
  /** What the publish is to be run with. */
  readonly deps: PublishDeps;
  /** The edge, its questions counted. */
  readonly edge: EdgeProbe;
  readonly startedAt: number;
  /** Epoch milliseconds. */
  readonly times = new Map<Milestone | LatePoint, number>();
  readonly counts = { get: 0, head: 0, put: 0, copy: 0, delete: 0, list: 0, purge: 0, edge: 0 };
  readonly purged = new Set<string>();
  readonly rests: RestOfCommit[] = [];
  changedObjects: readonly ReleaseObject[] = [];
  /** The record at the time of the first purge. */
  record: SiteRecord | undefined;
  readonly #deps: PublishDeps;

  /** @param deps what the publish would be run with otherwise */
  constructor(deps: PublishDeps, edge: EdgeProbe, { takesOver }: { readonly takesOver: boolean }) {
    this.#deps = deps;
    this.startedAt = deps.clock.now();
    this.edge = this.#asked(edge);
    this.deps = {
      ...deps,
      store: wrapBuckets(deps.store, (bucket) => this.#counted(bucket)),
      purge: this.#purge(deps.purge),
      watch: this,
      ...(takesOver ? { later: (rest: RestOfCommit) => void this.rests.push(rest) } : {}),
    };
  }

  note(point: Milestone | LatePoint): void {
    this.times.set(point, this.#deps.clock.now());
  }

  reached(milestone: Milestone): void {
    this.note(milestone);
    this.#deps.watch?.reached(milestone);
  }

  live(record: SiteRecord): void {
    this.record = record;
    this.note("firstPurge");
    this.#deps.watch?.live(record);
  }

  changed(objects: readonly ReleaseObject[]): void {
    this.changedObjects = objects;
    this.#deps.watch?.changed(objects);
  }

  #counted(store: ObjectStore): ObjectStore {
    const { counts } = this;
    const count = (operation: keyof RequestCounts): void => void (counts[operation] += 1);
    return {
      put: (input) => (count("put"), store.put(input)),
      get: (input) => (count("get"), store.get(input)),
      head: (input) => (count("head"), store.head(input)),
      copy: (input) => (count("copy"), store.copy(input)),
      delete: (input) => (count("delete"), store.delete(input)),
      deleteMany: (input) => (count("delete"), store.deleteMany(input)),
      list: (input: ListInput): AsyncIterable<ListedEntry> => (count("list"), store.list(input)),
    };
  }

  #asked(edge: EdgeProbe): EdgeProbe {
    const { counts } = this;
    return {
      hops: edge.hops,
      schemes: edge.schemes,
      look: (page) => ((counts.edge += 1), edge.look(page)),
      visit: (page) => ((counts.edge += 1), edge.visit(page)),
    };
  }

  #purge(purge: PurgeApi): PurgeApi {
    return {
      purgeKeys: (input) => {
        this.counts.purge += 1;
        for (const key of input.keys) this.purged.add(key);
        return purge.purgeKeys(input);
      },
      purgeAll: (input) => {
        this.counts.purge += 1;
        return purge.purgeAll(input);
      },
    };
  }
}
