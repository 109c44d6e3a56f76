/** A pattern that is not PCRE2 syntax, or uses a part of it that this matcher refuses; `offset` counts bytes from the pattern's start. */
export class PatternSyntaxError extends Error {
  override readonly name = "PatternSyntaxError";
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** Ends parsing or compiling with a PatternSyntaxError. */
export function fault(message: string, offset: number): never {
  throw new PatternSyntaxError(message, offset);
}
