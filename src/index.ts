/**
 * The library: everything the command line does, as functions. docs/library.md shows each group at work. Names that are
 * not exported here are internal and may change in any version.
 */

// Settings: the settings file, server environments, secrets from variables.
export { defineConfig, parseSettings, stagesOf } from "./settings/schema.ts";
export type { Settings, SettingsInput, SettingsIssue } from "./settings/schema.ts";
export { findSettingsFile, loadSettings } from "./settings/load.ts";
export { environmentOf } from "./settings/environment.ts";
export type { Environment, EnvironmentSecrets, StoreKeys, Variables } from "./settings/environment.ts";
export { localEnvironment, readMirrorFile } from "./settings/local.ts";
export type { MirrorFile } from "./settings/local.ts";
export { Secret } from "./lib/secret.ts";

// Fleet: an environment with clock, signal and notes; what every other call works on.
export { fleetOf, localFleet } from "./fleet/fleet.ts";
export type { Fleet, Notes } from "./fleet/fleet.ts";
export { connectFastly } from "./fleet/fastly-connection.ts";
export { FastlyClient } from "./fastly/client.ts";
export { systemClock } from "./lib/clock.ts";
export type { Clock } from "./lib/clock.ts";

// Mirror: S3, the Fastly API and the edge on this machine.
export { DEFAULT_PORTS, startMirror } from "./mirror/mirror.ts";
export type { Mirror, MirrorOptions, MirrorPorts } from "./mirror/mirror.ts";
export type { ClientCall } from "./mirror/edge/client-request.ts";
export type {
  BackendEvent,
  LookupEvent,
  RequestTrace,
  StateEvent,
  TraceChange,
  TraceEvent,
  TraceLine,
} from "./mirror/edge/trace.ts";
export type { Explanation } from "./mirror/inspector/explain.ts";
export type { FleetRow } from "./mirror/inspector/inspector-server.ts";

// Render: settings and templates to VCL.
export { TEMPLATES, renderService } from "./render/render.ts";
export type { RenderOptions, RenderedFile, RenderedService, RenderedSnippet } from "./render/render.ts";
export { originOf } from "./render/line-map.ts";
export type { LineMap, LineOrigin } from "./render/line-map.ts";
export { readRenderSources } from "./render/render-sources.ts";
export type { RenderSources } from "./render/render-sources.ts";
export { FEATURES } from "./render/features.ts";
export type { FeatureName } from "./render/features.ts";

// Deploy: plan, apply, status, roll back.
export { applyOptions, openDeploy, planSession } from "./fleet/deploy-session.ts";
export type { DeploySession } from "./fleet/deploy-session.ts";
export { desiredService } from "./deploy/service/desired.ts";
export type { DesiredService } from "./deploy/service/desired.ts";
export { lintService } from "./deploy/lint/lint.ts";
export type { LintedService } from "./deploy/lint/lint.ts";
export { formatFinding } from "./deploy/lint/finding.ts";
export type { LintFinding } from "./deploy/lint/finding.ts";
export { readLive } from "./deploy/live/live.ts";
export type { LiveService } from "./deploy/live/live.ts";
export { planDeploy } from "./deploy/plan/plan.ts";
export type { ServiceContent } from "./deploy/service/service-content.ts";
export { isEmptyPlan } from "./deploy/plan/deploy-plan.ts";
export type {
  DeployPlan,
  DeployStep,
  DiffHunk,
  DriftChoice,
  DriftEntry,
  FileDiff,
} from "./deploy/plan/deploy-plan.ts";
export { formatPlan } from "./deploy/plan/plan-text.ts";
export { formatPlanFile, parsePlanFile } from "./deploy/plan/plan-file.ts";
export type { PlanSeal } from "./deploy/plan/plan-file.ts";
export { readPlanSides } from "./replay/plan-sides.ts";
export type { PlanSides, PlannedVersion } from "./replay/plan-sides.ts";
export { compileSides } from "./replay/side-program.ts";
export type { Sides } from "./replay/side-program.ts";
export { replayEnvironment } from "./replay/environment.ts";
export { readRequestLines } from "./replay/request-lines.ts";
export { runReplay } from "./replay/replay.ts";
export type { ReplayInput, ReplayWork } from "./replay/replay.ts";
export type { ReplayChange } from "./replay/change.ts";
export type { ReplaySummary } from "./replay/tally.ts";
export type { SiteSource } from "./replay/site-source.ts";
export { storedSites } from "./commands/replay-source.ts";
export { formatReplay } from "./replay/replay-text.ts";
export { applyDeploy } from "./deploy/apply/apply.ts";
export type { ApplyOptions, DeployResult } from "./deploy/apply/apply.ts";
export { ship } from "./fleet/ship.ts";
export type { ShipOptions, ShipReport, Stage, StageReport, StageState } from "./fleet/ship.ts";
export { formatShip, formatShipMarkdown } from "./fleet/ship-text.ts";
export { proveAlike, unexplainedIn } from "./deploy/alike/alike.ts";
export type { AlikeReport, AlikeSide, EnvironmentDifference } from "./deploy/alike/alike.ts";
export { formatAlike } from "./deploy/alike/alike-text.ts";
export { applyRollback, planRollback } from "./deploy/apply/rollback.ts";
export type { RollbackPlan } from "./deploy/apply/rollback.ts";
export { formatStatus, toStatus } from "./deploy/plan/status.ts";
export type { DeployStatus } from "./deploy/plan/status.ts";
export { InterruptedError } from "./lib/interruption.ts";
export { readProvenance } from "./fleet/provenance.ts";
export type { Provenance } from "./fleet/provenance.ts";
export { deployChecks } from "./fleet/deploy-checks.ts";
export { edgeChecksFor } from "./fleet/edge-checks.ts";
export type { EdgeChecks, ExpectedEdge, Verification } from "./deploy/apply/activation.ts";

// First time: settings, keys, buckets, doctor.
export { initialSettings } from "./setup/initial-settings.ts";
export type { InitAnswers } from "./setup/initial-settings.ts";
export { settingsText } from "./setup/settings-text.ts";
export { accessSheet } from "./setup/access-sheet.ts";
export type { AccessSheet, TokenRequest } from "./setup/access-sheet.ts";
export { policyFor } from "./setup/s3-grants.ts";
export type { PolicyDocument, S3Role } from "./setup/s3-grants.ts";
export { planBuckets, setUpBuckets } from "./setup/bucket-setup.ts";
export type { BucketPlan } from "./setup/bucket-setup.ts";
export { readSetupSheet } from "./setup/first-deploy.ts";
export type { SetupSheet } from "./setup/first-deploy.ts";
export { examine, formatResults } from "./setup/doctor/doctor.ts";
export { exitCodeOf } from "./setup/doctor/check.ts";
export type { CheckResult, CheckState, DoctorJob } from "./setup/doctor/check.ts";
export { systemDns } from "./setup/doctor/dns-lookup.ts";
export type { DnsLookup, HostRecords } from "./setup/doctor/dns-lookup.ts";
export { issueKey } from "./mirror/issued-keys.ts";

// Publish: releases, sites, domains, redirects.
export { openPublishing, rehearse } from "./fleet/publish-session.ts";
export type { PublishSession } from "./fleet/publish-session.ts";
export type { Progress, PublishDeps, SiteRef } from "./publish/publish-deps.ts";
export { publishFolder } from "./publish/publish.ts";
export type { PublishReport, PublishRequest } from "./publish/publish.ts";
export { readBatch } from "./publish/batch/batch-file.ts";
export type { BatchEntry } from "./publish/batch/batch-file.ts";
export { publishBatch } from "./publish/batch/batch.ts";
export type { BatchOutcome, BatchReport } from "./publish/batch/batch.ts";
export { previewRows, removePreview } from "./publish/previews/previews.ts";
export type { Preview, PreviewRow } from "./publish/previews/previews.ts";
export { promotePreview } from "./publish/previews/promote.ts";
export { promoteSite } from "./publish/previews/promote-site.ts";
export type { PromoteRequest, PromotedSite } from "./publish/previews/promote-site.ts";
export { pruneSite } from "./publish/prune/prune.ts";
export type { PruneReport } from "./publish/prune/prune.ts";
export { pruneFleet } from "./publish/prune/prune-fleet.ts";
export type { PruneOutcome } from "./publish/prune/prune-fleet.ts";
export type { PruneRules } from "./publish/prune/prune-plan.ts";
export { migrateFleet } from "./publish/migrate.ts";
export type { MigrateOutcome, MigrateReport } from "./publish/migrate.ts";
export { readBudget } from "./publish/release/release-fit.ts";
export type { BudgetRow } from "./publish/limits/budget.ts";
export { readReceipt } from "./publish/live/receipt.ts";
export type { Receipt } from "./publish/live/receipt.ts";
export { rollBack } from "./publish/release/rollback.ts";
export type { RollBackRequest, ShowWishes, ShownAgain } from "./publish/release/rollback.ts";
export type { ReleaseReport } from "./publish/release/release.ts";
export { setPolicies } from "./publish/site-changes.ts";
export { protectSite, unprotectSite } from "./publish/passwords.ts";
export type { ProtectSite } from "./publish/passwords.ts";
export { deleteSite, purgeFiles, undeleteSite } from "./publish/prune/site-deletion.ts";
export { readSite } from "./publish/record-store.ts";
export { checkDomain, domainRows, readSites } from "./publish/site-list.ts";
export type { DomainCheck, DomainRow } from "./publish/site-list.ts";
export { addDomain, removeDomain, setDomain } from "./publish/domains.ts";
export type { AddDomain, DomainChoices } from "./publish/domains.ts";
export { addingRule, editRules, listRules, removingRule } from "./publish/redirects.ts";
export type { RuleEdit, RuleRow, RulesReport } from "./publish/redirects.ts";

// Purge: what an edge forgets, and what is still owed to it.
export { owedDepsOf, purgeKeyOf, purgeRequestsOf, readOwed, settleOwed } from "./publish/purging.ts";
export type { OwedRow, PurgeAsked, PurgeTarget } from "./publish/purging.ts";
export type { PurgeRequest } from "./purge/purge-plan.ts";
export { purgeDurably } from "./purge/owed-purges.ts";

// Webhooks: the endpoint, and signatures for those who call it.
export { startHook } from "./hook/hook-server.ts";
export type { Hook, HookOptions } from "./hook/hook-server.ts";
export type { HookSession, OpenSession } from "./hook/hook-state.ts";
export type { HookLimits } from "./hook/limits.ts";
export { readHookKeys } from "./hook/hook-keys.ts";
export type { HookKey } from "./hook/hook-keys.ts";
export { signatureHeader } from "./hook/signature.ts";
export type { SignedText } from "./hook/signature.ts";

// Conformance: the cases as data, and what runs them against any edge.
export { CASES } from "./conformance/cases.ts";
export type { ConformanceCase } from "./conformance/case.ts";
export { runCases } from "./conformance/run.ts";
export type { CaseResult, RunOptions } from "./conformance/run.ts";
export type { ConformanceTarget } from "./conformance/target.ts";
export { verifyFleet } from "./fleet/verification.ts";

// Site model: names, page keys, redirect rules, the config codec. Pure functions.
export { checkDomainName, parseDomainName, parseSiteUid, siteEnvOf } from "./site/names.ts";
export type { DomainNameCheck, ToAscii } from "./site/names.ts";
export { canonicalPath, decodePath, encodePath, pageHash, pageKey } from "./site/page-key.ts";
export type { DecodedPath } from "./site/page-key.ts";
export { currentRelease, siteRecordSchema } from "./site/model.ts";
export type { DomainConfig, DomainEntry, SitePolicies, SiteRecord } from "./site/model.ts";
export { decodeConfig, encodeConfig } from "./site/codec.ts";
export type { DecodedConfig, EncodedConfig } from "./site/codec.ts";
export { parseRedirects } from "./site/redirects-file.ts";
export { matchRule } from "./site/rule-slots.ts";
export {
  domainKey,
  pageSurrogateKey,
  releaseKey,
  siteConfigKey,
  siteEnvKey,
  siteKey,
} from "./site/surrogate-keys.ts";

// VCL engine: parse, check, print, compile.
export { parseService, parseVcl } from "./vcl/service.ts";
export type { ServiceSources } from "./vcl/service.ts";
export type { VclProgram } from "./vcl/ast-declarations.ts";
export { checkProgram } from "./vcl/checker.ts";
export { printProgram } from "./vcl/printer.ts";
export { compileService } from "./vcl/compile-service.ts";
export { VclError, formatDiagnostic } from "./vcl/diagnostics.ts";
export type { Diagnostic } from "./vcl/diagnostics.ts";
export type { Program } from "./vcl/runtime.ts";

// Errors: one class, stable codes.
export { SitefleetError } from "./lib/errors.ts";
export { ERROR_CODES } from "./lib/error-codes.ts";
export type { ErrorCode, ErrorCodeRow, ErrorKind } from "./lib/error-codes.ts";
