/** A mirror in a process of its own: arguments = state folder, POPs with commas; answers every message with a report. */
import { systemClock } from "../src/lib/clock.ts";
import { startMirror } from "../src/mirror/mirror.ts";
import type { MirrorFile } from "../src/settings/local.ts";
import { readUsage } from "./usage.ts";
import type { Usage } from "./usage.ts";

export interface MirrorReport extends Usage {
  readonly file: MirrorFile;
  /** S3 requests since start by operation. */
  readonly s3Requests: Readonly<Record<string, number>>;
  readonly startMs: number;
}

const startedMs = performance.now();
const mirror = await startMirror({
  stateDir: process.argv[2] ?? "",
  ports: { edge: 0, edgeTls: 0, api: 0, s3: 0 },
  clock: systemClock,
  pid: process.pid,
  ...(process.argv[3] === undefined ? {} : { pops: process.argv[3].split(",") }),
});
const startMs = Math.round(performance.now() - startedMs);
const report = (): MirrorReport => ({
  ...readUsage(),
  file: mirror.file,
  s3Requests: Object.fromEntries(mirror.s3.requests),
  startMs,
});
process.on("message", () => process.send?.(report()));
process.send?.(report());
