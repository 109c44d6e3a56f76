import { METADATA_BUDGET } from "../../site/metadata.ts";
import type { ServedConfig } from "../../site/model.ts";
import { packAreas } from "../../site/protected-areas.ts";
import { QUERY_CAPTURES } from "../../site/query-match.ts";
import type { QueryMatch } from "../../site/query-match.ts";
import { isPageRule, ruleText } from "../../site/rule-slots.ts";
import type { SlotRule } from "../../site/rule-slots.ts";

/**
 * The request that the bound is for: a URL of this many bytes, as browsers write it (what has to be escaped is), and this
 * much of other headers. Longer ones are answered too, from the room that the site leaves.
 */
export const ASSUMED_REQUEST = { url: 512, headers: 4_096 } as const;

/** What Fastly has taken before the first statement of VCL, a cautious figure. */
const BEFORE_VCL = 10 * 1_024;
/** What every request costs whatever its site: phases, keys, two signatures a pass, the log line. */
const ITSELF = 6 * 1_024;
/** How often, at most, the edge writes a byte of each: in headers, strings made of it and results of functions. */
const TIMES = {
  host: 16,
  path: 16,
  query: 8,
  config: 3,
  delta: 5,
  directories: 9,
  areas: 6,
  object: 6,
} as const;

/** Parts of a site that the bound depends on. */
export interface BoundInput {
  /** Longest name of a domain that shows it. */
  readonly host: number;
  readonly config: ServedConfig;
  /** Rules of each bucket. */
  readonly buckets: Iterable<readonly SlotRule[]>;
  /** Bytes of the fullest object's metadata. */
  readonly object: number;
}

/**
 * Bytes of the workspace that a request for any path of a site takes at most, by what the templates do: every header
 * that is written counts name, value and 3 bytes, every string that is made its bytes and 1 (Fastly,
 * /documentation/reference/vcl/memory-overflows). A test holds it against the engine.
 */
export function workspaceBound(input: BoundInput): number {
  const { config, host, object } = input;
  const bucketed = [...input.buckets].map((rules) => rulesCost(rules));
  const rules = [rulesCost(config.rules), ...bucketed.map((cost) => plus(cost, { fixed: METADATA_BUDGET }))];
  const fixed =
    BEFORE_VCL +
    ASSUMED_REQUEST.headers +
    ITSELF +
    TIMES.host * host +
    TIMES.config * METADATA_BUDGET +
    TIMES.delta * config.delta.length +
    TIMES.directories * 9 * (config.notFoundDirectories.length + 1) +
    TIMES.areas * packAreas(config.protectedAreas).length +
    TIMES.object * object;
  const most = Math.max(
    ...rules.map(
      ({ fixed: own, path, query }) =>
        own + ASSUMED_REQUEST.url * Math.max(TIMES.path + path, TIMES.query + query),
    ),
  );
  return fixed + most;
}

/** Bytes whatever the URL, and bytes for each byte of its path and of its query. */
interface RulesCost {
  readonly fixed: number;
  readonly path: number;
  readonly query: number;
}

function plus(a: RulesCost, b: Partial<RulesCost>): RulesCost {
  const { fixed = 0, path = 0, query = 0 } = b;
  return { fixed: a.fixed + fixed, path: a.path + path, query: a.query + query };
}

const NOTHING: RulesCost = { fixed: 0, path: 0, query: 0 };

/** Rules with `!` are tried before the page is looked up, the others in vcl_deliver of a page that is missing. */
function rulesCost(rules: readonly SlotRule[]): RulesCost {
  const walks = rules.some(({ forced }) => forced) ? 2 : 1;
  const walked = rules.map((rule) => walkCost(rule, walks)).reduce(plus, NOTHING);
  // One rule at most matches wholly: the dearest.
  const won = rules.map(wonCost).reduce((a, b) => (total(a) > total(b) ? a : b), NOTHING);
  // For conditions each walk begins with the query as the path of a URL: a string and a header.
  const search = rules.some(({ query }) => query.length > 0) ? { fixed: 16 * walks, query: 2 * walks } : {};
  return plus(plus(walked, won), search);
}

function total({ fixed, path, query }: RulesCost): number {
  return fixed + ASSUMED_REQUEST.url * (path + query);
}

/** Reading a slot in every walk, comparing its pattern and its conditions in one, and what a page rule fills in to be refused. */
function walkCost(rule: SlotRule, walks: number): RulesCost {
  const bytes = ruleText(rule).length;
  const read = { fixed: walks * (bytes + 1) + bytes + SLOT_HEADER };
  // The pattern behind the path.
  const compared = { fixed: bytes + 2, path: 1 };
  // A page whose path is too long or has a dot segment is not shown, and the next rule is tried.
  const filled = isPageRule(rule) ? filledCost(rule) : NOTHING;
  return [compared, filled, ...rule.query.map(conditionCost)].reduce<RulesCost>(plus, {
    ...NOTHING,
    ...read,
  });
}

/** `SF-Rule: ` and a terminator. */
const SLOT_HEADER = 10;

/**
 * A condition cuts its parameter out of the query. A value is decoded and encoded in four steps, one that cannot be the
 * wanted one, because it is more than three times as long, not at all.
 */
function conditionCost({ value }: QueryMatch): RulesCost {
  return value === null
    ? { fixed: 8, path: 0, query: 5 }
    : { fixed: 8 + 12 * value.length, path: 0, query: 1 };
}

/** A rule that matches: its target is filled, then checked as a path or made a Location with the query behind it. */
function wonCost(rule: SlotRule): RulesCost {
  const bytes = rule.target.length + 1;
  const answered = { fixed: 8 * bytes, path: 8 * mostCaptures(rule), query: 8 };
  return plus(filledCost(rule), answered);
}

const PATH_CAPTURES = ["1", "2", "3", "4", "5", "6", "7", "8", "*"];

/**
 * `std.replaceall` for each capture that the target names makes it anew, longer by what was filled in before it; captures are
 * different parts of one path. A value that was captured from the query goes into the target and out of the query that is kept.
 * A splat is made without its slash, and a page's path once more without the two slashes that an empty one leaves.
 */
function filledCost(rule: SlotRule): RulesCost {
  const bytes = rule.target.length + 1;
  const captured = QUERY_CAPTURES.filter((_, index) => rule.query[index]?.value === null);
  const splats = occurrences(rule.target, "*") > 0 ? 1 : 0;
  let most = 0;
  let path = splats;
  let strings = captured.length + splats;
  for (const capture of PATH_CAPTURES) {
    const times = occurrences(rule.target, capture);
    most = Math.max(most, times);
    if (times === 0) continue;
    path += most;
    strings += 1;
  }
  const values = captured.reduce((sum, letter) => sum + occurrences(rule.target, letter), 0);
  return {
    fixed: strings * bytes + 8 * captured.length,
    path: path + (captured.length + splats) * most,
    query: (3 + values) * captured.length + splats * values,
  };
}

function mostCaptures({ target }: SlotRule): number {
  return Math.max(...PATH_CAPTURES.map((capture) => occurrences(target, capture)));
}

function occurrences(target: string, capture: string): number {
  return target.split(`{${capture}}`).length - 1;
}

/** The index of the rule that costs most, with the bytes it costs; `undefined` for none. */
export function dearestRule(
  rules: readonly SlotRule[],
): { readonly index: number; readonly bytes: number } | undefined {
  const walks = rules.some(({ forced }) => forced) ? 2 : 1;
  const costs = rules.map((rule, index) => ({ index, bytes: total(walkCost(rule, walks)) }));
  return costs.toSorted((a, b) => b.bytes - a.bytes)[0];
}
