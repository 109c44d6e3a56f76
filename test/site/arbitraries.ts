import * as fc from "fast-check";

import { NOT_FOUND_POLICIES } from "../../src/site/model.ts";
import type { AliasConfig, ServedConfig } from "../../src/site/model.ts";
import { encodePath } from "../../src/site/page-key.ts";
import { inAreaOrder } from "../../src/site/protected-areas.ts";
import type { ProtectedArea } from "../../src/site/protected-areas.ts";
import type { QueryMatch } from "../../src/site/query-match.ts";
import { PAGE_STATUSES, REDIRECT_STATUSES, RULE_STATUSES } from "../../src/site/rule-slots.ts";
import type { SlotRule } from "../../src/site/rule-slots.ts";
import { arbitraryDeltaHash, arbitraryTag, deltaText, formerDeltaText } from "../support/delta-lists.ts";

export const arbitrarySite = fc.stringMatching(/^[a-z0-9](?:[a-z0-9]{0,10}-[a-z0-9]{1,10})?$/);

/** A file name of one segment as an operating system may hold it. */
export const arbitrarySegment = fc
  .oneof(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }),
    fc.stringMatching(/^[a-zA-Z0-9 %+?#&'"=.~_-]{1,12}$/),
    fc.constantFrom("index.html", "index", "a.html", "a", "v1.2", "%2e", "%2F..", "a b", "ä", "日本.html"),
  )
  .map((text) => text.replaceAll(/[/\\\u0000-\u001f\u007f\ufffd]/g, "-"))
  .filter((text) => text !== "." && text !== "..");

/** A file's path in its folder. */
export const arbitraryFile = fc
  .array(arbitrarySegment, { minLength: 1, maxLength: 4 })
  .map((segments) => segments.join("/"));

const literal = arbitrarySegment.map(encodePath);
const captures = ["{1}", "{2}", "{3}", "{4}", "{5}", "{6}", "{7}", "{8}"];

/** A redirect without conditions. */
export const arbitrarySlotRule: fc.Arbitrary<SlotRule> = fc
  .record({
    forced: fc.boolean(),
    status: fc.constantFrom(...REDIRECT_STATUSES),
    segments: fc.array(fc.option(literal), { minLength: 1, maxLength: 8 }),
    splat: fc.boolean(),
    start: fc.constantFrom("/", "/new/", "https://example.com/", "http://example.com:8080/x?y="),
    literals: fc.array(literal, { maxLength: 2 }),
  })
  .map(({ start, literals, ...rule }) => {
    const known = captures.filter((_, index) => rule.segments[index] === null);
    const target = `${start}x${[...literals, ...known, ...(rule.splat ? ["{*}"] : [])].join("/")}`;
    return { ...rule, query: [], target };
  });

const arbitraryQuery: fc.Arbitrary<readonly QueryMatch[]> = fc.uniqueArray(
  fc.record({
    name: fc.stringMatching(/^[A-Za-z0-9._~-]{1,6}$/),
    value: fc.option(
      fc.stringMatching(/^[ -~äß]{0,6}$/).map((text) => encodePath(text).replaceAll("/", "%2F")),
    ),
  }),
  { maxLength: 2, selector: ({ name }) => name },
);

/** Any rule: redirects and pages, with and without conditions. */
export const arbitraryRule: fc.Arbitrary<SlotRule> = fc
  .record({
    rule: arbitrarySlotRule,
    root: fc.boolean(),
    status: fc.constantFrom(...RULE_STATUSES),
    query: arbitraryQuery,
  })
  .map(({ rule, root, status, query }) => {
    const captured = query.flatMap(({ value }, index) => (value === null ? [`{${"ab".charAt(index)}}`] : []));
    const isPage = PAGE_STATUSES.some((known) => known === status);
    const path = rule.target.replace(/^https?:\/\/[^/]*/, "").replace(/\?y=/, "-");
    const target = [isPage ? path : rule.target, ...captured].join("-");
    // A pattern for the root alone captures nothing of the path.
    if (root) return { ...rule, segments: [], splat: false, status, query, target: `/x${captured.join("")}` };
    return { ...rule, status, query, target };
  });

export const arbitraryReleaseId = fc
  .integer({ min: 0, max: 36 ** 4 - 1 })
  .map((number) => number.toString(36));

function hex(digits: number): fc.Arbitrary<string> {
  return fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`));
}

const arbitraryArea: fc.Arbitrary<ProtectedArea> = fc.record({
  prefix: fc
    .array(literal, { maxLength: 3 })
    .map((segments) => `/${segments.map((text) => `${text}/`).join("")}`),
  salt: hex(32),
  verifier: hex(64),
});

export const arbitraryServed: fc.Arbitrary<ServedConfig> = fc.record({
  kind: fc.constant("site" as const),
  site: arbitrarySite,
  base: arbitraryReleaseId,
  release: arbitraryReleaseId,
  delta: fc.oneof(
    fc
      .dictionary(arbitraryDeltaHash, arbitraryTag, { maxKeys: 20 })
      .map((lists) => deltaText(Object.entries(lists))),
    fc
      .dictionary(hex(8), arbitraryTag, { maxKeys: 20 })
      .map((lists) => formerDeltaText(Object.entries(lists))),
  ),
  forceTls: fc.boolean(),
  hsts: fc.option(fc.integer({ min: 0, max: 63_072_000 }), { nil: undefined }),
  notFound: fc.constantFrom(...NOT_FOUND_POLICIES),
  notFoundDirectories: fc.uniqueArray(hex(8), { maxLength: 5 }).map((hashes) => hashes.sort()),
  paths: fc.constantFrom("redirect" as const, "strict" as const, "literal" as const),
  noindex: fc.boolean(),
  suspended: fc.constantFrom(undefined, 410 as const, 503 as const),
  euOnly: fc.boolean(),
  protectedAreas: fc
    .uniqueArray(arbitraryArea, { maxLength: 4, selector: ({ prefix }) => prefix })
    .map(inAreaOrder),
  expiresAt: fc.option(fc.integer({ min: 1, max: 4_000_000_000 }), { nil: undefined }),
  rules: fc.array(arbitrarySlotRule, { maxLength: 24 }),
  buckets: fc.option(
    fc.record({
      tag: arbitraryReleaseId,
      segments: fc.uniqueArray(hex(4), { minLength: 1, maxLength: 9 }).map((hashes) => hashes.sort()),
    }),
    { nil: undefined },
  ),
});

export const arbitraryAlias: fc.Arbitrary<AliasConfig> = fc.record({
  kind: fc.constant("alias" as const),
  site: arbitrarySite,
  canonicalHost: fc.constantFrom("www.example.com", "a.b", "xn--mnchen-3ya.de"),
  forceTls: fc.boolean(),
});
