/**
 * `req.vcl.generation` of each service at each POP: a purge-all raises it, and a POP that has not heard of one yet is
 * still at the number before (guides: prevent race conditions with purge all and shielding compares the two).
 */
export class PurgeGenerations {
  readonly #latest = new Map<string, number>();
  /** By service, then by POP. */
  readonly #atPop = new Map<string, Map<string, number>>();

  /** The number that keys of this service get at this POP; a POP without a past is at the latest one. */
  of(serviceId: string, pop: string): number {
    return this.#atPop.get(serviceId)?.get(pop) ?? this.#latest.get(serviceId) ?? 1;
  }

  /** Every number that keys of this service have at some POP just now, the latest first: one unless a purge-all is under way. */
  inUse(serviceId: string): ReadonlySet<number> {
    return new Set([this.#latest.get(serviceId) ?? 1, ...(this.#atPop.get(serviceId)?.values() ?? [])]);
  }

  /** Begins a generation; these POPs stay where they are until it is `reached`. */
  begin(serviceId: string, pops: Iterable<string>): number {
    for (const pop of pops) this.#set(serviceId, { pop, generation: this.of(serviceId, pop) });
    const next = (this.#latest.get(serviceId) ?? 1) + 1;
    this.#latest.set(serviceId, next);
    return next;
  }

  /** Word of a purge-all has come to a POP; of several, the latest counts. */
  reached(serviceId: string, pop: string, generation: number): void {
    const known = this.of(serviceId, pop);
    this.#set(serviceId, { pop, generation: Math.max(known, generation) });
  }

  #set(serviceId: string, { pop, generation }: { readonly pop: string; readonly generation: number }): void {
    const pops = this.#atPop.get(serviceId) ?? new Map<string, number>();
    this.#atPop.set(serviceId, pops.set(pop, generation));
  }
}
