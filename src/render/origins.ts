import { partitionOf } from "../lib/aws-partitions.ts";
import type { Environment, Location } from "../settings/environment.ts";

/** One backend of the service: a bucket in a region. Shared by the templates and by what a deploy writes. */
export interface Origin {
  /** Name of the backend object; VCL calls it `F_<name>`. */
  readonly name: "config" | "hosting" | "config_second" | "hosting_second";
  readonly backend: string;
  readonly bucket: "config" | "hosting";
  readonly region: string;
  /** Host header that is sent and signed, with its port where that is not the scheme's. */
  readonly host: string;
  readonly hostname: string;
  readonly port: number;
  readonly tls: boolean;
  /** Path before the key: the bucket in path style, else empty. */
  readonly prefix: string;
}

/** The environment's origins: both buckets, then both of the second location where there is one. */
export function originsOf(environment: Environment): readonly Origin[] {
  const { s3 } = environment;
  const first = [originOf("config", s3, s3.configBucket), originOf("hosting", s3, s3.hostingBucket)];
  if (!s3.second) return first;
  return [
    ...first,
    originOf("config_second", s3.second, s3.second.configBucket),
    originOf("hosting_second", s3.second, s3.second.hostingBucket),
  ];
}

function originOf(name: Origin["name"], location: Location, bucketName: string): Origin {
  const base = new URL(
    location.endpoint ?? `https://s3.${location.region}.${partitionOf(location.region).dnsSuffix}`,
  );
  const tls = base.protocol === "https:";
  const hostname = location.pathStyle ? base.hostname : `${bucketName}.${base.hostname}`;
  return {
    name,
    backend: `F_${name}`,
    bucket: name.startsWith("config") ? "config" : "hosting",
    region: location.region,
    host: base.port === "" ? hostname : `${hostname}:${base.port}`,
    hostname,
    port: base.port === "" ? (tls ? 443 : 80) : Number(base.port),
    tls,
    prefix: location.pathStyle ? `/${bucketName}` : "",
  };
}

/** VCL name of the shield director that Fastly makes for a POP code: `iad-va-us` → `ssl_shield_iad_va_us`. */
export function shieldDirector(popCode: string): string {
  return `ssl_shield_${popCode.replaceAll("-", "_")}`;
}
