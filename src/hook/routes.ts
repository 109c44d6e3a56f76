import { domainToASCII } from "node:url";
import { z } from "zod";
import { SitefleetError } from "../lib/errors.ts";
import type { SiteRef } from "../publish/publish-deps.ts";
import type { PublishDeps } from "../publish/publish-deps.ts";
import { purgeRequestsOf } from "../publish/purging.ts";
import type { PurgeTarget } from "../publish/purging.ts";
import { siteEnvsOf } from "../publish/site-list.ts";
import { DEFAULT_SITE_ENV, parseDomainName, parseSiteUid, siteEnvOf } from "../site/names.ts";
import type { Answer, HookStatus } from "./answer.ts";
import { mediaTypeOf } from "./body.ts";
import { readEntryPath } from "./entry-path.ts";
import { withSession } from "./hook-state.ts";
import { jobViewSchema, viewOf } from "./job.ts";
import type { JobWork } from "./job.ts";
import { openApiDocument } from "./openapi.ts";
import { badRequest, unsupportedType } from "./refusal.ts";
import * as requests from "./requests.ts";
import { checked, queryOf } from "./requests.ts";
import type { Call, Route } from "./route.ts";
import { receiveJson, receiveNothing, receiveTarball, submitJob } from "./submit.ts";

const GZIP = "application/gzip";
const TAR = "application/x-tar";
const JSON_TYPE = "application/json";

/** What any request with a signature may be answered with. */
const SIGNED = {
  400: { description: "the request has another form than this, or its body is not the one that was signed" },
  401: { description: "the signature is missing, wrong, too old or was used before" },
  408: { description: "the body came too slowly" },
  429: { description: "the key has made more requests than it may; Retry-After says when there is room" },
  500: { description: "a fault of the endpoint or of its settings" },
  503: {
    description: "too much is waiting, or the endpoint is stopping; Retry-After says when to try again",
  },
} as const satisfies Route["answers"];

/** What a request may be answered with that makes a job. */
const JOB = {
  ...SIGNED,
  200: { description: "with `Prefer: wait=N`: the job is done", schema: jobViewSchema },
  202: { description: "the job was taken; Location says where to ask for it", schema: jobViewSchema },
  404: { description: "there is no such site or domain" },
  409: { description: "someone else has the domain, or changed or deletes the site" },
  413: { description: "the body is too large" },
  415: { description: "the body has another type" },
  422: { description: "with `Prefer: wait=N`: the job failed because of what was sent" },
  502: { description: "Fastly or S3 refused or was not reached" },
} as const satisfies Route["answers"];

const healthSchema = z
  .strictObject({
    status: z.literal("ok"),
    queued: z.int().meta({ description: "jobs that wait" }),
    running: z.int().meta({ description: "jobs that run" }),
  })
  .meta({ id: "Health" });

export const ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/sites/{site}/publish",
    operationId: "publishSite",
    summary: "publish a new release of a site",
    description:
      "The site is made if it is new. The body is the folder as a tarball, or names a folder in the bucket.",
    signed: true,
    params: requests.siteParams,
    query: requests.publishQuery,
    body: {
      required: true,
      content: { [GZIP]: undefined, [TAR]: undefined, [JSON_TYPE]: requests.prefixBody },
    },
    job: true,
    answers: JOB,
    serve: servePublish,
  },
  {
    method: "POST",
    path: "/v1/sites/{site}/domains/{domain}",
    operationId: "addDomain",
    summary: "give a domain to a site, or change its choices",
    signed: true,
    params: requests.domainParams,
    query: requests.noQuery,
    body: { required: false, content: { [JSON_TYPE]: requests.domainBody } },
    job: true,
    answers: JOB,
    serve: serveAddDomain,
  },
  {
    method: "DELETE",
    path: "/v1/sites/{site}/domains/{domain}",
    operationId: "removeDomain",
    summary: "take a domain off a site",
    signed: true,
    params: requests.domainParams,
    query: requests.noQuery,
    job: true,
    answers: without(JOB, [415]),
    serve: serveRemoveDomain,
  },
  {
    method: "POST",
    path: "/v1/purges",
    operationId: "purge",
    summary: "remove things from the edge's cache",
    signed: true,
    params: requests.noParams,
    query: requests.noQuery,
    body: { required: true, content: { [JSON_TYPE]: requests.purgeBody } },
    job: true,
    answers: JOB,
    serve: servePurge,
  },
  {
    method: "GET",
    path: "/v1/jobs/{id}",
    operationId: "readJob",
    summary: "ask for a job",
    signed: true,
    params: requests.jobParams,
    query: requests.noQuery,
    job: false,
    answers: {
      ...SIGNED,
      200: { description: "the job as it is", schema: jobViewSchema },
      404: { description: "there is no such job, or it ended too long ago" },
      413: { description: "there is a body" },
    },
    serve: serveJob,
  },
  {
    method: "GET",
    path: "/v1/health",
    operationId: "readHealth",
    summary: "whether the endpoint takes jobs",
    signed: false,
    params: requests.noParams,
    query: requests.noQuery,
    job: false,
    answers: {
      200: { description: "it does", schema: healthSchema },
      400: { description: "there is a query" },
      503: { description: "it is stopping, or as many jobs wait as it takes" },
    },
    serve: serveHealth,
  },
  {
    method: "GET",
    path: "/openapi.json",
    operationId: "readDescription",
    summary: "this description",
    signed: false,
    params: requests.noParams,
    query: requests.noQuery,
    job: false,
    answers: { 200: { description: "OpenAPI 3.1" }, 400: { description: "there is a query" } },
    serve: (call) => {
      checkQuery(requests.noQuery, call);
      return Promise.resolve({ status: 200, body: openApiDocument(ROUTES, call.state.environment) });
    },
  },
];

function without(answers: Route["answers"], statuses: readonly HookStatus[]): Route["answers"] {
  return Object.fromEntries(
    Object.entries(answers).filter(([status]) => !statuses.some((other) => String(other) === status)),
  );
}

function checkQuery<T extends z.ZodObject>(schema: T, call: Call): z.output<T> {
  return checked(schema, queryOf(schema, call.query), "the query");
}

/** The site of the path. */
function siteOf(call: Call): string {
  return parseSiteUid(call.params["site"] ?? "");
}

function domainOf(call: Call): string {
  return parseDomainName(call.params["domain"] ?? "", domainToASCII);
}

/** The website environment asked for, else that of the first domain, else production. */
function siteRefOf(deps: PublishDeps, site: string, asked: PublishAsked): SiteRef {
  const [first] = asked.domains;
  const { hostSuffixes } = deps.environment;
  const siteEnv = asked.siteEnv ?? (first === undefined ? DEFAULT_SITE_ENV : siteEnvOf(first, hostSuffixes));
  const known = siteEnvsOf(deps);
  if (known.includes(siteEnv)) return { site, siteEnv };
  throw badRequest(`there is no website environment "${siteEnv}"`, `known: ${known.join(", ")}`);
}

interface PublishAsked {
  readonly siteEnv: string | undefined;
  readonly domains: readonly string[];
}

async function servePublish(call: Call): Promise<Answer> {
  const { state } = call;
  const site = siteOf(call);
  const { siteEnv, domain = [], strip } = checkQuery(requests.publishQuery, call);
  const domains = [...new Set(domain)].map((name) => parseDomainName(name, domainToASCII));
  const ref = await withSession(state.openSession, state.signal, (deps) =>
    Promise.resolve(siteRefOf(deps, site, { siteEnv, domains })),
  );
  const type = mediaTypeOf(call.request);
  if (type === JSON_TYPE) {
    if (strip !== undefined) throw badRequest("strip goes with a tarball");
    const { prefix } = checked(requests.prefixBody, await receiveJson(call), "the body");
    return submitJob(call, {
      kind: "publish",
      ...ref,
      domains,
      source: { kind: "prefix", prefix: folderOf(prefix) },
    });
  }
  if (type !== GZIP && type !== TAR) throw unsupportedType(GZIP, TAR, JSON_TYPE);
  const { id, bytes } = await receiveTarball(call);
  const source = { gzip: type === GZIP, strip: strip === "1", sha256: call.digest, bytes };
  return submitJob(call, { kind: "publish", ...ref, domains, source: { kind: "tarball", ...source } }, id);
}

/** A prefix ends where a folder does: `build-4` must not mean `build-42` as well. */
function folderOf(prefix: string): string {
  const read = readEntryPath(prefix);
  if (read.kind === "refused") throw badRequest(`the prefix ${read.reason}`);
  const folder = `${read.segments.join("/")}/`;
  if (folder === prefix || folder === `${prefix}/`) return folder;
  throw badRequest("the prefix has an empty part");
}

async function serveAddDomain(call: Call): Promise<Answer> {
  const site = siteOf(call);
  const domain = domainOf(call);
  checkQuery(requests.noQuery, call);
  const body = checked(requests.domainBody, (await receiveJson(call)) ?? {}, "the body");
  const { takeOver = false, canonicalHost, ...others } = body;
  const choices = {
    ...others,
    ...(canonicalHost === undefined
      ? {}
      : { canonicalHost: canonicalHost === null ? null : parseDomainName(canonicalHost, domainToASCII) }),
  };
  return submitJob(call, {
    kind: "add-domain",
    ...(await refOfDomain(call, site, domain)),
    domain,
    takeOver,
    choices,
  });
}

async function serveRemoveDomain(call: Call): Promise<Answer> {
  const site = siteOf(call);
  const domain = domainOf(call);
  checkQuery(requests.noQuery, call);
  await receiveNothing(call);
  return submitJob(call, { kind: "remove-domain", ...(await refOfDomain(call, site, domain)), domain });
}

function refOfDomain({ state }: Call, site: string, domain: string): Promise<SiteRef> {
  return withSession(state.openSession, state.signal, (deps) =>
    Promise.resolve({ site, siteEnv: siteEnvOf(domain, deps.environment.hostSuffixes) }),
  );
}

async function servePurge(call: Call): Promise<Answer> {
  const { state } = call;
  checkQuery(requests.noQuery, call);
  const { soft = false, ...named } = checked(requests.purgeBody, await receiveJson(call), "the body");
  const targets: readonly PurgeTarget[] = [
    ...[named.site ?? []].flat().map((site) => ({ kind: "site" as const, site })),
    ...[named.domain ?? []].flat().map((domain) => ({ kind: "domain" as const, domain })),
    ...[named.url ?? []].flat().map((url) => ({ kind: "url" as const, url })),
    ...[named.key ?? []].flat().map((key) => ({ kind: "key" as const, key })),
    ...(named.all ? [{ kind: "all" as const }] : []),
  ];
  const asked = { targets, soft, reason: "webhook", toAscii: domainToASCII };
  const found = await withSession(state.openSession, state.signal, (deps) => purgeRequestsOf(deps, asked));
  const orders = found.map(({ keys, reason, site }) => ({
    keys: [...keys].sort(),
    soft,
    reason,
    ...(site === undefined ? {} : { site }),
  }));
  const work: JobWork = { kind: "purge", requests: orders };
  return submitJob(call, work);
}

async function serveJob(call: Call): Promise<Answer> {
  checkQuery(requests.noQuery, call);
  await receiveNothing(call);
  const { id } = checked(requests.jobParams, call.params, "the job's id");
  const job = call.state.queue.find(id);
  if (job) return { status: 200, body: viewOf(job) };
  throw new SitefleetError("hook/job-not-found", `there is no job ${id}`, {
    hint: "finished jobs are kept for a day, the last thousand of them",
  });
}

function serveHealth(call: Call): Promise<Answer> {
  checkQuery(requests.noQuery, call);
  const { queue } = call.state;
  queue.refuseBusy();
  return Promise.resolve({ status: 200, body: { status: "ok", ...queue.counts } });
}
