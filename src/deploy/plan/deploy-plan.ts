import type { Backend, Domain, Healthcheck, ServiceSettings, Snippet, VclFile } from "../../fastly/wire.ts";
import { PRIVATE_DICTIONARY } from "../../render/constants.ts";
import type { LineOrigin } from "../../render/line-map.ts";
import type { LinkContent, PackageContent, StoreContent } from "../service/compute-content.ts";
import type { WantedService } from "../service/desired.ts";
import type { AclRule, LoggingContent, ServiceContent, TableItem } from "../service/service-content.ts";

/** A field that differs, as text. */
export interface FieldChange {
  readonly field: string;
  readonly from: string;
  readonly to: string;
}

interface Put<Kind extends string, T> {
  readonly do: "put";
  readonly kind: Kind;
  readonly change: "create" | "replace";
  readonly object: T;
  /** What differs, for a replaced object; a VCL file's is in the plan's diffs. */
  readonly changes: readonly FieldChange[];
}

export type PutStep =
  | Put<"healthcheck", Healthcheck>
  | Put<"backend", Backend>
  | Put<"vcl", Pick<VclFile, "name" | "content">>
  | Put<"snippet", Snippet>
  | Put<"domain", Domain>
  | Put<"dictionary", { readonly name: string; readonly write_only: boolean }>
  | Put<"acl", { readonly name: string }>
  | Put<"logging", LoggingContent>
  | Put<"link", LinkContent>;

export type ObjectKindName = PutStep["kind"];

export type DropStep =
  | { readonly do: "drop"; readonly kind: Exclude<ObjectKindName, "logging" | "link">; readonly name: string }
  /** `endpoint` is the kind of the logging endpoint. */
  | { readonly do: "drop"; readonly kind: "logging"; readonly endpoint: string; readonly name: string };

/** One write to a draft version. */
export type VersionStep =
  | PutStep
  | DropStep
  | { readonly do: "set-main"; readonly name: string }
  | {
      readonly do: "put-settings";
      readonly settings: ServiceSettings;
      readonly changes: readonly FieldChange[];
    }
  /** The archive itself comes from the package that is installed; a plan has its hash. */
  | {
      readonly do: "put-package";
      readonly package: PackageContent;
      readonly from: PackageContent | null;
    }
  /** The app's settings for the new version: every version has its own, so that they come back with it. */
  | { readonly do: "put-app-settings"; readonly changes: readonly FieldChange[] };

/** A change of what has no version: it is live at once, and stays when a version is taken back. */
export type TableStep =
  /** Values come from the environment when the plan is applied; they are in no plan. */
  | {
      readonly do: "put-private-items";
      readonly dictionary: string;
      readonly keys: readonly string[];
      readonly remove: readonly string[];
    }
  | {
      readonly do: "put-items";
      readonly dictionary: string;
      readonly put: readonly TableItem[];
      readonly remove: readonly string[];
      readonly changes: readonly FieldChange[];
      /** Digest of what was there when the plan was made; `null` where that was not looked at. */
      readonly seen: string | null;
    }
  | {
      readonly do: "put-entries";
      readonly acl: string;
      readonly put: readonly AclRule[];
      readonly remove: readonly AclRule[];
      readonly seen: string | null;
    }
  /** What sitefleet remembers beside the version, where it has to change. */
  | { readonly do: "put-record"; readonly record: DeployRecord };

export type DeployStep =
  | { readonly do: "create-service"; readonly name: string }
  | { readonly do: "create-store"; readonly store: StoreContent }
  | VersionStep
  | TableStep;

/** What sitefleet remembers of its own writes, in the state dictionary; each list is sorted. */
export interface DeployRecord {
  /** Objects of the kinds that others make too, as `acl/NAME`, `dictionary/NAME`, `snippet/NAME`, `logging/KIND/NAME`. */
  readonly owned: readonly string[];
  /** Digests of the items and entries that it wrote. */
  readonly written: readonly string[];
  /** What was made by hand and kept with `--adopt`: `KIND/NAME` and a digest of the value that was kept. */
  readonly adopted: readonly string[];
  /** What was sitefleet's up to a version, and was dropped after it: `KIND/NAME@VERSION`. */
  readonly former: readonly string[];
  /** Kinds of logging endpoints of which others have some. */
  readonly kinds: readonly string[];
}

export type DriftKind =
  | "activation"
  | "vcl"
  | "backend"
  | "healthcheck"
  | "domain"
  | "dictionary"
  | "acl"
  | "snippet"
  | "logging"
  | "setting"
  | "item"
  | "entry"
  | "package"
  | "link"
  | "app-settings";

/** Something that was changed by hand since sitefleet last wrote it, and that a deploy would undo. */
export interface DriftEntry {
  readonly kind: DriftKind;
  /** Name of the object; of items and entries `TABLE/KEY`, of endpoints `KIND/NAME`. */
  readonly name: string;
  /** What was done by hand. */
  readonly change: "added" | "changed" | "removed";
  /** From what sitefleet wrote to what is live. */
  readonly changes: readonly FieldChange[];
  /** What to edit so that a deploy keeps it; `null` where `--adopt` keeps it. */
  readonly edit: string | null;
}

/** A piece of a VCL file's difference. */
export interface DiffHunk {
  /** Lines of templates that the piece's changed lines came from; empty where only lines go. */
  readonly templates: readonly LineOrigin[];
  /** First line (counted from 1) and number of lines, before and after. */
  readonly before: { readonly start: number; readonly lines: number };
  readonly after: { readonly start: number; readonly lines: number };
  /** Each with its leading ` `, `-` or `+`. */
  readonly lines: readonly string[];
}

export interface FileDiff {
  readonly file: string;
  /** The same as a unified diff. */
  readonly patch: string;
  readonly hunks: readonly DiffHunk[];
}

/** Everything that a deploy will do; safe to store and to show. */
export interface DeployPlan {
  readonly format: 2;
  readonly environment: string;
  readonly service: {
    readonly id: string | null;
    readonly name: string;
    readonly target: WantedService["target"];
  };
  /** Version that was live when the plan was made; the plan applies to no other. */
  readonly baseVersion: number | null;
  readonly revision: string;
  /** Commit that the files were rendered from, `-dirty` after changes of tracked files; `null` outside of git. */
  readonly commit: string | null;
  /** The target in full, by which a draft that an interrupted run left is completed. */
  readonly content: ServiceContent;
  readonly steps: readonly DeployStep[];
  /** A live version whose verification an interrupted run still owes, and the one to put back if it fails. */
  readonly unverified: { readonly version: number; readonly former: number | null } | null;
  /** What was made by hand and would be undone. */
  readonly drift: readonly DriftEntry[];
  /** Whether no version of sitefleet's was ever live, and one of somebody else's is: all that differs is in `drift`. */
  readonly takeover: boolean;
  /** What was decided about it: `refuse` does not apply while there is drift. */
  readonly driftChoice: DriftChoice;
  readonly warnings: readonly string[];
  readonly diffs: readonly FileDiff[];
}

export type DriftChoice = "refuse" | "overwrite" | "adopt";

/** Whether applying the plan would do nothing. */
export function isEmptyPlan(plan: DeployPlan): boolean {
  return plan.steps.length === 0 && plan.unverified === null;
}

/** Whether it writes what the edge needs to read the buckets. */
export function putsOwnItems({ steps }: Pick<DeployPlan, "steps">): boolean {
  return steps.some((step) => step.do === "put-private-items" && step.dictionary === PRIVATE_DICTIONARY);
}

/** The version that would be put back: the last one known to be good. */
export function formerVersion(plan: DeployPlan): number | null {
  return plan.unverified ? plan.unverified.former : plan.baseVersion;
}
