import type { PublishDeps } from "../publish/publish-deps.ts";
import type { JobFiles } from "./job-files.ts";
import type { JobQueue } from "./job-queue.ts";
import type { HookLimits } from "./limits.ts";

/** Buckets and edge of the environment, opened for one piece of work. */
export interface HookSession {
  readonly deps: PublishDeps;
  close(): Promise<void>;
}

/** Opens them anew each time: a process that stays up must not hold on to a mirror that was started anew, or to old keys. */
export type OpenSession = (signal: AbortSignal) => Promise<HookSession>;

/** What serving a request takes. */
export interface HookState {
  readonly environment: string;
  readonly queue: JobQueue;
  readonly files: JobFiles;
  readonly uploads: Uploads;
  readonly limits: HookLimits;
  readonly openSession: OpenSession;
  /** Aborts when the endpoint stops. */
  readonly signal: AbortSignal;
}

/** Bodies that are being received: how many there are and what they may take on disk. */
export class Uploads {
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  /** Bytes that are promised to bodies that have not come yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Holds a place while a body is received. */
  async hold<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    this.#count += 1;
    this.#bytes += bytes;
    try {
      return await work();
    } finally {
      this.#count -= 1;
      this.#bytes -= bytes;
    }
  }
}

/** Runs work in a session that is closed afterwards. */
export async function withSession<T>(
  open: OpenSession,
  signal: AbortSignal,
  work: (deps: PublishDeps) => Promise<T>,
): Promise<T> {
  const session = await open(signal);
  try {
    return await work(session.deps);
  } finally {
    await session.close();
  }
}
