import { publishFolder } from "../../../src/publish/publish.ts";
import type { PublishDeps } from "../../../src/publish/publish-deps.ts";
import type { PruneRules } from "../../../src/publish/prune/prune-plan.ts";
import type { FaultPoint } from "../../support/fault-point.ts";
import { InstantClock } from "../../support/instant-clock.ts";
import { ACME, folder, newWorld, openDeps, publish } from "../publish-fixture.ts";
import type { World } from "../publish-fixture.ts";

export const WWW = "www.example.com";
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
/** Whatever nobody needs, at once. */
export const NOW: PruneRules = { keep: 0, olderThan: 0 };

/** A world whose processes share a clock that moves only when a test says so, or by what is slept. */
export class History {
  readonly clock: InstantClock;
  readonly world: World;

  constructor(clock = new InstantClock(), world = newWorld()) {
    this.clock = clock;
    this.world = world;
  }

  deps(faults?: FaultPoint): PublishDeps {
    return openDeps(this.world, { clock: this.clock, ...(faults === undefined ? {} : { faults }) });
  }

  async pass(ms: number): Promise<void> {
    await this.clock.sleep(ms);
  }

  async publish(files: Readonly<Record<string, string>>): Promise<string | null> {
    return (await publish(this.deps(), files, [WWW])).release;
  }

  async preview(name: string, files: Readonly<Record<string, string>>): Promise<void> {
    const preview = { name, lifetime: 3 * DAY };
    await publishFolder(this.deps(), { ...ACME, dir: await folder(files), domains: [], preview });
  }

  hosting(): readonly string[] {
    return [...this.world.hosting.keys()].map((key) => key.replace("test/production/acme/", ""));
  }

  beside(): readonly string[] {
    const prefix = "test/production/_sites/acme/";
    return [...this.world.config.keys()].flatMap((key) =>
      key.startsWith(prefix) ? [key.slice(prefix.length)] : [],
    );
  }
}
