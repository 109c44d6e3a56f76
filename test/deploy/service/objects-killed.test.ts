import { describe, expect, it } from "vitest";
import type { DesiredService } from "../../../src/deploy/service/desired.ts";
import { startApi } from "../../mirror/api/api-fixture.ts";
import type { ApiFixture } from "../../mirror/api/api-fixture.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { deployerAt } from "../deploy-fixture.ts";
import { activeOf, richly } from "./rich-service.ts";

describe("an interrupted deploy of every kind of object", () => {
  // Some thirty deploys, each with another one after it.
  it.each(["lost", "lost-after"] as const)(
    "ends right whichever write is the last (%s)",
    { timeout: 90_000 },
    async (how) => {
      const api = await startApi();
      let outcome = "";
      for (let at = 1; outcome !== "finished"; at += 1) {
        const serviceName = `rich-${how}-${at}`;
        const domains = [`*.${serviceName}.example.net`];
        const wanted = richly({ serviceName, domains });
        outcome = await killedAt(api, { wanted, at, how });
        // The next run wants less: what the dead one made has to go.
        const next = richly({ serviceName, domains, snippets: [], acls: { office: ["192.0.2.1"] } });
        const deployer = deployerAt(api.api.url);
        await deployer.apply(await deployer.plan(next), next);
        await deployer.deploy(next);
        expect((await activeOf(deployer, next)).content.acls).toEqual(next.content.acls);
        expect(await deployer.plan(next)).toMatchObject({ steps: [], drift: [], unverified: null });
      }
    },
  );
});

async function killedAt(
  api: ApiFixture,
  kill: { readonly wanted: DesiredService; readonly at: number; readonly how: "lost" | "lost-after" },
): Promise<"killed" | "finished"> {
  let writes = 0;
  let dead = false;
  const proxy = await startFaultProxy(api.api.url, (call) => {
    if (dead) return "lost";
    if (call.method !== "GET") writes += 1;
    if (writes < kill.at) return "pass";
    dead = true;
    return kill.how;
  });
  const run = deployerAt(proxy.url, { attempts: 1 }).deploy(kill.wanted);
  const failed = await run.then(
    () => false,
    () => true,
  );
  if (failed !== dead) throw new Error("a deploy failed that was not killed");
  return dead ? "killed" : "finished";
}
