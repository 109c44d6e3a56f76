import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";
import { S3Error } from "./s3-error.ts";
import { EMPTY_SHA256, equalHex, signChunk } from "./signature.ts";
import type { VerifiedSignature } from "./signature.ts";

/** Smallest size of a chunk that is not the last one with data (userguide/checking-object-integrity-upload.html). */
const MIN_CHUNK_BYTES = 8192;
const MAX_LINE_BYTES = 4096;
const MAX_TRAILERS = 16;

export interface ChunkedDecoderOptions {
  /** Bytes the body decodes to, from `x-amz-decoded-content-length`. */
  readonly length: number;
  /** Present when every chunk carries a signature that has to hold. */
  readonly signature: VerifiedSignature | undefined;
  /** Lower-case names announced in `x-amz-trailer`; only these may come, and all must. */
  readonly trailers: ReadonlySet<string>;
  /** Whether a signed upload ends with a signature over its trailer. */
  readonly signedTrailer: boolean;
}

type State = "size" | "data" | "data-end" | "trailer" | "done";

/** Takes `aws-chunked` framing off a body, as it arrives; verifies chunk signatures and collects trailers (API/sigv4-streaming-trailers.html). */
export class ChunkedDecoder {
  readonly #options: ChunkedDecoderOptions;
  readonly #trailers = new Map<string, string>();
  #state: State = "size";
  #line = "";
  #left = 0;
  #received = 0;
  #shortChunk = false;
  #previous: string;
  #claimed = "";
  #hash: Hash | undefined;
  #trailerSignature: string | undefined;

  constructor(options: ChunkedDecoderOptions) {
    this.#options = options;
    this.#previous = options.signature?.signature ?? "";
  }

  /** Decodes what has arrived; the slices share memory with `input`. */
  push(input: Buffer): Buffer[] {
    const out: Buffer[] = [];
    let at = 0;
    while (at < input.length) {
      switch (this.#state) {
        case "data": {
          const slice = input.subarray(at, at + this.#left);
          at += slice.length;
          this.#takeData(slice);
          out.push(slice);
          break;
        }
        case "done":
          throw new S3Error("IncompleteBody", {
            message: "The request body has bytes behind its last chunk.",
          });
        default:
          at = this.#takeLine(input, at);
      }
    }
    return out;
  }

  /** Call when the body has ended; the trailers by lower-case name. */
  finish(): ReadonlyMap<string, string> {
    // Some clients end the stream right behind the last trailer line or the `0` chunk's line.
    if (this.#state === "trailer" && this.#line === "") this.#endTrailers();
    if (this.#state !== "done" || this.#received !== this.#options.length) {
      throw new S3Error("IncompleteBody", { message: "The request body terminated unexpectedly" });
    }
    return this.#trailers;
  }

  #takeData(slice: Buffer): void {
    this.#hash?.update(slice);
    this.#left -= slice.length;
    this.#received += slice.length;
    if (this.#left === 0) this.#state = "data-end";
  }

  /** Reads up to and including the next line feed, across calls; acts once the line is whole. */
  #takeLine(input: Buffer, from: number): number {
    const end = input.indexOf(10, from);
    const stop = end < 0 ? input.length : end;
    this.#line += input.toString("latin1", from, stop);
    if (this.#line.length > MAX_LINE_BYTES) throw malformed();
    if (end < 0) return stop;
    const line = this.#line;
    this.#line = "";
    if (!line.endsWith("\r")) throw malformed();
    this.#actOn(line.slice(0, -1));
    return end + 1;
  }

  #actOn(line: string): void {
    switch (this.#state) {
      case "size":
        return this.#startChunk(line);
      case "data-end":
        if (line !== "") throw malformed();
        this.#checkChunk();
        this.#state = "size";
        return;
      case "trailer":
        return line === "" ? this.#endTrailers() : this.#takeTrailer(line);
      default:
        throw malformed();
    }
  }

  #startChunk(line: string): void {
    const match = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line);
    const signed = this.#options.signature !== undefined;
    if (match === null || (match[2] !== undefined) !== signed) throw malformed();
    const size = parseInt(match[1] ?? "", 16);
    this.#claimed = match[2] ?? "";
    if (signed) this.#hash = createHash("sha256");
    if (size === 0) {
      this.#checkChunk();
      this.#state = "trailer";
      return;
    }
    if (this.#shortChunk) throw new S3Error("InvalidChunkSizeError");
    if (this.#received + size > this.#options.length) {
      throw new S3Error("IncompleteBody", {
        message: "The request body is longer than x-amz-decoded-content-length",
      });
    }
    this.#shortChunk = size < MIN_CHUNK_BYTES;
    this.#left = size;
    this.#state = "data";
  }

  #checkChunk(): void {
    const { signature } = this.#options;
    if (signature === undefined || this.#hash === undefined) return;
    const expected = signChunk(signature, {
      kind: "PAYLOAD",
      previous: this.#previous,
      sha256: this.#hash.digest("hex"),
    });
    this.#hash = undefined;
    if (!equalHex(expected, this.#claimed)) {
      throw new S3Error("SignatureDoesNotMatch", { fields: [["ChunkSignatureProvided", this.#claimed]] });
    }
    this.#previous = expected;
  }

  #takeTrailer(line: string): void {
    const colon = line.indexOf(":");
    if (colon < 1 || this.#trailers.size >= MAX_TRAILERS) throw malformedTrailer();
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "x-amz-trailer-signature" && this.#options.signedTrailer) {
      if (this.#trailerSignature !== undefined) throw malformedTrailer();
      this.#trailerSignature = value;
      return;
    }
    if (!this.#options.trailers.has(name) || this.#trailers.has(name)) throw malformedTrailer();
    this.#trailers.set(name, value);
  }

  #endTrailers(): void {
    for (const name of this.#options.trailers) if (!this.#trailers.has(name)) throw malformedTrailer();
    if (this.#options.signedTrailer) this.#checkTrailerSignature();
    this.#state = "done";
  }

  #checkTrailerSignature(): void {
    const { signature } = this.#options;
    if (signature === undefined) return;
    const text = [...this.#trailers]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, value]) => `${name}:${value}\n`)
      .join("");
    const sha256 = text === "" ? EMPTY_SHA256 : createHash("sha256").update(text, "latin1").digest("hex");
    const expected = signChunk(signature, { kind: "TRAILER", previous: this.#previous, sha256 });
    if (!equalHex(expected, this.#trailerSignature ?? "")) {
      throw new S3Error("SignatureDoesNotMatch", {
        fields: [["TrailerSignatureProvided", this.#trailerSignature ?? ""]],
      });
    }
  }
}

function malformed(): S3Error {
  return new S3Error("IncompleteBody", {
    message: "The aws-chunked framing of the request body is not valid.",
  });
}

function malformedTrailer(): S3Error {
  return new S3Error("MalformedTrailerError");
}
