import * as fc from "fast-check";
import { RULE_STATUSES, slotRuleProblem } from "../../../src/site/rule-slots.ts";
import type { SlotRule } from "../../../src/site/rule-slots.ts";

const segments = fc.array(
  fc.constantFrom("blog", "old", "img", "post", "private", "caf%C3%A9", "about", "x", null, null, null),
  { maxLength: 4 },
);

const query = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom("id", "lang", "utm_source", "ID"),
    value: fc.constantFrom("7", "de", "", "de%20at", "%C3%A9", null, null, null),
  }),
  { maxLength: 2, selector: ({ name }) => name },
);

/** What targets are made of; captures that a pattern has not are left out of them. */
const pieces = fc.array(
  fc.constantFrom(
    "{1}",
    "{2}",
    "{3}",
    "{*}",
    "{a}",
    "{b}",
    "new",
    "about",
    "blog/post",
    "private/x",
    "404",
    "style.css",
    "old",
  ),
  { maxLength: 3 },
);

const ends = fc.constantFrom(
  "",
  "",
  "",
  "/",
  "?from=rule",
  "?id={a}",
  "#part",
  "#{1}",
  ".html",
  "/index.html",
);
const starts = fc.constantFrom(
  "/",
  "/",
  "/",
  "/",
  "https://other.example/",
  "http://other.example:8080/",
  "/caf%C3%A9/",
);

/** Rules as a slot may hold them, of every status, with placeholders, splats and conditions. */
const slotRule: fc.Arbitrary<SlotRule> = fc
  .record({
    forced: fc.boolean(),
    status: fc.constantFrom(...RULE_STATUSES, 200 as const, 200 as const, 301 as const),
    segments,
    splat: fc.boolean(),
    query: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: query }),
    start: starts,
    pieces,
    end: ends,
  })
  .map(({ start, pieces: all, end, ...rule }) => {
    const targets = [
      `${start}${all.join("/")}${end}`,
      `/${all.filter((piece) => !piece.startsWith("{")).join("/")}`,
      "/about",
    ];
    const possible = targets.map((target): SlotRule => ({ ...rule, target }));
    return (
      possible.find((one) => slotRuleProblem(one) === undefined) ?? {
        ...rule,
        segments: [],
        query: [],
        target: "/about",
      }
    );
  });

/** Rules in the order of their slots. */
export const slotRules: fc.Arbitrary<readonly SlotRule[]> = fc.array(slotRule, {
  minLength: 1,
  maxLength: 6,
});
