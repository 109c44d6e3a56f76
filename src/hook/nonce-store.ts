import { mkdir, open, readFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { writeFileAtomic } from "../lib/atomic-write.ts";
import { isErrno } from "../lib/caught.ts";
import type { Clock } from "../lib/clock.ts";
import { SitefleetError } from "../lib/errors.ts";

export interface NonceStoreOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Most nonces that are kept; when they are all in their window, no further request is taken. */
  readonly limit: number;
}

/** What became of a nonce. */
export type NonceOutcome = "new" | "seen" | "full";

const LINE = /^(\d{1,12}) ([A-Za-z0-9_-]+\/[A-Za-z0-9_-]+)$/;
/** The file is written anew when it has this many times the lines that it needs. */
const SLACK = 2;
const LEAST_LINES = 1_000;

/**
 * The nonces of requests that were taken, until their timestamps are too old to be taken again. They are in a file, so
 * that a restart inside that window forgets none; a nonce is on disk before its request has any effect.
 */
export class NonceStore {
  readonly #options: NonceStoreOptions;
  /** By nonce: the second after which it need not be known. */
  readonly #expiries: Map<string, number>;
  #file: FileHandle;
  #lines: number;
  /** Whether the file may end in half a line, or is not the one at the path any more: then it is written anew. */
  #isTorn = false;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    options: NonceStoreOptions,
    state: { expiries: Map<string, number>; file: FileHandle },
  ) {
    this.#options = options;
    this.#expiries = state.expiries;
    this.#file = state.file;
    this.#lines = state.expiries.size;
  }

  /**
   * Reads what an earlier process knew.
   * @throws SitefleetError `hook/state-damaged`
   */
  static async open(options: NonceStoreOptions): Promise<NonceStore> {
    const { path, clock } = options;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const expiries = withoutExpired(await readNonces(path), clock);
    await writeFileAtomic(path, textOf(expiries), 0o600);
    return new NonceStore(options, { expiries, file: await open(path, "a", 0o600) });
  }

  /** Whether a nonce was taken before. */
  has(nonce: string): boolean {
    return this.#expiries.has(nonce);
  }

  /** Takes a nonce; only one of several callers at a time gets `new` for it. `expires` is in seconds since the epoch. */
  take(nonce: string, expires: number): Promise<NonceOutcome> {
    const { limit } = this.#options;
    if (this.#expiries.has(nonce)) return Promise.resolve("seen");
    if (this.#expiries.size >= limit) this.#forgetExpired();
    if (this.#expiries.size >= limit) return Promise.resolve("full");
    this.#expiries.set(nonce, expires);
    const written = this.#turn.then(() => this.#write(nonce, expires));
    // A failed write is its own caller's failure; the next one tries again.
    this.#turn = written.catch(() => undefined);
    return written.then(() => "new");
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#file.close();
  }

  async #write(nonce: string, expires: number): Promise<void> {
    if (this.#isTorn || this.#lines >= LEAST_LINES + SLACK * this.#expiries.size) return this.#writeAnew();
    this.#isTorn = true;
    await this.#file.appendFile(`${expires} ${nonce}\n`);
    await this.#file.datasync();
    this.#isTorn = false;
    this.#lines += 1;
  }

  /** Writes all that must be known, what was just taken among it. */
  async #writeAnew(): Promise<void> {
    this.#isTorn = true;
    this.#forgetExpired();
    await writeFileAtomic(this.#options.path, textOf(this.#expiries), 0o600);
    const old = this.#file;
    this.#file = await open(this.#options.path, "a", 0o600);
    this.#lines = this.#expiries.size;
    this.#isTorn = false;
    await old.close();
  }

  #forgetExpired(): void {
    const now = this.#options.clock.now() / 1_000;
    for (const [nonce, expires] of this.#expiries) if (expires < now) this.#expiries.delete(nonce);
  }
}

async function readNonces(path: string): Promise<Map<string, number>> {
  const expiries = new Map<string, number>();
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return expiries;
    throw error;
  }
  const lines = text.split("\n");
  // What follows the last line end was being written when the process died: its request had no effect yet.
  lines.pop();
  for (const [index, line] of lines.entries()) {
    const [, expires, nonce] = LINE.exec(line) ?? [];
    if (expires === undefined || nonce === undefined)
      throw damaged(`${path}, line ${index + 1}, is no nonce`);
    expiries.set(nonce, Number(expires));
  }
  return expiries;
}

function damaged(message: string): SitefleetError {
  return new SitefleetError("hook/state-damaged", message, {
    hint: "wait ten minutes, so that no old request can be sent again, then delete the file",
  });
}

function withoutExpired(expiries: Map<string, number>, clock: Clock): Map<string, number> {
  const now = clock.now() / 1_000;
  return new Map([...expiries].filter(([, expires]) => expires >= now));
}

function textOf(expiries: ReadonlyMap<string, number>): string {
  return [...expiries].map(([nonce, expires]) => `${expires} ${nonce}\n`).join("");
}
