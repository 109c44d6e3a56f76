import { isIP } from "node:net";
import type { Backend, Healthcheck } from "../fastly/wire.ts";
import type { Environment, Location } from "../settings/environment.ts";

/** Where a bucket answers, as the edge has to reach it. */
interface StoreAddress {
  /** Host name or IP address, without brackets. */
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Name that the server's certificate covers. */
  readonly certificateHost: string;
  /** Path that an unsigned probe asks for. */
  readonly probePath: string;
}

/**
 * The stores of an environment as Fastly backends: `config` and `hosting`, and with a second region
 * `config_second` and `hosting_second`, which then all have health checks, because only then is there a choice.
 */
export function backendsOf(environment: Environment): {
  readonly backends: readonly Backend[];
  readonly healthchecks: readonly Healthcheck[];
} {
  const { s3, fastly } = environment;
  const stores = [...storesAt(s3, ""), ...(s3.second ? storesAt(s3.second, "_second") : [])];
  const checked = s3.second !== undefined;
  return {
    backends: stores.map(({ name, address }) =>
      backendOf(name, address, { shield: fastly.shield ?? "", healthcheck: checked ? checkName(name) : "" }),
    ),
    healthchecks: checked ? stores.map(({ name, address }) => healthcheckOf(name, address)) : [],
  };
}

function storesAt(
  location: Location,
  suffix: string,
): readonly { readonly name: string; readonly address: StoreAddress }[] {
  return [
    { name: `config${suffix}`, address: addressOf(location, location.configBucket) },
    { name: `hosting${suffix}`, address: addressOf(location, location.hostingBucket) },
  ];
}

/** Host of a bucket: AWS's regional endpoint, or the store that the settings name. */
export function addressOf(location: Location, bucket: string): StoreAddress {
  const probePath = location.pathStyle ? `/${bucket}/` : "/";
  const prefix = location.pathStyle ? "" : `${bucket}.`;
  if (location.endpoint === undefined) {
    const region = awsHost(location.region);
    // AWS's certificate covers one label before the region: a bucket with dots needs the region's own name.
    const certificateHost = bucket.includes(".") ? region : `${prefix}${region}`;
    return { host: `${prefix}${region}`, port: 443, tls: true, certificateHost, probePath };
  }
  const url = new URL(location.endpoint);
  const tls = url.protocol === "https:";
  const host = `${prefix}${url.hostname.replace(/^\[(.*)\]$/, "$1")}`;
  return { host, port: Number(url.port || (tls ? 443 : 80)), tls, certificateHost: host, probePath };
}

function awsHost(region: string): string {
  return `s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
}

function backendOf(
  name: string,
  address: StoreAddress,
  choices: { readonly shield: string; readonly healthcheck: string },
): Backend {
  const named = address.tls && isIP(address.host) === 0;
  return {
    name,
    address: address.host,
    port: address.port,
    use_ssl: address.tls,
    ssl_check_cert: true,
    ssl_cert_hostname: named ? address.certificateHost : "",
    ssl_sni_hostname: named ? address.certificateHost : "",
    min_tls_version: address.tls ? "1.2" : "",
    // The VCL sets bereq.http.host on the origin hop only; an override would also rewrite the hop to the shield.
    override_host: "",
    shield: choices.shield,
    healthcheck: choices.healthcheck,
    request_condition: "",
    auto_loadbalance: false,
    connect_timeout: 1_000,
    first_byte_timeout: 15_000,
    between_bytes_timeout: 10_000,
    max_conn: 200,
  };
}

function checkName(backend: string): string {
  return `${backend}_up`;
}

/** Probes are unsigned, so a private bucket that is up says 403. */
function healthcheckOf(backend: string, address: StoreAddress): Healthcheck {
  const standard = address.port === (address.tls ? 443 : 80);
  return {
    name: checkName(backend),
    host: standard ? address.host : `${address.host}:${address.port}`,
    path: address.probePath,
    method: "HEAD",
    http_version: "1.1",
    expected_response: 403,
    check_interval: 10_000,
    timeout: 3_000,
    window: 5,
    threshold: 3,
    // Healthy from the first request on: with fewer, a new version would answer 503 until the probes are in.
    initial: 3,
  };
}
