import { assertNever } from "../../lib/errors.ts";
import { isOwnDictionary } from "../service/desired.ts";
import type { DriftEntry, DriftKind, FieldChange } from "../plan/deploy-plan.ts";
import type { LiveService } from "../live/live.ts";
import { fieldChanges, loggingFields } from "../plan/plan-content.ts";
import { isOurs, ownedIn } from "../live/ownership.ts";
import { EMPTY_CONTENT } from "../service/service-content.ts";
import type { ServiceContent } from "../service/service-content.ts";
import { tableDrift } from "./table-drift.ts";
import { appSettingsFields, isRevision } from "../compute/app-settings.ts";
import { isOwnLink } from "../compute/stores.ts";
import { ownStamp } from "../live/stamp.ts";
import { appSettingsChanges } from "../plan/plan-compute.ts";
import type { ComputeContent } from "../service/compute-content.ts";
import { EDGE_SETTINGS_ITEM, edgeSettingsItem } from "../../site/edge-settings.ts";

/**
 * What was changed by hand since sitefleet last wrote it and is not as wanted: a deploy would undo it. Changes by hand
 * that made something as it is wanted are none.
 */
export function findDrift(wanted: ServiceContent, live: LiveService | undefined): readonly DriftEntry[] {
  if (!live?.active) return [];
  const sides: Sides = {
    wanted: comparables(wanted),
    live: comparables(live.active.content),
    written: comparables(live.written ?? EMPTY_CONTENT),
    owned: ownedIn(live.state.record, live.active.number),
  };
  const names = [...new Set([...sides.wanted.keys(), ...sides.live.keys(), ...sides.written.keys()])].sort();
  return [
    ...activationDrift(live),
    ...names.flatMap((name) => driftOf(name, sides)),
    ...tableDrift(wanted, live),
    ...appSettingsDrift(wanted, live),
  ];
}

/** An object as it is compared: its kind and name, and its fields as text. */
interface Comparable {
  readonly kind: DriftKind;
  readonly name: string;
  readonly fields: Readonly<Record<string, string>>;
}

interface Sides {
  readonly wanted: ReadonlyMap<string, Comparable>;
  readonly live: ReadonlyMap<string, Comparable>;
  readonly written: ReadonlyMap<string, Comparable>;
  readonly owned: ReadonlySet<string>;
}

/** Kinds of which a service has objects that are not sitefleet's. */
const SHARED: ReadonlySet<DriftKind> = new Set<DriftKind>([
  "acl",
  "dictionary",
  "snippet",
  "logging",
  "link",
]);

function driftOf(key: string, { wanted, live, written, owned }: Sides): readonly DriftEntry[] {
  const [w, l, b] = [wanted.get(key), live.get(key), written.get(key)];
  const named = w ?? l ?? b;
  if (!named || isSame(l, w)) return [];
  const isMine = !SHARED.has(named.kind) || owned.has(key) || isOwnObject(named);
  if (!isMine && !w && !isInTheWay(named, wanted)) return [];
  // Of someone else's object of a wanted name sitefleet has written nothing.
  const before = isMine ? b : undefined;
  if (isSame(l, before)) return [];
  const change = !l ? "removed" : before ? "changed" : "added";
  const changes = l && before ? changesOf(before, l) : [];
  return [{ kind: named.kind, name: named.name, change, changes, edit: whatToEdit(named) }];
}

/** Endpoints of all kinds share their names: one of another kind would have to go. */
function isInTheWay({ kind, name }: Comparable, wanted: Sides["wanted"]): boolean {
  if (kind !== "logging") return false;
  const own = name.slice(name.indexOf("/"));
  return [...wanted.values()].some((one) => one.kind === "logging" && one.name.endsWith(own));
}

function isOwnObject({ kind, name }: Comparable): boolean {
  return (kind === "dictionary" && isOwnDictionary(name)) || (kind === "link" && isOwnLink(name));
}

function isSame(a: Comparable | undefined, b: Comparable | undefined): boolean {
  if (!a || !b) return a === b;
  return changesOf(a, b).length === 0 && changesOf(b, a).length === 0;
}

/** From one object to another; the text of a file or snippet is told as its difference elsewhere. */
function changesOf(from: Comparable, to: Comparable): readonly FieldChange[] {
  return fieldChanges(to.fields, from.fields).map((one) =>
    one.field === "content" ? { field: "content", from: "(text)", to: "(other text)" } : one,
  );
}

function comparables(content: ServiceContent): ReadonlyMap<string, Comparable> {
  const texts = (object: object): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(object).map(([field, value]) => [field, String(value)]));
  const list: readonly Comparable[] = [
    ...content.vcls.map((one) => ({ kind: "vcl", name: one.name, fields: texts(one) }) as const),
    ...content.backends.map((one) => ({ kind: "backend", name: one.name, fields: texts(one) }) as const),
    ...content.healthchecks.map(
      (one) => ({ kind: "healthcheck", name: one.name, fields: texts(one) }) as const,
    ),
    ...content.domains.map((name) => ({ kind: "domain", name, fields: {} }) as const),
    ...content.snippets.map((one) => ({ kind: "snippet", name: one.name, fields: texts(one) }) as const),
    ...content.acls.map(({ name }) => ({ kind: "acl", name, fields: {} }) as const),
    ...content.dictionaries.map(
      ({ name, write_only }) => ({ kind: "dictionary", name, fields: texts({ write_only }) }) as const,
    ),
    ...content.loggings.map(
      (one) => ({ kind: "logging", name: `${one.kind}/${one.name}`, fields: loggingFields(one) }) as const,
    ),
    ...computeComparables(content.compute),
    ...Object.entries(content.settings).map(
      ([name, value]) => ({ kind: "setting", name, fields: { value: String(value) } }) as const,
    ),
  ];
  return new Map(list.map((one) => [`${one.kind}/${one.name}`, one]));
}

function computeComparables(compute: ComputeContent | null): readonly Comparable[] {
  if (!compute) return [];
  const { package: found, links, settings } = compute;
  return [
    ...(found ? [{ kind: "package", name: "package", fields: { filesHash: found.filesHash } } as const] : []),
    ...links.map(({ name, store }) => ({ kind: "link", name, fields: { store } }) as const),
    { kind: "app-settings", name: EDGE_SETTINGS_ITEM, fields: appSettingsFields(settings) } as const,
  ];
}

/**
 * An item of a version that sitefleet made has the revision of what it says: a change by hand, which no version tells of,
 * gives it another digest. Versions of others are compared with the last one of sitefleet's, as everything else in them.
 */
function appSettingsDrift(wanted: ServiceContent, { active, state }: LiveService): readonly DriftEntry[] {
  const compute = active?.content.compute;
  const stamp = active && ownStamp(active);
  if (!compute || !stamp || !isOurs(active, state.journal)) return [];
  const { settings } = compute;
  const isAsWritten = isRevision(stamp.revision, {
    text: settings,
    filesHash: compute.package?.filesHash ?? "",
  });
  const target = wanted.compute?.settings ?? null;
  if (isAsWritten || settings === target) return [];
  const change = settings === null ? "removed" : "changed";
  const changes = settings === null ? [] : appSettingsChanges(settings, target);
  const name = edgeSettingsItem(active.number);
  return [{ kind: "app-settings", name, change, changes, edit: "the settings" }];
}

/** What has to be changed so that a deploy keeps it; `null` for what `--adopt` can keep. */
function whatToEdit({ kind, name }: Comparable): string | null {
  switch (kind) {
    case "domain":
    case "item":
    case "entry":
      return null;
    case "setting":
      // This one is no choice: with it on, errors would be restarted by the fetch macro.
      return name === "general.stale_if_error" ? "nothing: sitefleet needs it as it is" : null;
    case "vcl":
      return "the templates";
    case "backend":
    case "healthcheck":
      return "`s3`, `fastly.backends` or `fastly.shield` in the settings";
    case "snippet":
      return "`fastly.snippets` in the settings";
    case "logging":
      return "`fastly.logging` in the settings";
    case "acl":
      return "`fastly.acls` in the settings";
    case "dictionary":
      return "`fastly.dictionaries` in the settings";
    case "activation":
      return "what was rolled back";
    case "package":
      return "nothing: sitefleet deploys its own package";
    case "link":
      return "nothing: sitefleet needs it as it is";
    case "app-settings":
      return "the settings";
    default:
      return assertNever(kind);
  }
}

/**
 * Another version of ours than the one that was last deployed or rolled back to went live by hand; of a version that is
 * not ours what is in it tells. While the journal says `activating` a run was cut off, which is no hand.
 */
function activationDrift({ active, state }: LiveService): readonly DriftEntry[] {
  const { journal } = state;
  if (!active || !isOurs(active, journal) || !journal || journal.state === "activating") return [];
  const expected = journal.state === "verified" ? journal.version : journal.former;
  if (expected === null || expected === active.number) return [];
  const changes = [{ field: "version", from: String(expected), to: String(active.number) }];
  return [
    {
      kind: "activation",
      name: `version ${active.number}`,
      change: "changed",
      changes,
      edit: whatToEdit({ kind: "activation", name: "", fields: {} }),
    },
  ];
}
