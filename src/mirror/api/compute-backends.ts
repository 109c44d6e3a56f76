import type { BackendSpec, ProbeSpec } from "../../vcl/runtime.ts";
import { numberOf, textOf } from "./state.ts";
import type { ResourceRecord, VersionObjects } from "./state.ts";

/** The backends of a Compute service's version as its program names them: no VCL stands between. */
export function computeBackends(
  objects: VersionObjects,
  serviceId: string,
): ReadonlyMap<string, BackendSpec> {
  const checks = new Map(objects.resources.healthcheck.map((check) => [textOf(check, "name"), check]));
  return new Map(
    objects.resources.backend.map((backend) => {
      const check = checks.get(textOf(backend, "healthcheck"));
      const spec = backendSpec(backend, serviceId);
      return [spec.name, { ...spec, probe: check === undefined ? null : probeSpec(check) }];
    }),
  );
}

function backendSpec(backend: ResourceRecord, serviceId: string): BackendSpec {
  const override = orNull(backend, "override_host");
  return {
    name: textOf(backend, "name"),
    host: textOf(backend, "address"),
    port: numberOf(backend, "port"),
    ssl: backend["use_ssl"] === true,
    sslCheckCert: backend["ssl_check_cert"] !== false,
    sslCertHostname: orNull(backend, "ssl_cert_hostname"),
    sslSniHostname: orNull(backend, "ssl_sni_hostname"),
    hostHeader: override,
    alwaysUseHostHeader: override !== null,
    connectTimeout: seconds(backend, "connect_timeout"),
    firstByteTimeout: seconds(backend, "first_byte_timeout"),
    betweenBytesTimeout: seconds(backend, "between_bytes_timeout"),
    maxConnections: numberOf(backend, "max_conn"),
    shareKey: orNull(backend, "share_key") ?? serviceId,
    probe: null,
  };
}

function probeSpec(check: ResourceRecord): ProbeSpec {
  const headers = check["headers"];
  const host = textOf(check, "host");
  const lines = [
    `${textOf(check, "method")} ${textOf(check, "path")} HTTP/${textOf(check, "http_version")}`,
    ...(host === "" ? [] : [`Host: ${host}`]),
    "Connection: close",
    "User-Agent: Varnish/fastly (healthcheck)",
    ...(Array.isArray(headers) ? headers.map(String) : []),
  ];
  return {
    request: lines.join("\r\n"),
    expectedResponse: numberOf(check, "expected_response"),
    interval: seconds(check, "check_interval"),
    timeout: seconds(check, "timeout"),
    window: numberOf(check, "window"),
    threshold: numberOf(check, "threshold"),
    initial: numberOf(check, "initial"),
    dummy: false,
  };
}

/** The API says milliseconds. */
function seconds(record: ResourceRecord, field: string): number {
  return numberOf(record, field) / 1000;
}

function orNull(record: ResourceRecord, field: string): string | null {
  return textOf(record, field) || null;
}
