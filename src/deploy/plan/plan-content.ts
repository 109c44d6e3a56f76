import type { Domain, VclFile } from "../../fastly/wire.ts";
import type { DropStep, FieldChange, VersionStep } from "./deploy-plan.ts";
import { planCompute } from "./plan-compute.ts";
import type { LoggingContent, LoggingValue, ServiceContent } from "../service/service-content.ts";

/** Names, as `KIND/NAME`, of objects that may be dropped in the kinds that others make too. */
export type Droppable = ReadonlySet<string>;

const NOTHING: Droppable = new Set();

/**
 * The writes that make `current` into `target`, in an order that Fastly accepts: what is referred to comes before what
 * refers to it, and goes after it. Dictionaries, ACLs, snippets and logging endpoints that are not wanted are left
 * alone unless they are sitefleet's own. Items and entries have no version and are planned by `planTables`.
 */
export function planContent(
  target: ServiceContent,
  current: ServiceContent,
  droppable: Droppable = NOTHING,
): readonly VersionStep[] {
  const backends = compare(target.backends, current.backends);
  const healthchecks = compare(target.healthchecks, current.healthchecks);
  const vcls = compare(target.vcls.map(withoutMain), current.vcls.map(withoutMain));
  const domains = compare(target.domains.map(toDomain), current.domains.map(toDomain));
  return [
    ...dictionarySteps(target, current),
    ...compare(target.acls.map(toName), current.acls.map(toName)).puts.map(
      (put) => ({ do: "put", kind: "acl", ...put }) as const,
    ),
    ...healthchecks.puts.map((put) => ({ do: "put", kind: "healthcheck", ...put }) as const),
    ...backends.puts.map((put) => ({ do: "put", kind: "backend", ...put }) as const),
    ...loggingSteps(target, current, droppable),
    ...snippetSteps(target, current),
    ...vcls.puts.map((put) => ({ do: "put", kind: "vcl", ...put, changes: [] }) as const),
    ...mainStep(target, current),
    ...vcls.drops.map((name) => ({ do: "drop", kind: "vcl", name }) as const),
    ...tableDrops(target, current, droppable),
    ...backends.drops.map((name) => ({ do: "drop", kind: "backend", name }) as const),
    ...healthchecks.drops.map((name) => ({ do: "drop", kind: "healthcheck", name }) as const),
    ...domains.puts.map((put) => ({ do: "put", kind: "domain", ...put }) as const),
    ...domains.drops.map((name) => ({ do: "drop", kind: "domain", name }) as const),
    ...settingsStep(target, current),
    ...planCompute(target.compute, current.compute),
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

/** Fields of `target` that `current` has another value of. */
export function fieldChanges(target: object, current: object): readonly FieldChange[] {
  const old = new Map<string, string>(
    Object.entries(current).map(([field, value]) => [field, String(value)]),
  );
  return Object.entries(target)
    .map(([field, value]) => ({ field, from: old.get(field) ?? "", to: String(value) }))
    .filter(({ from, to }) => from !== to);
}

/** An endpoint's fields as text, those of variables as `$NAME`. */
export function loggingFields({ fields }: LoggingContent): Readonly<Record<string, string>> {
  const text = (value: LoggingValue): string => (typeof value === "string" ? value : `$${value.env}`);
  return Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, text(value)]));
}

function withoutMain({ name, content }: VclFile): Pick<VclFile, "name" | "content"> {
  return { name, content };
}

function toDomain(name: string): Domain {
  return { name, comment: "" };
}

function toName({ name }: { readonly name: string }): { readonly name: string } {
  return { name };
}

/** Whether a dictionary is write-only cannot be changed: it is made anew, with a new id and no items. */
function dictionarySteps(target: ServiceContent, current: ServiceContent): readonly VersionStep[] {
  return target.dictionaries.flatMap(({ name, write_only }): VersionStep[] => {
    const old = current.dictionaries.find((one) => one.name === name);
    if (old?.write_only === write_only) return [];
    const object = { name, write_only };
    const create = { do: "put", kind: "dictionary", change: "create", object, changes: [] } as const;
    return old ? [{ do: "drop", kind: "dictionary", name }, create] : [create];
  });
}

/** Whether a snippet is dynamic cannot be changed: it is made anew. */
function snippetSteps(target: ServiceContent, current: ServiceContent): readonly VersionStep[] {
  return compare(target.snippets, current.snippets).puts.flatMap((put): readonly VersionStep[] => {
    const old = current.snippets.find(({ name }) => name === put.object.name);
    if (!old || old.dynamic === put.object.dynamic) return [{ do: "put", kind: "snippet", ...put }];
    const { object } = put;
    return [
      { do: "drop", kind: "snippet", name: object.name },
      { do: "put", kind: "snippet", change: "create", object, changes: [] },
    ];
  });
}

/** Endpoints of all kinds share their names, so the one of another kind goes first. */
function loggingSteps(
  target: ServiceContent,
  current: ServiceContent,
  droppable: Droppable,
): readonly VersionStep[] {
  const isWanted = (one: LoggingContent): boolean =>
    target.loggings.some(({ kind, name }) => kind === one.kind && name === one.name);
  const isTaken = (one: LoggingContent): boolean => target.loggings.some(({ name }) => name === one.name);
  const drops = current.loggings
    .filter((one) => !isWanted(one) && (isTaken(one) || droppable.has(`logging/${one.kind}/${one.name}`)))
    .map(({ kind, name }): DropStep => ({ do: "drop", kind: "logging", endpoint: kind, name }));
  const puts = target.loggings.flatMap((object): readonly VersionStep[] => {
    const old = current.loggings.find(({ kind, name }) => kind === object.kind && name === object.name);
    if (!old) return [{ do: "put", kind: "logging", change: "create", object, changes: [] }];
    const changes = fieldChanges(loggingFields(object), loggingFields(old));
    return changes.length === 0 ? [] : [{ do: "put", kind: "logging", change: "replace", object, changes }];
  });
  return [...drops, ...puts];
}

/** What goes in the kinds that others make too. */
function tableDrops(
  target: ServiceContent,
  current: ServiceContent,
  droppable: Droppable,
): readonly VersionStep[] {
  const kinds = [
    ["snippet", target.snippets, current.snippets],
    ["acl", target.acls, current.acls],
    ["dictionary", target.dictionaries, current.dictionaries],
  ] as const;
  return kinds.flatMap(([kind, wanted, found]) =>
    found
      .map(({ name }) => name)
      .filter((name) => droppable.has(`${kind}/${name}`) && !wanted.some((one) => one.name === name))
      .map((name): DropStep => ({ do: "drop", kind, name })),
  );
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
