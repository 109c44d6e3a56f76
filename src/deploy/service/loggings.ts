import type { LoggingEndpoint } from "../../fastly/wire.ts";
import type { WrittenLogging } from "../../fastly/objects.ts";
import { assertDefined } from "../../lib/errors.ts";
import { Secret } from "../../lib/secret.ts";
import type { Environment } from "../../settings/environment.ts";
import { COMMON_LOGGING_FIELDS, KNOWN_LOGGING_KINDS } from "../../settings/logging-schema.ts";
import type { LoggingContent, LoggingValue } from "./service-content.ts";

/**
 * The logging endpoint of an environment: none or one, with the values of the variables that it names. Of kinds whose
 * fields are known every field is decided here; of others those that the settings give.
 */
export function loggingsOf({ fastly, secrets }: Environment): {
  readonly loggings: readonly LoggingContent[];
  readonly variables: ReadonlyMap<string, Secret>;
} {
  const { logging } = fastly;
  if (!logging) return { loggings: [], variables: new Map() };
  const given = Object.entries(logging.fields).map(
    ([field, value]): readonly [string, LoggingValue] => [field, loggingValue(value)] as const,
  );
  const fields: Record<string, LoggingValue> = {
    ...COMMON_LOGGING_FIELDS,
    ...KNOWN_LOGGING_KINDS[logging.kind]?.defaults,
    ...Object.fromEntries(given),
  };
  // Fastly refuses to be told both, even where one of them is "0".
  if (logging.fields["compression_codec"] !== undefined) delete fields["gzip_level"];
  const names = given.flatMap(([, value]) => (typeof value === "string" ? [] : [value.env]));
  return {
    loggings: [{ kind: logging.kind, name: fastly.logEndpoint, fields: sortFields(fields) }],
    variables: new Map(names.map((name) => [name, secrets.named(name)])),
  };
}

function loggingValue(value: string | number | boolean | { readonly env: string }): LoggingValue {
  if (typeof value === "object") return value;
  return typeof value === "boolean" ? (value ? "1" : "0") : String(value);
}

function sortFields(fields: Readonly<Record<string, LoggingValue>>): Readonly<Record<string, LoggingValue>> {
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The endpoints that a version is compared in, and how to tell whether a secret field holds the wanted value. */
export interface LoggingWish {
  readonly loggings: readonly LoggingContent[];
  readonly variables: ReadonlyMap<string, Secret>;
}

/**
 * An endpoint as Fastly tells it, in the fields that are wanted of it: nothing else of it gets out, and of a field that
 * comes from a variable only whether it is that variable's value. White space at the end does not count: Fastly takes it
 * off keys and certificates, whose files end in a new line (recorded of `secret_key`).
 */
export function loggingAsWished(
  found: { readonly kind: string; readonly endpoint: LoggingEndpoint },
  wish: LoggingWish,
): LoggingContent {
  const { kind, endpoint } = found;
  const wanted = wish.loggings.find((one) => one.kind === kind && one.name === endpoint.name);
  const fields = Object.entries(wanted?.fields ?? {}).map(([field, value]): [string, LoggingValue] => {
    const live = endpoint.fields.get(field)?.reveal() ?? "";
    if (typeof value === "string") return [field, live.trimEnd() === value.trimEnd() ? value : live];
    const wantedValue = wish.variables.get(value.env)?.reveal();
    const same = wantedValue !== undefined && new Secret(wantedValue.trimEnd()).equals(live.trimEnd());
    return [field, same ? value : `(not the value of ${value.env})`];
  });
  return { kind, name: endpoint.name, fields: Object.fromEntries(fields) };
}

/**
 * An endpoint with the values of its variables, for the wire.
 * @throws SitefleetError `fault/internal` when a variable's value was not read
 */
export function loggingToWrite(
  { name, fields }: LoggingContent,
  variables: ReadonlyMap<string, Secret>,
): WrittenLogging {
  const written = Object.entries(fields).map(([field, value]): [string, Secret | string] => {
    if (typeof value === "string") return [field, value];
    const secret = variables.get(value.env);
    assertDefined(secret, `the value of ${value.env}`);
    return [field, secret];
  });
  return { name, fields: Object.fromEntries(written) };
}
