import { configHeader } from "../../render/template-values.ts";
import {
  AT_EDGE,
  FIRST_PASS,
  anyOf,
  asks,
  equals,
  isFalse,
  isUnset,
  literalOf,
  namesOf,
  namesRead,
  partsIn,
  targetOf,
} from "./atoms.ts";
import { isGuarded, isGuardedOnlyBy } from "./reached.ts";
import type { AtomTest, Reached } from "./reached.ts";
import { at, inState, orderOfMacro, placeOfState } from "./rule.ts";
import type { Finding, LintFacts, LintRule } from "./rule.ts";

/** Headers that say which site, release and kind of object a request is for. */
const OF_SITE: ReadonlySet<string> = new Set(
  ["SF-Site", "SF-Base", "SF-Release", "SF-Site-Env", "SF-Bucket"].map((name) =>
    `req.http.${name}`.toLowerCase(),
  ),
);

/** What a config says that only makes its host stricter, and may be said for all of them. */
const FOR_ALL = ["forceTls", "hsts", "noindex"] as const;
/** Fields that are used up: rules that were tried are not tried again. */
const USED_UP = ["rules", "buckets"] as const;

function fieldsOf(fields: readonly Parameters<typeof configHeader>[0][]): ReadonlySet<string> {
  return new Set(fields.map((field) => `req.http.${configHeader(field)}`.toLowerCase()));
}

const STRICTER = fieldsOf(FOR_ALL);
const USABLE = fieldsOf(USED_UP);
/** Headers of a config's own fields; others that begin so are the probe's. */
const FIELD = /^req\.http\.sf-config-[a-z]$/;

function siteOfRequest(facts: LintFacts): readonly Finding[] {
  return facts.reached.flatMap((one) => {
    const target = targetOf(one.statement);
    if (target === undefined || !target.startsWith("req.")) return [];
    if (isUnset(one.statement)) return lostFields(one, target);
    if (target === "req.http.sf-phase") return phase(one);
    if (target === "req.url") return address(one);
    return OF_SITE.has(target) || FIELD.test(target) ? decided(one, target) : [];
  });
}

/** Only the answer to the config lookup says it, or the VCL itself. */
function decided(one: Reached, target: string): readonly Finding[] {
  const foreign = namesRead(one.statement).filter((name) => !isKnown(name));
  const name = target.slice("req.http.".length);
  if (foreign.length > 0) {
    return [at(one, `${foreign[0]} would decide ${name}, which only the config of the host may`)];
  }
  const isWeaker = FIELD.test(target) && !STRICTER.has(target) && namesRead(one.statement).length === 0;
  return isWeaker ? [at(one, `replaces what the site's config says: ${name} is of its site`)] : [];
}

/** Metadata that the store gave for the host, and functions' names for dictionaries are none of visitors'. */
function isKnown(name: string): boolean {
  return /^(?:resp|beresp)\.http\.x-amz-meta-[a-z]$/.test(name);
}

function lostFields(one: Reached, target: string): readonly Finding[] {
  const isGate = isGuarded(one, equals("req.restarts", "0")) && isGuarded(one, FIRST_PASS);
  if (isGate || USABLE.has(target)) return [];
  const [all, some] = ["req.http.sf-config-", target.slice(0, -1)];
  const isMany = target.endsWith("*") && (all.startsWith(some) || some.startsWith(all));
  if (!isMany && !FIELD.test(target)) return [];
  return [at(one, `takes away what the site's config asks for, such as its passwords`)];
}

function phase(one: Reached): readonly Finding[] {
  if (one.statement.kind !== "set") return [];
  const value = literalOf(one.statement.value);
  if (value === undefined) return [at(one, "the phase of a request is none that the VCL itself names")];
  if (value !== "page" || one.state === "deliver") return [];
  return [at(one, "goes on to the page without the host's config: only vcl_deliver has that")];
}

/** The path of an object has what the config said in it, and of the request only what path-hygiene made of it. */
function address(one: Reached): readonly Finding[] {
  const foreign = namesRead(one.statement).find(
    (name) => name.startsWith("req.http.") && !name.startsWith("req.http.sf-") && name !== "req.http.host",
  );
  return foreign === undefined
    ? []
    : [at(one, `${foreign} would decide which object is read, of which site`)];
}

/** Statuses by which this service and Fastly itself redirect (`error 801`: reference/http/http-statuses). */
const ALWAYS = anyOf(
  AT_EDGE,
  FIRST_PASS,
  asks("req.restarts"),
  asks("req.http.SF-Phase"),
  asks("req.http.SF-Hop"),
  asks("req.method"),
  asks("req.http.SF-Site"),
);

function redirects(facts: LintFacts): readonly Finding[] {
  const errors = facts.reached.filter(({ statement }) => statement.kind === "error");
  const all = errors.filter(
    (one) => statusOf(one) === "601" && isGuardedOnlyBy(one, ALWAYS) && !isDecided(one),
  );
  const fastlys = errors.filter((one) => /^[789]\d\d$/.test(statusOf(one)));
  return [
    ...all.map((one) => at(one, "redirects every request, that for the redirect's own target as well")),
    ...fastlys.map((one) =>
      at(
        one,
        `${statusOf(one)} is Fastly's own: 801 redirects to req.url, which here is the path of an object`,
      ),
    ),
  ];
}

/** An earlier pass has found that this request is to be redirected. */
function isDecided(one: Reached): boolean {
  return isGuarded(one, equals("req.http.SF-Phase", "redirect"));
}

function statusOf({ statement }: Reached): string {
  return (statement.kind === "error" && statement.status && literalOf(statement.status)) || "";
}

/** Switches of Fastly's macros, and what each would do. */
const SWITCHES: readonly (readonly [header: string, what: string])[] = [
  ["Fastly-Debug", "shows everybody how the service is made"],
  ["Fastly-No-Shield", "takes each machine of a POP for a cache of its own"],
  ["Fastly-Restart-On-Error", "spends a restart that the service needs"],
  ["Fastly-Vary-String", "makes variants of every page"],
  ["Fastly-Check-SHA1", "answers with 550"],
  ["Fastly-Temp-XFF", "lets a visitor choose an address"],
];

const FORCE = "req.http.fastly-force-shield";
const RESTARTED: AtomTest = (atom, holds) => asks("req.restarts")(atom, holds);

function switches(facts: LintFacts): readonly Finding[] {
  const macro = orderOfMacro(facts, "recv");
  const inRecv = inState(facts, "recv");
  const isForced = inRecv.some(
    (one) =>
      targetOf(one.statement) === FORCE && one.statement.kind === "set" && isGuardedOnlyBy(one, RESTARTED),
  );
  const message =
    "a restarted request is looked up on one machine alone: nothing sets Fastly-Force-Shield again";
  return [
    ...(isForced ? [] : [{ message, span: placeOfState(facts, "recv") }]),
    ...facts.reached.flatMap((one) => {
      const target = targetOf(one.statement) ?? "";
      if (isUnset(one.statement)) {
        return target === FORCE && one.order > macro ? [at(one, message)] : [];
      }
      const found = SWITCHES.find(([header]) => target === `req.http.${header.toLowerCase()}`);
      return found ? [at(one, `${found[0]} ${found[1]}`)] : [];
    }),
  ];
}

/** On the node that fetches, that node counts as a visit as well (reference/vcl/variables/miscellaneous/fastly-ff-visits-this-service). */
export function miscountedHops(facts: LintFacts): readonly Finding[] {
  return inState(facts, "hash", "hit", "miss", "pass", "fetch", "error")
    .filter(({ statement }) => namesRead(statement).includes("fastly.ff.visits_this_service"))
    .map((one) =>
      at(one, `in vcl_${one.state} visits_this_service counts the machine that fetches too: ask SF-Hop`),
    );
}

/** Values that no two visitors, or no two requests, have in common. */
const OWN_VALUE =
  /^(?:req\.xid|client\.(?:ip|port|requests)|now(?:\.sec)?|time\.|req\.http\.(?:cookie|user-agent|referer|x-forwarded-for|fastly-client-ip|authorization)(?::|$)|randomint|req\.url\.qs)/;

/** What is put into the cache key, or takes its place. */
export function keyMistakes(facts: LintFacts): readonly Finding[] {
  return inState(facts, "hash", "recv").flatMap((one) => {
    const { statement } = one;
    if (statement.kind !== "set" || targetOf(statement) !== "req.hash") return [];
    if (statement.operator !== "+=")
      return [at(one, "takes the place of what others have put into the cache key")];
    const names = partsIn(statement.value).flatMap((part) =>
      part.kind === "call" ? [part.name.name, ...namesOf(part)] : namesOf(part),
    );
    const own = names.find((name) => OWN_VALUE.test(name.toLowerCase()));
    return own === undefined ? [] : [at(one, `with ${own} in the cache key no two visitors share a copy`)];
  });
}

/** Whether a request for a purge meets its refusal whatever else it says. */
export const PURGE_ALWAYS = anyOf(
  AT_EDGE,
  FIRST_PASS,
  equals("req.method", "FASTLYPURGE"),
  isFalse("req.http.SF-Phase"),
);

/** Contracts of whose request it is. */
export const IDENTITY_RULES: readonly LintRule[] = [
  {
    id: "sitefleet/site-of-request",
    severity: "error",
    contract: "the host's config alone says what a request is for",
    check: siteOfRequest,
  },
  {
    id: "sitefleet/redirect-loop",
    severity: "error",
    contract: "no redirect is for every request",
    check: redirects,
  },
  {
    id: "sitefleet/fastly-switches",
    severity: "error",
    contract: "Fastly's own switches are as the service needs them",
    check: switches,
  },
];
