import type { SiteRecord } from "../../site/model.ts";
import type { ReleaseObject } from "../release/release-object.ts";

/** Points that every publish comes by, in this order. */
export type Milestone = "scanned" | "uploaded" | "committed" | "configsWritten";

/** Who wants to know how a publish goes, for its receipt and for what follows it. */
export interface PublishWatch {
  /** It came by a point; again when it began anew. */
  reached(milestone: Milestone): void;
  /** The configs that the record wants are written, and what it owes is purged once. */
  live(record: SiteRecord): void;
  /** Objects that visitors get from another place than before: caches do not have them. */
  changed(objects: readonly ReleaseObject[]): void;
}
