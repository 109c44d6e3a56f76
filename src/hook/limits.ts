/** What the endpoint takes at most; every limit is there so that no caller can use up the machine. */
export interface HookLimits {
  /** Bytes of a tarball as it is sent. */
  readonly bodyBytes: number;
  /** Bytes of a JSON body. */
  readonly jsonBytes: number;
  /** Bytes of a folder once it is unpacked, with what the archive's own headers take. */
  readonly unpackedBytes: number;
  /** Entries of an archive, folders included. */
  readonly entries: number;
  /** Jobs that wait. */
  readonly queue: number;
  /** Jobs that run at a time; those of one site never do. */
  readonly parallel: number;
  /** Bytes of bodies on disk, of all jobs that wait or run. */
  readonly spoolBytes: number;
  /** Bodies that are received at a time. */
  readonly uploads: number;
  /** Requests a minute and key, and at once after a pause. */
  readonly perMinute: number;
  readonly burst: number;
  readonly connections: number;
  /** Milliseconds for a request's headers, between two pieces of its body, and for all of it. */
  readonly headersMs: number;
  readonly idleMs: number;
  readonly requestMs: number;
  /** Nonces that are known at a time. */
  readonly nonces: number;
  /** Longest `Prefer: wait`, in seconds. */
  readonly waitSeconds: number;
  /** Finished jobs that can still be asked for: how many, and for how long. */
  readonly keptJobs: number;
  readonly keptMs: number;
  /** Milliseconds that running jobs have to finish in when the endpoint stops. */
  readonly graceMs: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: HookLimits = {
  bodyBytes: 512 * MIB,
  jsonBytes: 64 * 1024,
  unpackedBytes: 2_048 * MIB,
  entries: 100_000,
  queue: 64,
  parallel: 4,
  spoolBytes: 4_096 * MIB,
  uploads: 8,
  perMinute: 120,
  burst: 30,
  connections: 256,
  headersMs: 10_000,
  idleMs: 30_000,
  requestMs: 900_000,
  nonces: 100_000,
  waitSeconds: 600,
  keptJobs: 1_000,
  keptMs: 86_400_000,
  graceMs: 25_000,
};
