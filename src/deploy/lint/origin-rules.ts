import type { VclState } from "../../vcl/runtime.ts";
import { VCL_STATES } from "../../vcl/states.ts";
import { AT_ORIGIN, isFalse, isNamed, keptHeaders, matchesName, targetOf } from "./atoms.ts";
import { isGuarded, isGuardedOnlyBy } from "./reached.ts";
import type { AtomTest, Reached } from "./reached.ts";
import { at, inState, orderOfMacro, placeOfState } from "./rule.ts";
import type { Finding, LintFacts, LintRule } from "./rule.ts";

const SHIELD_CHOICE = "fastly.try_select_shield";

/** The backend that a statement sends through its shield: a name, or the one that is chosen (`req.backend`). */
function shieldedBy({ statement }: Reached): string | undefined {
  if (statement.kind !== "set" || targetOf(statement) !== "req.backend") return undefined;
  const { value } = statement;
  if (value.kind !== "call" || value.name.name !== SHIELD_CHOICE) return undefined;
  const [, fallback] = value.args;
  return fallback?.kind === "identifier" ? fallback.name : undefined;
}

function backends(facts: LintFacts): readonly Finding[] {
  const chosen = facts.reached.filter(({ statement }) => targetOf(statement) === "req.backend");
  const elsewhere = chosen
    .filter(({ state }) => state !== "recv")
    .map((one) =>
      at(one, `vcl_${one.state} is too late to choose a backend: vcl_recv does it on every pass`),
    );
  const macro = orderOfMacro(facts, "recv");
  const early = chosen
    .filter(({ state, order }) => state === "recv" && order < macro)
    .map((one) => at(one, "#FASTLY recv chooses a backend again, after this one"));
  return [
    ...elsewhere,
    ...early,
    ...unshielded(
      facts,
      chosen.filter(({ state }) => state === "recv"),
    ),
  ];
}

function unshielded(facts: LintFacts, chosen: readonly Reached[]): readonly Finding[] {
  if (facts.shielded.length === 0) return [];
  const shields = chosen.filter((one) => {
    const backend = shieldedBy(one);
    return backend !== undefined && isGuardedOnlyBy(one, isBackend(backend));
  });
  const last = shields.at(-1);
  const lost = chosen
    .filter((one) => shieldedBy(one) === undefined && (last === undefined || one.order > last.order))
    .map((one) =>
      at(one, `a backend that is set here goes without its shield: ${SHIELD_CHOICE} comes after it`),
    );
  const names = new Set(shields.map(shieldedBy));
  const missing = names.has("req.backend") ? [] : facts.shielded.filter((name) => !names.has(name));
  return [
    ...lost,
    ...missing.map((name) => ({
      message: `no ${SHIELD_CHOICE} after #FASTLY recv for ${name}: its shield is lost on every restart`,
      span: placeOfState(facts, "recv"),
    })),
  ];
}

/** `req.backend == F_x`, either way: a chain of branches over the backends asks nothing else. */
function isBackend(name: string): AtomTest {
  return (atom, holds) =>
    atom.kind === "binary" &&
    (atom.operator === "==" || atom.operator === "!=") &&
    isNamed(atom.left, "req.backend") &&
    (isNamed(atom.right, name) || (atom.operator === "==") !== holds);
}

const SENDING: readonly VclState[] = ["miss", "pass"];

/** What goes to the shield with a request and is not its business. */
const FOR_EDGE_ONLY = ["SF-Credentials"] as const;

function requests(facts: LintFacts): readonly Finding[] {
  return SENDING.flatMap((state) => {
    const statements = inState(facts, state);
    const toOrigin = statements.filter((one) => isGuardedOnlyBy(one, AT_ORIGIN) && one.guards.length > 0);
    const span = placeOfState(facts, state);
    const isSigned = toOrigin.some(({ statement }) => targetOf(statement) === "bereq.http.authorization");
    const isBare = toOrigin.some(({ statement }) => keepsNothingPrivate(keptHeaders(statement, "bereq")));
    return [
      ...(isSigned ? [] : [{ message: `vcl_${state} does not sign what it asks of the store`, span }]),
      ...(isBare ? [] : [{ message: `vcl_${state} sends the store more than what is signed`, span }]),
      ...changedAfterSigning(statements).map((one) =>
        at(one, "what is signed is changed after the signature, and the store refuses the request"),
      ),
      ...keptFromShield(statements).map((header) => ({
        message: `vcl_${state} sends ${header} to the shield`,
        span,
      })),
      ...statements
        .filter(isUnguarded)
        .map((one) =>
          at(
            one,
            `${targetOf(one.statement)} is for the store only: the shield is asked like a visitor asks`,
          ),
        ),
    ];
  });
}

/** What the signature is made of, and the signature itself. */
const SIGNED = [
  "bereq.http.authorization",
  "bereq.http.host",
  "bereq.http.x-amz-*",
  "bereq.url",
  "bereq.method",
] as const;

function changedAfterSigning(statements: readonly Reached[]): readonly Reached[] {
  const signature = statements.find(
    ({ statement }) => statement.kind === "set" && targetOf(statement) === "bereq.http.authorization",
  );
  if (!signature) return [];
  return statements.filter((one) => {
    if (one.order <= signature.order || isGuarded(one, isFalse("req.backend.is_origin"))) return false;
    const { statement } = one;
    if (statement.kind === "call-function" && statement.call.name.name.startsWith("header.filter")) {
      return isNamed(statement.call.args[0], "bereq");
    }
    const target = targetOf(statement);
    return (
      target !== undefined && SIGNED.some((name) => matchesName(target, name) || matchesName(name, target))
    );
  });
}

function keepsNothingPrivate(kept: readonly string[] | undefined): boolean {
  return (
    kept !== undefined && !kept.some((name) => ["authorization", "cookie", "sf-credentials"].includes(name))
  );
}

function keptFromShield(statements: readonly Reached[]): readonly string[] {
  const unset = statements.filter(
    (one) => one.statement.kind === "unset" && isGuardedOnlyBy(one, isFalse("req.backend.is_origin")),
  );
  return FOR_EDGE_ONLY.filter((header) => {
    const wanted = `bereq.http.${header}`.toLowerCase();
    return !unset.some(({ statement }) => {
      const name = targetOf(statement) ?? "";
      return name === wanted || (name.endsWith("*") && matchesName(wanted, name));
    });
  });
}

function isUnguarded(one: Reached): boolean {
  const target = targetOf(one.statement) ?? "";
  const isOfStore = /^bereq\.http\.(?:authorization|host|x-amz-)/.test(target) || target === "bereq.url";
  return isOfStore && one.statement.kind !== "unset" && !isGuarded(one, AT_ORIGIN);
}

/** Each state's macro, where the state always comes to it. */
function macros(facts: LintFacts): readonly Finding[] {
  return VCL_STATES.flatMap((state) => {
    const found = inState(facts, state).filter(
      ({ statement }) => statement.kind === "macro" && statement.name === state,
    );
    const always = found.find(({ guards }) => guards.length === 0);
    if (always) {
      return inState(facts, state)
        .filter(({ order, statement }) => order < always.order && statement.kind === "return")
        .map((one) => at(one, `leaves vcl_${state} before \`#FASTLY ${state}\` and all that comes after it`));
    }
    const words = found.length === 0 ? "lacks" : "does not always come to";
    const message = `vcl_${state} ${words} the line \`#FASTLY ${state}\`, by which Fastly does its part`;
    return [{ message, span: placeOfState(facts, state) }];
  });
}

/** Contracts of what is between the edge, its shield and the store. */
export const ORIGIN_RULES: readonly LintRule[] = [
  {
    id: "sitefleet/shielded-backend",
    severity: "error",
    contract: "every pass goes through the backend's shield",
    check: backends,
  },
  {
    id: "sitefleet/store-request",
    severity: "error",
    contract: "the store is asked with a signature and nothing else, the shield without one",
    check: requests,
  },
  {
    id: "sitefleet/macro",
    severity: "error",
    contract: "Fastly's macros are in their places",
    check: macros,
  },
];
