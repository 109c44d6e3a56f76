import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { domainToASCII } from "node:url";
import type { Act, RawSite } from "../conformance/case.ts";
import { FIXTURES } from "../conformance/fixtures.ts";
import type { FixtureDomain, FixtureSite } from "../conformance/fixtures.ts";
import type { Clock } from "../lib/clock.ts";
import { SitefleetError, assertNever } from "../lib/errors.ts";
import { addDomain, removeDomain } from "../publish/domains.ts";
import type { DomainChoices } from "../publish/domains.ts";
import { configKeyOf } from "../publish/publish-deps.ts";
import type { PublishDeps, SiteRef } from "../publish/publish-deps.ts";
import { publishFolder } from "../publish/publish.ts";
import { readRecord } from "../publish/record-store.ts";
import { setPolicies } from "../publish/site-changes.ts";
import { purgeTwice } from "../purge/purge.ts";
import { DEFAULT_SITE_ENV, parseDomainName } from "../site/names.ts";
import type { SitePolicies } from "../site/model.ts";
import { domainKey, siteConfigKey, siteKey } from "../site/surrogate-keys.ts";
import { encodeRawSite } from "./raw-site.ts";
import type { RawPut } from "./raw-site.ts";

/** The conformance sites of one environment, published as any customer's site is. */
export interface FixtureSites {
  /** Publishes what is not there yet as it should be. */
  prepare(): Promise<void>;
  /** Carries out an act of a case that publishing can do. */
  act(act: Act): Promise<void>;
}

/** What the names of all sites begin with that the cases of verification publish. */
const FIXTURE_SITE = /^sf-(verify|raw)-/;

/**
 * Whether a site is one of the cases of verification. Their configs stay in the buckets, and some of them are wrong with
 * intent: the edge has to refuse them.
 */
export function isFixtureSite(uid: string): boolean {
  return FIXTURE_SITE.test(uid);
}

/** @param hostSuffix below which the fixtures' hosts live */
export function fixtureSites(deps: PublishDeps, hostSuffix: string): FixtureSites {
  // One collective second purge at the end instead of one wait for each of some thirty changes.
  const hasty: PublishDeps = { ...deps, clock: withoutWaiting(deps.clock) };
  const put = new Map<string, string>();
  return {
    async prepare() {
      const changed = (
        await Promise.all(FIXTURES.map((site) => prepareSite(hasty, site, hostSuffix)))
      ).flat();
      await purgeTwice(deps, { keys: changed, soft: false });
    },
    act: (act) => carryOut({ ...hasty, put }, act, hostSuffix),
  };
}

function withoutWaiting(clock: Clock): Clock {
  return { now: () => clock.now(), sleep: () => Promise.resolve() };
}

async function prepareSite(
  deps: PublishDeps,
  site: FixtureSite,
  hostSuffix: string,
): Promise<readonly string[]> {
  const ref: SiteRef = { site: site.uid, siteEnv: DEFAULT_SITE_ENV };
  const report = await publishFiles(deps, ref, site.files);
  let record = (await readRecord(deps, ref))?.record;
  const keys = report === "unchanged" ? [] : [siteConfigKey(site.uid)];
  const policies = policiesOf(site);
  if (record && !hasAll(record.policies, policies)) {
    record = (await setPolicies(deps, ref, policies)).record;
    keys.push(siteConfigKey(site.uid));
  }
  for (const domain of site.domains) {
    const name = `${domain.host}.${hostSuffix}`;
    const choices = choicesOf(domain, hostSuffix);
    if (record && hasAll(record.domains[name] ?? {}, choices)) continue;
    record = (await addDomain(deps, ref, { domain: name, choices, takeOver: true })).record;
    keys.push(siteConfigKey(site.uid));
  }
  const names = site.domains.map(({ host }) => domainKey(`${host}.${hostSuffix}`));
  return keys.length === 0 ? [] : [...keys, ...names];
}

function policiesOf(site: FixtureSite): SitePolicies {
  return {
    notFound: site.notFound ?? "page",
    trailingSlash: "auto",
    precedence: "file-first",
    strictPaths: site.strictPaths ?? false,
    noindex: site.noindex ?? false,
    suspended: site.suspended ?? null,
  };
}

function choicesOf(domain: FixtureDomain, hostSuffix: string): DomainChoices {
  if (domain.canonical !== undefined) {
    return { canonicalHost: `${domain.canonical}.${hostSuffix}`, forceTls: domain.forceTls ?? false };
  }
  return { forceTls: domain.forceTls ?? false, hsts: domain.hsts ?? null };
}

/** Whether an object has every value that is wanted of it. */
function hasAll(is: object, wanted: object): boolean {
  const known = new Map<string, unknown>(Object.entries(is));
  return Object.entries(wanted).every(([name, value]) => known.get(name) === value);
}

async function publishFiles(
  deps: PublishDeps,
  ref: SiteRef,
  files: Readonly<Record<string, string>>,
): Promise<"published" | "unchanged" | "planned"> {
  const dir = await mkdtemp(join(tmpdir(), "sitefleet-fixture-"));
  try {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), content);
    }
    // Cases look at what is in which cache: nobody may have asked before them.
    return (await publishFolder(deps, { ...ref, dir, domains: [], warm: false })).kind;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Deps of acts, which remember digests of the objects of raw sites that they have put, by bucket and key. */
interface ActDeps extends PublishDeps {
  readonly put: Map<string, string>;
}

async function carryOut(deps: ActDeps, act: Act, hostSuffix: string): Promise<void> {
  switch (act.do) {
    case "publish": {
      const fixture = FIXTURES.find(({ uid }) => uid === act.site);
      await publishFiles(deps, refOf(act.site), { ...fixture?.files, ...act.files });
      return;
    }
    case "add-domain":
      await addDomain(deps, refOf(act.site), {
        domain: nameOf(act.host, hostSuffix),
        choices: {},
        takeOver: true,
      });
      return;
    case "remove-domain":
      return removeIfThere(deps, nameOf(act.host, hostSuffix));
    case "put-config":
      return putRawConfig(deps, nameOf(act.host, hostSuffix), act.metadata);
    case "put-site":
      return putRawSite(deps, act.site, hostSuffix);
    case "purge-all":
      return deps.purge.purgeAll({ serviceId: await deps.serviceId() });
    case "origin":
    case "expire-pages":
    case "wait":
      throw new SitefleetError("fault/internal", `publishing cannot do "${act.do}"`);
    default:
      return assertNever(act);
  }
}

function refOf(site: string): SiteRef {
  return { site, siteEnv: DEFAULT_SITE_ENV };
}

function nameOf(label: string, hostSuffix: string): string {
  return parseDomainName(`${label}.${hostSuffix}`, domainToASCII);
}

async function removeIfThere(deps: PublishDeps, domain: string): Promise<void> {
  for (const { uid } of FIXTURES) {
    const held = await readRecord(deps, refOf(uid));
    if (held && Object.hasOwn(held.record.domains, domain)) await removeDomain(deps, refOf(uid), domain);
  }
}

async function putRawConfig(
  deps: PublishDeps,
  domain: string,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const { store, signal } = deps;
  await store.config.put({ key: configKeyOf(deps, domain), body: "{}", metadata, signal });
  await deps.purge.purgeKeys({ serviceId: await deps.serviceId(), keys: [domainKey(domain)], soft: false });
}

async function putRawSite(deps: ActDeps, raw: RawSite, hostSuffix: string): Promise<void> {
  const { environment } = deps;
  const site = encodeRawSite(raw, { serverEnv: environment.name, ...refOf(raw.site) });
  const puts = [
    ...site.hosting.map((input) => putOnce(deps, "hosting", input)),
    ...site.buckets.map((input) => putOnce(deps, "config", input)),
  ];
  await Promise.all(puts);
  await putRawConfig(deps, nameOf(raw.host, hostSuffix), site.config);
  const key = raw.purge === "configs" ? siteConfigKey(raw.site) : siteKey(raw.site);
  await deps.purge.purgeKeys({ serviceId: await deps.serviceId(), keys: [key], soft: false });
}

/** Cases put the same objects again and again, and nobody else puts them: what is there need not be sent once more. */
async function putOnce(deps: ActDeps, bucket: "hosting" | "config", input: RawPut): Promise<void> {
  const { put, store, signal } = deps;
  const name = `${bucket} ${input.key}`;
  const digest = createHash("sha256").update(JSON.stringify(input)).digest("hex");
  if (put.get(name) === digest) return;
  put.delete(name);
  await store[bucket].put({ ...input, signal });
  put.set(name, digest);
}
