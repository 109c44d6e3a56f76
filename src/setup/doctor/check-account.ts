import type { AccountClient, PopInfo } from "../../fastly/account-client.ts";
import { distanceTo } from "../region-places.ts";
import { checked, fail, ok, skipped, warn } from "./check.ts";
import type { CheckResult, DoctorJob } from "./check.ts";

/** The token and Fastly's clock, with a token that may look at nothing else. */
export async function checkTokenAlone(
  job: DoctorJob,
  account: AccountClient,
): Promise<readonly CheckResult[]> {
  const serviceId = job.fleet.environment.fastly.serviceId;
  const token = await checked("fastly/token", () => checkToken(job, { account, serviceId }));
  return [...token, checkClock("fastly/clock", account.clockOffset)];
}

const DAY_MS = 86_400_000;
/** A token that ends sooner is to be replaced now. */
const EXPIRY_DAYS = 30;

/** The token, Fastly's clock and the shield. */
export async function checkAccount(
  job: DoctorJob,
  parts: { readonly account: AccountClient; readonly serviceId: string | undefined },
): Promise<readonly CheckResult[]> {
  const token = await checked("fastly/token", () => checkToken(job, parts));
  const shield = await checked("fastly/shield", () => checkShield(job, parts.account));
  const clock = checkClock("fastly/clock", parts.account.clockOffset);
  return [...token, clock, ...shield];
}

async function checkToken(
  { fleet }: DoctorJob,
  { account, serviceId }: { readonly account: AccountClient; readonly serviceId: string | undefined },
): Promise<CheckResult> {
  const id = "fastly/token";
  const { name, scopes, services, expiresAt } = await account.readToken();
  const scope = scopes.join(" ");
  const purged = [
    ...(serviceId === undefined ? [] : [serviceId]),
    ...(fleet.environment.fastly.alsoPurge ?? []),
  ];
  const other = services.length === 0 ? undefined : purged.find((one) => !services.includes(one));
  if (other !== undefined) {
    const fix =
      purged.length === 1
        ? "take a token for this service, or one for all"
        : `take a token for ${purged.join(" and ")}, or one for all`;
    return fail(id, `"${name}" is for other services than ${other}`, fix);
  }
  const days = expiresAt === undefined ? Infinity : Math.floor((expiresAt - fleet.clock.now()) / DAY_MS);
  const until = expiresAt === undefined ? "never expires" : `expires in ${days} days`;
  const found = `"${name}", scope ${scope}, ${until}`;
  const mayPurge = scopes.includes("global") || scopes.includes("purge_select");
  const isEnding = days < EXPIRY_DAYS;
  if (mayPurge && isEnding) return warn(id, found, "make a new token and put it in FASTLY_API_TOKEN");
  if (scopes.includes("global")) return ok(id, found);
  if (mayPurge) {
    return warn(
      id,
      `${found}: it can publish, not deploy`,
      "to deploy, take a token with the scope `global`",
    );
  }
  return fail(
    id,
    `${found}: it can neither deploy nor purge`,
    "take one with the scope `global`, or `purge_select`",
  );
}

const NEAR_ENOUGH_KM = 500;
const DRIFT_WARN_MS = 60_000;
const DRIFT_FAIL_MS = 15 * 60_000;

/** A clock that is off by a quarter of an hour signs nothing that S3 takes. */
export function checkClock(id: string, offset: number | undefined): CheckResult {
  if (offset === undefined) return skipped(id, "no answer told the time");
  const seconds = Math.round(offset / 1_000);
  const found =
    seconds === 0
      ? "in step with this machine's"
      : `${Math.abs(seconds)} s ${seconds > 0 ? "ahead of" : "behind"} this machine's`;
  if (Math.abs(offset) < DRIFT_WARN_MS) return ok(id, found);
  const fix = "set this machine's clock, by NTP";
  return Math.abs(offset) < DRIFT_FAIL_MS ? warn(id, found, fix) : fail(id, found, fix);
}

async function checkShield({ fleet }: DoctorJob, account: AccountClient): Promise<CheckResult> {
  const id = "fastly/shield";
  const { fastly, s3, target } = fleet.environment;
  const pops = (await account.listPops()).filter(({ shield }) => shield !== undefined);
  const near = nearestOf(pops, s3.region);
  const proposal =
    near === undefined ? "name one near the buckets" : `set fastly.shield to "${near.pop.shield}"`;
  // What a shield in the settings of one comes to is told by compute/without-effect.
  if (target === "compute") return skipped(id, "a Compute service has none");
  if (fastly.shield === undefined) {
    return warn(id, "none: every POP asks the buckets for itself", proposal);
  }
  const pop = pops.find(({ shield }) => shield === fastly.shield);
  if (pop === undefined) return fail(id, `Fastly has no shield "${fastly.shield}"`, proposal);
  const km = s3.endpoint === undefined ? distanceTo(s3.region, pop) : undefined;
  if (km === undefined || near === undefined) {
    return ok(id, `${fastly.shield} (${pop.name}); how far it is from the buckets is not known`);
  }
  const found = `${fastly.shield} (${pop.name}), about ${Math.round(km)} km from ${s3.region}`;
  return km - near.km > NEAR_ENOUGH_KM
    ? warn(id, `${found}; ${near.pop.name} is ${Math.round(near.km)} km away`, proposal)
    : ok(id, found);
}

function nearestOf(
  pops: readonly PopInfo[],
  region: string,
): { readonly pop: PopInfo; readonly km: number } | undefined {
  const [nearest] = pops
    .flatMap((pop) => {
      const km = distanceTo(region, pop);
      return km === undefined ? [] : [{ pop, km }];
    })
    .sort((a, b) => a.km - b.km);
  return nearest;
}
