import type { EdgeProbe, EdgeSighting } from "../../../src/publish/live/edge-probe.ts";
import { recordOf } from "../publish-fixture.ts";
import type { World } from "../publish-fixture.ts";

/** An edge that shows what the record says, as far as `tamper` lets it. */
export function edgeOf(
  world: World,
  tamper: (seen: EdgeSighting, asked: number) => EdgeSighting = (seen) => seen,
): EdgeProbe & { readonly visits: string[] } {
  const visits: string[] = [];
  let asked = 0;
  return {
    visits,
    hops: ["edge", "shield"],
    schemes: { http: true, https: false },
    look({ host }) {
      asked += 1;
      const seen = {
        status: 200,
        release: recordOf(world).current ?? undefined,
        keys: [],
        configKeys: [`d:${host}`, "c:acme"],
        bodyHash: undefined,
      };
      return Promise.resolve(tamper(seen, asked));
    },
    visit({ host, path }) {
      visits.push(`${host}${path}`);
      return Promise.resolve({ status: 200 });
    },
  };
}
