import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect } from "vitest";

import { promotePreview } from "../../../src/publish/previews/promote.ts";
import { removePreview } from "../../../src/publish/previews/previews.ts";
import { pruneSite } from "../../../src/publish/prune/prune.ts";
import { publishFolder } from "../../../src/publish/publish.ts";
import { sha256Hex } from "../../../src/publish/publish-deps.ts";
import type { PublishDeps } from "../../../src/publish/publish-deps.ts";
import { rollBack } from "../../../src/publish/release/rollback.ts";
import { deltaHash, lookUpDelta } from "../../../src/site/delta-list.ts";
import { encodePath } from "../../../src/site/page-key.ts";
import { FaultPoint } from "../../support/fault-point.ts";
import type { InstantClock } from "../../support/instant-clock.ts";
import {
  ACME,
  configOf,
  copyWorld,
  environment,
  folder,
  openDeps,
  publish,
  recordOf,
  visible,
} from "../publish-fixture.ts";
import type { World } from "../publish-fixture.ts";
import { DAY, HOUR, History, WWW } from "./history.ts";

type Step =
  | { readonly do: "publish"; readonly files: readonly (readonly [string, string])[] }
  | { readonly do: "preview"; readonly name: string; readonly files: readonly (readonly [string, string])[] }
  | { readonly do: "rollback" }
  | { readonly do: "promote" | "unpreview"; readonly name: string }
  | { readonly do: "wait"; readonly hours: number }
  | { readonly do: "prune"; readonly keep: number };

const arbitraryFiles = fc
  .dictionary(
    fc.constantFrom("index.html", "a.html", "b.html", "app.css", "x/y.html"),
    fc.constantFrom("1", "2", "3"),
    {
      minKeys: 1,
    },
  )
  .map((files) => Object.entries(files));
const arbitraryName = fc.constantFrom("p", "q");
const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("publish" as const), files: arbitraryFiles }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("preview" as const), name: arbitraryName, files: arbitraryFiles }),
  },
  { weight: 2, arbitrary: fc.constant({ do: "rollback" as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("promote", "unpreview"), name: arbitraryName }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("wait" as const), hours: fc.constantFrom(1, 20, 30, 100) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("prune" as const), keep: fc.constantFrom(0, 2) }) },
);

async function take(deps: PublishDeps, step: Step, clock: InstantClock): Promise<unknown> {
  switch (step.do) {
    case "publish":
      return publish(deps, Object.fromEntries(step.files), [WWW]);
    case "preview": {
      const preview = { name: step.name, lifetime: 2 * DAY };
      const dir = await folder(Object.fromEntries(step.files));
      return publishFolder(deps, { ...ACME, dir, domains: [], preview });
    }
    case "rollback":
      return rollBack(deps, ACME);
    case "promote":
      return promotePreview(deps, ACME, step.name);
    case "unpreview":
      return removePreview(deps, ACME, step.name);
    case "wait":
      return clock.sleep(step.hours * HOUR);
    case "prune":
      return pruneSite(deps, ACME, { keep: step.keep, olderThan: 0 });
    default:
      return undefined;
  }
}

/** What visitors could have been led to by the configs of one moment: bodies by key in the bucket. */
function reachable(world: World): Map<string, string> {
  const found = new Map<string, string>();
  for (const host of [WWW, "p--acme.preview.example.com", "q--acme.preview.example.com"]) {
    const config = configOf(world, host);
    if (config?.kind !== "site") continue;
    for (const [key, { body }] of world.hosting) {
      const [, at, name = ""] = /^test\/production\/acme\/([0-9a-z]+)\/(.*)$/.exec(key) ?? [];
      const wanted = lookUpDelta(config.delta, deltaHash(encodePath(name), sha256Hex)) ?? config.base;
      if (at === wanted) found.set(key, Buffer.from(body).toString());
    }
  }
  return found;
}

describe("whatever happens before, between and during prunes", () => {
  test.prop(
    {
      steps: fc.array(fc.tuple(arbitraryStep, fc.option(fc.tuple(fc.nat(30), fc.boolean()), { freq: 3 })), {
        minLength: 4,
        maxLength: 24,
      }),
    },
    { numRuns: 60 },
  )("what any host or cache can ask for, or a roll back can show, is there", async ({ steps }) => {
    const history = new History();
    const seen: { readonly at: number; readonly objects: ReadonlyMap<string, string> }[] = [];
    for (const [step, fault] of steps) {
      const faults = new FaultPoint();
      if (fault) faults.failAt(fault[0] + 1, fault[1] ? "before" : "after");
      await take(history.deps(faults), step, history.clock).catch(() => undefined);
      const now = history.clock.now();
      const horizon = now - (environment.ttl.config + environment.ttl.staleIfError) * 1_000;
      for (const { at, objects } of seen) {
        if (at < horizon) continue;
        for (const [key, body] of objects) {
          expect(Buffer.from(history.world.hosting.get(key)?.body ?? "gone").toString(), key).toBe(body);
        }
      }
      seen.push({ at: now, objects: reachable(history.world) });
      await everyReleaseIsWhole(history);
    }
  });
});

async function everyReleaseIsWhole(history: History): Promise<void> {
  if (![...history.world.config.keys()].includes("test/production/_sites/acme.json")) return;
  for (const { id, files, redirects } of recordOf(history.world).releases) {
    const world = copyWorld(history.world);
    const shown = await rollBack(openDeps(world, { clock: history.clock }), ACME, id).catch(
      (error: unknown) => error,
    );
    if (shown instanceof Error) throw shown;
    if (configOf(world, WWW) === undefined) continue;
    expect(Object.keys(visible(world, WWW) ?? {}).length, id).toBeGreaterThanOrEqual(files + redirects);
  }
}
