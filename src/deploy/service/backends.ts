import { isIP } from "node:net";
import type { Backend, Healthcheck } from "../../fastly/wire.ts";
import { originsOf } from "../../render/origins.ts";
import type { Origin } from "../../render/origins.ts";
import type { Environment } from "../../settings/environment.ts";

/**
 * The stores of an environment as Fastly backends: `config` and `hosting`, and with a second region
 * `config_second` and `hosting_second`, which then all have health checks, because only then is there a choice.
 */
export function backendsOf(environment: Environment): {
  readonly backends: readonly Backend[];
  readonly healthchecks: readonly Healthcheck[];
} {
  const origins = originsOf(environment);
  const checked = environment.s3.second !== undefined;
  const shield = environment.fastly.shield ?? "";
  return {
    backends: origins.map((origin) =>
      backendOf(origin, {
        shield,
        healthcheck: checked ? checkName(origin) : "",
        tuning: environment.fastly.backends ?? {},
      }),
    ),
    healthchecks: checked ? origins.map(healthcheckOf) : [],
  };
}

/** Milliseconds; S3 answers within a few hundred, and its own clients give up after a minute at most. */
const TIMEOUTS = { connect: 1_000, firstByte: 15_000, betweenBytes: 10_000 } as const;

function backendOf(
  origin: Origin,
  choices: {
    readonly shield: string;
    readonly healthcheck: string;
    readonly tuning: NonNullable<Environment["fastly"]["backends"]>;
  },
): Backend {
  const { tuning } = choices;
  const address = unbracketed(origin.hostname);
  const certificateHost = origin.tls && isIP(address) === 0 ? certificateHostOf(origin) : "";
  return {
    name: origin.name,
    address,
    port: origin.port,
    use_ssl: origin.tls,
    ssl_check_cert: true,
    ssl_cert_hostname: certificateHost,
    ssl_sni_hostname: certificateHost,
    min_tls_version: origin.tls ? (tuning.minTlsVersion ?? "1.2") : "",
    // The VCL sets bereq.http.host on the origin hop only; an override would also rewrite the hop to the shield.
    override_host: "",
    shield: choices.shield,
    healthcheck: choices.healthcheck,
    request_condition: "",
    auto_loadbalance: false,
    connect_timeout: tuning.connectTimeout ?? TIMEOUTS.connect,
    first_byte_timeout: tuning.firstByteTimeout ?? TIMEOUTS.firstByte,
    between_bytes_timeout: tuning.betweenBytesTimeout ?? TIMEOUTS.betweenBytes,
    max_conn: tuning.maxConnections ?? 200,
  };
}

/** A URL's host name has an IPv6 address in brackets; a backend has it without. */
function unbracketed(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

const DOTTED_AWS_BUCKET = /^[^.]+\..+\.(s3\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?)$/;

/** AWS's certificates cover one label before the region: a bucket with dots is checked by the region's own name. */
function certificateHostOf(origin: Origin): string {
  return DOTTED_AWS_BUCKET.exec(origin.hostname)?.[1] ?? origin.hostname;
}

function checkName(origin: Origin): string {
  return `${origin.name}_up`;
}

/** Probes are unsigned, so a private bucket that is up says 403. */
function healthcheckOf(origin: Origin): Healthcheck {
  return {
    name: checkName(origin),
    host: origin.host,
    path: `${origin.prefix}/`,
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
