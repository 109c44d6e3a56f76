import {
  adoptable,
  describeAdoption,
  formatAdoption,
  rememberedAdoptions,
  withKept,
} from "../drift/adoption.ts";
import type { Kept } from "../drift/adoption.ts";
import type { DeployPlan, DeployStep, DriftChoice, DriftEntry, FieldChange } from "./deploy-plan.ts";
import { isOwnDictionary, secretsIn } from "../service/desired.ts";
import type { DesiredService } from "../service/desired.ts";
import { findDrift } from "../drift/drift.ts";
import type { LiveService } from "../live/live.ts";
import { planAppSettings, planStores } from "./plan-compute.ts";
import { planContent } from "./plan-content.ts";
import { diffFiles } from "./plan-diff.ts";
import { recordIsDue, recordOf } from "./deploy-record.ts";
import { ownedIn } from "../live/ownership.ts";
import { planTables } from "./plan-tables.ts";
import { SecretTexts } from "../service/secret-texts.ts";
import { EMPTY_CONTENT, sortContent } from "../service/service-content.ts";
import type { ServiceContent } from "../service/service-content.ts";

/**
 * Compares wanted with live; `undefined` is a service that does not exist.
 *
 * `choice` says what becomes of changes by hand: with `adopt` those that can be kept are, and stay kept in later plans
 * until the settings or `overwrite` decide otherwise; what is left in `drift` has to be refused unless it is `overwrite`.
 */
export function planDeploy(
  desired: DesiredService,
  live: LiveService | undefined,
  choice: DriftChoice = "refuse",
): DeployPlan {
  const secrets = new SecretTexts(secretsIn(desired));
  const { content, kept } = decideDrift(desired.content, { live, choice, secrets });
  const drift = findDrift(content, live);
  const adopted = kept.map(formatAdoption);
  return {
    format: 2,
    environment: desired.environment,
    service: {
      id: live?.id ?? null,
      name: live?.name ?? desired.service.name,
      target: desired.service.target,
    },
    baseVersion: live?.active?.number ?? null,
    revision: desired.revision,
    commit: desired.commit,
    content,
    steps: stepsTo(content, { desired, live, adopted }).map((step) => hideInStep(step, secrets)),
    unverified: unverifiedIn(live),
    drift: drift.map((entry) => ({ ...entry, changes: hideChanges(entry.changes, secrets) })),
    takeover: live?.active !== undefined && live.written === undefined,
    driftChoice: choice,
    warnings: [...desired.notes, ...warningsFor(content, live), ...kept.map(describeAdoption)].map((line) =>
      secrets.hide(line),
    ),
    diffs: diffFiles({
      target: content.vcls,
      current: live?.active?.content.vcls ?? [],
      version: live?.active?.number ?? null,
      files: desired.files,
      hide: (text) => secrets.hide(text),
    }),
  };
}

/** The wanted content with what was made by hand and is kept. */
function decideDrift(
  wanted: ServiceContent,
  context: {
    readonly live: LiveService | undefined;
    readonly choice: DriftChoice;
    readonly secrets: SecretTexts;
  },
): { readonly content: ServiceContent; readonly kept: readonly Kept[] } {
  const { live, choice, secrets } = context;
  if (!live || choice === "overwrite") return { content: wanted, kept: [] };
  const remembered = rememberedAdoptions(live).filter((kept) => changesContent(wanted, kept));
  const before = sortContent(remembered.reduce(withKept, wanted));
  if (choice === "refuse") return { content: before, kept: remembered };
  const chosen = findDrift(before, live)
    .map((entry: DriftEntry) => adoptable(entry, live))
    .filter((kept) => kept !== undefined)
    // A plan holds what it keeps, and no plan may hold a secret.
    .filter((kept) => !secrets.isIn(`${kept.name}\n${kept.value ?? ""}`));
  return { content: sortContent(chosen.reduce(withKept, before)), kept: [...remembered, ...chosen] };
}

function changesContent(wanted: ServiceContent, kept: Kept): boolean {
  return JSON.stringify(sortContent(withKept(wanted, kept))) !== JSON.stringify(wanted);
}

function stepsTo(
  content: ServiceContent,
  context: {
    readonly desired: DesiredService;
    readonly live: LiveService | undefined;
    readonly adopted: readonly string[];
  },
): readonly DeployStep[] {
  const { desired, live, adopted } = context;
  const current = live?.active?.content ?? EMPTY_CONTENT;
  const record = recordOf(content, { privateItems: desired.privateItems, adopted, live });
  const owned = live ? ownedIn(live.state.record, live.active?.number) : new Set<string>();
  const version = planContent(content, current, owned);
  const steps: readonly DeployStep[] = [
    ...(live ? [] : [{ do: "create-service", name: desired.service.name } as const]),
    ...planStores(content, live?.stores ?? []),
    ...version,
    ...planAppSettings(content, current, version.length > 0),
    ...planTables(desired, content, live),
  ];
  const isDue = recordIsDue(record, { live, isBusy: steps.length > 0 });
  return isDue ? [...steps, { do: "put-record", record }] : steps;
}

function hideChanges(changes: readonly FieldChange[], secrets: SecretTexts): readonly FieldChange[] {
  return changes.map(({ field, from, to }) => ({
    field: secrets.hide(field),
    from: secrets.hide(from),
    to: secrets.hide(to),
  }));
}

/** What is live may hold a secret that somebody put there by hand. */
function hideInStep(step: DeployStep, secrets: SecretTexts): DeployStep {
  switch (step.do) {
    case "put":
    case "put-settings":
    case "put-app-settings":
    case "put-items":
      return { ...step, changes: hideChanges(step.changes, secrets) };
    default:
      return step;
  }
}

function unverifiedIn(live: LiveService | undefined): DeployPlan["unverified"] {
  const journal = live?.state.journal;
  if (journal?.state !== "activating" || journal.version !== live?.active?.number) return null;
  return { version: journal.version, former: journal.former };
}

function warningsFor(content: ServiceContent, live: LiveService | undefined): readonly string[] {
  if (!live?.active) return [];
  const { active } = live;
  return [
    ...active.content.domains
      .filter((domain) => !content.domains.includes(domain))
      .map(
        (domain) => `domain "${domain}" is live and not in the settings: visitors will no longer reach it`,
      ),
    ...foreignWarnings(content, live),
    ...(unverifiedIn(live) ? [`version ${active.number} is live and has not passed verification yet`] : []),
  ];
}

/** Kinds of objects that do nothing by themselves: only VCL, or a program, that names them uses them. */
const TABLES = new Map([
  ["dictionaries", "dictionary"],
  ["acls", "ACL"],
  ["logging endpoints", "logging endpoint"],
  ["links", "link"],
]);

function foreignWarnings(content: ServiceContent, live: LiveService): readonly string[] {
  const wanted: Readonly<Record<string, readonly { readonly name: string }[]>> = {
    dictionaries: content.dictionaries,
    acls: content.acls,
    snippets: content.snippets,
    "logging endpoints": content.loggings,
    links: content.compute?.links ?? [],
  };
  return live.foreign.flatMap(({ kind, names }) => {
    const others = names.filter(
      (name) => !isOwnDictionary(name) && !wanted[kind]?.some((one) => one.name === name),
    );
    if (others.length === 0) return [];
    const table = TABLES.get(kind);
    if (table !== undefined) {
      return others.map((name) => `${table} "${name}" is not sitefleet's and stays as it is`);
    }
    const list = others.map((name) => `"${name}"`).join(", ");
    const what = content.compute
      ? "and mean nothing to the Compute app"
      : "and they act inside its VCL through Fastly's macros";
    return [`${kind} ${list}: not made by sitefleet, kept, ${what}`];
  });
}
