import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { assertNever, SitefleetError } from "../lib/errors.ts";
import { addDomain, removeDomain } from "../publish/domains.ts";
import type { DomainChoices } from "../publish/domains.ts";
import type { PublishDeps } from "../publish/publish-deps.ts";
import { publishFolder } from "../publish/publish.ts";
import { owedDepsOf } from "../publish/purging.ts";
import { purgeDurably } from "../purge/owed-purges.ts";
import { downloadPrefix, incomingPrefix } from "./incoming.ts";
import type { Job, JobWork } from "./job.ts";
import type { HookLimits } from "./limits.ts";
import { unpackTarball } from "./tarball.ts";

/** What doing a job takes. This file is the one place where the endpoint's jobs become calls of the library. */
export interface WorkPlace {
  readonly deps: PublishDeps;
  /** Where folders are unpacked. */
  readonly workDir: string;
  readonly bodyPath: (jobId: string) => string;
  readonly limits: HookLimits;
  readonly warn: (line: string) => void;
}

type PublishWork = Extract<JobWork, { kind: "publish" }>;
type AddWork = Extract<JobWork, { kind: "add-domain" }>;
type Result = Record<string, unknown>;

/** Does the work of jobs that go together: several purges, or one of anything else. */
export async function runJobs(place: WorkPlace, jobs: readonly Job[]): Promise<Result> {
  const requests = jobs.flatMap(({ work }) => (work.kind === "purge" ? work.requests : []));
  if (requests.length > 0) return runPurges(place, requests);
  const [job] = jobs;
  if (!job || jobs.length > 1)
    throw new SitefleetError("fault/internal", `${jobs.length} jobs were to be one`);
  const { work } = job;
  switch (work.kind) {
    case "publish":
      return runPublish(place, job.id, work);
    case "add-domain":
      return runAdd(place, work);
    case "remove-domain": {
      const { site, siteEnv, domain } = work;
      const { record } = await removeDomain(place.deps, { site, siteEnv }, domain);
      return { site, siteEnv, domain, domains: Object.keys(record.domains) };
    }
    case "purge":
      throw new SitefleetError("fault/internal", "a purge without keys");
    default:
      return assertNever(work);
  }
}

/** Publishes from a folder of its own that is gone afterwards, however it ends. */
async function runPublish(place: WorkPlace, jobId: string, work: PublishWork): Promise<Result> {
  const { deps } = place;
  const { site, siteEnv, domains } = work;
  const dir = await mkdtemp(join(place.workDir, "folder-"));
  try {
    await fillFolder(place, { jobId, work, dir });
    const report = await publishFolder(deps, { site, siteEnv, dir, domains });
    return { ...report };
  } catch (error) {
    throw withoutPath(error, dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function fillFolder(
  { deps, bodyPath, limits }: WorkPlace,
  fill: { readonly jobId: string; readonly work: PublishWork; readonly dir: string },
): Promise<void> {
  const { source, site } = fill.work;
  const { signal } = deps;
  const to = fill.dir;
  switch (source.kind) {
    case "tarball": {
      const { gzip, strip } = source;
      await unpackTarball({ path: bodyPath(fill.jobId), gzip, strip, to, limits, signal });
      return;
    }
    case "prefix": {
      const prefix = `${incomingPrefix(deps.environment.name, site)}${source.prefix}`;
      await downloadPrefix({ hosting: deps.store.hosting, prefix, to, limits, signal });
      return;
    }
    default:
      assertNever(source);
  }
}

/** Errors about the folder name it; callers know nothing of ours. */
function withoutPath(error: unknown, dir: string): unknown {
  if (!(error instanceof SitefleetError) || !error.message.includes(dir)) return error;
  const { code, message, hint, details, cause } = error;
  const name = (text: string): string => text.replaceAll(dir, "the folder that was sent");
  return new SitefleetError(code, name(message), {
    cause,
    details: details.map(name),
    ...(hint === undefined ? {} : { hint }),
  });
}

async function runAdd({ deps }: WorkPlace, work: AddWork): Promise<Result> {
  const { site, siteEnv, domain, takeOver } = work;
  const { forceTls, hsts, canonicalHost } = work.choices;
  const choices: DomainChoices = {
    ...(forceTls === undefined ? {} : { forceTls }),
    ...(hsts === undefined ? {} : { hsts }),
    ...(canonicalHost === undefined ? {} : { canonicalHost }),
  };
  const { record } = await addDomain(deps, { site, siteEnv }, { domain, choices, takeOver });
  return { site, siteEnv, domain, domains: Object.keys(record.domains) };
}

async function runPurges(
  { deps, warn }: WorkPlace,
  requests: Extract<JobWork, { kind: "purge" }>["requests"],
): Promise<Result> {
  try {
    await purgeDurably(owedDepsOf(deps), requests);
  } catch (error) {
    // It is thrown after all that could be read was sent, and ours could.
    if (!(error instanceof SitefleetError) || error.code !== "site/unreadable") throw error;
    warn(error.message);
  }
  return { keys: new Set(requests.flatMap(({ keys }) => keys)).size };
}
