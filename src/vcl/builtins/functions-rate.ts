import type { FunctionRow } from "../catalog-rows.ts";
import type { Transaction } from "../runtime.ts";
import type { VclValue } from "../values.ts";
import { defineFunction, integer, number, text, word } from "./rows.ts";

const RATE = { category: "rate-limiting" };

/** Bounds as the functions' pages give them: reference/vcl/functions/rate-limiting. */
const MAX_ENTRY_BYTES = 256;
const MAX_CHECK_DELTA = 100_000n;
const MAX_INCREMENT_DELTA = 1000n;
const LIMIT = { min: 10n, max: 70_000_000n } as const;
const WINDOWS: ReadonlySet<bigint> = new Set([1n, 10n, 60n]);
const PENALTY_MINUTES = { min: 1, max: 60 } as const;

/** What one counter of `check_rate` or `check_rates` is asked. */
interface RateQuestion {
  readonly counter: string;
  readonly delta: bigint;
  readonly window: bigint;
  readonly limit: bigint;
}

function questionOf(args: readonly VclValue[], from: number): RateQuestion {
  return {
    counter: word(args[from]),
    delta: integer(args[from + 1]),
    window: integer(args[from + 2]),
    limit: integer(args[from + 3]),
  };
}

function isAllowed({ delta, window, limit }: RateQuestion): boolean {
  const isDelta = delta >= 0n && delta <= MAX_CHECK_DELTA;
  return isDelta && WINDOWS.has(window) && limit >= LIMIT.min && limit <= LIMIT.max;
}

/** Whole minutes, to the nearest one; `null` for what is not between 1m and 1h. */
function penaltyMinutes(seconds: number): number | null {
  const minutes = Math.round(seconds / 60);
  const isInside = seconds >= PENALTY_MINUTES.min * 60 && seconds <= PENALTY_MINUTES.max * 60;
  return isInside ? minutes : null;
}

function increment(t: Transaction, counter: string, by: { entry: string; delta: bigint }): void {
  t.host.rates.increment(counter, by.entry, Number(by.delta));
  t.rateEntries ??= new Map();
  t.rateEntries.set(counter, by.entry);
}

/** Out of bounds: `fastly.error` says so, and the answer is the harmless one. */
function refuse(t: Transaction): false {
  t.vclError = "EINVAL";
  return false;
}

/**
 * Counts the entry in every counter; over any of the limits it goes into the penalty box. Whether it is in there, by
 * this call or an earlier one.
 */
function checkRates(
  t: Transaction,
  questions: readonly RateQuestion[],
  penalty: { readonly entry: string; readonly box: string; readonly ttl: number },
): boolean {
  const { entry, box } = penalty;
  const minutes = penaltyMinutes(penalty.ttl);
  if (entry.length > MAX_ENTRY_BYTES || minutes === null || !questions.every(isAllowed)) return refuse(t);
  for (const { counter, delta } of questions) increment(t, counter, { entry, delta });
  const isOver = questions.some(({ counter, window, limit }) => {
    return t.host.rates.count(counter, entry, Number(window)) > Number(limit * window);
  });
  if (isOver) t.host.rates.penalise(box, entry, minutes);
  return isOver || t.host.rates.isPenalised(box, entry);
}

/** `ratelimit.*`: ratecounters and penalty boxes of the POP that the request is at. */
export const RATE_FUNCTIONS: readonly FunctionRow[] = [
  defineFunction(
    "BOOL ratelimit.check_rate(STRING entry, RATECOUNTER rc, INTEGER delta, INTEGER window, INTEGER limit, PENALTYBOX pb, RTIME ttl)",
    RATE,
    (t, args) =>
      checkRates(t, [questionOf(args, 1)], {
        entry: text(args[0]),
        box: word(args[5]),
        ttl: number(args[6]),
      }),
  ),
  defineFunction(
    "BOOL ratelimit.check_rates(STRING entry, RATECOUNTER rc1, INTEGER delta1, INTEGER window1, INTEGER limit1, RATECOUNTER rc2, INTEGER delta2, INTEGER window2, INTEGER limit2, PENALTYBOX pb, RTIME ttl)",
    RATE,
    (t, args) =>
      checkRates(t, [questionOf(args, 1), questionOf(args, 5)], {
        entry: text(args[0]),
        box: word(args[9]),
        ttl: number(args[10]),
      }),
  ),
  defineFunction(
    "VOID ratelimit.penaltybox_add(PENALTYBOX pb, STRING entry, RTIME ttl)",
    RATE,
    (t, [box, given, ttl]) => {
      const entry = text(given);
      const minutes = penaltyMinutes(number(ttl));
      if (entry.length > MAX_ENTRY_BYTES || minutes === null) refuse(t);
      else t.host.rates.penalise(word(box), entry, minutes);
      return null;
    },
  ),
  defineFunction("BOOL ratelimit.penaltybox_has(PENALTYBOX pb, STRING entry)", RATE, (t, [box, given]) => {
    const entry = text(given);
    return entry.length > MAX_ENTRY_BYTES ? refuse(t) : t.host.rates.isPenalised(word(box), entry);
  }),
  defineFunction(
    "INTEGER ratelimit.ratecounter_increment(RATECOUNTER rc, STRING entry, INTEGER delta)",
    RATE,
    (t, [rc, given, by]) => {
      const [entry, delta] = [text(given), integer(by)];
      if (entry.length > MAX_ENTRY_BYTES || delta < 0n || delta > MAX_INCREMENT_DELTA) {
        refuse(t);
        return 0n;
      }
      increment(t, word(rc), { entry, delta });
      return BigInt(t.host.rates.count(word(rc), entry, 60));
    },
  ),
];
