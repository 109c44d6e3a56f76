import type { VclType } from "../ast.ts";
import type { VariableRow } from "../catalog-rows.ts";
import { parseIp } from "../ip.ts";
import type { ClientEffects, FactValue, Transaction } from "../runtime.ts";
import type { VclValue } from "../values.ts";
import { integerFromNumber } from "../values.ts";
import { scopesOf } from "./rows.ts";

/**
 * Variables about what one machine does not have: TCP and QUIC internals, device and bot detection, client
 * certificates, the legacy firewall. A fixture gives their values, per request; without one they read as Fastly's do
 * where nothing is known: not set, 0 or false, unless `otherwise` says something else.
 */
interface FactGroup {
  readonly type: VclType;
  readonly category: string;
  readonly read: string;
  readonly writable?: true;
  readonly otherwise?: FactValue;
  readonly deprecated?: string;
  /** Names separated by blanks; `prefix.{a b}` stands for `prefix.a prefix.b`. */
  readonly names: string;
}

const TLS_STATES = "recv hash deliver log";
const SOCKET_STATES = "recv error deliver log";

const BACKENDS: readonly FactGroup[] = [
  {
    type: "STRING",
    category: "backend-connection",
    read: "fetch",
    names: "backend.conn.tls_protocol backend.socket.congestion_algorithm",
  },
  {
    type: "INTEGER",
    category: "backend-connection",
    read: "fetch",
    names:
      "backend.socket.{cwnd tcpi_advmss tcpi_bytes_acked tcpi_bytes_received tcpi_data_segs_in tcpi_data_segs_out tcpi_delivery_rate tcpi_delta_retrans tcpi_last_data_sent tcpi_max_pacing_rate tcpi_min_rtt tcpi_notsent_bytes tcpi_pacing_rate tcpi_pmtu tcpi_rcv_mss tcpi_rcv_rtt tcpi_rcv_space tcpi_rcv_ssthresh tcpi_reordering tcpi_rtt tcpi_rttvar tcpi_segs_in tcpi_segs_out tcpi_snd_cwnd tcpi_snd_mss tcpi_snd_ssthresh tcpi_total_retrans}",
  },
  {
    type: "RTIME",
    category: "backend-request",
    read: "miss pass",
    writable: true,
    names: "bereq.max_reuse_idle_time",
  },
  {
    type: "INTEGER",
    category: "backend-connection",
    read: "fetch",
    names: "beresp.handshake_time_to_origin_ms",
  },
  // The request that is answered has been on the connection.
  {
    type: "INTEGER",
    category: "backend-connection",
    read: "fetch",
    otherwise: 1,
    names: "beresp.backend.requests",
  },
  { type: "INTEGER", category: "backend-connection", read: "all", names: "beresp.backend.src_port" },
];

const DEVICES: readonly FactGroup[] = [
  {
    type: "STRING",
    category: "client-request",
    read: "all",
    names:
      "client.bot.name client.browser.{name version} client.os.{name version} client.platform.{hwtype model vendor}",
  },
  {
    type: "BOOL",
    category: "client-request",
    read: "all",
    names:
      "client.class.{bot browser checker downloader feedreader filter masquerading spam} client.display.touchscreen client.identified client.platform.{ereader gameconsole mediaplayer mobile smarttv tablet tvplayer}",
  },
  { type: "INTEGER", category: "client-request", read: "all", names: "client.display.{height ppi width}" },
  { type: "BOOL", category: "miscellaneous", read: TLS_STATES, names: "fastly.bot.{analyzed detected}" },
  {
    type: "STRING",
    category: "miscellaneous",
    read: "all",
    names: "fastly.bot.{category name} fastly_info.h2.fingerprint fastly_info.{oh_fingerprint version}",
  },
  {
    type: "BOOL",
    category: "miscellaneous",
    read: "all",
    names:
      "fastly.bot.category.{is_accessibility is_ai_crawler is_ai_fetcher is_content_fetcher is_monitoring_and_site_tools is_online_marketing is_page_preview is_platform_integrations is_research is_search_engine_crawler is_search_engine_optimization is_security_tools is_verified}",
  },
];

const SOCKETS: readonly FactGroup[] = [
  // Ten minutes (reference/changes/2021/02/vcl-changes).
  {
    type: "RTIME",
    category: "client-connection",
    read: "all",
    writable: true,
    otherwise: 600,
    names: "client.sess_timeout",
  },
  {
    type: "STRING",
    category: "client-connection",
    read: SOCKET_STATES,
    writable: true,
    names: "client.socket.congestion_algorithm",
  },
  {
    type: "INTEGER",
    category: "client-connection",
    read: "recv fetch error deliver log",
    writable: true,
    names: "client.socket.cwnd",
  },
  { type: "IP", category: "client-connection", read: SOCKET_STATES, names: "client.socket.nexthop" },
  {
    type: "INTEGER",
    category: "client-connection",
    read: SOCKET_STATES,
    writable: true,
    names: "client.socket.pace",
  },
  { type: "FLOAT", category: "client-connection", read: SOCKET_STATES, names: "client.socket.ploss" },
  { type: "BOOL", category: "client-connection", read: SOCKET_STATES, names: "client.socket.tcp_info" },
  {
    type: "INTEGER",
    category: "client-connection",
    read: SOCKET_STATES,
    names:
      "client.socket.{tcpi_advmss tcpi_bytes_acked tcpi_bytes_received tcpi_data_segs_in tcpi_data_segs_out tcpi_delivery_rate tcpi_delta_retrans tcpi_last_data_sent tcpi_max_pacing_rate tcpi_min_rtt tcpi_notsent_bytes tcpi_pacing_rate tcpi_pmtu tcpi_rcv_mss tcpi_rcv_rtt tcpi_rcv_space tcpi_rcv_ssthresh tcpi_reordering tcpi_rtt tcpi_rttvar tcpi_segs_in tcpi_segs_out tcpi_snd_mss tcpi_snd_ssthresh tcpi_total_retrans}",
  },
  {
    type: "INTEGER",
    category: "client-connection",
    read: "recv fetch error deliver log",
    names: "client.socket.tcpi_snd_cwnd",
  },
  {
    type: "INTEGER",
    category: "client-connection",
    read: TLS_STATES,
    names:
      "fastly_info.h2.stream_id quic.cc.{cwnd ssthresh} quic.num_bytes.{received sent} quic.num_packets.{ack_received decryption_failed late_acked lost received sent} quic.rtt.{latest minimum smoothed variance} transport.bw_estimate",
  },
];

const PLATFORM: readonly FactGroup[] = [
  {
    type: "BOOL",
    category: "esi",
    read: "recv fetch error deliver",
    writable: true,
    names: "esi.allow_inside_cdata",
  },
  { type: "BOOL", category: "geolocation", read: "all", writable: true, names: "geoip.use_x_forwarded_for" },
];

const CERTIFICATES: readonly FactGroup[] = [
  {
    type: "STRING",
    category: "client-connection",
    read: TLS_STATES,
    names:
      "tls.client.certificate.{dn issuer_dn raw_certificate_b64 serial_number} tls.client.{ciphers_list ciphers_list_sha ciphers_list_txt ciphers_sha ja3_md5 ja4 tlsexts_list tlsexts_list_sha tlsexts_list_txt tlsexts_sha}",
  },
  {
    type: "BOOL",
    category: "client-connection",
    read: TLS_STATES,
    names:
      "tls.client.certificate.{is_cert_bad is_cert_expired is_cert_revoked is_cert_unknown is_unknown_ca is_verified}",
  },
  // Nobody is asked for a certificate here.
  {
    type: "BOOL",
    category: "client-connection",
    read: TLS_STATES,
    otherwise: true,
    names: "tls.client.certificate.is_cert_missing",
  },
  {
    type: "TIME",
    category: "client-connection",
    read: TLS_STATES,
    names: "tls.client.certificate.{not_after not_before}",
  },
  {
    type: "INTEGER",
    category: "client-connection",
    read: TLS_STATES,
    names: "tls.client.{handshake_sent_bytes iana_chosen_cipher_id}",
  },
];

const WAF = {
  category: "waf",
  read: "miss pass deliver log",
  deprecated: "the Next-Gen WAF, which has no variables",
} as const;
const WAF_VERDICT = { ...WAF, read: "miss pass error deliver log" } as const;

/** The firewall that Fastly retired: nothing it could have found is ever there. */
const FIREWALL: readonly FactGroup[] = [
  { ...WAF_VERDICT, type: "BOOL", writable: true, names: "waf.{blocked executed logged passed}" },
  { ...WAF_VERDICT, type: "INTEGER", names: "waf.failures" },
  { ...WAF, type: "INTEGER", read: "miss pass deliver", writable: true, names: "waf.counter" },
  { ...WAF, type: "INTEGER", read: "miss pass", writable: true, names: "waf.inbound_anomaly_score" },
  {
    ...WAF,
    type: "INTEGER",
    writable: true,
    names:
      "waf.{anomaly_score http_violation_score lfi_score php_injection_score rce_score rfi_score rule_id session_fixation_score severity xss_score}",
  },
  { ...WAF, type: "FLOAT", read: "log", names: "waf.sql_injection_score" },
  { ...WAF, type: "STRING", writable: true, names: "waf.{logdata message}" },
];

/** `a.{b c} d` → `a.b`, `a.c`, `d`. */
function expandNames(names: string): string[] {
  return [...names.matchAll(/([^\s{]+)(?:\{([^}]*)\})?/g)].flatMap(([, prefix = "", list]) =>
    list === undefined ? [prefix] : list.split(" ").map((name) => prefix + name),
  );
}

/** What VCL asked for the connection; made when first needed. */
export function effectsOf(t: Transaction): ClientEffects {
  t.effects ??= { altSvc: false, tarpit: null, settings: new Map() };
  return t.effects;
}

/** What reads as "nothing known" in each type. */
function neutral(type: VclType): FactValue | null {
  if (type === "BOOL") return false;
  return type === "STRING" || type === "IP" ? null : 0;
}

/** A fixture's value in the form that VCL computes with. */
export function factAsValue(type: VclType, fact: FactValue | null): VclValue {
  if (fact === null) return null;
  if (type === "INTEGER") return integerFromNumber(Number(fact));
  return type === "IP" ? parseIp(String(fact)) : fact;
}

function factRow(group: FactGroup, name: string): VariableRow {
  const { type } = group;
  const otherwise = group.otherwise ?? neutral(type);
  const read = scopesOf(group.read);
  const known = (t: Transaction): FactValue | null =>
    t.effects?.settings.get(name) ?? t.facts?.get(name) ?? otherwise;
  const row = {
    name,
    type,
    read,
    write: group.writable === true ? read : ("none" as const),
    unset: "none" as const,
    doc: `reference/vcl/variables/${group.category}/${name.toLowerCase().replaceAll(/[._]/g, "-")}`,
    get: (t: Transaction): VclValue => factAsValue(type, known(t)),
    fact: true as const,
    ...(group.deprecated === undefined ? {} : { deprecated: group.deprecated }),
  };
  return group.writable === true ? { ...row, set: settingOf(name) } : row;
}

/** Remembers what VCL set; a STRING that is not set is an empty one. */
function settingOf(name: string): (t: Transaction, value: VclValue) => void {
  return (t, value) => {
    const plain = typeof value === "bigint" ? Number(value) : value;
    const isFact = typeof plain === "string" || typeof plain === "number" || typeof plain === "boolean";
    effectsOf(t).settings.set(name, isFact ? plain : "");
  };
}

/** Every variable whose value a fixture gives. */
export const FACT_VARIABLES: readonly VariableRow[] = [
  ...BACKENDS,
  ...DEVICES,
  ...SOCKETS,
  ...PLATFORM,
  ...CERTIFICATES,
  ...FIREWALL,
].flatMap((group) => expandNames(group.names).map((name) => factRow(group, name)));
