import { array, assert, asyncProperty, boolean, constant, integer, oneof, record } from "fast-check";
import type { Arbitrary } from "fast-check";
import { expect, test } from "vitest";
import { FakeClock } from "../../support/fake-clock.ts";
import { fetchInit, hostOf, proxy } from "./content.ts";

/** What happens to one key, one after the other. */
type Step =
  | { readonly do: "ask" }
  | { readonly do: "wait"; readonly seconds: number }
  | { readonly do: "purge"; readonly soft: boolean }
  | { readonly do: "purge-all" }
  | { readonly do: "break"; readonly isDown: boolean };

interface Times {
  readonly ttl: number;
  readonly swr: number;
  readonly staleIfError: number;
}

/** What the read-through cache must show, by the rules alone: seconds since the beginning. */
class Model {
  readonly #times: Times;
  #now = 0;
  #isDown = false;
  #fetched = 0;
  #stored: { readonly number: number; expires: number } | null = null;

  constructor(times: Times) {
    this.#times = times;
  }

  take(step: Exclude<Step, { do: "ask" }>): void {
    if (step.do === "wait") this.#now += step.seconds;
    else if (step.do === "break") this.#isDown = step.isDown;
    else if (step.do === "purge-all" || !step.soft) this.#stored = null;
    else if (this.#stored !== null) this.#stored.expires = Math.min(this.#stored.expires, this.#now);
  }

  ask(): string {
    const { swr, staleIfError } = this.#times;
    const stored = this.#stored;
    if (stored !== null && this.#now < stored.expires) return `${stored.number} true false`;
    if (stored !== null && this.#now < stored.expires + swr) {
      this.#fetch();
      return `${stored.number} true true`;
    }
    if (this.#fetch()) return `${this.#fetched} false false`;
    return stored !== null && this.#now < stored.expires + staleIfError
      ? `${stored.number} true true`
      : "500";
  }

  #fetch(): boolean {
    if (this.#isDown) return false;
    this.#fetched += 1;
    const isKept = Object.values(this.#times).some((seconds) => seconds > 0);
    if (isKept) this.#stored = { number: this.#fetched, expires: this.#now + this.#times.ttl };
    return true;
  }
}

// Few, so that moments at which something ends are often met.
const seconds = integer({ min: 0, max: 4 });
const step: Arbitrary<Step> = oneof(
  { weight: 5, arbitrary: constant<Step>({ do: "ask" }) },
  { weight: 3, arbitrary: seconds.map((some): Step => ({ do: "wait", seconds: some })) },
  { weight: 1, arbitrary: boolean().map((soft): Step => ({ do: "purge", soft })) },
  { weight: 1, arbitrary: constant<Step>({ do: "purge-all" }) },
  { weight: 2, arbitrary: boolean().map((isDown): Step => ({ do: "break", isDown })) },
);

test("Whatever happens in whatever order, what is shown is what the times and purges say", async () => {
  await assert(
    asyncProperty(
      record({ ttl: seconds, swr: seconds, staleIfError: seconds }),
      array(step, { maxLength: 40 }),
      async (times, steps) => {
        const model = new Model(times);
        const clock = new FakeClock();
        const backend = { isDown: false, count: 0 };
        const host = hostOf({
          clock,
          program: proxy((platform) => fetchInit(platform, { ...times, surrogateKey: "k" })),
          origin() {
            if (backend.isDown) throw new Error("down");
            backend.count += 1;
            return new Response(String(backend.count));
          },
        });
        for (const one of steps) {
          if (one.do === "ask") {
            const { status, body, headers } = await host.visit({ host: "a.test", target: "/" });
            const shown = status === 500 ? "500" : `${body.toString()} ${headers.get("X-Cached")}`;
            await host.idle();
            expect(shown).toBe(model.ask());
            continue;
          }
          model.take(one);
          if (one.do === "wait") clock.advance(one.seconds * 1000);
          else if (one.do === "break") backend.isDown = one.isDown;
          else if (one.do === "purge") host.purge(["k"], one.soft);
          else host.purgeAll();
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("However many ask at once for however many keys, each key is fetched once and all are shown their own", async () => {
  await assert(
    asyncProperty(array(integer({ min: 0, max: 5 }), { maxLength: 30 }), async (keys) => {
      const asked: string[] = [];
      const host = hostOf({
        clock: new FakeClock(),
        program: proxy((platform, target) => fetchInit(platform, { ttl: 60 }, { cacheKey: target })),
        async origin({ url }) {
          asked.push(new URL(url).pathname);
          await new Promise((resolve) => setImmediate(resolve));
          return new Response(new URL(url).pathname);
        },
      });
      const answers = await Promise.all(keys.map((key) => host.visit({ host: "a.test", target: `/${key}` })));
      expect(answers.map(({ body }) => body.toString())).toEqual(keys.map((key) => `/${key}`));
      expect(asked.toSorted()).toEqual([...new Set(keys.map((key) => `/${key}`))].toSorted());
    }),
    { numRuns: 100 },
  );
});
