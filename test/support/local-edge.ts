import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { applyDeploy } from "../../src/deploy/apply/apply.ts";
import { desiredService } from "../../src/deploy/service/desired.ts";
import { readLive } from "../../src/deploy/live/live.ts";
import { planDeploy } from "../../src/deploy/plan/plan.ts";
import { connectFastly } from "../../src/fleet/fastly-connection.ts";
import { fleetOf } from "../../src/fleet/fleet.ts";
import { openPublishing } from "../../src/fleet/publish-session.ts";
import type { PublishSession } from "../../src/fleet/publish-session.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { startMirror } from "../../src/mirror/mirror.ts";
import type { Mirror, MirrorOptions } from "../../src/mirror/mirror.ts";
import { renderService } from "../../src/render/render.ts";
import type { Environment } from "../../src/settings/environment.ts";
import { localEnvironment } from "../../src/settings/local.ts";
import { InstantClock } from "./instant-clock.ts";
import { openKillGate } from "./kill-gate.ts";

/** A mirror whose edge runs the service as `local` has it, and what its edge reads of S3. */
export interface LocalEdge {
  readonly mirror: Mirror;
  readonly environment: Environment;
  /** A folder that goes with it. */
  readonly root: string;
  /** Calls of the edge to S3 so far, as `METHOD /path`. */
  readonly reads: readonly string[];
  /** The first line logged by VCL that holds a text; it may come after the answer. */
  logLine(text: string): Promise<string>;
  /** What a command publishes with; with a clock that does not wait. */
  openSession(signal?: AbortSignal): PublishSession;
  close(): Promise<void>;
}

export async function startLocalEdge(options: {
  readonly shield: boolean;
  /** Whether the inspector looks on. */
  readonly inspector?: boolean;
  /** POPs, purge delays and the clock they go by. */
  readonly mirror?: Partial<Pick<MirrorOptions, "clock" | "pops" | "purgeDelay">>;
}): Promise<LocalEdge> {
  const root = await mkdtemp(join(tmpdir(), "sitefleet-edge-"));
  const stateDir = join(root, "state");
  const log = new LogLines();
  const mirror = await startMirror({
    stateDir,
    ports: { edge: 0, edgeTls: 0, api: 0, s3: 0, ...(options.inspector ? { inspector: 0 } : {}) },
    clock: systemClock,
    pid: process.pid,
    onLog: ({ line }) => log.add(line),
    ...options.mirror,
  });
  const origin = await openKillGate(mirror.file.s3.url, () => false);
  const local = localEnvironment(mirror.file);
  const { shield: _, ...unshielded } = local.fastly;
  const environment = { ...local, fastly: options.shield ? local.fastly : unshielded };
  await deploy({ ...environment, s3: { ...local.s3, endpoint: origin.url } });
  const sessions: PublishSession[] = [];
  return {
    mirror,
    environment,
    root,
    reads: origin.calls,
    logLine: (text) => log.find(text),
    openSession(signal = new AbortController().signal) {
      const clock = new InstantClock(systemClock.now());
      const session = openPublishing(fleetOf(environment, { clock, signal, stateDir }));
      sessions.push(session);
      return session;
    },
    async close() {
      for (const session of sessions) await session.close();
      await origin.close();
      await mirror.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function deploy(environment: Environment): Promise<void> {
  const client = await connectFastly(fleetOf(environment));
  const desired = desiredService(environment, renderService(environment));
  await applyDeploy(planDeploy(desired, await readLive(client, desired.service)), {
    client,
    clock: new InstantClock(systemClock.now()),
    checks: { probe: () => Promise.resolve(true), verify: () => Promise.resolve({ ok: true }) },
    signal: new AbortController().signal,
    progress: () => undefined,
    privateItems: desired.privateItems,
    variables: desired.variables,
    by: null,
    create: true,
  });
  await client.close();
}

class LogLines {
  readonly #lines: string[] = [];
  readonly #waiting = new Set<{ readonly text: string; readonly resolve: (line: string) => void }>();

  add(line: string): void {
    this.#lines.push(line);
    for (const waiter of this.#waiting) {
      if (!line.includes(waiter.text)) continue;
      this.#waiting.delete(waiter);
      waiter.resolve(line);
    }
  }

  find(text: string): Promise<string> {
    const found = this.#lines.find((line) => line.includes(text));
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => this.#waiting.add({ text, resolve }));
  }
}
