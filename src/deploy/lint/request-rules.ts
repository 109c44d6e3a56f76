import { ERROR_STATUS } from "../../render/constants.ts";
import type { Expression, IfStatement, Statement } from "../../vcl/ast.ts";
import type { VclState } from "../../vcl/runtime.ts";
import {
  AT_EDGE,
  AT_ORIGIN,
  FIRST_PASS,
  anyOf,
  equals,
  isFalse,
  isNamed,
  isTrue,
  isUnset,
  literalOf,
  matchesName,
  partsIn,
  partsOf,
  targetOf,
} from "./atoms.ts";
import { FOR_PAGES } from "./cache-rules.ts";
import { PURGE_ALWAYS, keyMistakes, miscountedHops } from "./identity-rules.ts";
import { isGuarded, isGuardedOnlyBy } from "./reached.ts";
import type { Reached } from "./reached.ts";
import { at, inState, orderOfMacro, placeOfState } from "./rule.ts";
import type { Finding, LintFacts, LintRule } from "./rule.ts";

/** Restarts that Fastly gives a request (reference/vcl/statements/restart). */
const RESTARTS = 3;

/** `req.restarts < 3`, or fewer, in any of the ways to say it. */
function hasBudget(atom: Expression, holds: boolean): boolean {
  if (atom.kind !== "binary" || !isNamed(atom.left, "req.restarts")) return false;
  const number = Number(literalOf(atom.right));
  switch (atom.operator) {
    case "<":
      return holds && number <= RESTARTS;
    case "<=":
    case "==":
      return holds && number < RESTARTS;
    case ">=":
      return !holds && number <= RESTARTS;
    case ">":
      return !holds && number < RESTARTS;
    default:
      return false;
  }
}

function restarts(facts: LintFacts) {
  return facts.reached.filter(({ statement }) => statement.kind === "restart");
}

/**
 * Whether a restart may be the fourth, an error 503: it is asked for once, with a header that says so before it, and
 * vcl_error knows the 503 by that header and makes another answer of it.
 */
function isAnsweredAsError(facts: LintFacts, one: Reached): boolean {
  const marks = inState(facts, one.state).flatMap((before) => {
    const mark = before.statement.kind === "set" ? (targetOf(before.statement) ?? "") : "";
    const isBefore = before.sub === one.sub && before.order < one.order && before.guards === one.guards;
    return isBefore && mark.startsWith("req.http.") && isGuarded(one, isFalse(mark)) ? [mark] : [];
  });
  return inState(facts, "error").some(
    (answer) =>
      targetOf(answer.statement) === "obj.status" &&
      isGuarded(answer, equals("obj.status", "503")) &&
      marks.some((mark) => isGuarded(answer, isTrue(mark))),
  );
}

/** What a client could send to be taken for something that this service or Fastly says. */
const STRIPPED = [
  "SF-*",
  "x-amz-*",
  "Authorization",
  "Fastly-Debug",
  "Fastly-Force-Shield",
  "Fastly-No-Shield",
  "Fastly-Restart-On-Error",
  "Fastly-Vary-String",
  "Fastly-Check-SHA1",
  "Fastly-Temp-XFF",
] as const;

function clientHeaders(facts: LintFacts): readonly Finding[] {
  const macro = orderOfMacro(facts, "recv");
  const unset = inState(facts, "recv").filter(
    (one) => one.statement.kind === "unset" && one.order < macro && isGuardedOnlyBy(one, FIRST_PASS),
  );
  const names = unset.map(({ statement }) => targetOf(statement) ?? "");
  return STRIPPED.filter((header) => {
    const wanted = `req.http.${header}`.toLowerCase();
    return !names.some((name) => name === wanted || (name.endsWith("*") && matchesName(wanted, name)));
  }).map((header) => ({
    message: `what a client sends as ${header} is not taken away before #FASTLY recv on the first pass`,
    span: placeOfState(facts, "recv"),
  }));
}

function hop(facts: LintFacts): readonly Finding[] {
  const sets = facts.reached.filter(({ statement }) => targetOf(statement) === "req.http.sf-hop");
  const wrong = sets.filter((one) => {
    if (one.state !== "recv" || one.statement.kind !== "set") return true;
    const value = literalOf(one.statement.value);
    const isEdge = isGuarded(one, AT_VISIT);
    return value === "edge" ? !isEdge : value !== "shield" || isEdge;
  });
  const isDecided = sets.some(({ state }) => state === "recv");
  const missing = { message: "nothing says which hop this is", span: placeOfState(facts, "recv") };
  return [
    ...miscountedHops(facts),
    ...(isDecided ? [] : [missing]),
    ...wrong.map((one) => at(one, "SF-Hop is for vcl_recv to say, by fastly.ff.visits_this_service")),
  ];
}

const AT_VISIT = equals("fastly.ff.visits_this_service", "0");

function changedHost(facts: LintFacts): readonly Finding[] {
  return facts.reached
    .filter(({ statement }) => targetOf(statement)?.startsWith("req.http.host") === true)
    .filter(({ statement }) => /^req\.http\.host(?::|$)/.test(targetOf(statement) ?? ""))
    .map((one) => at(one, "the shield finds the service by the Host that the visitor sent; it must stay"));
}

function uncachedLookups(facts: LintFacts): readonly Finding[] {
  return inState(facts, "recv", "hit", "miss", "fetch").flatMap((one) => {
    const { statement } = one;
    if (targetOf(statement) === "req.hash_always_miss" && isGuarded(one, LOOKS_PAST)) return [];
    const action = statement.kind === "return" ? statement.action?.name : undefined;
    const isPass = action === "pass" || action === "hit_for_pass";
    const isUncached =
      (targetOf(statement) === "beresp.cacheable" &&
        statement.kind === "set" &&
        !(statement.value.kind === "bool" && statement.value.value)) ||
      (targetOf(statement) === "beresp.ttl" && statement.kind === "set" && !isLasting(statement)) ||
      (UNCACHED_SWITCHES.has(targetOf(statement) ?? "") &&
        statement.kind === "set" &&
        !isFalseLiteral(statement.value));
    if (!isPass && !isUncached) return [];
    if (isGuarded(one, FOR_PAGES)) {
      const isEveryPage = isGuardedOnlyBy(one, EVERY_PAGE) && !isReadTtl(statement);
      return isEveryPage ? [at(one, "every page would be asked of the store, with every request")] : [];
    }
    return [
      at(
        one,
        "a config that is not cached would be asked of the store with every request, one after another",
      ),
    ];
  });
}

/** The two who look past the cache by right: a second try after the first region failed, and a deploy's own probe. */
const LOOKS_PAST = anyOf(isTrue("req.http.SF-Retry"), equals("req.http.SF-Probe", "shield"));

/** Variables by which a request passes by what is cached, or by others that wait for the same (reference/vcl/variables/cache-object). */
const UNCACHED_SWITCHES: ReadonlySet<string> = new Set(["req.hash_ignore_busy", "req.hash_always_miss"]);

function isFalseLiteral(node: Expression): boolean {
  return node.kind === "bool" && !node.value;
}

/** A lifetime that is written down, and long enough to answer those who wait. */
function isLasting(statement: Statement): boolean {
  if (statement.kind !== "set" || statement.operator !== "=") return false;
  return statement.value.kind === "rtime" && statement.value.value > 0;
}

/** A page's lifetime may be what its publisher says; zero is for nobody. */
function isReadTtl(statement: Statement): boolean {
  return statement.kind === "set" && targetOf(statement) === "beresp.ttl" && statement.value.kind !== "rtime";
}

/** Conditions that all pages meet. */
const EVERY_PAGE = anyOf(FOR_PAGES, AT_EDGE, AT_ORIGIN, equals("beresp.status", "200"));

function purges(facts: LintFacts): readonly Finding[] {
  const isRefused = inState(facts, "recv").some(
    (one) =>
      one.statement.kind === "error" &&
      one.statement.status !== undefined &&
      literalOf(one.statement.status) === String(ERROR_STATUS.purgeRefused) &&
      isGuarded(one, equals("req.method", "FASTLYPURGE")) &&
      isGuardedOnlyBy(one, PURGE_ALWAYS),
  );
  if (isRefused) return [];
  const message = `nothing answers FASTLYPURGE with error ${ERROR_STATUS.purgeRefused}`;
  return [{ message, span: placeOfState(facts, "recv") }];
}

/** What a cached object is found by: both, whatever the request is. */
const KEY_PARTS = ["req.http.SF-Bucket", "req.url"] as const;

function cacheKey(facts: LintFacts): readonly Finding[] {
  const sets = inState(facts, "hash").filter(
    (one) => targetOf(one.statement) === "req.hash" && one.guards.length === 0,
  );
  const missing = KEY_PARTS.filter(
    (name) => !sets.some(({ statement }) => partsOf(statement).some((part) => isNamed(part, name))),
  );
  return [
    ...missing.map((name) => ({
      message: `${name} is no part of the cache key`,
      span: placeOfState(facts, "hash"),
    })),
    ...keyMistakes(facts),
  ];
}

/** Variables that are of the visitor's connection at the edge and of the edge's connection at the shield. */
const OF_CLIENT = /^client\.(?:ip$|geo\.|as\.|socket\.|identity$|class\.|platform\.|browser\.|os\.)/;

function clientAtShield(facts: LintFacts): readonly Finding[] {
  return facts.reached.flatMap((one) => {
    const name = clientNameIn(partsOf(one.statement));
    if (name === undefined || isGuarded(one, AT_EDGE)) return [];
    return one.statement.kind === "if" ? conditionsAtShield(one.statement) : [at(one, clientMessage(name))];
  });
}

/** In a condition the guard may stand beside it: `SF-Hop == "edge" && client.geo… `. */
function conditionsAtShield(statement: IfStatement): readonly Finding[] {
  return statement.branches.flatMap(({ condition }) => {
    const name = clientNameIn(partsIn(condition));
    if (name === undefined || isGuarded({ guards: [{ condition, holds: true }] }, AT_EDGE)) return [];
    return [{ message: clientMessage(name), span: condition.span }];
  });
}

function clientNameIn(parts: readonly Expression[]): string | undefined {
  const found = parts.find((part) => part.kind === "identifier" && OF_CLIENT.test(part.name.toLowerCase()));
  return found?.kind === "identifier" ? found.name : undefined;
}

function clientMessage(name: string): string {
  return `at the shield ${name} is the edge's and not the visitor's`;
}

/** The subroutines that run on the node that fetches, from which a request does not come back. */
function lostChanges(facts: LintFacts): readonly Finding[] {
  return inState(facts, "hit", "miss", "pass", "fetch").flatMap((one) => {
    const target = targetOf(one.statement);
    if (target === undefined || !/^req\.(?:http\.|url$|method$|restarts$)/.test(target)) return [];
    return [
      at(
        one,
        `vcl_${one.state} runs on another node: later subroutines do not see what it does to ${target}`,
      ),
    ];
  });
}

/** Ends of a state that leave nothing undone: what vcl_error and vcl_log do is an answer's own and a line's own. */
const MAY_END_EARLY: ReadonlySet<VclState> = new Set(["error", "log"]);
const OWN_ENDS: ReadonlySet<string> = new Set(["deliver_stale", "error"]);

function earlyReturns(facts: LintFacts): readonly Finding[] {
  return facts.reached.flatMap((one) => {
    const { state, statement } = one;
    if (statement.kind === "goto") return [at(one, "jumps over what stands between, whatever that protects")];
    if (statement.kind !== "return") return [];
    const action = statement.action?.name;
    if (action === undefined) {
      // Into the subroutines that features share each writes its part.
      const isShared = SHARED_SUBS.has(one.sub) && isFollowed(facts, one, ({ sub }) => sub === one.sub);
      return isShared ? [at(one, `leaves ${one.sub} before what other features do there`)] : [];
    }
    if (OWN_ENDS.has(action)) return [];
    if (state === "error") {
      const isBranch = isGuarded(one, isBranchOfError) || !isFollowed(facts, one, () => true);
      return isBranch
        ? []
        : [at(one, "leaves vcl_error without a look at the status that the others answer")];
    }
    if (MAY_END_EARLY.has(state) || !isFollowed(facts, one, () => true)) return [];
    return [at(one, `leaves vcl_${state} before all that comes after it`)];
  });
}

/** Subroutines that main.vcl.njk makes of a stage of every feature. */
const SHARED_SUBS: ReadonlySet<string> = new Set(["sf_check_access"]);

/** Whether something other than ends and conditions comes behind a statement of its state. */
function isFollowed(facts: LintFacts, one: Reached, counts: (later: Reached) => boolean): boolean {
  return inState(facts, one.state).some(
    (later) =>
      later.order > one.order &&
      later.statement.kind !== "return" &&
      later.statement.kind !== "if" &&
      counts(later),
  );
}

/** One status, or those of HTTP: none of the statuses that the VCL has for itself. */
function isBranchOfError(atom: Expression, holds: boolean): boolean {
  if (!holds || atom.kind !== "binary" || !isNamed(atom.left, "obj.status")) return false;
  const status = Number(literalOf(atom.right));
  return atom.operator === "==" || (atom.operator === "<" && status <= 600);
}

/** The one proof that a request is a deploy's own: what it sent is equal to what only the segment's owner can make. */
function isProven(atom: Expression, holds: boolean): boolean {
  return holds && atom.kind === "call" && atom.name.name === "digest.secure_is_equal";
}

function trust(facts: LintFacts): readonly Finding[] {
  return facts.reached
    .filter(({ statement }) => targetOf(statement) === "req.http.sf-trusted" && !isUnset(statement))
    .filter((one) => one.state !== "recv" || !isGuarded(one, isProven))
    .map((one) => at(one, "trusts a request that has not shown the debug token"));
}

/** Contracts of what happens to a request. */
export const REQUEST_RULES: readonly LintRule[] = [
  {
    id: "sitefleet/restart-budget",
    severity: "error",
    contract: "every restart asks first whether one of the three is left, or has its 503 answered",
    check: (facts) =>
      restarts(facts)
        .filter((one) => !isGuarded(one, hasBudget) && !isAnsweredAsError(facts, one))
        .map((one) => at(one, "a restart that does not ask for `req.restarts < 3`; the fourth is a 503")),
  },
  {
    id: "sitefleet/restart-in-deliver",
    severity: "error",
    contract: "requests restart in vcl_deliver only",
    check: (facts) =>
      restarts(facts)
        .filter((one) => one.state !== "deliver" || !isGuarded(one, AT_EDGE))
        .map((one) =>
          one.state === "deliver"
            ? at(one, "the shield would begin anew as well: it is a plain cache, and the edge decides")
            : at(one, `a restart in vcl_${one.state} loses what was decided: only vcl_deliver may`),
        ),
  },
  {
    id: "sitefleet/client-headers",
    severity: "error",
    contract: "nothing that a client sends is taken for internal",
    check: clientHeaders,
  },
  {
    id: "sitefleet/hop",
    severity: "error",
    contract: "the hop is decided in vcl_recv by what Fastly says",
    check: hop,
  },
  {
    id: "sitefleet/host-kept",
    severity: "error",
    contract: "the Host of a request stays",
    check: changedHost,
  },
  {
    id: "sitefleet/cached-lookup",
    severity: "error",
    contract: "configs, rules and their absence are always cached",
    check: uncachedLookups,
  },
  { id: "sitefleet/purge-refused", severity: "error", contract: "purges by URL are refused", check: purges },
  {
    id: "sitefleet/cache-key",
    severity: "error",
    contract: "the cache key has bucket and path",
    check: cacheKey,
  },
  {
    id: "sitefleet/client-at-edge",
    severity: "error",
    contract: "what is known of the visitor's connection is asked at the edge only",
    check: clientAtShield,
  },
  {
    id: "sitefleet/early-return",
    severity: "error",
    contract: "every subroutine comes to its end",
    check: earlyReturns,
  },
  {
    id: "sitefleet/trusted-request",
    severity: "error",
    contract: "only a request with the debug token is trusted",
    check: trust,
  },
  {
    id: "sitefleet/lost-change",
    severity: "error",
    contract: "a request is changed where the change lasts",
    check: lostChanges,
  },
];
