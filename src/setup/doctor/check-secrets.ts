import { edgeKeyOf } from "../../settings/environment.ts";
import type { EnvironmentSecrets } from "../../settings/environment.ts";
import { checked, ok, warn } from "./check.ts";
import type { CheckResult, DoctorJob } from "./check.ts";

/** Shorter ones could be found by trying. */
const SEGMENT_LENGTH = 16;

/** Whether every secret is set and has its form; no value is told. */
export async function checkSecrets({ fleet }: DoctorJob): Promise<readonly CheckResult[]> {
  const { secrets } = fleet.environment;
  const rows: readonly (readonly [id: string, work: () => CheckResult])[] = [
    ["secrets/fastly-token", () => (secrets.apiToken(), ok("secrets/fastly-token", "set"))],
    ["secrets/store-keys", () => storeKeys(secrets)],
    ["secrets/edge-key", () => edgeKey(secrets)],
    ["secrets/config-segment", () => configSegment(secrets)],
  ];
  const results = await Promise.all(
    rows.map(([id, work]) => checked(id, () => Promise.resolve().then(work))),
  );
  return results.flat();
}

function storeKeys(secrets: EnvironmentSecrets): CheckResult {
  const keys = secrets.storeKeys();
  const id = "secrets/store-keys";
  return ok(id, keys === undefined ? "not set: the AWS SDK's own chain is used" : `set, ${keys.accessKeyId}`);
}

function edgeKey(secrets: EnvironmentSecrets): CheckResult {
  return ok("secrets/edge-key", `set, ${edgeKeyOf(secrets).accessKeyId}`);
}

function configSegment(secrets: EnvironmentSecrets): CheckResult {
  const id = "secrets/config-segment";
  const segment = secrets.configSegment().reveal();
  return segment.length < SEGMENT_LENGTH
    ? warn(
        id,
        `has ${segment.length} characters only`,
        `take ${SEGMENT_LENGTH} or more before there are sites`,
      )
    : ok(id, "set");
}
