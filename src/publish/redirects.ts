import { SitefleetError } from "../lib/errors.ts";
import { canonicalJson } from "../site/config-body.ts";
import { currentRelease } from "../site/model.ts";
import type { ReleaseEntry, SiteRecord } from "../site/model.ts";
import { SITE_RULES, parseRule } from "../site/redirect-rule.ts";
import type { RedirectRule } from "../site/redirect-rule.ts";
import { commitChange, refuseDeleting, rollForward } from "./commit.ts";
import { readManifest } from "./manifest.ts";
import type { Manifest } from "./manifest.ts";
import { placeOf } from "./publish-deps.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";
import { changedMeanwhile, readSite, updateRecord } from "./record-store.ts";
import type { HeldRecord } from "./record-store.ts";
import { makeRelease, refuseUnfit } from "./release.ts";
import { planRelease } from "./release-plan.ts";
import type { ReleasePlan } from "./release-plan.ts";

/** Rules of the site itself. A pure function of those there are; throws when the edit is impossible. */
export type RuleEdit = (rules: readonly string[]) => readonly string[];

export interface RulesReport {
  /** The site's own rules after the edit. */
  readonly rules: readonly string[];
  /** The release shown; a new one when the edit made or took redirect objects. */
  readonly release: string | null;
  readonly warnings: readonly string[];
}

/** The edit that adds a rule at the end; a rule that is there already is not added twice. */
export function addingRule(line: string): RuleEdit {
  const { text } = checkedRule(line);
  return (rules) => (rules.includes(text) ? rules : [...rules, text]);
}

/** The edit that removes the rules whose source is `from`, however it is spelled. */
export function removingRule(from: string): RuleEdit {
  return (rules) => {
    const left = rules.filter(
      (rule) => rule.split(" ")[0] !== from && sourceOf(rule) !== sourceOf(`${from} /x`),
    );
    if (left.length < rules.length) return left;
    throw new SitefleetError("redirects/invalid", `the site has no rule of its own for "${from}"`, {
      hint: "`sitefleet redirect list` shows all rules; those of a `_redirects` file are changed there",
    });
  };
}

function sourceOf(line: string): string {
  const parsed = parseRule(line, { file: SITE_RULES, line: 1 });
  if (parsed.kind !== "ok") return line;
  if (parsed.rule.kind === "exact") return canonicalJson(parsed.rule.keys);
  const { segments, splat } = parsed.rule.slot;
  return canonicalJson({ segments, splat });
}

function checkedRule(line: string): RedirectRule {
  const parsed = parseRule(line, { file: SITE_RULES, line: 1 });
  if (parsed.kind === "ok") return parsed.rule;
  const reason = parsed.kind === "refused" ? parsed.reason : "is empty";
  throw new SitefleetError("redirects/invalid", `the rule "${line}" ${reason}`);
}

/**
 * Edits the rules of a site and shows the effect. Patterns are in the config, so they cost one write per domain; exact
 * rules are objects, so a change of them makes a new release whose files are copied inside the store.
 */
export async function editRules(
  deps: PublishDeps,
  ref: SiteRef,
  input: { readonly edit: RuleEdit; readonly dryRun?: boolean },
): Promise<RulesReport> {
  const base = await readSite(deps, ref);
  refuseDeleting(base.record);
  const rules = input.edit(base.record.rules);
  const shown = currentRelease(base.record);
  if (!shown) {
    if (!input.dryRun)
      await updateRecord(deps, ref, (record) => ({ ...record, rules: [...input.edit(record.rules)] }));
    return { rules, release: null, warnings: [] };
  }
  const manifest = await readManifest(deps, ref, shown.id);
  const plan = planRelease({
    place: placeOf(deps, ref),
    files: manifest.files,
    folderRules: manifest.folderRules,
    siteRules: rules,
  });
  refuseUnfit(deps, ref, { plan, base });
  const report = { rules, release: shown.id, warnings: plan.warnings };
  if (input.dryRun) return report;
  await rollForward(deps, ref, base);
  const change = { base, shown, plan, rules };
  if (hasSameObjects(plan, manifest)) {
    await replaceSlots(deps, ref, change);
    return report;
  }
  return { ...report, release: await copyRelease(deps, ref, { ...change, manifest }) };
}

interface RuleChange {
  readonly base: HeldRecord;
  readonly shown: ReleaseEntry;
  readonly plan: ReleasePlan;
  readonly rules: readonly string[];
}

function hasSameObjects(plan: ReleasePlan, manifest: Manifest): boolean {
  const { files, redirects } = manifest;
  return canonicalJson([plan.files, plan.redirects]) === canonicalJson([files, redirects]);
}

async function replaceSlots(deps: PublishDeps, ref: SiteRef, change: RuleChange): Promise<void> {
  const { slots, digest } = change.plan;
  const changed = { ...change.shown, slots, digest };
  await commitChange(deps, ref, {
    reason: "redirect rules",
    known: change.base,
    apply: (record) => ({
      ...refuseOtherRules(ref, record, change),
      rules: [...change.rules],
      releases: record.releases.map((release) => (release.id === changed.id ? changed : release)),
    }),
  });
}

async function copyRelease(
  deps: PublishDeps,
  ref: SiteRef,
  change: RuleChange & { readonly manifest: Manifest },
): Promise<string> {
  const { base, plan, manifest, shown } = change;
  const hidden = plan.files.filter((file) => !file.hidden && isHidden(manifest, file.key));
  const [first] = hidden;
  if (first) {
    throw new SitefleetError(
      "redirects/invalid",
      `the page "${first.key}" would come back, but its file is not in the store`,
      { hint: "publish the site's folder together with the change of rules" },
    );
  }
  const report = await makeRelease(deps, ref, {
    plan,
    source: { kind: "release", release: shown.id },
    folderRules: manifest.folderRules,
    base,
    reason: "redirect rules",
    also: (record) => ({ ...record, rules: [...change.rules] }),
  });
  return report.release;
}

function isHidden(manifest: Manifest, key: string): boolean {
  return manifest.files.some((file) => file.key === key && file.hidden);
}

function refuseOtherRules(ref: SiteRef, record: SiteRecord, change: RuleChange): SiteRecord {
  const rules = record.rules.join("\n");
  const same = rules === change.base.record.rules.join("\n") || rules === change.rules.join("\n");
  if (same && record.current === change.shown.id) return record;
  throw changedMeanwhile(ref, "its rules or its release are not those that the edit was made from");
}

/** A rule that applies to a site, with where it comes from. */
export interface RuleRow {
  readonly from: "site" | "_redirects";
  readonly text: string;
}

/** All rules of a site in the order in which they are tried: its own, then those of the published folder. */
export async function listRules(deps: PublishDeps, ref: SiteRef): Promise<readonly RuleRow[]> {
  const { record } = await readSite(deps, ref);
  const own = record.rules.map((text) => ({ from: "site" as const, text }));
  if (record.current === null) return own;
  const manifest = await readManifest(deps, ref, record.current);
  const folder = (manifest.folderRules ?? "").split(/\r\n|\n|\r/).flatMap((line, index): RuleRow[] => {
    const parsed = parseRule(line, { file: "_redirects", line: index + 1 });
    return parsed.kind === "ok" ? [{ from: "_redirects", text: parsed.rule.text }] : [];
  });
  return [...own, ...folder];
}
