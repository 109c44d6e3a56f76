import { createHash } from "node:crypto";
import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect } from "vitest";

import { segmentHash } from "../../src/site/short-hashes.ts";
import { pageKey } from "../../src/site/page-key.ts";
import { planRedirects } from "../../src/site/redirect-plan.ts";
import type { RedirectPlan } from "../../src/site/redirect-plan.ts";
import type { RedirectRule } from "../../src/site/redirect-rule.ts";
import { parseRedirects } from "../../src/site/redirects-file.ts";
import { isPageStatus, matchRule, pathSegments, redirectLocation } from "../../src/site/rule-slots.ts";
import type { RuleMatch, RuleRequest, SlotRule } from "../../src/site/rule-slots.ts";

function sha256Hex(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function answer(match: RuleMatch): string {
  return match.kind === "page"
    ? `${match.status} page ${pageKey(match.target)}`
    : `${match.status} to ${redirectLocation(match)}`;
}

/** What the files of the rules say: the first that matches, in order; a rule that is not forced loses to a file. */
function asWritten(
  rules: readonly RedirectRule[],
  files: ReadonlySet<string>,
  request: RuleRequest,
): string | undefined {
  const key = pageKey(request.path);
  for (const rule of rules) {
    if (rule.kind === "pattern") {
      const slots = rule.slots.filter(({ forced }) => forced || !files.has(key));
      const match = slots
        .map((slot) => matchRule([slot], request, slot))
        .find((found) => found !== undefined);
      if (match) return answer(match);
    } else if (rule.keys.includes(key) && (rule.forced || !files.has(key))) {
      const { status, target: location } = rule;
      return isPageStatus(status)
        ? `${status} page ${pageKey(location)}`
        : `${status} to ${redirectLocation({ location, query: request.query })}`;
    }
  }
  return files.has(key) ? `200 page ${key}` : undefined;
}

/** What the edge does: forced slots of the path's bucket or of the config, then the object, then the other slots. */
function atTheEdge(plan: RedirectPlan, files: ReadonlySet<string>, request: RuleRequest): string | undefined {
  const [first] = pathSegments(request.path);
  const bucket = first === undefined ? undefined : plan.buckets.get(segmentHash(first, sha256Hex));
  const slots: readonly SlotRule[] = (bucket ?? plan.slots).map(({ rule }) => rule);
  const early = matchRule(slots, request, { forced: true });
  if (early) return answer(early);
  const key = pageKey(request.path);
  const object = plan.objects.find((known) => known.key === key);
  if (object)
    return `${object.status} to ${redirectLocation({ location: object.location, query: request.query })}`;
  const alias = plan.aliases.find((known) => known.key === key);
  if (alias) return `${alias.status} page ${alias.file}`;
  if (files.has(key)) return `200 page ${key}`;
  const late = matchRule(slots, request, { forced: false });
  return late && answer(late);
}

const segment = fc.constantFrom("a", "b", "c");
const source = fc.oneof(
  fc.array(segment, { maxLength: 2 }).map((segments) => `/${segments.join("/")}`),
  fc.array(fc.oneof(segment, fc.constantFrom(":x")), { maxLength: 2 }).map((segments) => {
    const named = segments.map((text, index) => (text === ":x" ? `:x${index}` : text));
    return `/${[...named, "*"].join("/")}`;
  }),
  segment.map((text) => `/${text}/:x`),
);
const line = fc
  .record({
    source,
    query: fc.constantFrom("", "", "", "q=1 ", "q=:q "),
    target: fc.constantFrom("https://example.com/x", "https://example.com/y?z=1", "/a", "/b", "/a/b"),
    status: fc.constantFrom("301", "302!", "200", "200!", "404"),
  })
  .map(({ source, query, target, status }) => {
    const page = status.startsWith("200") || status === "404";
    return `${source} ${query}${page && target.startsWith("https") ? "/b" : target} ${status}`;
  });
const request = fc.record({
  path: fc.array(segment, { maxLength: 3 }).map((segments) => `/${segments.join("/")}`),
  query: fc.constantFrom("", "", "q=1", "q=2", "p=1"),
});

describe("planRedirects", () => {
  test.prop(
    [
      fc.array(line, { minLength: 1, maxLength: 6 }),
      fc.uniqueArray(fc.constantFrom("index.html", "a.html", "b.html", "a/b.html", "c/a.html")),
      fc.constantFrom("file-first" as const, "rule-first" as const),
      fc.constantFrom(0, 60, 110, 1_500),
      fc.array(request, { minLength: 1, maxLength: 8 }),
    ],
    { numRuns: 3_000 },
  )(
    "keeps the order in which rules are written, wherever they come to stand",
    (lines, files, precedence, room, requests) => {
      const { rules } = parseRedirects(lines.join("\n"), "_redirects");
      const keys = new Set(files);
      const plan = planRedirects({ rules, files: keys, precedence, room, sha256Hex });
      fc.pre(
        plan.problems.length === 0 &&
          !plan.warnings.some(({ reason }) => reason.startsWith("is tried after")),
      );
      const written =
        precedence === "rule-first"
          ? parseRedirects(lines.map(forced).join("\n"), "_redirects").rules
          : rules;
      for (const asked of requests) {
        expect([asked, atTheEdge(plan, keys, asked)]).toEqual([asked, asWritten(written, keys, asked)]);
      }
    },
  );
});

function forced(text: string): string {
  return text.endsWith("!") ? text : `${text}!`;
}
