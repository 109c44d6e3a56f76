import { SitefleetError } from "../lib/errors.ts";
import { canonicalJson } from "../site/config-body.ts";
import { currentRelease } from "../site/model.ts";
import type { ReleaseEntry, SiteRecord } from "../site/model.ts";
import { parseRule } from "../site/redirect-line.ts";
import { SITE_RULES } from "../site/redirect-rule.ts";
import type { RedirectRule } from "../site/redirect-rule.ts";
import { commitChange, refuseDeleting, rollForward } from "./commit.ts";
import { readManifest } from "./release/manifest.ts";
import { placeOf } from "./publish-deps.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";
import { changedMeanwhile, readSite, updateRecord } from "./record-store.ts";
import type { HeldRecord } from "./record-store.ts";
import { readSiteFiles } from "./site-files/site-files.ts";
import { makeRelease, planStorage } from "./release/release.ts";
import type { NewRelease } from "./release/release.ts";
import { refuseUnfit, roomForRules } from "./release/release-fit.ts";
import { planRelease } from "./release/release-plan.ts";

/** Rules of the site itself. A pure function of those there are; throws when the edit is impossible. */
export type RuleEdit = (rules: readonly string[]) => readonly string[];

export interface RulesReport {
  /** The site's own rules after the edit. */
  readonly rules: readonly string[];
  /** The release shown; a new one when the edit made or took redirect objects. */
  readonly release: string | null;
  /** What the edit is the reason of; what was wrong before it is not told again. */
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

/**
 * The edit that adds rules at the end, in their order. One with the source and conditions of an imported rule is replaced
 * by it, so that a list can be imported again after it was corrected.
 */
export function importingRules(imported: readonly RedirectRule[]): RuleEdit {
  const texts = new Map(imported.map((rule) => [identityOf(rule), rule.text]));
  return (rules) => [
    ...rules.filter((line) => {
      const known = readRule(line);
      return known === undefined || !texts.has(identityOf(known));
    }),
    ...texts.values(),
  ];
}

function sourceOf(line: string): string {
  const rule = readRule(line);
  if (!rule) return line;
  if (rule.kind === "exact") return canonicalJson(rule.keys);
  return canonicalJson(rule.slots.map(({ segments, splat }) => ({ segments, splat })));
}

/** Equal for rules that match the same requests. */
function identityOf(rule: RedirectRule): string {
  if (rule.kind === "exact") return canonicalJson(rule.keys);
  return canonicalJson(rule.slots.map(({ segments, splat, query }) => ({ segments, splat, query })));
}

function readRule(line: string): RedirectRule | undefined {
  const parsed = parseRule(line, { file: SITE_RULES, line: 1 });
  return parsed.kind === "ok" ? parsed.rule : undefined;
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
  const same = {
    place: placeOf(deps, ref),
    files: manifest.files,
    control: manifest.control,
    policies: base.record.policies,
    roomFor: roomForRules(deps, ref, base.record),
  };
  // What the folder was published with is not this edit's fault, and was told when it was published.
  const plan = planRelease({ ...same, siteRules: rules, strict: "site" });
  const known = new Set(planRelease({ ...same, siteRules: base.record.rules, strict: false }).warnings);
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
  const report = { rules, release: shown.id, warnings: plan.warnings.filter((line) => !known.has(line)) };
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
  /** `site`, or the name of the folder's file. */
  readonly from: string;
  readonly text: string;
}

/** All rules of a site in the order in which they are tried: its own, then those of the published folder. */
export async function listRules(deps: PublishDeps, ref: SiteRef): Promise<readonly RuleRow[]> {
  const { record } = await readSite(deps, ref);
  const own = record.rules.map((text) => ({ from: "site", text }));
  const shown = currentRelease(record);
  if (!shown) return own;
  const { control } = await readManifest(deps, ref, { id: shown.id });
  const folder = readSiteFiles(control).redirects;
  return [...own, ...folder.map(({ source, text }) => ({ from: source.file, text }))];
}
