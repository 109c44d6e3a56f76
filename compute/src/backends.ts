import type { EdgeOrigin } from "../../src/site/edge-settings.ts";
import type { Bucket, Visit } from "./visit.ts";

/** The origin that has a bucket's objects, in a region; `undefined` where there is no second one. */
export function originOf(visit: Visit, bucket: Bucket, region: Visit["region"]): EdgeOrigin | undefined {
  const wanted = bucket === "hosting" ? "hosting" : "config";
  return visit.settings.origins.find(
    (origin) => origin.bucket === wanted && origin.isSecond === (region === "second"),
  );
}
