/** The S3 server alone in a process of its own: arguments = folder, `fsync` or `memory`; answers every message with a report. */
import { systemClock } from "../src/lib/clock.ts";
import { startS3Server } from "../src/mirror/s3/server.ts";
import { S3_BENCH } from "./s3-target.ts";
import { readUsage } from "./usage.ts";
import type { Usage } from "./usage.ts";

export interface S3Report extends Usage {
  readonly url: string;
  readonly startMs: number;
  /** After a full collection where the process has `--expose-gc`. */
  readonly heapMb: number;
}

async function serve(dir: string, fsync: boolean): Promise<void> {
  const startedMs = performance.now();
  const { bucket, ...credential } = S3_BENCH;
  const server = await startS3Server({
    dir,
    port: 0,
    region: "us-east-1",
    credentials: [{ ...credential, access: "full" }],
    clock: systemClock,
    buckets: [bucket],
    fsync,
  });
  const startMs = Math.round(performance.now() - startedMs);
  const report = (): S3Report => {
    globalThis.gc?.();
    const heapMb = Math.round(process.memoryUsage().heapUsed / 2 ** 20);
    return { ...readUsage(), url: server.url, startMs, heapMb };
  };
  process.on("message", () => process.send?.(report()));
  process.send?.(report());
}

const [dir, durability] = process.argv.slice(2);
await serve(dir ?? "", durability === "fsync");
