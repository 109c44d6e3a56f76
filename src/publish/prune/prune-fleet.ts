import { mapAhead } from "../../lib/map-ahead.ts";
import { siteUidProblem } from "../../site/names.ts";
import { ConfiguredSites } from "./configured-sites.ts";
import { pruneSite, pruneStray } from "./prune.ts";
import type { PruneReport } from "./prune.ts";
import type { PruneRules } from "./prune-plan.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import { failureText, siteEnvsOf, siteRefs } from "../site-list.ts";

/** What became of one site. A site that cannot be pruned keeps none of the others from it. */
export type PruneOutcome =
  | { readonly kind: "pruned"; readonly report: PruneReport }
  | { readonly kind: "failed"; readonly ref: SiteRef; readonly problem: string };

const PARALLEL_SITES = 8;

/** Prunes every site of the environment, and what sites left that never came to have a record. */
export async function* pruneFleet(deps: PublishDeps, rules: PruneRules): AsyncGenerator<PruneOutcome> {
  const sites = mapAhead(siteRefs(deps), PARALLEL_SITES, (ref) =>
    outcomeOf(deps, ref, () => pruneSite(deps, ref, rules)),
  );
  const configured = new ConfiguredSites(deps);
  const strays = mapAhead(strayRefs(deps), PARALLEL_SITES, (ref) =>
    outcomeOf(deps, ref, () => pruneStray(deps, ref, configured)),
  );
  for await (const outcome of sites) if (outcome) yield outcome;
  for await (const outcome of strays) if (outcome) yield outcome;
}

async function outcomeOf(
  deps: PublishDeps,
  ref: SiteRef,
  work: () => Promise<PruneReport | undefined>,
): Promise<PruneOutcome | undefined> {
  try {
    const report = await work();
    return report && { kind: "pruned", report };
  } catch (error) {
    deps.signal.throwIfAborted();
    return { kind: "failed", ref, problem: failureText(error) };
  }
}

/** Sites that have objects; those with a record are told apart later. */
async function* strayRefs(deps: PublishDeps): AsyncGenerator<SiteRef> {
  for (const siteEnv of siteEnvsOf(deps)) {
    const prefix = `${deps.environment.name}/${siteEnv}/`;
    for await (const entry of deps.store.hosting.list({ prefix, delimiter: "/", signal: deps.signal })) {
      const site = entry.key.slice(prefix.length).replace(/\/$/, "");
      if (entry.kind === "prefix" && siteUidProblem(site) === undefined) yield { site, siteEnv };
    }
  }
}
