import { isIP } from "node:net";

import { partitionOf } from "../lib/aws-partitions.ts";
import type { Location } from "../settings/environment.ts";
import { encodeKey } from "./s3-signature.ts";

/** Where a bucket's requests go. */
export interface BucketEndpoint {
  readonly origin: URL;
  /** Value of the `host` header. */
  readonly host: string;
  /** Path of an object, encoded. */
  pathOf(key: string): string;
}

/** Base URL of a location: its own, or that of S3 in the region. */
export function endpointOf({ endpoint, region }: Pick<Location, "endpoint" | "region">): URL {
  if (endpoint !== undefined) return new URL(endpoint);
  return new URL(`https://s3.${region}.${partitionOf(region).dnsSuffix}`);
}

/** A bucket's endpoint: the bucket is in the path, or in the host name where that can be. */
export function bucketEndpoint(location: Location, bucket: string): BucketEndpoint {
  const base = endpointOf(location);
  const inPath = location.pathStyle || !fitsHostName(bucket, base);
  const origin = inPath ? base : new URL(`${base.protocol}//${bucket}.${base.host}${base.pathname}`);
  const prefix = `${origin.pathname.replace(/\/+$/, "")}/${inPath ? `${bucket}/` : ""}`;
  return { origin, host: origin.host, pathOf: (key) => prefix + encodeKey(key) };
}

/** A dot in the bucket's name has no place in TLS (the certificate covers one label), a name none before an address. */
function fitsHostName(bucket: string, base: URL): boolean {
  if (isIP(base.hostname.replace(/^\[|\]$/g, "")) !== 0) return false;
  return /^[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]$/.test(bucket);
}
