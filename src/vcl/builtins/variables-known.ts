import type { VclType } from "../ast.ts";
import type { VariableRow } from "../catalog-rows.ts";
import { knownVariable } from "./rows.ts";

/**
 * Variables that Fastly documents and this engine does not execute: what they report (TCP and QUIC internals, device
 * and bot detection, client certificates) does not exist on one machine. A program that reads one is refused when it is
 * compiled, with its place; nothing is silently empty.
 */
interface KnownGroup {
  readonly type: VclType;
  readonly category: string;
  readonly read: string;
  readonly writable?: true;
  /** Names separated by blanks; `prefix.{a b}` stands for `prefix.a prefix.b`. */
  readonly names: string;
}

const GROUPS: readonly KnownGroup[] = [
  { type: "BOOL", category: "backend-connection", read: "fetch", names: "backend.conn.is_tls" },
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
  { type: "ID", category: "backend-request", read: "miss pass fetch", names: "bereq.headers" },
  {
    type: "RTIME",
    category: "backend-request",
    read: "miss pass",
    writable: true,
    names: "bereq.max_reuse_idle_time",
  },
  {
    type: "INTEGER",
    category: "backend-response",
    read: "fetch",
    names: "beresp.backend.requests beresp.handshake_time_to_origin_ms",
  },
  { type: "INTEGER", category: "backend-response", read: "all", names: "beresp.backend.src_port" },
  { type: "ID", category: "backend-response", read: "fetch", names: "beresp.headers" },
  {
    type: "STRING",
    category: "client-connection",
    read: "all",
    names:
      "client.bot.name client.browser.{name version} client.os.{name version} client.platform.{hwtype model vendor}",
  },
  {
    type: "BOOL",
    category: "client-connection",
    read: "all",
    names:
      "client.class.{bot browser checker downloader feedreader filter masquerading spam} client.display.touchscreen client.identified client.platform.{ereader gameconsole mediaplayer mobile smarttv tablet tvplayer}",
  },
  { type: "INTEGER", category: "client-connection", read: "all", names: "client.display.{height ppi width}" },
  { type: "RTIME", category: "client-connection", read: "all", writable: true, names: "client.sess_timeout" },
  {
    type: "STRING",
    category: "client-connection",
    read: "recv error deliver log",
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
  {
    type: "IP",
    category: "client-connection",
    read: "recv error deliver log",
    names: "client.socket.nexthop",
  },
  {
    type: "INTEGER",
    category: "client-connection",
    read: "recv error deliver log",
    writable: true,
    names: "client.socket.pace",
  },
  {
    type: "FLOAT",
    category: "client-connection",
    read: "recv error deliver log",
    names: "client.socket.ploss",
  },
  {
    type: "BOOL",
    category: "client-connection",
    read: "recv error deliver log",
    names: "client.socket.tcp_info",
  },
  {
    type: "INTEGER",
    category: "client-connection",
    read: "recv error deliver log",
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
    type: "BOOL",
    category: "miscellaneous",
    read: "recv fetch error deliver",
    writable: true,
    names: "esi.allow_inside_cdata",
  },
  {
    type: "BOOL",
    category: "miscellaneous",
    read: "recv hash deliver log",
    names: "fastly.bot.{analyzed detected}",
  },
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
  {
    type: "INTEGER",
    category: "miscellaneous",
    read: "recv hash deliver log",
    names: "fastly_info.h2.stream_id",
  },
  { type: "BOOL", category: "geolocation", read: "all", writable: true, names: "geoip.use_x_forwarded_for" },
  { type: "ID", category: "cache-object", read: "hit error", names: "obj.headers" },
  {
    type: "INTEGER",
    category: "quic",
    read: "recv hash deliver log",
    names:
      "quic.cc.{cwnd ssthresh} quic.num_bytes.{received sent} quic.num_packets.{ack_received decryption_failed late_acked lost received sent} quic.rtt.{latest minimum smoothed variance}",
  },
  { type: "ID", category: "client-request", read: "all", names: "req.headers" },
  { type: "ID", category: "client-response", read: "deliver log", names: "resp.headers" },
  {
    type: "STRING",
    category: "tls",
    read: "recv hash deliver log",
    names:
      "tls.client.certificate.{dn issuer_dn raw_certificate_b64 serial_number} tls.client.{ciphers_list ciphers_list_sha ciphers_list_txt ciphers_sha ja3_md5 ja4 tlsexts_list tlsexts_list_sha tlsexts_list_txt tlsexts_sha}",
  },
  {
    type: "BOOL",
    category: "tls",
    read: "recv hash deliver log",
    names:
      "tls.client.certificate.{is_cert_bad is_cert_expired is_cert_missing is_cert_revoked is_cert_unknown is_unknown_ca is_verified}",
  },
  {
    type: "TIME",
    category: "tls",
    read: "recv hash deliver log",
    names: "tls.client.certificate.{not_after not_before}",
  },
  {
    type: "INTEGER",
    category: "tls",
    read: "recv hash deliver log",
    names: "tls.client.{handshake_sent_bytes iana_chosen_cipher_id}",
  },
  { type: "INTEGER", category: "transport", read: "recv hash deliver log", names: "transport.bw_estimate" },
];

/** `a.{b c} d` → `a.b`, `a.c`, `d`. */
function expandNames(names: string): string[] {
  return [...names.matchAll(/([^\s{]+)(?:\{([^}]*)\})?/g)].flatMap(([, prefix = "", list]) =>
    list === undefined ? [prefix] : list.split(" ").map((name) => prefix + name),
  );
}

export const KNOWN_VARIABLES: readonly VariableRow[] = GROUPS.flatMap(
  ({ type, category, read, writable, names }) =>
    expandNames(names).map((name) =>
      knownVariable(type, { name, category, read, ...(writable === true ? { write: read } : {}) }),
    ),
);
