import { assertNever } from "../lib/errors.ts";
import type { Pattern } from "../pcre/pattern.ts";
import type { Acl } from "./acl.ts";
import type { VclType } from "./ast.ts";
import type { IpAddress } from "./ip.ts";
import type { RegexMemory } from "./regex-memory.ts";
import type { BackendRef } from "./runtime.ts";

/** A compiled regex literal with its text. */
export interface RegexValue {
  readonly kind: "regex";
  readonly source: string;
  readonly pattern: Pattern;
  readonly memory: RegexMemory;
}

/** A table as functions see it: entries of the declared type, or a dictionary's strings. */
export interface VclTable {
  readonly kind: "table";
  readonly name: string;
  readonly type: VclType;
  /** `undefined` when the key is not in the table; keys compare exactly. */
  lookup(key: string): VclValue | undefined;
}

/** A bare word given to a function: `req` in `header.get(req, "X")`, `sha256` in `digest.rsa_verify(sha256, …)`. */
export interface IdWord {
  readonly kind: "id";
  readonly name: string;
}

/**
 * A value while VCL runs. STRING is a latin1 string, `null` when not set; INTEGER a bigint inside 64 bits; FLOAT, RTIME
 * (seconds) and TIME (seconds since the epoch) are numbers that only their static type tells apart; IP may be not set.
 */
export type VclValue =
  string | null | bigint | number | boolean | IpAddress | BackendRef | Acl | VclTable | RegexValue | IdWord;

/** What a STRING that is not set prints as inside a concatenation (reference/vcl/types#not-set). */
export const NOT_SET_TEXT = "(null)";

/** Wraps to 64 bits as the C type does. */
export function toInteger(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

/** A number cut to INTEGER; NaN is 0 and what is out of range saturates. */
export function integerFromNumber(value: number): bigint {
  if (Number.isNaN(value)) return 0n;
  if (value >= 2 ** 63) return 2n ** 63n - 1n;
  if (value <= -(2 ** 63)) return -(2n ** 63n);
  return BigInt(Math.trunc(value));
}

/** FLOAT and RTIME print with three decimals (reference/vcl/types/float, /rtime). */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Math.abs(value) < 1e21) return value.toFixed(3);
  return `${BigInt(value)}.000`;
}

/** Last second of the year 9999, the end of what an HTTP date can say. */
const LAST_SECOND = 253_402_300_799;

/** TIME prints as an HTTP date (RFC 9110 §5.6.7); what such a date cannot say prints as Fastly's error text. */
export function formatTime(seconds: number): string {
  if (!(seconds >= 0 && seconds < LAST_SECOND + 1)) return "datetime out of bounds";
  return new Date(Math.floor(seconds) * 1000).toUTCString();
}

/** Name of a backend or director. */
export function backendName(backend: BackendRef): string {
  return backend.spec.name;
}

/**
 * Prints a value of a static type as STRING; `null` stays `null`. TABLE, SUBROUTINE and the like have no text: the
 * checker keeps them out, here they print as their name.
 */
export function toVclString(value: VclValue, type: VclType): string | null {
  if (value === null || typeof value === "string") return value;
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "boolean") return value ? "1" : "0";
  if (typeof value === "number") return type === "TIME" ? formatTime(value) : formatFloat(value);
  switch (value.kind) {
    case "ip":
      return value.text;
    case "backend":
    case "director":
      return backendName(value);
    case "acl":
    case "table":
    case "id":
      return value.name;
    case "regex":
      return value.source;
    default:
      return assertNever(value);
  }
}

/** The value a `declare local` of a type starts with (reference/vcl/declarations/local-variables). */
export function initialValue(type: VclType, never: RegexValue): VclValue {
  switch (type) {
    case "INTEGER":
      return 0n;
    case "FLOAT":
    case "RTIME":
    case "TIME":
      return 0;
    case "BOOL":
      return false;
    case "REGEX":
      return never;
    default:
      return null;
  }
}
