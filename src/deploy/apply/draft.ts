import type { VersionRef } from "../../fastly/api-paths.ts";
import type { FastlyClient } from "../../fastly/client.ts";
import {
  ACL,
  BACKEND,
  DICTIONARY,
  DOMAIN,
  HEALTHCHECK,
  SNIPPET,
  VCL,
  loggingOf,
} from "../../fastly/objects.ts";
import type { VersionInfo } from "../../fastly/wire.ts";
import { SitefleetError, assertNever } from "../../lib/errors.ts";
import type { Secret } from "../../lib/secret.ts";
import type { DeployPlan, DropStep, PutStep, VersionStep } from "../plan/deploy-plan.ts";
import { loggingToWrite } from "../service/loggings.ts";
import { linkToWrite, packageBytes, writeAppSettings } from "./compute-writes.ts";
import type { ComputeParts } from "./compute-writes.ts";
import { sayDomainTaken } from "./domain-taken.ts";
import { obtainDraft } from "./obtain-draft.ts";
import type { Draft } from "./obtain-draft.ts";
import { planAppSettings } from "../plan/plan-compute.ts";
import { planContent } from "../plan/plan-content.ts";
import { readVersion } from "../live/read-version.ts";
import type { VersionWish } from "../live/read-version.ts";
import { LOGGING_KINDS } from "../../lib/fastly-names.ts";
import { forTerminal } from "../../lib/terminal-text.ts";
import { formatStep } from "../plan/plan-text.ts";
import type { ServiceContent } from "../service/service-content.ts";
import { digestContent, formatStamp, ownStamp } from "../live/stamp.ts";
import type { StepTimer } from "./step-timer.ts";
import { formatVclMessage, placeVclMessages } from "./vcl-message.ts";
import type { SentFile } from "./vcl-message.ts";
import { awaitWrites, writesFor } from "./write-budget.ts";
import type { BudgetJob } from "./write-budget.ts";

export interface DraftJob extends BudgetJob {
  readonly client: FastlyClient;
  readonly serviceId: string;
  readonly plan: DeployPlan;
  /** By which messages about VCL are told with the template's line; see `sentFiles`. */
  readonly files: readonly SentFile[];
  readonly timer: StepTimer;
  /** Values of the variables that fields of the plan name. */
  readonly variables: ReadonlyMap<string, Secret>;
  /** Who deploys, for the stamp. */
  readonly by: string | null;
  /** What a Compute service's version is made of besides. */
  readonly compute: ComputeParts;
}

/** A draft that holds what the plan wants, with the comment that it was given. */
export interface WrittenDraft {
  readonly version: number;
  readonly stamp: string;
}

/**
 * Makes a draft version whose content is the plan's target and that Fastly finds valid.
 * An unfinished draft of an earlier run is completed instead of leaving it behind: Fastly cannot delete versions.
 * @throws SitefleetError `deploy/invalid-vcl` or `deploy/invalid-service` with Fastly's messages; `deploy/domain-taken`; `fastly/rate-limited` while nothing is written yet
 * but the draft's stamp
 */
export async function writeDraft(job: DraftJob, versions: readonly VersionInfo[]): Promise<WrittenDraft> {
  job.signal.throwIfAborted();
  // Interrupted between the two calls it would leave a version that nobody knows whose it is.
  const { draft, stamp } = await job.client.sheltered(() => stampedDraft(job, versions));
  const ref: VersionRef = { serviceId: job.serviceId, version: draft.number };
  const { plan, timer } = job;
  const steps = domainsFirst(
    draft.fresh ? plan.steps.filter(isVersionStep) : await stepsLeft(job, ref, draft),
  );
  timer.end("draft");
  const beside = plan.steps.filter((step) => !isVersionStep(step));
  await awaitWrites(job, writesFor([...steps, ...beside]));
  for (const step of steps) {
    job.progress(forTerminal(`version ${draft.number}: ${formatStep(step)[0] ?? ""}`));
    await writeStep(job, ref, step);
  }
  timer.end("write");
  await validateDraft(job, ref);
  if (!draft.fresh) await refuseMixture(job, ref);
  timer.end("validate");
  return { version: draft.number, stamp };
}

/** A domain that somebody else has is told of by its write alone: nothing else is written before it. */
function domainsFirst(steps: readonly VersionStep[]): readonly VersionStep[] {
  const claims = (step: VersionStep): boolean => step.do === "put" && step.kind === "domain";
  return [...steps.filter(claims), ...steps.filter((step) => !claims(step))];
}

/** The draft with the first of all writes to it: from then on it is known as ours, whatever happens. */
async function stampedDraft(
  job: DraftJob,
  versions: readonly VersionInfo[],
): Promise<{ readonly draft: Draft; readonly stamp: string }> {
  const { plan } = job;
  const draft = await obtainDraft(job, versions);
  const stamp = formatStamp({
    version: draft.number,
    from: plan.baseVersion,
    revision: plan.revision,
    content: digestContent(plan.content),
    commit: plan.commit,
    by: job.by,
  });
  const ref: VersionRef = { serviceId: job.serviceId, version: draft.number };
  if (draft.comment !== stamp) await job.client.commentVersion(ref, stamp);
  return { draft, stamp };
}

/**
 * A draft that was taken up may be one that another deploy is still writing: then it holds something of both.
 * @throws SitefleetError `deploy/changed-meanwhile`
 */
async function refuseMixture({ client, plan }: DraftJob, ref: VersionRef): Promise<void> {
  const { content } = await readVersion(client, ref);
  if (digestContent(content) === digestContent(plan.content)) return;
  throw new SitefleetError(
    "deploy/changed-meanwhile",
    `somebody else wrote to version ${ref.version} while this deploy did`,
    { hint: "let the other one end, then deploy again: it brings the draft to what is wanted" },
  );
}

/** Whether a step writes to a version, and not beside it. */
export function isVersionStep(step: DeployPlan["steps"][number]): step is VersionStep {
  switch (step.do) {
    case "put":
    case "drop":
    case "set-main":
    case "put-settings":
    case "put-package":
    case "put-app-settings":
      return true;
    default:
      return false;
  }
}

/**
 * What is left to do in a draft that an earlier run began. What is in it, not wanted and not in its base either, that
 * run made: it goes, also of the kinds that others make too.
 */
async function stepsLeft(job: DraftJob, ref: VersionRef, found: Draft): Promise<readonly VersionStep[]> {
  const { plan, variables } = job;
  const dropped = plan.steps.flatMap((step) => (step.do === "drop" ? [nameOfDrop(step)] : []));
  // The earlier run may have made an endpoint of any kind, and endpoints of all kinds share their names.
  const { stores } = job.compute;
  const wish: VersionWish = { loggings: plan.content.loggings, variables, kinds: LOGGING_KINDS, stores };
  const draft = await readVersion(job.client, ref, wish);
  const made = ownStamp(found) ? await madeBefore(job, { ref, wish, content: draft.content }) : [];
  const left = planContent(plan.content, draft.content, new Set([...dropped, ...made]));
  // Whether they are the draft's own or those of all cannot be told from what the app would read.
  return [...left, ...planAppSettings(plan.content, draft.content, true)];
}

/** What is in a draft of ours and not in its base. */
async function madeBefore(
  { client, plan }: DraftJob,
  draft: { readonly ref: VersionRef; readonly wish: VersionWish; readonly content: ServiceContent },
): Promise<readonly string[]> {
  const names = sharedNames(draft.content);
  if (plan.baseVersion === null) return names;
  const base = await readVersion(client, { ...draft.ref, version: plan.baseVersion }, draft.wish);
  const kept = new Set(sharedNames(base.content));
  return names.filter((name) => !kept.has(name));
}

function nameOfDrop(step: DropStep): string {
  return step.kind === "logging" ? `logging/${step.endpoint}/${step.name}` : `${step.kind}/${step.name}`;
}

function sharedNames({ acls, dictionaries, snippets, loggings }: ServiceContent): readonly string[] {
  return [
    ...loggings.map(({ kind, name }) => `logging/${kind}/${name}`),
    ...acls.map(({ name }) => `acl/${name}`),
    ...dictionaries.map(({ name }) => `dictionary/${name}`),
    ...snippets.map(({ name }) => `snippet/${name}`),
  ];
}

async function writeStep(job: DraftJob, ref: VersionRef, step: VersionStep): Promise<void> {
  const { client } = job;
  switch (step.do) {
    case "put":
      return writeObject(job, ref, step);
    case "drop":
      return client.drop({ path: pathOf(step) }, ref, step.name);
    case "set-main":
      await client.setMainVcl(ref, step.name);
      return;
    case "put-settings":
      await client.writeSettings(ref, step.settings);
      return;
    case "put-package":
      await client.compute.uploadPackage(ref, packageBytes(job.compute, step.package));
      return;
    case "put-app-settings":
      return writeAppSettings(client, {
        stores: job.compute.stores,
        text: job.plan.content.compute?.settings ?? "",
        version: ref.version,
        base: job.plan.baseVersion,
      });
    default:
      return assertNever(step);
  }
}

async function writeObject(job: DraftJob, ref: VersionRef, step: PutStep): Promise<void> {
  const { client, variables } = job;
  const write = step.change;
  switch (step.kind) {
    case "vcl":
      await client[write](VCL, ref, step.object);
      return;
    case "backend":
      await client[write](BACKEND, ref, step.object);
      return;
    case "healthcheck":
      await client[write](HEALTHCHECK, ref, step.object);
      return;
    case "snippet":
      await client[write](SNIPPET, ref, step.object);
      return;
    case "domain":
      await client[write](DOMAIN, ref, step.object).catch((error: unknown) => {
        throw sayDomainTaken(error);
      });
      return;
    case "dictionary":
      await client[write](DICTIONARY, ref, step.object);
      return;
    case "acl":
      await client[write](ACL, ref, step.object);
      return;
    case "logging":
      await client[write](loggingOf(step.object.kind), ref, loggingToWrite(step.object, variables));
      return;
    case "link":
      return client.compute.putLink(ref, linkToWrite(step.object, job.compute.stores));
    default:
      assertNever(step);
  }
}

function pathOf(step: DropStep): string {
  if (step.kind === "logging") return loggingOf(step.endpoint).path;
  const kinds = {
    vcl: VCL,
    backend: BACKEND,
    healthcheck: HEALTHCHECK,
    snippet: SNIPPET,
    domain: DOMAIN,
    dictionary: DICTIONARY,
    acl: ACL,
  };
  return kinds[step.kind].path;
}

async function validateDraft(job: DraftJob, ref: VersionRef): Promise<void> {
  const { valid, problems, warnings } = await job.client.validateVersion(ref);
  if (!valid) throw invalidVersion(job, { version: ref.version, problems });
  for (const line of warnings.flatMap((text) => tellMessages(text, job.files))) {
    job.progress(`version ${ref.version}: Fastly warns: ${line}`);
  }
  job.progress(`version ${ref.version}: valid`);
}

/** A Compute service has no VCL that could be wrong: what is missing or does not fit is an object or the package. */
function invalidVersion(
  { plan, files }: DraftJob,
  { version, problems }: { readonly version: number; readonly problems: readonly string[] },
): SitefleetError {
  const isCompute = plan.content.compute !== null;
  return new SitefleetError(
    isCompute ? "deploy/invalid-service" : "deploy/invalid-vcl",
    `Fastly finds version ${version} invalid`,
    {
      hint: isCompute
        ? "fix the setting that the message is about and deploy again: the draft is used again"
        : "fix the template or setting and deploy again: the draft is used again",
      details: problems.flatMap((text) => tellMessages(text, files)),
    },
  );
}

/** What Fastly's compiler says, each message with the line of the template that it is about. */
export function tellMessages(text: string, files: readonly SentFile[]): readonly string[] {
  return placeVclMessages(text, files).map((message) => forTerminal(formatVclMessage(message)));
}

/**
 * The texts of a plan with the template lines that they came from: a plan file may have been made of other templates than
 * those at hand, which then say nothing about it.
 */
export function sentFiles(
  plan: Pick<DeployPlan, "content">,
  known: readonly SentFile[],
): readonly SentFile[] {
  const texts = [...plan.content.vcls, ...plan.content.snippets];
  return texts.map(({ name, content }) => {
    const lines = known.find((file) => file.name === name && file.content === content)?.lines ?? [];
    return { name, content, lines };
  });
}
