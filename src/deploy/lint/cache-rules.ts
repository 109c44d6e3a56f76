import type { Expression, Statement } from "../../vcl/ast.ts";
import {
  anyOf,
  asks,
  equals,
  isUnset,
  literalOf,
  matchesName,
  namesRead,
  partsOf,
  targetOf,
} from "./atoms.ts";
import { isGuarded, isGuardedOnlyBy } from "./reached.ts";
import type { AtomTest, Reached } from "./reached.ts";
import { at, inState, placeOfState } from "./rule.ts";
import type { Finding, LintFacts, LintRule } from "./rule.ts";
import { ValueFlow } from "./value-flow.ts";
import type { FlowSources } from "./value-flow.ts";

/** It is a page that is looked up, and nothing that decides about it. */
export const FOR_PAGES = anyOf(equals("req.http.SF-Phase", "page"), equals("req.http.SF-Bucket", "hosting"));

/** How long an object is fresh, and how long it is shown after that (reference/vcl/variables/backend-response). */
const LIFETIMES: ReadonlySet<string> = new Set([
  "beresp.ttl",
  "beresp.grace",
  "beresp.stale_if_error",
  "beresp.stale_while_revalidate",
  "obj.ttl",
  "obj.grace",
]);

/** What a visitor sends, all of which a visitor chooses. */
const OF_VISITOR: FlowSources = {
  names: [
    [/^req\.http\.(?!sf-)/, "a header of the request"],
    [/^req\.http\.sf-(?:path|query|host|search)$/, "the address that was asked for"],
    [/^(?:req|bereq)\.(?:url|body|method)/, "the request"],
    [/^client\./, "the visitor"],
  ],
  tables: [],
};

function lifetimes(facts: LintFacts): readonly Finding[] {
  const flow = new ValueFlow(OF_VISITOR);
  return inState(facts, "hit", "fetch", "error").flatMap((one) => {
    const { statement } = one;
    const target = targetOf(statement) ?? "";
    const what = statement.kind === "set" && LIFETIMES.has(target) ? flow.found(statement.value) : undefined;
    flow.follow(statement);
    return what === undefined
      ? []
      : [at(one, `${what} would decide how long others see this from the cache`)];
  });
}

/** A failed answer, which is kept for a moment and not for what it is. */
const FAILED: AtomTest = (atom, holds) =>
  holds &&
  atom.kind === "binary" &&
  (atom.operator === ">=" || atom.operator === "==") &&
  asks("beresp.status")(atom, holds) &&
  Number(literalOf(atom.right)) >= 500;

/** A config, or the lack of one, is what a statement is about: nothing says that it is a page or a failure. */
function isOfConfigs(one: Reached): boolean {
  return !isGuarded(one, FOR_PAGES) && !isGuarded(one, FAILED);
}

function seconds(statement: Statement): number | undefined {
  if (statement.kind !== "set" || statement.operator !== "=") return undefined;
  return statement.value.kind === "rtime" ? statement.value.value : undefined;
}

/** Values of the validators that a cache could ask with whether its copy is still good (RFC 9110 section 8.8). */
const VALIDATORS = ["ETag", "Last-Modified"] as const;

const OF_CONFIG = anyOf(
  equals("req.http.SF-Bucket", "config"),
  equals("beresp.status", "200"),
  equals("req.http.SF-Phase", "config"),
);

function staleConfigs(facts: LintFacts): readonly Finding[] {
  const inFetch = inState(facts, "fetch");
  const kept = VALIDATORS.filter((header) => {
    const name = `beresp.http.${header}`.toLowerCase();
    return !inFetch.some(
      (one) => isUnset(one.statement) && targetOf(one.statement) === name && isGuardedOnlyBy(one, OF_CONFIG),
    );
  }).map((header) => ({
    message: `a config keeps its ${header}: a 304 to it would leave the old metadata in the cache`,
    span: placeOfState(facts, "fetch"),
  }));
  const set = inFetch.filter(isOfConfigs).flatMap((one) => {
    const target = targetOf(one.statement);
    if (one.statement.kind !== "set") return [];
    if (target === "beresp.stale_while_revalidate" && seconds(one.statement) !== 0) {
      return [at(one, "a config that is out of date would be shown while the new one is read")];
    }
    const isLost =
      (target === "beresp.stale_if_error" || target === "beresp.grace") &&
      !(Number(seconds(one.statement)) > 0);
    return isLost ? [at(one, "without its stale config a host is gone as soon as the store is")] : [];
  });
  return [...kept, ...set];
}

/** Request headers of which there are as many values as visitors, or which caches may not share. */
const TOO_MANY =
  /(?:^|[\s,])(?:\*|cookie|user-agent|accept-language|accept|referer|authorization|x-forwarded-for|fastly-client-ip)(?:$|[\s,])/i;

function varied(facts: LintFacts): readonly Finding[] {
  return facts.reached.flatMap((one) => {
    if (!/^(?:beresp|obj)\.http\.vary$/.test(targetOf(one.statement) ?? "") || isUnset(one.statement))
      return [];
    const texts = partsOf(one.statement).flatMap((part) => (part.kind === "string" ? [part.value] : []));
    const isCopied = namesRead(one.statement).some((name) => name.startsWith("req.http."));
    if (!isCopied && !texts.some((text) => TOO_MANY.test(text))) return [];
    return [at(one, "every visitor would get a copy of its own, and Fastly keeps 200 of a page")];
  });
}

/** S3 says 403 for a key that is not right, and 5xx for its own trouble: neither says that there is no page. */
const IS_FAULT: AtomTest = (atom, holds) => {
  if (!holds || atom.kind !== "binary") return false;
  if (!asks("beresp.status")(atom, holds) && !asks("obj.status")(atom, holds)) return false;
  const status = Number(literalOf(atom.right));
  return (
    (atom.operator === "==" && (status === 403 || status >= 500)) || (atom.operator === ">=" && status >= 403)
  );
};

function faults(facts: LintFacts): readonly Finding[] {
  const inFetch = inState(facts, "fetch");
  const renamed = inFetch.filter(({ statement }) => {
    if (statement.kind !== "set" || targetOf(statement) !== "beresp.status") return false;
    const status = literalOf(statement.value);
    return status !== undefined && Number(status) < 500;
  });
  const missed = inState(facts, "fetch", "hit").filter(
    (one) =>
      one.statement.kind === "error" &&
      /^(?:404|604|410)$/.test(statusOf(one.statement.status)) &&
      isGuarded(one, IS_FAULT),
  );
  return [
    ...renamed.map((one) =>
      at(one, "gives an answer of the store another status: its faults would pass for pages or for none"),
    ),
    ...missed.map((one) => at(one, "a refusal or a fault of the store is no missing page")),
  ];
}

function statusOf(node: Expression | undefined): string {
  return (node && literalOf(node)) ?? "";
}

function esi(facts: LintFacts): readonly Finding[] {
  return facts.reached
    .filter(({ statement }) => {
      if (statement.kind === "esi") return true;
      return (
        statement.kind === "set" &&
        targetOf(statement) === "beresp.do_esi" &&
        !isFalseLiteral(statement.value)
      );
    })
    .map((one) => at(one, "the edge would do what customers' pages say in their markup"));
}

function isFalseLiteral(node: Expression): boolean {
  return node.kind === "bool" && !node.value;
}

/** The message and header of what browsers and shared caches may keep. */
const CACHE_CONTROL = "resp.http.cache-control";
const PRIVATE = "req.http.sf-private";

function privatePages(facts: LintFacts): readonly Finding[] {
  const isPrivate: AtomTest = (atom, holds) => holds && asks(PRIVATE)(atom, holds);
  const isOpen: AtomTest = (atom, holds) => !holds && asks(PRIVATE)(atom, holds);
  const inDeliver = inState(facts, "deliver");
  const marks = inDeliver.filter(
    (one) => targetOf(one.statement) === CACHE_CONTROL && isGuarded(one, isPrivate),
  );
  const last = marks.at(-1);
  const missing = {
    message: "pages behind a password are not kept from caches that visitors share",
    span: placeOfState(facts, "deliver"),
  };
  const later = inDeliver.filter(
    (one) =>
      one.order > (last?.order ?? 0) &&
      matchesName(CACHE_CONTROL, targetOf(one.statement) ?? "") &&
      !isGuarded(one, isOpen) &&
      !saysPrivate(one.statement),
  );
  return [
    ...(last ? [] : [missing]),
    ...later.map((one) =>
      at(one, "also what is behind a password would be kept by caches that visitors share"),
    ),
    ...facts.reached
      .filter((one) => isUnset(one.statement) && targetOf(one.statement) === PRIVATE)
      .map((one) => at(one, "what is behind a password would no longer be marked private")),
  ];
}

function saysPrivate(statement: Statement): boolean {
  const texts = partsOf(statement).flatMap((part) => (part.kind === "string" ? [part.value] : []));
  return /\b(?:private|no-store)\b/i.test(texts.join(""));
}

/** Contracts of what is kept, for how long and for whom. */
export const CACHE_RULES: readonly LintRule[] = [
  {
    id: "sitefleet/lifetime",
    severity: "error",
    contract: "no visitor says how long something is cached",
    check: lifetimes,
  },
  {
    id: "sitefleet/stale-config",
    severity: "error",
    contract: "a config is up to date, or the store is in trouble",
    check: staleConfigs,
  },
  {
    id: "sitefleet/vary",
    severity: "error",
    contract: "a page has few variants",
    check: varied,
  },
  {
    id: "sitefleet/store-fault",
    severity: "error",
    contract: "a fault of the store is never a missing page",
    check: faults,
  },
  {
    id: "sitefleet/esi",
    severity: "error",
    contract: "pages are delivered as they were published",
    check: esi,
  },
  {
    id: "sitefleet/private-page",
    severity: "error",
    contract: "a page behind a password is for its visitor's browser only",
    check: privatePages,
  },
];
