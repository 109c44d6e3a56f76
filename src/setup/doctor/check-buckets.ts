import { randomBytes } from "node:crypto";
import type { Fleet } from "../../fleet/fleet.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { HttpConnections } from "../../lib/http-exchange.ts";
import { edgeKeyOf } from "../../settings/environment.ts";
import type { Location } from "../../settings/environment.ts";
import { BucketAdmin } from "../../store/bucket-admin.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { bucketEndpoint } from "../../store/s3-endpoint.ts";
import { S3SiteStore } from "../../store/s3-store.ts";
import { describeStep, planBucket } from "../bucket-setup.ts";
import { locationsOf } from "../s3-grants.ts";
import { checkClock } from "./check-account.ts";
import { checked, fail, failedAs, ok, skipped, warn } from "./check.ts";
import type { CheckResult, DoctorJob } from "./check.ts";

/** The buckets of both regions, and what the two keys can do with them. */
export async function checkBuckets({ fleet }: DoctorJob): Promise<readonly CheckResult[]> {
  const settings: CheckResult[] = [];
  for (const location of locationsOf(fleet.environment)) {
    for (const bucket of bucketsOf(location)) {
      settings.push(...(await checked(`s3/${bucket}`, () => checkBucket(fleet, { location, bucket }))));
      settings.push(
        ...(await checked(`s3/${bucket}/private`, () => checkPrivate(fleet, { location, bucket }))),
      );
    }
  }
  const keys = await checkKeys(fleet);
  // What an object shows is more than what a name shows: one row says of a bucket whether it is private.
  const told = new Set(keys.map(({ id }) => id));
  return [...settings.filter(({ id }) => !told.has(id)), ...keys];
}

function bucketsOf({ configBucket, hostingBucket }: Location): readonly string[] {
  return [...new Set([configBucket, hostingBucket])];
}

interface Place {
  readonly location: Location;
  readonly bucket: string;
}

async function checkBucket(
  { environment, signal }: Fleet,
  { location, bucket }: Place,
): Promise<CheckResult> {
  const id = `s3/${bucket}`;
  const create = `sitefleet deploy apply --create --env ${environment.name}`;
  const admin = new BucketAdmin(location, { keys: environment.secrets.storeKeys(), signal });
  try {
    const state = await admin.read(bucket);
    if (state === undefined) return fail(id, `does not exist in ${location.region}`, `make it: ${create}`);
    const { steps, unsupported } = planBucket(state);
    const lacks =
      unsupported.length === 0
        ? ""
        : `; this store has no setting for: ${unsupported.map(describeStep).join(", ")}`;
    if (steps.length > 0) {
      return fail(id, `lacks: ${steps.map(describeStep).join(", ")}${lacks}`, `set it right: ${create}`);
    }
    return ok(id, `in ${state.region}, private, abandoned uploads are ended${lacks}`);
  } catch (error) {
    // A publisher's key may not look at settings, and needs not.
    if (error instanceof SitefleetError && error.code === "store/not-authorised" && isDenied(error)) {
      return skipped(id, "this key may not read the bucket's settings: run with the deployer's");
    }
    throw error;
  } finally {
    admin.close();
  }
}

/** Whether the key is known and only lacks a permission. */
function isDenied(error: SitefleetError): boolean {
  return error.cause instanceof Error && error.cause.name === "AccessDenied";
}

const PROBE_LIMITS = { connections: 1, connectMs: 5_000, headMs: 10_000, bodyMs: 10_000, keptMs: 1_000 };
const PROBE_BYTES = 64 * 1024;

/** What anybody gets who asks without a key. */
async function checkPrivate(
  { environment, signal }: Fleet,
  { location, bucket }: Place,
): Promise<CheckResult> {
  const id = `s3/${bucket}/private`;
  try {
    const path = `${environment.name}/`;
    const { status, body } = await askWithoutKey({ location, bucket, path, signal });
    if (status === 401 || status === 403) return ok(id, "refuses whoever has no key");
    // Where a redirect leads is another region: whether the bucket is in the right one is a check of its own.
    if (status >= 300 && status < 400) return skipped(id, `answers ${status}: it is somewhere else`);
    if (status >= 500) return warn(id, `answers ${status} to a request without key`, "look again later");
    if (status === 404 && Buffer.from(body).includes("NoSuchBucket"))
      return skipped(id, "there is no bucket");
    if (status === 404) {
      // Without permission to list, S3 does not tell that a key is missing: whoever is told so may list.
      return fail(id, "tells anybody which keys there are", `block public access of the bucket "${bucket}"`);
    }
    return fail(
      id,
      `answers ${status} to a request without key`,
      `block public access of the bucket "${bucket}"`,
    );
  } catch (error) {
    return unanswered({ location, bucket, signal }, error);
  }
}

/** A request without key that ended without an answer. */
function unanswered(
  { location, bucket, signal }: Place & { readonly signal: AbortSignal },
  error: unknown,
): CheckResult {
  signal.throwIfAborted();
  const why = error instanceof Error ? error.message : String(error);
  const found = `${bucketEndpoint(location, bucket).host} does not answer: ${why}`;
  return {
    ...fail(`s3/${bucket}/private`, found, "check the endpoint and the network"),
    cause: "unreachable",
  };
}

/** What the publisher's and the edge's key can do, by trying, with an object that is gone afterwards. */
async function checkKeys(fleet: Fleet): Promise<readonly CheckResult[]> {
  const { environment, clock } = fleet;
  const { second: _, ...location } = environment.s3;
  const store = new S3SiteStore({ location, keys: environment.secrets.storeKeys(), clock });
  try {
    const results: CheckResult[] = [];
    for (const kind of ["config", "hosting"] as const) {
      const bucket = location[`${kind}Bucket`];
      results.push(...(await checkBucketKeys(fleet, { store: store[kind], kind, bucket })));
    }
    return [...results, ...(await checkSecondRegion(fleet)), checkClock("s3/clock", store.clockOffset())];
  } finally {
    store.close();
  }
}

interface ProbeJob {
  readonly store: ObjectStore;
  readonly kind: "config" | "hosting";
  readonly bucket: string;
}

/** Below a name that no website environment can have: none begins with `_`. */
function probeKey(environment: string): string {
  return `${environment}/_doctor/${randomBytes(8).toString("hex")}`;
}

async function checkBucketKeys(fleet: Fleet, job: ProbeJob): Promise<readonly CheckResult[]> {
  const { environment, signal } = fleet;
  const { store, bucket } = job;
  const id = `s3/${bucket}/publisher`;
  const key = probeKey(environment.name);
  try {
    await store.put({ key, body: "sitefleet doctor", condition: { kind: "absent" }, signal });
  } catch (error) {
    return [failedAs(id, error), ...(await checkEdgeKey(fleet, { ...job, key: undefined }))];
  }
  try {
    const edge = await checkEdgeKey(fleet, { ...job, key });
    const open = await checkUnread(fleet, { bucket, key });
    const read = await checked(id, async () => {
      const got = await store.get({ key, signal });
      return got.kind === "ok" ? [] : fail(id, NOT_CONSISTENT.found, NOT_CONSISTENT.fix);
    });
    const gone = await checked(id, () => takeAway(store, { id, key, signal }));
    return [...(read.length > 0 ? read : gone), ...edge, ...open];
  } finally {
    // Stopped on the way, the probe is taken away all the same; where it is gone already this does nothing.
    if (signal.aborted) await store.delete({ key, signal: AbortSignal.timeout(CLEANUP_MS) });
  }
}

const CLEANUP_MS = 5_000;
const NOT_CONSISTENT = {
  found: "what was written is not what is read",
  fix: "the store must be strongly consistent",
} as const;

/** Deletes the probe, whatever else became of it. */
async function takeAway(
  store: ObjectStore,
  { id, key, signal }: Probe & { readonly id: string },
): Promise<CheckResult> {
  await store.delete({ key, signal });
  const isGone = (await store.head({ key, signal })).kind === "not-found";
  return isGone ? ok(id, "writes, reads and deletes") : fail(id, NOT_CONSISTENT.found, NOT_CONSISTENT.fix);
}

/** An open bucket may refuse to say which keys there are, and give away every object that is asked for by its name. */
async function checkUnread(
  { environment, signal }: Fleet,
  { bucket, key }: { readonly bucket: string; readonly key: string },
): Promise<readonly CheckResult[]> {
  const { s3: location } = environment;
  const id = `s3/${bucket}/private`;
  try {
    const { status } = await askWithoutKey({ location, bucket, path: key, signal });
    if (status !== 200) return [];
    const fix = `block public access of the bucket "${bucket}"`;
    return [fail(id, "gives an object to whoever has no key", fix)];
  } catch (error) {
    return [unanswered({ location, bucket, signal }, error)];
  }
}

async function askWithoutKey(ask: {
  readonly location: Location;
  readonly bucket: string;
  readonly path: string;
  readonly signal: AbortSignal;
}): Promise<{ readonly status: number; readonly body: Uint8Array }> {
  const endpoint = bucketEndpoint(ask.location, ask.bucket);
  const connections = new HttpConnections(endpoint.origin, PROBE_LIMITS);
  try {
    return await connections.send({
      method: "GET",
      path: endpoint.pathOf(ask.path),
      headers: ["host", endpoint.host],
      body: undefined,
      readLimit: PROBE_BYTES,
      signal: ask.signal,
    });
  } finally {
    connections.close();
  }
}

/** @param key an object that is there; absent = none could be written */
async function checkEdgeKey(
  fleet: Fleet,
  job: ProbeJob & { readonly key: string | undefined },
): Promise<readonly CheckResult[]> {
  const { second: _, ...location } = fleet.environment.s3;
  return checked(`s3/${job.bucket}/edge-key`, () => tryEdgeKey(fleet, { ...job, location }));
}

/** The second region's buckets are read by the edge alone. */
async function checkSecondRegion(fleet: Fleet): Promise<readonly CheckResult[]> {
  const [, second] = locationsOf(fleet.environment);
  if (second === undefined) return [];
  const results = await Promise.all(
    (["config", "hosting"] as const).map((kind) => {
      const bucket = second[`${kind}Bucket`];
      const id = `s3/${bucket}/edge-key`;
      return checked(id, () => tryEdgeKey(fleet, { kind, bucket, location: second, key: undefined }));
    }),
  );
  return results.flat();
}

async function tryEdgeKey(
  { environment, clock, signal }: Fleet,
  job: Omit<ProbeJob, "store"> & { readonly location: Location; readonly key: string | undefined },
): Promise<CheckResult> {
  const { bucket, kind, location, key } = job;
  const id = `s3/${bucket}/edge-key`;
  const site = new S3SiteStore({ location, keys: edgeKeyOf(environment.secrets), clock });
  const store = site[kind];
  const policies = `sitefleet deploy policies --role edge-reader --env ${environment.name}`;
  try {
    if (key !== undefined && (await store.get({ key, signal })).kind !== "ok") {
      return fail(id, "does not find what was just written", "the store must be strongly consistent");
    }
    const missing = probeKey(environment.name);
    // Without s3:ListBucket this is 403, an error, and every unknown page would be a fault.
    const absent = await isNotFound(store, { key: missing, signal });
    if (!absent) {
      return fail(
        id,
        "is told 403 of a missing key: it may not list the bucket",
        `allow s3:ListBucket: ${policies}`,
      );
    }
    if (await mayWrite(store, { key: key ?? missing, signal })) {
      return fail(
        id,
        "may write: whoever learns it could change every site",
        `take that from it: ${policies}`,
      );
    }
    return ok(id, key === undefined ? "lists, and may not write" : "reads and lists, and may not write");
  } finally {
    site.close();
  }
}

interface Probe {
  readonly key: string;
  readonly signal: AbortSignal;
}

async function isNotFound(store: ObjectStore, probe: Probe): Promise<boolean> {
  try {
    return (await store.get(probe)).kind === "not-found";
  } catch (error) {
    if (error instanceof SitefleetError && isDenied(error)) return false;
    throw error;
  }
}

/** Tries in ways that change nothing if they are allowed: the condition does not hold, the version is another. */
async function mayWrite(store: ObjectStore, { key, signal }: Probe): Promise<boolean> {
  const condition = { kind: "etag" as const, etag: '"00000000000000000000000000000000"' };
  const tries = [
    () => store.put({ key, body: "", condition, signal }),
    () => store.delete({ key: `${key}-none`, signal }),
  ];
  for (const attempt of tries) {
    try {
      await attempt();
      return true;
    } catch (error) {
      if (error instanceof SitefleetError && isDenied(error)) continue;
      // S3 looks for the object of a conditional write before it finds that there is none; that it looked is enough.
      if (error instanceof SitefleetError && error.code === "store/refused") return true;
      throw error;
    }
  }
  return false;
}
