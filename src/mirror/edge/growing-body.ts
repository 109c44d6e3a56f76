import type { ResponseBody } from "./body.ts";

/**
 * A body that is still arriving and may be read by any number of clients, each at its own speed (streaming miss:
 * guides/concepts/real-time-messaging/streaming-miss). The writer never waits for a reader: what is being stored is
 * bounded by the object size limit, so a slow client cannot hold up the cache.
 */
export class GrowingBody {
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  #state: "open" | "complete" | "failed" = "open";
  #failure: Error | null = null;
  #wake: (() => void)[] = [];
  /** Bytes to come in all, when the origin said so. */
  readonly length: number | null;

  constructor(length: number | null) {
    this.length = length;
  }

  get size(): number {
    return this.#size;
  }

  get state(): "open" | "complete" | "failed" {
    return this.#state;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    this.#notify();
  }

  complete(): void {
    this.#state = "complete";
    this.#notify();
  }

  /** Ends every reader with this error: the body is cut short. */
  fail(error: Error): void {
    this.#state = "failed";
    this.#failure = error;
    this.#notify();
  }

  /** Everything so far as one buffer. */
  bytes(): Buffer {
    return Buffer.concat(this.#chunks, this.#size);
  }

  /** A reader from the first byte on. */
  reader(): ResponseBody {
    return { kind: "stream", length: this.length, chunks: this.#read(), cancel: () => undefined };
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (let at = 0; ;) {
      const chunk = this.#chunks[at];
      if (chunk !== undefined) {
        at += 1;
        yield chunk;
      } else if (this.#state === "complete") {
        return;
      } else if (this.#failure !== null) {
        throw this.#failure;
      } else {
        await new Promise<void>((resolve) => this.#wake.push(resolve));
      }
    }
  }

  #notify(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}
