import { openDeploy } from "../../fleet/deploy-session.ts";
import { openPublishing } from "../../fleet/publish-session.ts";
import { readOwed } from "../../publish/purging.ts";
import type { AccountClient } from "../../fastly/account-client.ts";
import { connectAccount } from "../../fleet/fastly-connection.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { checkAccount, checkTokenAlone } from "./check-account.ts";
import { checkBuckets } from "./check-buckets.ts";
import { checkConfigs } from "./check-configs.ts";
import { checkDns, checkTls } from "./check-network.ts";
import { checkSecrets } from "./check-secrets.ts";
import { checkService } from "./check-service.ts";
import { checked, failedAs, ok, skipped, warn } from "./check.ts";
import type { CheckResult, DoctorJob } from "./check.ts";

/**
 * Looks at everything that an environment needs, in the live accounts, and says of each whether it is right and what to
 * do. Nothing is changed but a probe object in each bucket, which is gone afterwards.
 */
export async function examine(job: DoctorJob): Promise<readonly CheckResult[]> {
  const secrets = await checkSecrets(job);
  const isSet = (id: string): boolean => secrets.some((row) => row.id === id && row.state !== "fail");
  const results: CheckResult[] = [...secrets];
  if (isSet("secrets/fastly-token")) results.push(...(await checkFastly(job, isSet)));
  else results.push(skipped("fastly", "there is no token to ask with"));
  results.push(...(await checkTls(job)));
  if (isSet("secrets/edge-key")) results.push(...(await checkBuckets(job)));
  else results.push(skipped("s3", "the edge's key is not set"));
  results.push(...(await checked("purges/owed", () => checkOwed(job))));
  if (isSet("secrets/config-segment")) results.push(...(await checkConfigs(job)));
  else results.push(skipped("configs/codec", "the segment that configs lie under is not set"));
  return results;
}

/**
 * The token and everything that it can be used to look at.
 * @param isSet whether the check of a secret, by its id, found it
 */
export async function checkFastly(
  job: DoctorJob,
  isSet: (id: string) => boolean,
): Promise<readonly CheckResult[]> {
  const account = await connectAccount(job.fleet);
  try {
    const closed = await looksClosed(account);
    if (closed === "only-purge") {
      const token = await checkTokenAlone(job, account);
      return [...token, skipped("fastly/service", "this token may only purge: run with the deployer's")];
    }
    if (closed !== undefined) return [closed, skipped("fastly/service", "Fastly does not answer")];
    const canRender = isSet("secrets/edge-key") && isSet("secrets/config-segment");
    const service = canRender
      ? await checkDeployed(job)
      : { results: [skipped("fastly/service", "secrets are missing")], serviceId: undefined };
    const { serviceId } = service;
    const about = await checkAccount(job, { account, serviceId });
    return [...about, ...service.results, ...(await checkDns(job, account))];
  } finally {
    await account.close();
  }
}

/**
 * A publisher's token is refused everything but its own description; one that is refused that too is told by its check.
 * Where nobody answers one row says so, instead of a dozen that each waited for it.
 */
async function looksClosed(account: AccountClient): Promise<"only-purge" | CheckResult | undefined> {
  let scopes: readonly string[] | undefined;
  const [failure] = await checked("fastly/token", async () => {
    scopes = (await account.readToken()).scopes;
    return [];
  });
  if (failure?.cause === "unreachable") return failure;
  return scopes === undefined || scopes.some((scope) => READING.has(scope)) ? undefined : "only-purge";
}

const READING: ReadonlySet<string> = new Set(["global", "global:read"]);

async function checkDeployed(job: DoctorJob): ReturnType<typeof checkService> {
  try {
    const session = await openDeploy(job.fleet);
    try {
      return await checkService(job, session);
    } finally {
      await session.close();
    }
  } catch (error) {
    const isUnbuilt = error instanceof SitefleetError && error.code === "compute/not-built";
    const id = isUnbuilt ? "compute/package" : "fastly/service";
    return { results: [failedAs(id, error)], serviceId: undefined };
  }
}

/** A purge that was sent is owed no more; one that is older than this was left by a run that died. */
const YOUNG_S = 60;

async function checkOwed({ fleet }: DoctorJob): Promise<CheckResult> {
  const id = "purges/owed";
  const session = openPublishing(fleet);
  try {
    let count = 0;
    let oldest = 0;
    for await (const { age } of readOwed(session.deps)) {
      count += 1;
      oldest = Math.max(oldest, age);
    }
    if (count === 0) return ok(id, "none");
    const found = `${count} owed, the oldest for ${oldest} s`;
    return oldest < YOUNG_S
      ? ok(id, found)
      : warn(id, found, `send them: sitefleet purge --owed --send --env ${fleet.environment.name}`);
  } finally {
    await session.close();
  }
}

/** The rows as a table for people, what is to be done below each. */
export function formatResults(results: readonly CheckResult[]): string {
  const width = Math.min(48, Math.max(0, ...results.map(({ id }) => id.length)));
  const lines = results.flatMap(({ id, state, found, fix }) => [
    `${state.padEnd(8)}${id.padEnd(width)}  ${found}`,
    ...(fix === undefined ? [] : [`${" ".repeat(8 + width)}  -> ${fix}`]),
  ]);
  const count = (state: CheckResult["state"]): number => results.filter((row) => row.state === state).length;
  const totals = `${count("ok")} ok, ${count("warn")} to be looked at, ${count("fail")} wrong, ${count("skipped")} skipped`;
  return [...lines, totals].join("\n");
}
