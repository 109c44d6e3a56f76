import type { SitePolicies } from "../site/model.ts";
import { commitChange } from "./commit.ts";
import type { CommitReport } from "./commit.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";

/** Changes policies of a site; what is absent stays. */
export async function setPolicies(
  deps: PublishDeps,
  ref: SiteRef,
  policies: Partial<SitePolicies>,
): Promise<CommitReport> {
  return commitChange(deps, ref, {
    reason: `set ${Object.keys(policies).join(", ")}`,
    apply: (record) => ({ ...record, policies: { ...record.policies, ...policies } }),
  });
}
