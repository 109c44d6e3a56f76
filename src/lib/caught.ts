/** What can be read from a value that was thrown by somebody else's code. */

/** System code of an error (`ENOENT`, `ECONNRESET`…); `undefined` where it has none. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Whether an error carries this system code. */
export function isErrno(error: unknown, code: string): boolean {
  return errnoOf(error) === code;
}

/** Its message, for a person. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Its stack where there is one, for a log. */
export function traceOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
