import { describe, expect, it } from "vitest";
import { fleetOf } from "../../src/fleet/fleet.ts";
import { setUpBuckets } from "../../src/setup/bucket-setup.ts";
import { checkBuckets } from "../../src/setup/doctor/check-buckets.ts";
import { exitCodeOf } from "../../src/setup/doctor/check.ts";
import type { CheckResult } from "../../src/setup/doctor/check.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { startS3FaultProxy } from "../support/s3-fault-proxy.ts";
import type { S3Call, S3Fault } from "../support/s3-fault-proxy.ts";
import { startFirstTime } from "./first-time-fixture.ts";

/** What a store does with a request without key, in front of buckets that are right otherwise. */
async function examineWith(strangers: (call: S3Call) => S3Fault): Promise<readonly CheckResult[]> {
  const world = await startFirstTime(async ({ s3, file }) => {
    const proxy = await startS3FaultProxy(s3.url, (call) =>
      call.headers.authorization === undefined ? strangers(call) : "pass",
    );
    return { s3: proxy.url, api: file.api.url };
  });
  const environment = { ...world.environment, secrets: world.secretsOf("deployer") };
  const fleet = fleetOf(environment, { clock: new InstantClock(Date.now()) });
  await setUpBuckets(fleet);
  return checkBuckets({ fleet, dns: { lookUp: () => Promise.resolve(undefined) }, tls: undefined });
}

const isProbe = ({ url }: S3Call): boolean => url.includes("/_doctor/");

function privateRows(results: readonly CheckResult[], bucket: string): readonly CheckResult[] {
  return results.filter(({ id }) => id === `s3/${bucket}/private`);
}

const BLOCK = 'block public access of the bucket "first-config"';

describe("a bucket, asked without a key,", () => {
  it.for([
    ["refuses everybody", () => "pass", { state: "ok", found: "refuses whoever has no key" }],
    [
      "lists nothing and gives every object away",
      (call) => (isProbe(call) ? { status: 200, code: "Object" } : "pass"),
      { state: "fail", found: "gives an object to whoever has no key", fix: BLOCK },
    ],
    [
      "says of a name that there is no such object",
      (call) => (isProbe(call) ? "pass" : { status: 404, code: "NoSuchKey" }),
      { state: "fail", found: "tells anybody which keys there are", fix: BLOCK },
    ],
    [
      "is not there",
      () => ({ status: 404, code: "NoSuchBucket" }),
      { state: "skipped", found: "there is no bucket" },
    ],
    [
      "answers as if anybody might ask",
      () => ({ status: 200, code: "Object" }),
      { state: "fail", found: "gives an object to whoever has no key", fix: BLOCK },
    ],
    [
      "is somewhere else",
      () => ({ status: 301, code: "PermanentRedirect" }),
      { state: "skipped", found: "answers 301: it is somewhere else" },
    ],
    [
      "has a bad day",
      () => ({ status: 503, code: "SlowDown" }),
      { state: "warn", found: "answers 503 to a request without key", fix: "look again later" },
    ],
    [
      "breaks the connection",
      () => "lost",
      { state: "fail", cause: "unreachable", fix: "check the endpoint and the network" },
    ],
    [
      "breaks the connection where the object is",
      (call) => (isProbe(call) ? "lost" : "pass"),
      { state: "fail", cause: "unreachable", fix: "check the endpoint and the network" },
    ],
  ] satisfies [string, (call: S3Call) => S3Fault, Partial<CheckResult>][])(
    "%s: one row says so",
    async ([, strangers, expected]) => {
      const results = await examineWith(strangers);
      const rows = privateRows(results, "first-config");
      expect(rows).toHaveLength(1);
      expect(rows[0]).toMatchObject(expected);
      // Everything else is as it should be, whatever strangers are told.
      const others = results.filter(({ id, state }) => !id.endsWith("/private") && state !== "ok");
      expect(others).toEqual([]);
      const { state } = expected;
      expect(exitCodeOf(results)).toBe(state === "fail" ? ("cause" in expected ? 3 : 1) : 0);
    },
  );
});
