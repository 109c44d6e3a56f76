/** The failure a test planned. */
export class PlannedFailure extends Error {
  override readonly name = "PlannedFailure";
}

/**
 * Numbers the calls that go through it and lets one of them fail: `before` = the process dies with the call not made,
 * `after` = the call has its effect but its answer is lost. From then on every call fails, as for a killed process.
 */
export class FaultPoint {
  readonly calls: string[] = [];
  #plan: { readonly call: number; readonly when: "before" | "after" } | undefined;
  #dead = false;

  failAt(call: number, when: "before" | "after"): void {
    this.#plan = { call, when };
  }

  async run<T>(name: string, effect: () => Promise<T> | T): Promise<T> {
    // Calls of a fan-out reach the store one by one, so that the number of a call means something.
    await Promise.resolve();
    if (this.#dead) throw new PlannedFailure(`${name} after the end`);
    this.calls.push(name);
    const due = this.#plan?.call === this.calls.length;
    if (due && this.#plan?.when === "before") {
      this.#dead = true;
      throw new PlannedFailure(`${name} was not made`);
    }
    const result = await effect();
    if (due) {
      this.#dead = true;
      throw new PlannedFailure(`the answer of ${name} was lost`);
    }
    return result;
  }
}
