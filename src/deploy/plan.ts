import { createTwoFilesPatch } from "diff";
import type { Backend, Domain, Healthcheck, ServiceSettings, VclFile } from "../fastly/wire.ts";
import { PRIVATE_DICTIONARY } from "../render/constants.ts";
import { STATE_DICTIONARY } from "./desired.ts";
import type { DesiredService, ServiceContent } from "./desired.ts";
import type { LiveService } from "./live.ts";
import { ownStamp } from "./stamp.ts";
import { digestMatches } from "./state.ts";

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
  | Put<"domain", Domain>
  | Put<"dictionary", { readonly name: string; readonly write_only: boolean }>;

export type ObjectKindName = PutStep["kind"];

/** One write to a draft version. */
export type VersionStep =
  | PutStep
  | { readonly do: "drop"; readonly kind: ObjectKindName; readonly name: string }
  | { readonly do: "set-main"; readonly name: string }
  | {
      readonly do: "put-settings";
      readonly settings: ServiceSettings;
      readonly changes: readonly FieldChange[];
    };

export type DeployStep =
  | { readonly do: "create-service"; readonly name: string }
  | VersionStep
  /** Values come from the environment when the plan is applied; they are in no plan. */
  | { readonly do: "put-private-items"; readonly keys: readonly string[] };

/** Everything that a deploy will do; safe to store and to show. */
export interface DeployPlan {
  readonly format: 1;
  readonly environment: string;
  readonly service: { readonly id: string | null; readonly name: string };
  /** Version that was live when the plan was made; the plan applies to no other. */
  readonly baseVersion: number | null;
  readonly revision: string;
  /** The target in full, by which a draft that an interrupted run left is completed. */
  readonly content: ServiceContent;
  readonly steps: readonly DeployStep[];
  /** A live version whose verification an interrupted run still owes, and the one to put back if it fails. */
  readonly unverified: { readonly version: number; readonly former: number | null } | null;
  readonly warnings: readonly string[];
  readonly diffs: readonly { readonly file: string; readonly patch: string }[];
}

const NOTHING: ServiceContent = {
  vcls: [],
  backends: [],
  healthchecks: [],
  domains: [],
  dictionaries: [],
  settings: { "general.default_ttl": 3_600, "general.default_host": "", "general.stale_if_error": false },
};

/** Compares wanted with live; `undefined` is a service that does not exist. */
export function planDeploy(desired: DesiredService, live: LiveService | undefined): DeployPlan {
  const current = live?.active?.content ?? NOTHING;
  const steps: DeployStep[] = [];
  if (!live) steps.push({ do: "create-service", name: desired.service.name });
  steps.push(...planContent(desired.content, current));
  if (!privateItemsAreLive(desired, live)) {
    steps.push({ do: "put-private-items", keys: desired.privateItems.map(({ key }) => key) });
  }
  return {
    format: 1,
    environment: desired.environment,
    service: { id: live?.id ?? null, name: live?.name ?? desired.service.name },
    baseVersion: live?.active?.number ?? null,
    revision: desired.revision,
    content: desired.content,
    steps,
    unverified: unverifiedIn(live),
    warnings: warningsFor(desired, live),
    diffs: diffsBetween(desired.content.vcls, live?.active),
  };
}

/** Whether applying the plan would do nothing. */
export function isEmptyPlan(plan: DeployPlan): boolean {
  return plan.steps.length === 0 && plan.unverified === null;
}

/** The version that would be put back: the last one known to be good. */
export function formerVersion(plan: DeployPlan): number | null {
  return plan.unverified ? plan.unverified.former : plan.baseVersion;
}

/**
 * The writes that make `current` into `target`, in an order that Fastly accepts: what is referred to comes before what
 * refers to it, and goes after it. Dictionaries of other names are left alone.
 */
export function planContent(target: ServiceContent, current: ServiceContent): readonly VersionStep[] {
  const backends = compare(target.backends, current.backends);
  const healthchecks = compare(target.healthchecks, current.healthchecks);
  const vcls = compare(target.vcls.map(withoutMain), current.vcls.map(withoutMain));
  const domains = compare(target.domains.map(toDomain), current.domains.map(toDomain));
  return [
    ...dictionarySteps(target, current),
    ...healthchecks.puts.map((put) => ({ do: "put", kind: "healthcheck", ...put }) as const),
    ...backends.puts.map((put) => ({ do: "put", kind: "backend", ...put }) as const),
    ...vcls.puts.map((put) => ({ do: "put", kind: "vcl", ...put, changes: [] }) as const),
    ...mainStep(target, current),
    ...vcls.drops.map((name) => ({ do: "drop", kind: "vcl", name }) as const),
    ...backends.drops.map((name) => ({ do: "drop", kind: "backend", name }) as const),
    ...healthchecks.drops.map((name) => ({ do: "drop", kind: "healthcheck", name }) as const),
    ...domains.puts.map((put) => ({ do: "put", kind: "domain", ...put }) as const),
    ...domains.drops.map((name) => ({ do: "drop", kind: "domain", name }) as const),
    ...settingsStep(target, current),
  ];
}

interface Difference<T> {
  readonly change: "create" | "replace";
  readonly object: T;
  readonly changes: readonly FieldChange[];
}

interface Comparison<T> {
  readonly puts: readonly Difference<T>[];
  readonly drops: readonly string[];
}

function compare<T extends { readonly name: string }>(
  target: readonly T[],
  current: readonly T[],
): Comparison<T> {
  const found = new Map(current.map((object) => [object.name, object]));
  const wanted = new Set(target.map((object) => object.name));
  return {
    puts: target.flatMap((object): readonly Difference<T>[] => {
      const old = found.get(object.name);
      if (!old) return [{ change: "create", object, changes: [] }];
      const changes = fieldChanges(object, old);
      return changes.length === 0 ? [] : [{ change: "replace", object, changes }];
    }),
    drops: current.map(({ name }) => name).filter((name) => !wanted.has(name)),
  };
}

function fieldChanges(target: object, current: object): readonly FieldChange[] {
  const old = new Map<string, string>(
    Object.entries(current).map(([field, value]) => [field, String(value)]),
  );
  return Object.entries(target)
    .map(([field, value]) => ({ field, from: old.get(field) ?? "", to: String(value) }))
    .filter(({ from, to }) => from !== to);
}

function withoutMain({ name, content }: VclFile): Pick<VclFile, "name" | "content"> {
  return { name, content };
}

function toDomain(name: string): Domain {
  return { name, comment: "" };
}

/** Whether a dictionary is write-only cannot be changed: it is made anew, with a new id and no items. */
function dictionarySteps(target: ServiceContent, current: ServiceContent): readonly VersionStep[] {
  return target.dictionaries.flatMap((object): VersionStep[] => {
    const old = current.dictionaries.find(({ name }) => name === object.name);
    if (old?.write_only === object.write_only) return [];
    const create = { do: "put", kind: "dictionary", change: "create", object, changes: [] } as const;
    return old ? [{ do: "drop", kind: "dictionary", name: object.name }, create] : [create];
  });
}

function mainStep(target: ServiceContent, current: ServiceContent): readonly VersionStep[] {
  const wanted = target.vcls.find(({ main }) => main)?.name;
  const found = current.vcls.filter(({ main }) => main).map(({ name }) => name);
  if (wanted === undefined || (found.length === 1 && found[0] === wanted)) return [];
  return [{ do: "set-main", name: wanted }];
}

function settingsStep(target: ServiceContent, current: ServiceContent): readonly VersionStep[] {
  const changes = fieldChanges(target.settings, current.settings);
  return changes.length === 0 ? [] : [{ do: "put-settings", settings: target.settings, changes }];
}

function privateItemsAreLive(desired: DesiredService, live: LiveService | undefined): boolean {
  const found = live?.active?.dictionaries.find(({ name }) => name === PRIVATE_DICTIONARY);
  return found?.write_only === true && digestMatches(live?.state.digest, desired.privateItems, found.id);
}

function unverifiedIn(live: LiveService | undefined): DeployPlan["unverified"] {
  const journal = live?.state.journal;
  if (journal?.state !== "activating" || journal.version !== live?.active?.number) return null;
  return { version: journal.version, former: journal.former };
}

function diffsBetween(target: readonly VclFile[], active: LiveService["active"]): DeployPlan["diffs"] {
  const current = active?.content.vcls ?? [];
  const names = [...new Set([...target, ...current].map(({ name }) => name))].sort();
  return names.flatMap((file) => {
    const before = current.find(({ name }) => name === file);
    const after = target.find(({ name }) => name === file);
    if (before?.content === after?.content) return [];
    const patch = createTwoFilesPatch(
      before ? `${file} (version ${active?.number ?? ""})` : "/dev/null",
      after ? `${file} (rendered)` : "/dev/null",
      before?.content ?? "",
      after?.content ?? "",
      undefined,
      undefined,
      { context: 3 },
    );
    return [{ file, patch: patch.replace(/^=+\n/, "") }];
  });
}

function warningsFor(desired: DesiredService, live: LiveService | undefined): readonly string[] {
  if (!live?.active) return [];
  const { active } = live;
  return [
    ...handMade(desired, live),
    ...active.content.domains
      .filter((domain) => !desired.content.domains.includes(domain))
      .map(
        (domain) => `domain "${domain}" is live and not in the settings: visitors will no longer reach it`,
      ),
    ...active.dictionaries
      .filter(({ name }) => name !== PRIVATE_DICTIONARY && name !== STATE_DICTIONARY)
      .map(({ name }) => `dictionary "${name}" is not sitefleet's and stays as it is`),
    ...live.foreign.map(({ kind, names }) => {
      const list = names.map((name) => `"${name}"`).join(", ");
      return `${kind} ${list}: not made by sitefleet, kept, and they act inside its VCL through Fastly's macros`;
    }),
    ...(unverifiedIn(live) ? [`version ${active.number} is live and has not passed verification yet`] : []),
  ];
}

/** Signs that someone else changed what is live. */
function handMade(desired: DesiredService, { active }: LiveService): readonly string[] {
  if (!active) return [];
  const stamp = ownStamp(active);
  if (!stamp) return [`version ${active.number} was not made by sitefleet: its differences will be undone`];
  if (stamp.revision !== desired.revision) return [];
  return diffsBetween(desired.content.vcls, active).map(
    ({ file }) => `"${file}" of version ${active.number} was changed by hand: that will be undone`,
  );
}
