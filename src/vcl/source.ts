/** A piece of VCL text: a file of the service, an expanded macro, or generated declarations. */
export interface Source {
  /** What errors call it: a file name such as `main.vcl`, or `#FASTLY recv`. */
  readonly name: string;
  /** Text as latin1 (every char code is one byte). */
  readonly text: string;
}

/** Half-open range of char offsets in one source. */
export interface Span {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
}
