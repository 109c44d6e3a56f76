import { configHeader } from "../../render/template-values.ts";
import type { Expression, Statement } from "../../vcl/ast.ts";
import {
  AT_EDGE,
  AT_ORIGIN,
  anyOf,
  equals,
  isTrue,
  isUnset,
  keptHeaders,
  literalOf,
  matchesName,
  partsIn,
  partsOf,
  targetOf,
} from "./atoms.ts";
import { isGuarded, isGuardedOnlyBy } from "./reached.ts";
import type { Reached } from "./reached.ts";
import { at, inState, orderOfMacro, placeOfState } from "./rule.ts";
import type { Finding, LintFacts, LintRule } from "./rule.ts";
import { ValueFlow } from "./value-flow.ts";
import type { FlowSources } from "./value-flow.ts";

/** Response headers that are the service's own business. */
const INTERNAL = ["SF-*", "x-amz-*", "Surrogate-Key", "Surrogate-Control"] as const;

/** What tells strangers how the service is made, and which sites belong together. */
const TELLING: FlowSources = {
  names: [
    [/^req\.http\.sf-site$/, "a site's uid"],
    [
      new RegExp(
        `^req\\.http\\.(?:${(["delta", "protectedAreas", "rules", "buckets", "notFoundDirectories"] as const)
          .map((field) => configHeader(field).toLowerCase())
          .join("|")})$`,
      ),
      "a part of a config",
    ],
    [/^req\.url(?:\.|$)/, "the path of an object of the store"],
    [/^(?:req|resp|beresp|obj)\.http\.surrogate-key$/, "surrogate keys"],
    [/^(?:resp|beresp|obj)\.http\.x-amz-(?!meta-)/, "a header of the store"],
    [/^(?:req|beresp)\.backend(?:\.(?:name|ip|host|port))?$/, "the name of a backend"],
  ],
  tables: [],
};

/** Where visitors can read it; headers with internal names are taken out of what they get. */
const SHOWN = /^(?:(?:resp|beresp|obj)\.http\.(?!sf-|x-amz-|surrogate-)|(?:resp|beresp|obj)\.response$)/;

function shown(facts: LintFacts): readonly Finding[] {
  return (["fetch", "error", "deliver"] as const).flatMap((state) => {
    const flow = new ValueFlow(TELLING);
    const followed = new Set<Statement>();
    return inState(facts, state).flatMap((one) => {
      const { statement } = one;
      const what = toldBy(statement, flow);
      // A subroutine that is called again does the same to its own variables again.
      if (!followed.has(statement)) flow.follow(statement);
      followed.add(statement);
      return what === undefined || isGuarded(one, TRUSTED)
        ? []
        : [at(one, `${what} would be shown to visitors`)];
    });
  });
}

function toldBy(statement: Statement, flow: ValueFlow): string | undefined {
  if (statement.kind === "synthetic") return flow.found(statement.value);
  if (!SHOWN.test(targetOf(statement) ?? "") || isUnset(statement)) return undefined;
  if (statement.kind === "call-function") {
    const value = statement.call.args[2];
    return value && flow.found(value);
  }
  return statement.kind === "set" || statement.kind === "add" ? flow.found(statement.value) : undefined;
}

const EDGE_HOP = equals("req.http.SF-Hop", "edge");
const TRUSTED = isTrue("req.http.SF-Trusted");

function leaks(facts: LintFacts): readonly Finding[] {
  const macro = orderOfMacro(facts, "deliver");
  const after = inState(facts, "deliver").filter(({ order }) => order > macro);
  return INTERNAL.flatMap((header) => {
    const pattern = `resp.http.${header}`.toLowerCase();
    const strip = after.find(
      (one) =>
        one.statement.kind === "unset" &&
        targetOf(one.statement) === pattern &&
        isGuardedOnlyBy(one, anyOf(EDGE_HOP, equals("fastly.ff.visits_this_service", "0"))),
    );
    if (!strip) {
      const message = `${header} is not taken out of what visitors get, after #FASTLY deliver at the edge`;
      return [{ message, span: placeOfState(facts, "deliver") }];
    }
    return after
      .filter((one) => one.order > strip.order && !isUnset(one.statement))
      .filter((one) => matchesName(targetOf(one.statement) ?? "", pattern) && !isGuarded(one, TRUSTED))
      .map((one) => at(one, `${targetOf(one.statement)} would be shown to visitors that are not trusted`));
  });
}

/** Messages whose headers end up in the cache. */
const CACHED_COOKIE = /^(?:beresp|obj)\.http\.set-cookie(?::|$)/;
/** What the shield delivers the edge keeps: there it is no answer to one visitor. */
const DELIVERED_COOKIE = /^resp\.http\.set-cookie(?::|$)/;

function cookies(facts: LintFacts): readonly Finding[] {
  const inFetch = inState(facts, "fetch");
  const strips = inFetch.some(({ statement, ...one }) => {
    if (!isGuardedOnlyBy(one, AT_ORIGIN)) return false;
    if (statement.kind === "unset") return targetOf(statement) === "beresp.http.set-cookie";
    const kept = keptHeaders(statement, "beresp");
    return kept !== undefined && !kept.includes("set-cookie");
  });
  const sets = facts.reached.filter(
    ({ statement }) =>
      setsCookie(statement) || (keptHeaders(statement, "beresp") ?? []).includes("set-cookie"),
  );
  const message = "a Set-Cookie of the store would be cached and given to every visitor";
  return [
    ...(strips ? [] : [{ message, span: placeOfState(facts, "fetch") }]),
    ...sets.map((one) => at(one, "a cookie that is cached is given to every visitor")),
    ...inState(facts, "deliver")
      .filter(({ statement }) => !isUnset(statement) && DELIVERED_COOKIE.test(targetOf(statement) ?? ""))
      .filter((one) => !isGuarded(one, AT_EDGE))
      .map((one) => at(one, "what the shield delivers is cached at the edge, and its cookie with it")),
  ];
}

function setsCookie(statement: Statement): boolean {
  return !isUnset(statement) && CACHED_COOKIE.test(targetOf(statement) ?? "");
}

const KEYS = "beresp.http.surrogate-key";

/** Prefixes of the keys that purges name: all of a site, one page, a release, a domain, its configs, an environment. */
const PREFIXES = ["all", "env:", "s:", "p:", "r:", "d:", "c:"] as const;

function surrogateKeys(facts: LintFacts): readonly Finding[] {
  const inFetch = inState(facts, "fetch");
  const first = inFetch.find(
    (one) =>
      one.statement.kind === "set" && targetOf(one.statement) === KEYS && isGuardedOnlyBy(one, AT_ORIGIN),
  );
  if (!first) {
    return [{ message: "what the store answers gets no surrogate keys", span: placeOfState(facts, "fetch") }];
  }
  const words = inFetch
    .filter(({ order }) => order <= first.order)
    .flatMap(({ statement }) => partsOf(statement))
    .flatMap((part) => (part.kind === "string" ? part.value.split(/\s+/) : []));
  const lacking = PREFIXES.filter((prefix) => !words.includes(prefix));
  const message = `purges name keys with ${lacking.join(", ")}, which are never given`;
  const replaced = facts.reached.filter(
    (one) => (one.state === "fetch" && one.order > first.order) || one.state === "deliver",
  );
  return [
    ...(lacking.length === 0 ? [] : [at(first, message)]),
    ...replaced.filter(losesKeys).map((one) => at(one, "takes away surrogate keys that purges need")),
  ];
}

function losesKeys(one: Reached): boolean {
  const { statement } = one;
  if (one.state === "deliver") {
    // The edge keeps by them what the shield gave it; visitors get none.
    return (
      isUnset(statement) &&
      matchesName("resp.http.surrogate-key", targetOf(statement) ?? "") &&
      !isGuarded(one, EDGE_HOP)
    );
  }
  if (isUnset(statement)) return matchesName(KEYS, targetOf(statement) ?? "");
  if (targetOf(statement) === KEYS) return statement.kind !== "set" || !mentionsKeys(statement.value);
  const kept = keptHeaders(statement, "beresp");
  return kept !== undefined && !kept.includes("surrogate-key");
}

function mentionsKeys(value: Expression): boolean {
  return partsIn(value).some((part) => part.kind === "identifier" && part.name.toLowerCase() === KEYS);
}

function errorBranches(facts: LintFacts): readonly Finding[] {
  const answered = new Set(
    inState(facts, "error").flatMap(({ statement }) =>
      partsOf(statement).flatMap((part) =>
        part.kind === "binary" &&
        part.operator === "==" &&
        part.left.kind === "identifier" &&
        part.left.name === "obj.status"
          ? [literalOf(part.right)]
          : [],
      ),
    ),
  );
  return facts.reached.flatMap((one) => {
    if (one.statement.kind !== "error" || one.statement.status === undefined) return [];
    const status = literalOf(one.statement.status);
    if (status === undefined) return [at(one, "nobody knows which branch of vcl_error answers this status")];
    if (!/^6\d\d$/.test(status) || answered.has(status)) return [];
    return [at(one, `vcl_error has no branch for ${status}, which visitors would see as it is`)];
  });
}

function revisionShown(facts: LintFacts): readonly Finding[] {
  const isShown = inState(facts, "deliver").some(
    (one) =>
      one.statement.kind === "set" &&
      targetOf(one.statement) === "resp.http.sf-revision" &&
      literalOf(one.statement.value) === facts.revision &&
      isGuarded(one, TRUSTED),
  );
  if (isShown) return [];
  const message = `vcl_deliver does not tell revision ${facts.revision} to who is trusted`;
  return [{ message, span: placeOfState(facts, "deliver") }];
}

function hstsScope(facts: LintFacts): readonly Finding[] {
  return facts.reached
    .filter(({ statement }) =>
      /^(?:resp|obj|beresp)\.http\.strict-transport-security$/.test(targetOf(statement) ?? ""),
    )
    .filter(({ statement }) => {
      const texts = partsOf(statement).flatMap((part) => (part.kind === "string" ? [part.value] : []));
      return /includesubdomains|preload/i.test(texts.join(""));
    })
    .map((one) =>
      at(one, "binds hosts that are not on this service to TLS, for as long as browsers remember"),
    );
}

/** Contracts of what happens to a response. */
export const RESPONSE_RULES: readonly LintRule[] = [
  {
    id: "sitefleet/internal-leak",
    severity: "error",
    contract: "visitors see nothing internal",
    check: (facts) => [...leaks(facts), ...shown(facts)],
  },
  { id: "sitefleet/cached-cookie", severity: "error", contract: "no cookie is ever cached", check: cookies },
  {
    id: "sitefleet/surrogate-keys",
    severity: "error",
    contract: "everything cached has the keys that purges name",
    check: surrogateKeys,
  },
  {
    id: "sitefleet/error-branch",
    severity: "error",
    contract: "every status of an error statement has its branch in vcl_error",
    check: errorBranches,
  },
  {
    id: "sitefleet/revision-shown",
    severity: "error",
    contract: "a deploy can ask the edge which revision answers",
    check: revisionShown,
  },
  {
    id: "sitefleet/hsts-scope",
    severity: "error",
    contract: "HSTS is for the host itself",
    check: hstsScope,
  },
];
