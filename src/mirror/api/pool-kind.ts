import { SHIELD_CODE } from "./backend-kind.ts";
import { DIRECTOR_TYPES } from "./director-kind.ts";
import { COMMENT, flag, NAME, nullable, numeral, oneOf } from "./field-rows.ts";
import type { KindRow } from "./kind-row.ts";
import { numberOf, textOf } from "./state.ts";
import type { Collection, ResourceRecord, VersionObjects } from "./state.ts";

function check(record: ResourceRecord): string | null {
  const quorum = numberOf(record, "quorum");
  const shield = textOf(record, "shield");
  if (quorum < 0 || quorum > 100) return `Quorum '${quorum}' is not between 0 and 100`;
  if (shield !== "" && !SHIELD_CODE.test(shield)) return `Shield '${shield}' is not a valid POP code`;
  return oneOf("Type", textOf(record, "type"), [...DIRECTOR_TYPES.values()]);
}

/** Pools of servers that change without a new version (reference/api/load-balancing/pools). */
export const POOL_KIND: KindRow = {
  kind: "pool",
  label: "Pool",
  duplicateLabel: "pool",
  plural: null,
  fields: [
    NAME,
    COMMENT,
    { name: "type", type: "text", initial: "random" },
    // Recorded: a number until somebody says another.
    { name: "quorum", type: "numeral", initial: 75 },
    flag("use_tls"),
    flag("tls_check_cert", "1"),
    ...["tls_cert_hostname", "tls_sni_hostname", "tls_ca_cert", "tls_ciphers"].map((name) => nullable(name)),
    ...["tls_client_cert", "tls_client_key"].map((name) => nullable(name)),
    ...["min_tls_version", "max_tls_version"].map((name) => nullable(name)),
    numeral("max_conn_default", "200"),
    numeral("connect_timeout", "1000"),
    numeral("first_byte_timeout", "15000"),
    numeral("between_bytes_timeout", "10000"),
    ...["healthcheck", "shield", "request_condition", "override_host"].map((name) => nullable(name)),
  ],
  hasId: true,
  versionAs: "string",
  check,
};

/**
 * The objects with every pool as what it is in VCL: a director, and a backend for each of its servers that is not
 * disabled. A pool without any is not there.
 */
export function withPools(objects: VersionObjects, servers: (poolId: string) => Collection): VersionObjects {
  let { backend, director, director_backend: links } = objects.resources;
  for (const pool of objects.resources.pool) {
    const running = [...servers(textOf(pool, "id")).values()].filter((server) => server["disabled"] !== true);
    if (running.length === 0) continue;
    const members = running.map((server) => asBackend(pool, server));
    const name = textOf(pool, "name");
    backend = [...backend, ...members];
    director = [...director, asDirector(pool)];
    links = [
      ...links,
      ...members.map((member) => ({ director_name: name, backend_name: textOf(member, "name") })),
    ];
  }
  return { ...objects, resources: { ...objects.resources, backend, director, director_backend: links } };
}

function asDirector(pool: ResourceRecord): ResourceRecord {
  const [type] = [...DIRECTOR_TYPES].find(([, word]) => word === pool["type"]) ?? [1];
  const { name = "", shield = null } = pool;
  return { name, type, quorum: numberOf(pool, "quorum"), retries: 5, shield };
}

function asBackend(pool: ResourceRecord, server: ResourceRecord): ResourceRecord {
  const most = numberOf(server, "max_conn");
  const own = textOf(server, "override_host");
  return {
    name: `${textOf(pool, "name")} ${textOf(server, "id")}`,
    address: textOf(server, "address"),
    port: numberOf(server, "port"),
    weight: numberOf(server, "weight"),
    // Recorded: a server says 0 where the pool's number holds.
    max_conn: most === 0 ? numberOf(pool, "max_conn_default") : most,
    connect_timeout: numberOf(pool, "connect_timeout"),
    first_byte_timeout: numberOf(pool, "first_byte_timeout"),
    between_bytes_timeout: numberOf(pool, "between_bytes_timeout"),
    override_host: own === "" ? textOf(pool, "override_host") : own,
    use_ssl: pool["use_tls"] === "1",
    ssl_check_cert: pool["tls_check_cert"] !== "0",
    ssl_cert_hostname: textOf(pool, "tls_cert_hostname"),
    ssl_sni_hostname: textOf(pool, "tls_sni_hostname"),
    ssl_ca_cert: textOf(pool, "tls_ca_cert"),
    ssl_ciphers: textOf(pool, "tls_ciphers"),
    ssl_client_cert: textOf(pool, "tls_client_cert"),
    ssl_client_key: textOf(pool, "tls_client_key"),
    min_tls_version: textOf(pool, "min_tls_version"),
    max_tls_version: textOf(pool, "max_tls_version"),
    healthcheck: textOf(pool, "healthcheck"),
    request_condition: textOf(pool, "request_condition"),
    shield: textOf(pool, "shield"),
  };
}
