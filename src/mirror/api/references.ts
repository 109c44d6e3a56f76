import { logExpression } from "./log-format.ts";
import { LOGGING_KINDS } from "./logging-names.ts";
import { kindRow } from "./kinds.ts";
import { textOf } from "./state.ts";
import type { KindName, ResourceRecord, VersionObjects } from "./state.ts";

/** The fields in which objects name a condition of their version. */
const CONDITION_FIELDS = ["request_condition", "cache_condition", "response_condition"] as const;
const KINDS_WITH_CONDITIONS: readonly KindName[] = [
  "backend",
  "header",
  "request_settings",
  "cache_settings",
  "gzip",
  "response_object",
  ...LOGGING_KINDS,
];

/** What the objects of a version name and the version does not have, and log formats that are none: one line each. */
export function brokenReferences(objects: VersionObjects): readonly string[] {
  return [
    ...missingHealthchecks(objects),
    ...missingDictionaries(objects),
    ...KINDS_WITH_CONDITIONS.flatMap((kind) => missingConditions(objects, kind)),
    ...LOGGING_KINDS.flatMap((kind) => objects.resources[kind].flatMap(formatProblems)),
  ];
}

/** Backends with a health check that the version does not have, one line each. */
export function missingHealthchecks(objects: VersionObjects): readonly string[] {
  const checks = namesOf(objects, "healthcheck");
  return objects.resources.backend.flatMap((backend) => {
    const check = textOf(backend, "healthcheck");
    const known = check === "" || checks.has(check);
    return known ? [] : [`Backend '${textOf(backend, "name")}': no healthcheck '${check}'`];
  });
}

function missingDictionaries(objects: VersionObjects): readonly string[] {
  const dictionaries = namesOf(objects, "dictionary");
  return objects.resources.rate_limiter.flatMap((limiter) => {
    const name = textOf(limiter, "uri_dictionary_name");
    const known = name === "" || dictionaries.has(name);
    return known ? [] : [`RateLimiter '${textOf(limiter, "name")}': no dictionary '${name}'`];
  });
}

function missingConditions(objects: VersionObjects, kind: KindName): readonly string[] {
  const conditions = namesOf(objects, "condition");
  const { label } = kindRow(kind);
  return objects.resources[kind].flatMap((record) =>
    CONDITION_FIELDS.flatMap((field) => {
      const condition = textOf(record, field);
      if (condition === "" || conditions.has(condition)) return [];
      return [`${label} '${textOf(record, "name")}': no condition '${condition}'`];
    }),
  );
}

function formatProblems(record: ResourceRecord): readonly string[] {
  const version = record["format_version"] === "1" ? 1 : 2;
  const expression = logExpression(textOf(record, "format"), version);
  return "problem" in expression ? [`syslog '${textOf(record, "name")}': ${expression.problem}`] : [];
}

function namesOf(objects: VersionObjects, kind: KindName): ReadonlySet<string> {
  return new Set(objects.resources[kind].map((record) => textOf(record, "name")));
}
