import { SECOND_REGION_TTL } from "../../src/site/edge-names.ts";
import type { EdgeOrigin } from "../../src/site/edge-settings.ts";
import { originOf } from "./backends.ts";
import type { Bucket, Place, Visit } from "./visit.ts";

/** The origin to ask: the second region's once the first one has failed this request, or while its health check says so. */
export function chooseOrigin(visit: Visit, bucket: Bucket): EdgeOrigin {
  const first = originOf(visit, bucket, "first");
  const second = originOf(visit, bucket, "second");
  if (first === undefined) throw new Error(`the settings name no origin for ${bucket}`);
  if (second === undefined) return first;
  if (visit.platform.healthOf(first.backend) === "unhealthy") visit.region = "second";
  return visit.region === "second" ? second : first;
}

/** Whether a failure of an origin may be followed by a try in the second region: once per request. */
export function hasSecondChance(visit: Visit, origin: EdgeOrigin): boolean {
  return !origin.isSecond && originOf(visit, origin.bucket, "second") !== undefined;
}

/**
 * Seconds that something may be kept: a copy in another region lags behind, so that what it says of a host, or that it lacks
 * a page, holds for a minute, a page for ten.
 */
export function cappedTtl(
  ttl: number,
  from: { readonly origin: EdgeOrigin; readonly place: Place; readonly status: number },
): number {
  if (!from.origin.isSecond) return ttl;
  const isBrief = from.place.bucket === "config" || from.status === 404;
  return Math.min(ttl, isBrief ? SECOND_REGION_TTL.brief : SECOND_REGION_TTL.page);
}
