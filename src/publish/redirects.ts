import { SitefleetError } from "../lib/errors.ts";
import { canonicalJson } from "../site/config-body.ts";
import { currentRelease } from "../site/model.ts";
import type { ReleaseEntry, SiteRecord } from "../site/model.ts";
import { parseRule } from "../site/redirect-line.ts";
import { SITE_RULES } from "../site/redirect-rule.ts";
import type { RedirectRule } from "../site/redirect-rule.ts";
import { commitChange, refuseDeleting, rollForward } from "./commit.ts";
import { readManifest } from "./manifest.ts";
import { placeOf } from "./publish-deps.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";
import { changedMeanwhile, readSite, updateRecord } from "./record-store.ts";
import type { HeldRecord } from "./record-store.ts";
import { makeRelease, planStorage } from "./release.ts";
import type { NewRelease } from "./release.ts";
import { refuseUnfit, roomForRules } from "./release-fit.ts";
import { planRelease } from "./release-plan.ts";

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
  return canonicalJson(parsed.rule.slots.map(({ segments, splat }) => ({ segments, splat })));
}

function checkedRule(line: string): RedirectRule {
  const parsed = parseRule(line, { file: SITE_RULES, line: 1 });
  if (parsed.kind === "ok") return parsed.rule;
  const reason = parsed.kind === "refused" ? parsed.reason : "is empty";
  throw new SitefleetError("redirects/invalid", `the rule "${line}" ${reason}`);
}

/**
 * Edits the rules of a site and shows the effect: a release planned anew from the files that the site has, of which only
 * what the edit changes is written.
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
  const manifest = await readManifest(deps, ref, shown);
  const plan = planRelease({
    place: placeOf(deps, ref),
    files: manifest.files,
    control: manifest.control,
    siteRules: rules,
    policies: base.record.policies,
    roomFor: roomForRules(deps, ref, base.record),
  });
  const also = (record: SiteRecord): SiteRecord => ({ ...record, rules: [...rules] });
  const release: NewRelease = {
    plan,
    content: { kind: "known", manifest },
    base,
    reason: "redirect rules",
    also,
  };
  refuseUnfit(deps, ref, release);
  await refuseMissing(deps, ref, release);
  const report = { rules, release: shown.id, warnings: plan.warnings };
  if (input.dryRun) return report;
  await rollForward(deps, ref, base);
  if (plan.digest === shown.digest) {
    await commitChange(deps, ref, {
      reason: "redirect rules",
      known: base,
      apply: (record) => also(refuseOtherRules(ref, record, { base, shown, rules })),
    });
    return report;
  }
  return { ...report, release: (await makeRelease(deps, ref, release)).release };
}

/** A page that a redirect stood in for comes back only with its file. */
async function refuseMissing(deps: PublishDeps, ref: SiteRef, release: NewRelease): Promise<void> {
  const { upload } = await planStorage(deps, ref, release);
  const missing = upload.find(({ body }) => body.kind === "stored");
  if (!missing) return;
  throw new SitefleetError(
    "redirects/invalid",
    `the page "${missing.key}" would come back, but its file is not in the store`,
    { hint: "publish the site's folder together with the change of rules" },
  );
}

interface RuleChange {
  readonly base: HeldRecord;
  readonly shown: ReleaseEntry;
  readonly rules: readonly string[];
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
  const shown = currentRelease(record);
  if (!shown) return own;
  const manifest = await readManifest(deps, ref, { id: shown.id });
  const folder = (manifest.control.get("_redirects") ?? "")
    .split(/\r\n|\n|\r/)
    .flatMap((line, index): RuleRow[] => {
      const parsed = parseRule(line, { file: "_redirects", line: index + 1 });
      return parsed.kind === "ok" ? [{ from: "_redirects", text: parsed.rule.text }] : [];
    });
  return [...own, ...folder];
}
