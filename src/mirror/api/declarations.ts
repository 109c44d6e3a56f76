import { DIRECTOR_TYPES } from "./director-kind.ts";
import { directorBackends } from "./director-links.ts";
import type { Collection, ResourceRecord, VersionObjects } from "./state.ts";
import { numberOf, textOf } from "./state.ts";
import { vclComment, vclMilliseconds, vclName, vclString } from "./vcl-text.ts";

/** Fastly's cap on an object without segmented caching, for accounts since June 2020 (docs: resource limits). */
const MAX_OBJECT_SIZE = 20_971_520;
const MAX_BACKENDS = 5;

/** Name of an API backend in VCL: `F_` and the name with `_` for what an identifier cannot have. */
export function backendName(record: ResourceRecord): string {
  return `F_${vclName(textOf(record, "name"))}`;
}

/** Name of the director for a shield POP, e.g. `ssl_shield_iad_va_us` for `iad-va-us`. */
export function shieldName(code: string): string {
  return `ssl_shield_${vclName(code)}`;
}

/** The parameters Fastly puts on top of every generated VCL. */
export function pragmas(customerId: string): string {
  const parameters: readonly (readonly [string, string | number])[] = [
    ["geoip_opt_in", "true"],
    ["max_object_size", MAX_OBJECT_SIZE],
    ["smiss_max_object_size", MAX_OBJECT_SIZE],
    ["fetchless_purge_all", 1],
    ["chash_randomize_on_pass", "true"],
    ["default_ssl_check_cert", 1],
    ["max_backends", MAX_BACKENDS],
    ["customer_id", vclString(customerId)],
  ];
  return parameters.map(([name, value]) => `pragma optional_param ${name} ${value};\n`).join("");
}

/** The `backend` declarations, each with its probe (reference/vcl/declarations/backend). */
export function backendDeclarations(objects: VersionObjects, serviceId: string): string {
  const checks = new Map(objects.resources.healthcheck.map((check) => [check["name"], check]));
  return objects.resources.backend
    .map((backend) => {
      const check = checks.get(backend["healthcheck"] ?? "");
      const lines = [...backendProperties(backend, serviceId), ...tlsProperties(backend)];
      const probe = check === undefined ? dummyProbe(backend) : probeProperties(check);
      const body = [...lines, "", ".probe = {", ...probe.map((line) => `  ${line}`), "}"];
      return `backend ${backendName(backend)} {\n${body.map(indent).join("\n")}\n}\n`;
    })
    .join("");
}

function indent(line: string): string {
  return line === "" ? "" : `  ${line}`;
}

function backendProperties(backend: ResourceRecord, serviceId: string): string[] {
  const override = textOf(backend, "override_host");
  const lines = [
    `.between_bytes_timeout = ${vclMilliseconds(numberOf(backend, "between_bytes_timeout"))};`,
    `.connect_timeout = ${vclMilliseconds(numberOf(backend, "connect_timeout"))};`,
    ".dynamic = true;",
    `.first_byte_timeout = ${vclMilliseconds(numberOf(backend, "first_byte_timeout"))};`,
    `.host = ${vclString(textOf(backend, "address"))};`,
    `.max_connections = ${numberOf(backend, "max_conn")};`,
    `.port = ${vclString(textOf(backend, "port"))};`,
    `.share_key = ${vclString(textOf(backend, "share_key") || serviceId)};`,
  ];
  if (override === "") return lines;
  return [".always_use_host_header = true;", `.host_header = ${vclString(override)};`, ...lines];
}

function tlsProperties(backend: ResourceRecord): string[] {
  if (backend["use_ssl"] !== true) return [];
  const lines = [
    ".ssl = true;",
    `.ssl_check_cert = ${backend["ssl_check_cert"] === false ? "never" : "always"};`,
  ];
  const named: readonly (readonly [string, string])[] = [
    ["ssl_cert_hostname", ".ssl_cert_hostname"],
    ["ssl_sni_hostname", ".ssl_sni_hostname"],
    ["ssl_ca_cert", ".ssl_ca_cert"],
    ["ssl_ciphers", ".ssl_ciphers"],
    ["min_tls_version", ".min_tls_version"],
    ["max_tls_version", ".max_tls_version"],
  ];
  for (const [field, property] of named) {
    const value = textOf(backend, field);
    if (value !== "") lines.push(`${property} = ${vclString(value)};`);
  }
  return lines;
}

/** Without a health check Fastly declares one that never runs and always says healthy. */
function dummyProbe(backend: ResourceRecord): string[] {
  const host = textOf(backend, "override_host") || textOf(backend, "address");
  return [
    ".dummy = true;",
    ".initial = 5;",
    `.request = "HEAD / HTTP/1.1" ${vclString(`Host: ${host}`)} "Connection: close";`,
    ".threshold = 1;",
    ".timeout = 2s;",
    ".window = 5;",
  ];
}

function probeProperties(check: ResourceRecord): string[] {
  const headers = check["headers"];
  const extra = (Array.isArray(headers) ? headers : []).map((line) => ` ${vclString(String(line))}`).join("");
  const start = `${textOf(check, "method")} ${textOf(check, "path")} HTTP/${textOf(check, "http_version")}`;
  const host = textOf(check, "host") === "" ? "" : ` ${vclString(`Host: ${textOf(check, "host")}`)}`;
  return [
    `.expected_response = ${numberOf(check, "expected_response")};`,
    `.initial = ${numberOf(check, "initial")};`,
    `.interval = ${vclMilliseconds(numberOf(check, "check_interval"))};`,
    `.request = ${vclString(start)}${host} "Connection: close" "User-Agent: Varnish/fastly (healthcheck)"${extra};`,
    `.threshold = ${numberOf(check, "threshold")};`,
    `.timeout = ${vclMilliseconds(numberOf(check, "timeout"))};`,
    `.window = ${numberOf(check, "window")};`,
  ];
}

/** Name of a director of the API in VCL. */
export function directorName(record: ResourceRecord): string {
  return vclName(textOf(record, "name"));
}

/** The directors of the API; one without backends is left out, as VCL has none (reference/vcl/declarations/director). */
export function directorDeclarations(objects: VersionObjects): string {
  return objects.resources.director
    .map((director) => {
      const backends = new Map(
        objects.resources.backend.map((backend) => [textOf(backend, "name"), backend]),
      );
      const members = directorBackends(textOf(director, "name"), objects).flatMap((name) => {
        const backend = backends.get(name);
        return backend === undefined ? [] : [backend];
      });
      const type = DIRECTOR_TYPES.get(numberOf(director, "type")) ?? "random";
      const retries = type === "random" ? `  .retries = ${numberOf(director, "retries")};\n` : "";
      const quorum = `  .quorum = ${numberOf(director, "quorum")}%;\n`;
      const name = directorName(director);
      return members.length === 0
        ? ""
        : `director ${name} ${type} {\n${quorum}${retries}${membersOf(members)}}\n`;
    })
    .join("");
}

function membersOf(backends: readonly ResourceRecord[]): string {
  return backends
    .map((backend) => `  { .backend = ${backendName(backend)}; .weight = ${numberOf(backend, "weight")}; }\n`)
    .join("");
}

/** One director per shield POP in use, as Fastly renders them since August 2023 (reference/changes). */
export function shieldDeclarations(objects: VersionObjects): string {
  const { backend, director } = objects.resources;
  const codes = new Set([...backend, ...director].map((record) => textOf(record, "shield")));
  codes.delete("");
  return [...codes]
    .sort()
    .map(
      (code) =>
        `director ${shieldName(code)} shield {\n  .shield = ${vclString(code)};\n  .is_ssl = true;\n}\n`,
    )
    .join("");
}

/** Backends that share by weight what one condition governs (`auto_loadbalance`); fewer than two make no director. */
export function balancedBackends(objects: VersionObjects, condition: string): readonly ResourceRecord[] {
  const list = objects.resources.backend.filter(
    (backend) => backend["auto_loadbalance"] === true && textOf(backend, "request_condition") === condition,
  );
  return list.length < 2 ? [] : list;
}

/** The director of the backends that are balanced under a condition. */
export function autodirectorName(condition: string): string {
  return `autodirector_${vclName(condition)}`;
}

/** Their declarations, one for each condition with backends to balance. */
export function autodirectorDeclarations(objects: VersionObjects): string {
  const conditions = new Set(
    objects.resources.backend.map((backend) => textOf(backend, "request_condition")),
  );
  return [...conditions]
    .map((condition) => {
      const members = balancedBackends(objects, condition);
      return members.length === 0
        ? ""
        : `director ${autodirectorName(condition)} random {\n${membersOf(members)}}\n`;
    })
    .join("");
}

/** What a table shows in place of a write-only dictionary's items. */
export interface TableDigest {
  readonly digest: string;
  readonly itemCount: number;
  readonly lastUpdated: string;
}

/**
 * `table` declarations of the dictionaries. Items of write-only ones are never printed: what Fastly shows instead is
 * "REDACTED dictionary content" with a digest.
 */
export function tableDeclarations(
  objects: VersionObjects,
  items: (id: string) => Collection,
  digest: (id: string) => TableDigest,
): string {
  return objects.resources.dictionary
    .map((dictionary) => {
      const id = textOf(dictionary, "id");
      const lines = dictionary["write_only"] === true ? redacted(digest(id)) : tableItems(items(id));
      return `table ${vclName(textOf(dictionary, "name"))} {\n${lines.map((line) => `  ${line}\n`).join("")}}\n`;
    })
    .join("");
}

function redacted({ digest, itemCount, lastUpdated }: TableDigest): string[] {
  return [
    "# REDACTED dictionary content",
    `# digest: ${digest}`,
    `# item_count: ${itemCount}`,
    `# last_updated: ${lastUpdated}`,
  ];
}

function tableItems(items: Collection): string[] {
  return [...items].map(([key, item]) => `${vclString(key)}: ${vclString(textOf(item, "item_value"))},`);
}

/** `acl` declarations with their entries; the addresses were checked when they were stored. */
export function aclDeclarations(objects: VersionObjects, entries: (id: string) => Collection): string {
  return objects.resources.acl
    .map((acl) => {
      const lines = [...entries(textOf(acl, "id")).values()].map((entry) => {
        const subnet = entry["subnet"] === null ? "" : `/${numberOf(entry, "subnet")}`;
        const comment = textOf(entry, "comment");
        const note = comment === "" ? "" : ` # ${vclComment(comment)}`;
        return `  ${entry["negated"] === "1" ? "!" : ""}${vclString(textOf(entry, "ip"))}${subnet};${note}\n`;
      });
      return `acl ${vclName(textOf(acl, "name"))} {\n${lines.join("")}}\n`;
    })
    .join("");
}
