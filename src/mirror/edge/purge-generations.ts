/**
 * `req.vcl.generation` of each service at each POP: a purge-all raises it, and a POP that has not heard of one yet is
 * still at the number before (guides: prevent race conditions with purge all and shielding compares the two).
 */
export class PurgeGenerations {
  readonly #latest = new Map<string, number>();
  readonly #atPop = new Map<string, number>();

  /** The number that keys of this service get at this POP; a POP without a past is at the latest one. */
  of(serviceId: string, pop: string): number {
    return this.#atPop.get(`${serviceId} ${pop}`) ?? this.#latest.get(serviceId) ?? 1;
  }

  /** Begins a generation; these POPs stay where they are until it is `reached`. */
  begin(serviceId: string, pops: Iterable<string>): number {
    for (const pop of pops) this.#atPop.set(`${serviceId} ${pop}`, this.of(serviceId, pop));
    const next = (this.#latest.get(serviceId) ?? 1) + 1;
    this.#latest.set(serviceId, next);
    return next;
  }

  /** Word of a purge-all has come to a POP; of several, the latest counts. */
  reached(serviceId: string, pop: string, generation: number): void {
    const known = this.of(serviceId, pop);
    this.#atPop.set(`${serviceId} ${pop}`, Math.max(known, generation));
  }
}
