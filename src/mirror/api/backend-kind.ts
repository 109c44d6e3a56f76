import { isIP, isIPv4, isIPv6 } from "node:net";
import { followLinks } from "./director-links.ts";
import type { FieldRow } from "./fields.ts";
import type { KindRow } from "./kind-row.ts";
import { textOf } from "./state.ts";
import type { FieldValue, ResourceRecord } from "./state.ts";

/** POP codes such as `iad-va-us` and `london_city-uk`. The code becomes part of an identifier in generated VCL. */
export const SHIELD_CODE = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const HOST_NAME = /^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?$/;

const text = (name: string): FieldRow => ({ name, type: "text", initial: "" });
const nullable = (name: string): FieldRow => ({ name, type: "nullable", initial: null });
const integer = (name: string, initial: number): FieldRow => ({ name, type: "integer", initial });
const optional = (name: string): FieldRow => ({ name, type: "nullableInteger", initial: null });
const boolean = (name: string, initial: boolean): FieldRow => ({ name, type: "boolean", initial });

/** Every field of a backend with its default; times in milliseconds (reference/api/services/backend). */
export const BACKEND_FIELDS: readonly FieldRow[] = [
  text("name"),
  text("address"),
  integer("port", 80),
  text("comment"),
  boolean("use_ssl", false),
  boolean("ssl_check_cert", true),
  nullable("ssl_cert_hostname"),
  nullable("ssl_sni_hostname"),
  nullable("ssl_hostname"),
  nullable("ssl_ca_cert"),
  nullable("ssl_client_cert"),
  nullable("ssl_client_key"),
  nullable("ssl_ciphers"),
  nullable("min_tls_version"),
  nullable("max_tls_version"),
  nullable("override_host"),
  nullable("shield"),
  nullable("healthcheck"),
  text("request_condition"),
  nullable("share_key"),
  integer("weight", 100),
  boolean("auto_loadbalance", false),
  integer("connect_timeout", 1000),
  integer("first_byte_timeout", 15_000),
  integer("between_bytes_timeout", 10_000),
  integer("max_conn", 200),
  integer("max_use", 0),
  integer("max_lifetime", 0),
  optional("keepalive_time"),
  boolean("prefer_ipv6", false),
  integer("error_threshold", 0),
  { name: "tcp_keepalive_enable", type: "boolean", initial: null },
  optional("tcp_keepalive_interval"),
  optional("tcp_keepalive_probes"),
  optional("tcp_keepalive_time"),
];

/** What Fastly derives from the address and prints beside it. */
function derive(record: ResourceRecord): Readonly<Record<string, FieldValue>> {
  const address = textOf(record, "address");
  return {
    hostname: isIP(address) === 0 ? address : null,
    ipv4: isIPv4(address) ? address : null,
    ipv6: isIPv6(address) ? address : null,
    client_cert: null,
  };
}

/** Port 443 means TLS where nothing else is said (reference/api/services/backend, `use_ssl`): the CLI relies on it. */
function imply(given: ResourceRecord): ResourceRecord {
  return given["port"] === 443 ? { use_ssl: true } : {};
}

function check(record: ResourceRecord): string | null {
  const address = textOf(record, "address");
  if (address === "") return "Address can't be blank";
  if (isIP(address) === 0 && !HOST_NAME.test(address))
    return `Address '${address}' is not a valid IPv4, IPv6 or hostname`;
  const port = Number(record["port"]);
  if (port < 0 || port > 65_535) return `Port '${port}' is not between 0 and 65535`;
  const shield = textOf(record, "shield");
  if (shield !== "" && !SHIELD_CODE.test(shield)) return `Shield '${shield}' is not a valid POP code`;
  return null;
}

export const BACKEND_KIND: KindRow = {
  kind: "backend",
  label: "Backend",
  duplicateLabel: "backend",
  plural: "backends",
  fields: BACKEND_FIELDS,
  hasId: false,
  versionAs: "number",
  computeInitial: { prefer_ipv6: true },
  derive,
  imply,
  check,
  follow: followLinks("backend_name"),
};
