import { ERROR_CODES } from "./error-codes.ts";
import type { ErrorCode, ErrorKind } from "./error-codes.ts";

export interface SitefleetErrorInit {
  /** What to do next, one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Every problem found, where one error stands for many (settings, rules, files). */
  readonly details?: readonly string[];
}

/**
 * The one error class of the product. The message says what and where (value quoted, limit named, lower case);
 * the hint says what next; the code is stable and has a section in `docs/errors.md`.
 */
export class SitefleetError extends Error {
  override readonly name = "SitefleetError";
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  readonly details: readonly string[];

  constructor(code: ErrorCode, message: string, init: SitefleetErrorInit = {}) {
    super(message, init.cause === undefined ? {} : { cause: init.cause });
    this.code = code;
    this.kind = ERROR_CODES[code].kind;
    this.hint = init.hint;
    this.details = init.details ?? [];
  }

  /** The process's exit code for this error. */
  get exitCode(): number {
    return ERROR_CODES[this.code].exit;
  }
}

/** Ends a `switch` over a closed union: reaching it is a bug of ours. */
export function assertNever(value: never): never {
  throw new SitefleetError("fault/internal", `unexpected value ${JSON.stringify(value)}`);
}

/** Narrows away `undefined` and `null` where the program's own logic guarantees a value. */
export function assertDefined<T>(value: T, what: string): asserts value is NonNullable<T> {
  if (value === undefined || value === null) throw new SitefleetError("fault/internal", `${what} is missing`);
}
