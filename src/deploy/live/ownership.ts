import type { DeployRecord } from "../plan/deploy-plan.ts";
import type { ServiceContent } from "../service/service-content.ts";
import { digestContent, isOwnVersion } from "./stamp.ts";
import type { Journal } from "./state.ts";

/**
 * Whether sitefleet made a version that is or was live and nobody changed it before. Fastly lets anybody edit a version's
 * comment, and with it the stamp: the journal knows the content too.
 */
export function isOurs(
  version: { readonly number: number; readonly comment: string; readonly content: ServiceContent },
  journal: Journal | undefined,
): boolean {
  if (isOwnVersion(version)) return true;
  return (
    journal?.state === "verified" &&
    journal.version === version.number &&
    journal.content === digestContent(version.content)
  );
}

/**
 * Names, as `KIND/NAME`, of what is sitefleet's in a version, in the kinds that others make too. What a later deploy
 * dropped is still sitefleet's in the versions before it: after a rollback the next deploy drops it again.
 */
export function ownedIn(record: DeployRecord, version: number | undefined): ReadonlySet<string> {
  if (version === undefined) return new Set(record.owned);
  const earlier = record.former.flatMap((entry) => {
    const { name, last } = parseFormer(entry);
    return last >= version ? [name] : [];
  });
  return new Set([...record.owned, ...earlier]);
}

/** Kinds of logging endpoints of which an object is sitefleet's. */
export function ownedLoggingKinds(owned: ReadonlySet<string>): readonly string[] {
  return [...owned].flatMap((entry) => {
    const [what, kind] = entry.split("/");
    return what === "logging" && kind !== undefined ? [kind] : [];
  });
}

/** An entry of `DeployRecord.former`; names may hold any character. */
export function parseFormer(entry: string): { readonly name: string; readonly last: number } {
  const at = entry.lastIndexOf("@");
  return { name: entry.slice(0, at), last: Number(entry.slice(at + 1)) || 0 };
}
