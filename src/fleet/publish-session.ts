import type { FastlyClient } from "../fastly/client.ts";
import { SitefleetError } from "../lib/errors.ts";
import type { Progress, PublishDeps } from "../publish/publish-deps.ts";
import type { PurgeApi } from "../purge/purge-api.ts";
import { DryRunStore } from "../store/dry-run-store.ts";
import { wrapBuckets } from "../store/object-store.ts";
import { S3SiteStore } from "../store/s3-store.ts";
import { openEdgeProbe } from "./edge-probe.ts";
import type { Fleet, Notes } from "./fleet.ts";

/** What publishing takes, opened: both buckets, the edge's purge, clock and signal. */
export interface PublishSession {
  readonly deps: PublishDeps;
  close(): Promise<void>;
}

/** Opens the buckets of a fleet; Fastly is connected when the first purge is sent. The caller closes the session. */
export function openPublishing(fleet: Fleet): PublishSession {
  const { environment, clock, signal, notes } = fleet;
  const store = new S3SiteStore({ location: environment.s3, keys: environment.secrets.storeKeys(), clock });
  const fastly = new LazyFastly(fleet);
  const edge = openEdgeProbe(fleet);
  return {
    deps: {
      environment,
      store,
      purge: fastly,
      serviceId: () => fastly.serviceId(),
      clock,
      signal,
      onProgress: progressLines(notes),
      ...(edge ? { edge } : {}),
    },
    async close() {
      edge?.close();
      store.close();
      await fastly.close();
    },
  };
}

/** The same, but writes stay in memory and purges are only told: what a command would do. */
export async function rehearse<T>(
  { deps }: PublishSession,
  notes: Notes,
  work: (deps: PublishDeps) => Promise<T>,
): Promise<T> {
  const store = wrapBuckets(deps.store, (bucket) => new DryRunStore(bucket));
  const told = new Set<string>();
  const purge: PurgeApi = {
    purgeKeys({ keys }) {
      for (const key of keys) told.add(key);
      return Promise.resolve();
    },
    purgeAll() {
      told.add("everything");
      return Promise.resolve();
    },
  };
  const clock = { now: () => deps.clock.now(), sleep: () => Promise.resolve() };
  // Steps would say "committed" and "live"; how far a long one is stays worth knowing.
  const onProgress: PublishDeps["onProgress"] = (progress) => {
    if (progress.done !== undefined) deps.onProgress(progress);
  };
  notes.progress("dry run: nothing is changed; this is what the command would say");
  const serviceId = (): Promise<string> => Promise.resolve("dry-run");
  // The edge would be asked for what was never written.
  const { edge: _, ...rest } = deps;
  const result = await work({ ...rest, store, purge, clock, onProgress, serviceId });
  const skipped = [...store.hosting.skipped, ...store.config.skipped].length;
  if (skipped > 0)
    notes.progress(`dry run: ${skipped === 1 ? "1 write was" : `${skipped} writes were`} not made`);
  if (told.size > 0) notes.progress(`dry run: not purged: ${[...told].join(" ")}`);
  return result;
}

/** The Fastly API, connected when the first purge is sent: work that only reads needs no token. */
class LazyFastly implements PurgeApi {
  readonly #fleet: Fleet;
  readonly #client = new MadeOnce(() => this.#load());
  readonly #serviceId = new MadeOnce(() => this.#findService());

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  async purgeKeys(input: Parameters<PurgeApi["purgeKeys"]>[0]): Promise<void> {
    const client = await this.#client.get();
    await this.#everywhere(input.serviceId, (serviceId) => client.purgeKeys({ ...input, serviceId }));
  }

  async purgeAll({ serviceId: first }: Parameters<PurgeApi["purgeAll"]>[0]): Promise<void> {
    const client = await this.#client.get();
    await this.#everywhere(first, (serviceId) => client.purgeAll({ serviceId }));
  }

  /**
   * One service after the other may show the same buckets, such as a VCL service and the Compute service that takes its
   * place: a purge is sent when it was sent to all, and is owed until then. What one refuses keeps it from no other.
   */
  async #everywhere(first: string, purge: (serviceId: string) => Promise<void>): Promise<void> {
    const { alsoPurge = [] } = this.#fleet.environment.fastly;
    const ends = await Promise.allSettled([...new Set([first, ...alsoPurge])].map(purge));
    const failed = ends.find((end) => end.status === "rejected");
    if (failed) throw failed.reason;
  }

  serviceId(): Promise<string> {
    return this.#serviceId.get();
  }

  async close(): Promise<void> {
    await (await this.#client.made())?.close();
  }

  /** Its HTTP client takes longer to load than all else; a publish that changes nothing never needs it. */
  async #load(): Promise<FastlyClient> {
    const { connectFastly } = await import("./fastly-connection.ts");
    return connectFastly(this.#fleet);
  }

  async #findService(): Promise<string> {
    const { name, fastly } = this.#fleet.environment;
    const { serviceId, serviceName } = fastly;
    if (serviceId !== undefined) return serviceId;
    const found =
      serviceName === undefined ? undefined : await (await this.#client.get()).findService(serviceName);
    if (found) return found.id;
    throw new SitefleetError("deploy/no-service", `environment "${name}" has no Fastly service to purge`, {
      hint: `deploy it first (sitefleet deploy apply --env ${name}); what was committed is finished by the next run`,
    });
  }
}

/**
 * Something that is made when it is first wanted, then kept. A failure is not: a session may live for weeks, and what it
 * owes is sent when the API answers again.
 */
class MadeOnce<T> {
  readonly #make: () => Promise<T>;
  #value: Promise<T> | undefined;

  constructor(make: () => Promise<T>) {
    this.#make = make;
  }

  async get(): Promise<T> {
    const value = (this.#value ??= this.#make());
    try {
      return await value;
    } catch (error) {
      if (this.#value === value) this.#value = undefined;
      throw error;
    }
  }

  /** What there is by now, made or in the making; whoever wanted what could not be made was told. */
  async made(): Promise<T | undefined> {
    return this.#value?.catch(() => undefined);
  }
}

/** Progress as lines: each step once, long ones at every tenth. */
function progressLines(notes: Notes): PublishDeps["onProgress"] {
  return ({ step, done, total }: Progress): void => {
    if (done === undefined) notes.progress(step);
    else if (total === undefined) {
      if (done % 1_000 === 0) notes.progress(`${step}: ${done}`);
    } else if (done === total || done % Math.ceil(total / 10) === 0) {
      notes.progress(`${step}: ${done} of ${total}`);
    }
  };
}
