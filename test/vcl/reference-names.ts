/**
 * The variables of Fastly's reference (reference/vcl/variables, with the undocumented and legacy names that programs
 * still use): name, type, access (read, write, unset) and the subroutines where it exists. `{NAME}` stands for a name
 * of the program's own. Read from the published lists, not from this project's catalog, which is held against it.
 */
export const REFERENCE_VARIABLES = `
LF STRING R all
backend.conn.is_tls BOOL R fetch
backend.conn.tls_protocol STRING R fetch
backend.socket.congestion_algorithm STRING R fetch
backend.socket.cwnd INTEGER R fetch
backend.socket.tcpi_advmss INTEGER R fetch
backend.socket.tcpi_bytes_acked INTEGER R fetch
backend.socket.tcpi_bytes_received INTEGER R fetch
backend.socket.tcpi_data_segs_in INTEGER R fetch
backend.socket.tcpi_data_segs_out INTEGER R fetch
backend.socket.tcpi_delivery_rate INTEGER R fetch
backend.socket.tcpi_delta_retrans INTEGER R fetch
backend.socket.tcpi_last_data_sent INTEGER R fetch
backend.socket.tcpi_max_pacing_rate INTEGER R fetch
backend.socket.tcpi_min_rtt INTEGER R fetch
backend.socket.tcpi_notsent_bytes INTEGER R fetch
backend.socket.tcpi_pacing_rate INTEGER R fetch
backend.socket.tcpi_pmtu INTEGER R fetch
backend.socket.tcpi_rcv_mss INTEGER R fetch
backend.socket.tcpi_rcv_rtt INTEGER R fetch
backend.socket.tcpi_rcv_space INTEGER R fetch
backend.socket.tcpi_rcv_ssthresh INTEGER R fetch
backend.socket.tcpi_reordering INTEGER R fetch
backend.socket.tcpi_rtt INTEGER R fetch
backend.socket.tcpi_rttvar INTEGER R fetch
backend.socket.tcpi_segs_in INTEGER R fetch
backend.socket.tcpi_segs_out INTEGER R fetch
backend.socket.tcpi_snd_cwnd INTEGER R fetch
backend.socket.tcpi_snd_mss INTEGER R fetch
backend.socket.tcpi_snd_ssthresh INTEGER R fetch
backend.socket.tcpi_total_retrans INTEGER R fetch
backend.{NAME}.connections_open INTEGER R all
backend.{NAME}.connections_used INTEGER R all
backend.{NAME}.healthy BOOL R all
bereq.between_bytes_timeout RTIME RW miss,pass
bereq.body_bytes_written INTEGER R fetch,deliver,log
bereq.bytes_written INTEGER R fetch,deliver,log
bereq.connect_timeout RTIME RW miss,pass
bereq.fetch_timeout RTIME RW miss,pass
bereq.first_byte_timeout RTIME RW miss,pass
bereq.header_bytes_written INTEGER R fetch,deliver,log
bereq.headers ID R miss,pass,fetch
bereq.http.{NAME} STRING RWU miss,pass,fetch
bereq.is_clustering BOOL R all
bereq.max_reuse_idle_time RTIME RW miss,pass
bereq.method STRING RW miss,pass,fetch
bereq.proto STRING R miss,pass,fetch
bereq.request STRING RW miss,pass,fetch
bereq.url STRING RW miss,pass,fetch
bereq.url.basename STRING R miss,pass,fetch
bereq.url.dirname STRING R miss,pass,fetch
bereq.url.ext STRING R miss,pass,fetch
bereq.url.path STRING R miss,pass,fetch
bereq.url.qs STRING R miss,pass,fetch
beresp.backend.alternate_ips STRING R fetch
beresp.backend.host STRING R fetch,error,deliver,log
beresp.backend.ip IP R fetch,error,deliver,log
beresp.backend.name STRING R fetch,error,deliver,log
beresp.backend.port INTEGER R fetch
beresp.backend.requests INTEGER R fetch
beresp.backend.src_ip IP R all
beresp.backend.src_port INTEGER R all
beresp.brotli BOOL RW fetch
beresp.cacheable BOOL RW fetch
beresp.do_esi BOOL RW fetch
beresp.do_stream BOOL RW fetch
beresp.grace RTIME RW fetch
beresp.gzip BOOL RW fetch
beresp.handshake_time_to_origin_ms INTEGER R fetch
beresp.headers ID R fetch
beresp.hipaa BOOL RW fetch
beresp.http.{NAME} STRING RWU fetch
beresp.pci BOOL RW fetch
beresp.proto STRING R fetch
beresp.response STRING RW fetch
beresp.saintmode RTIME W fetch
beresp.stale_if_error RTIME RW fetch
beresp.stale_while_revalidate RTIME RW fetch
beresp.status INTEGER RW fetch
beresp.ttl RTIME RW fetch
beresp.used_alternate_path_to_origin BOOL R fetch
client.as.name STRING R all
client.as.number INTEGER R all
client.bot.name STRING R all
client.browser.name STRING R all
client.browser.version STRING R all
client.class.bot BOOL R all
client.class.browser BOOL R all
client.class.checker BOOL R all
client.class.downloader BOOL R all
client.class.feedreader BOOL R all
client.class.filter BOOL R all
client.class.masquerading BOOL R all
client.class.spam BOOL R all
client.display.height INTEGER R all
client.display.ppi INTEGER R all
client.display.touchscreen BOOL R all
client.display.width INTEGER R all
client.geo.area_code INTEGER R all
client.geo.city STRING R all
client.geo.city.ascii STRING R all
client.geo.city.latin1 STRING R all
client.geo.city.utf8 STRING R all
client.geo.conn_speed STRING R all
client.geo.conn_type STRING R all
client.geo.continent_code STRING R all
client.geo.country_code STRING R all
client.geo.country_code3 STRING R all
client.geo.country_name STRING R all
client.geo.country_name.ascii STRING R all
client.geo.country_name.latin1 STRING R all
client.geo.country_name.utf8 STRING R all
client.geo.gmt_offset INTEGER R all
client.geo.ip_override STRING RW all
client.geo.latitude FLOAT R all
client.geo.longitude FLOAT R all
client.geo.metro_code INTEGER R all
client.geo.postal_code STRING R all
client.geo.proxy_description STRING R all
client.geo.proxy_type STRING R all
client.geo.region STRING R all
client.geo.region.ascii STRING R all
client.geo.region.latin1 STRING R all
client.geo.region.utf8 STRING R all
client.geo.utc_offset INTEGER R all
client.identified BOOL R all
client.identity STRING RW all
client.ip IP R all
client.os.name STRING R all
client.os.version STRING R all
client.platform.ereader BOOL R all
client.platform.gameconsole BOOL R all
client.platform.hwtype STRING R all
client.platform.mediaplayer BOOL R all
client.platform.mobile BOOL R all
client.platform.model STRING R all
client.platform.smarttv BOOL R all
client.platform.tablet BOOL R all
client.platform.tvplayer BOOL R all
client.platform.vendor STRING R all
client.port INTEGER R all
client.requests INTEGER R all
client.sess_timeout RTIME RW all
client.socket.congestion_algorithm STRING RW recv,error,deliver,log
client.socket.cwnd INTEGER RW recv,fetch,error,deliver,log
client.socket.nexthop IP R recv,error,deliver,log
client.socket.pace INTEGER RW recv,error,deliver,log
client.socket.ploss FLOAT R recv,error,deliver,log
client.socket.tcp_info BOOL R recv,error,deliver,log
client.socket.tcpi_advmss INTEGER R recv,error,deliver,log
client.socket.tcpi_bytes_acked INTEGER R recv,error,deliver,log
client.socket.tcpi_bytes_received INTEGER R recv,error,deliver,log
client.socket.tcpi_data_segs_in INTEGER R recv,error,deliver,log
client.socket.tcpi_data_segs_out INTEGER R recv,error,deliver,log
client.socket.tcpi_delivery_rate INTEGER R recv,error,deliver,log
client.socket.tcpi_delta_retrans INTEGER R recv,error,deliver,log
client.socket.tcpi_last_data_sent INTEGER R recv,error,deliver,log
client.socket.tcpi_max_pacing_rate INTEGER R recv,error,deliver,log
client.socket.tcpi_min_rtt INTEGER R recv,error,deliver,log
client.socket.tcpi_notsent_bytes INTEGER R recv,error,deliver,log
client.socket.tcpi_pacing_rate INTEGER R recv,error,deliver,log
client.socket.tcpi_pmtu INTEGER R recv,error,deliver,log
client.socket.tcpi_rcv_mss INTEGER R recv,error,deliver,log
client.socket.tcpi_rcv_rtt INTEGER R recv,error,deliver,log
client.socket.tcpi_rcv_space INTEGER R recv,error,deliver,log
client.socket.tcpi_rcv_ssthresh INTEGER R recv,error,deliver,log
client.socket.tcpi_reordering INTEGER R recv,error,deliver,log
client.socket.tcpi_rtt INTEGER R recv,error,deliver,log
client.socket.tcpi_rttvar INTEGER R recv,error,deliver,log
client.socket.tcpi_segs_in INTEGER R recv,error,deliver,log
client.socket.tcpi_segs_out INTEGER R recv,error,deliver,log
client.socket.tcpi_snd_cwnd INTEGER R recv,fetch,error,deliver,log
client.socket.tcpi_snd_mss INTEGER R recv,error,deliver,log
client.socket.tcpi_snd_ssthresh INTEGER R recv,error,deliver,log
client.socket.tcpi_total_retrans INTEGER R recv,error,deliver,log
director.{NAME}.healthy BOOL R all
esi.allow_inside_cdata BOOL RW recv,fetch,error,deliver
fastly.bot.analyzed BOOL R recv,hash,deliver,log
fastly.bot.category STRING R all
fastly.bot.category.is_accessibility BOOL R all
fastly.bot.category.is_ai_crawler BOOL R all
fastly.bot.category.is_ai_fetcher BOOL R all
fastly.bot.category.is_content_fetcher BOOL R all
fastly.bot.category.is_monitoring_and_site_tools BOOL R all
fastly.bot.category.is_online_marketing BOOL R all
fastly.bot.category.is_page_preview BOOL R all
fastly.bot.category.is_platform_integrations BOOL R all
fastly.bot.category.is_research BOOL R all
fastly.bot.category.is_search_engine_crawler BOOL R all
fastly.bot.category.is_search_engine_optimization BOOL R all
fastly.bot.category.is_security_tools BOOL R all
fastly.bot.category.is_verified BOOL R all
fastly.bot.detected BOOL R recv,hash,deliver,log
fastly.bot.name STRING R all
fastly.ddos_detected BOOL R recv,hash,deliver,log
fastly.error STRING RU all
fastly.ff.visits_this_pop INTEGER R all
fastly.ff.visits_this_pop_this_service INTEGER R miss
fastly.ff.visits_this_service INTEGER R all
fastly.is_staging BOOL R all
fastly_info.edge.is_tls BOOL R all
fastly_info.h2.fingerprint STRING R all
fastly_info.h2.is_push BOOL R recv,hash,deliver,log
fastly_info.h2.stream_id INTEGER R recv,hash,deliver,log
fastly_info.host_header STRING R all
fastly_info.is_cluster_edge BOOL R deliver
fastly_info.is_cluster_shield BOOL R miss,fetch
fastly_info.is_h2 BOOL R all
fastly_info.is_h3 BOOL R all
fastly_info.oh_fingerprint STRING R all
fastly_info.request_id STRING R recv,hash,deliver,log
fastly_info.state STRING R all
fastly_info.version STRING R all
geoip.area_code INTEGER R all
geoip.city STRING R all
geoip.city.ascii STRING R all
geoip.city.latin1 STRING R all
geoip.city.utf8 STRING R all
geoip.continent_code STRING R all
geoip.country_code STRING R all
geoip.country_code3 STRING R all
geoip.country_name STRING R all
geoip.country_name.ascii STRING R all
geoip.country_name.latin1 STRING R all
geoip.country_name.utf8 STRING R all
geoip.ip_override STRING RW all
geoip.latitude FLOAT R all
geoip.longitude FLOAT R all
geoip.metro_code INTEGER R all
geoip.postal_code STRING R all
geoip.region STRING R all
geoip.region.ascii STRING R all
geoip.region.latin1 STRING R all
geoip.region.utf8 STRING R all
geoip.use_x_forwarded_for BOOL RW all
math.1_PI FLOAT R all
math.2PI FLOAT R all
math.2_PI FLOAT R all
math.2_SQRTPI FLOAT R all
math.E FLOAT R all
math.FLOAT_DIG INTEGER R all
math.FLOAT_EPSILON FLOAT R all
math.FLOAT_MANT_DIG INTEGER R all
math.FLOAT_MAX FLOAT R all
math.FLOAT_MAX_10_EXP INTEGER R all
math.FLOAT_MAX_EXP INTEGER R all
math.FLOAT_MIN FLOAT R all
math.FLOAT_MIN_10_EXP INTEGER R all
math.FLOAT_MIN_EXP INTEGER R all
math.FLOAT_RADIX INTEGER R all
math.INTEGER_BIT INTEGER R all
math.INTEGER_MAX INTEGER R all
math.INTEGER_MIN INTEGER R all
math.LN10 FLOAT R all
math.LN2 FLOAT R all
math.LOG10E FLOAT R all
math.LOG2E FLOAT R all
math.NAN FLOAT R all
math.NEG_HUGE_VAL FLOAT R all
math.NEG_INFINITY FLOAT R all
math.PHI FLOAT R all
math.PI FLOAT R all
math.PI_2 FLOAT R all
math.PI_4 FLOAT R all
math.POS_HUGE_VAL FLOAT R all
math.POS_INFINITY FLOAT R all
math.SQRT1_2 FLOAT R all
math.SQRT2 FLOAT R all
math.TAU FLOAT R all
now TIME R all
now.sec STRING R all
obj.age RTIME R hit,error,deliver,log
obj.cacheable BOOL R hit
obj.entered RTIME R hit,error,deliver,log
obj.grace RTIME RW hit,error,log
obj.headers ID R hit,error
obj.hits INTEGER R hit,deliver,log
obj.http.{NAME} STRING RWU hit,error
obj.is_pci BOOL R hit,error,deliver,log
obj.lastuse RTIME R hit,error,deliver,log
obj.proto STRING R hit,error
obj.response STRING RW hit,error
obj.stale_if_error RTIME R hit,error,log
obj.stale_while_revalidate RTIME R hit,error,log
obj.status INTEGER RW hit,error
obj.ttl RTIME RW hit,error,log
quic.cc.cwnd INTEGER R recv,hash,deliver,log
quic.cc.ssthresh INTEGER R recv,hash,deliver,log
quic.num_bytes.received INTEGER R recv,hash,deliver,log
quic.num_bytes.sent INTEGER R recv,hash,deliver,log
quic.num_packets.ack_received INTEGER R recv,hash,deliver,log
quic.num_packets.decryption_failed INTEGER R recv,hash,deliver,log
quic.num_packets.late_acked INTEGER R recv,hash,deliver,log
quic.num_packets.lost INTEGER R recv,hash,deliver,log
quic.num_packets.received INTEGER R recv,hash,deliver,log
quic.num_packets.sent INTEGER R recv,hash,deliver,log
quic.rtt.latest INTEGER R recv,hash,deliver,log
quic.rtt.minimum INTEGER R recv,hash,deliver,log
quic.rtt.smoothed INTEGER R recv,hash,deliver,log
quic.rtt.variance INTEGER R recv,hash,deliver,log
ratecounter.{NAME}.bucket.10s INTEGER R all
ratecounter.{NAME}.bucket.20s INTEGER R all
ratecounter.{NAME}.bucket.30s INTEGER R all
ratecounter.{NAME}.bucket.40s INTEGER R all
ratecounter.{NAME}.bucket.50s INTEGER R all
ratecounter.{NAME}.bucket.60s INTEGER R all
ratecounter.{NAME}.rate.10s FLOAT R all
ratecounter.{NAME}.rate.1s FLOAT R all
ratecounter.{NAME}.rate.60s FLOAT R all
re.group.{N} STRING R all
req.backend BACKEND RW all
req.backend.healthy BOOL R all
req.backend.ip IP R error,deliver,log
req.backend.is_cluster BOOL R deliver
req.backend.is_origin BOOL R miss,pass,fetch
req.backend.is_shield BOOL R all
req.backend.name STRING R error,deliver,log
req.backend.port INTEGER R error,deliver,log
req.body STRING R all
req.body.base64 STRING R all
req.body_bytes_read INTEGER R deliver,log
req.bytes_read INTEGER R deliver,log
req.customer_id STRING R all
req.digest STRING R all
req.digest.ratio FLOAT R hit,miss,pass,fetch,error,deliver,log
req.enable_range_on_pass BOOL RW recv
req.enable_segmented_caching BOOL RW recv
req.esi BOOL RW recv,fetch,error,deliver
req.esi_level INTEGER R recv,deliver
req.grace RTIME RW all
req.hash STRING W hash,error
req.hash_always_miss BOOL RW recv
req.hash_ignore_busy BOOL RW recv
req.header_bytes_read INTEGER R all
req.headers ID R all
req.http.{NAME} STRING RWU all
req.is_background_fetch BOOL R all
req.is_clustering BOOL R all
req.is_esi_subreq BOOL R all
req.is_ipv6 BOOL R recv,hash,deliver,log
req.is_purge BOOL R recv,hash,deliver,log
req.is_ssl BOOL R all
req.max_stale_if_error RTIME RW all
req.max_stale_while_revalidate RTIME RW all
req.method STRING RW all
req.postbody STRING R all
req.proto STRING R all
req.protocol STRING R all
req.request STRING RW all
req.restarts INTEGER R all
req.service_id STRING R all
req.topurl STRING R all
req.url STRING RW all
req.url.basename STRING R all
req.url.dirname STRING R all
req.url.ext STRING R all
req.url.path STRING R all
req.url.qs STRING R all
req.vcl STRING R all
req.vcl.generation INTEGER R all
req.vcl.md5 STRING R all
req.vcl.version INTEGER R all
req.xid STRING R all
resp.body_bytes_written INTEGER R log
resp.bytes_written INTEGER R log
resp.completed BOOL R log
resp.header_bytes_written INTEGER R log
resp.headers ID R deliver,log
resp.http.{NAME} STRING RWU deliver,log
resp.is_locally_generated BOOL R deliver,log
resp.proto STRING R deliver,log
resp.response STRING RW deliver,log
resp.stale BOOL R all
resp.stale.is_error BOOL R all
resp.stale.is_revalidating BOOL R all
resp.status INTEGER RW deliver,log
segmented_caching.autopurged BOOL R log
segmented_caching.block_number INTEGER R log
segmented_caching.block_size INTEGER RW recv,log
segmented_caching.cancelled BOOL R log
segmented_caching.client_req.is_open_ended BOOL R log
segmented_caching.client_req.is_range BOOL R log
segmented_caching.client_req.range_high INTEGER R log
segmented_caching.client_req.range_low INTEGER R log
segmented_caching.completed BOOL R log
segmented_caching.error STRING R log
segmented_caching.failed BOOL R log
segmented_caching.is_inner_req BOOL R log
segmented_caching.is_outer_req BOOL R log
segmented_caching.obj.complete_length INTEGER R log
segmented_caching.rounded_req.range_high INTEGER R log
segmented_caching.rounded_req.range_low INTEGER R log
segmented_caching.total_blocks INTEGER R log
server.billing_region STRING R all
server.datacenter STRING R all
server.hostname STRING R all
server.identity STRING R all
server.ip IP R all
server.pop STRING R all
server.port INTEGER R all
server.region STRING R all
stale.exists BOOL R all
time.elapsed RTIME R all
time.elapsed.msec STRING R all
time.elapsed.msec_frac STRING R all
time.elapsed.sec STRING R all
time.elapsed.usec STRING R all
time.elapsed.usec_frac STRING R all
time.end TIME R deliver,log
time.end.msec STRING R deliver,log
time.end.msec_frac STRING R deliver,log
time.end.sec STRING R deliver,log
time.end.usec STRING R deliver,log
time.end.usec_frac STRING R deliver,log
time.start TIME R all
time.start.msec STRING R all
time.start.msec_frac STRING R all
time.start.sec STRING R all
time.start.usec STRING R all
time.start.usec_frac STRING R all
time.to_first_byte RTIME R deliver,log
tls.client.certificate.dn STRING R recv,hash,deliver,log
tls.client.certificate.is_cert_bad BOOL R recv,hash,deliver,log
tls.client.certificate.is_cert_expired BOOL R recv,hash,deliver,log
tls.client.certificate.is_cert_missing BOOL R recv,hash,deliver,log
tls.client.certificate.is_cert_revoked BOOL R recv,hash,deliver,log
tls.client.certificate.is_cert_unknown BOOL R recv,hash,deliver,log
tls.client.certificate.is_unknown_ca BOOL R recv,hash,deliver,log
tls.client.certificate.is_verified BOOL R recv,hash,deliver,log
tls.client.certificate.issuer_dn STRING R recv,hash,deliver,log
tls.client.certificate.not_after TIME R recv,hash,deliver,log
tls.client.certificate.not_before TIME R recv,hash,deliver,log
tls.client.certificate.raw_certificate_b64 STRING R recv,hash,deliver,log
tls.client.certificate.serial_number STRING R recv,hash,deliver,log
tls.client.cipher STRING R recv,hash,deliver,log
tls.client.ciphers_list STRING R recv,hash,deliver,log
tls.client.ciphers_list_sha STRING R recv,hash,deliver,log
tls.client.ciphers_list_txt STRING R recv,hash,deliver,log
tls.client.ciphers_sha STRING R recv,hash,deliver,log
tls.client.handshake_sent_bytes INTEGER R recv,hash,deliver,log
tls.client.iana_chosen_cipher_id INTEGER R recv,hash,deliver,log
tls.client.ja3_md5 STRING R recv,hash,deliver,log
tls.client.ja4 STRING R recv,hash,deliver,log
tls.client.protocol STRING R recv,hash,deliver,log
tls.client.servername STRING R recv,hash,deliver,log
tls.client.tlsexts_list STRING R recv,hash,deliver,log
tls.client.tlsexts_list_sha STRING R recv,hash,deliver,log
tls.client.tlsexts_list_txt STRING R recv,hash,deliver,log
tls.client.tlsexts_sha STRING R recv,hash,deliver,log
transport.bw_estimate INTEGER R recv,hash,deliver,log
transport.type STRING R recv,hash,deliver,log
waf.anomaly_score INTEGER RW miss,pass,deliver,log
waf.blocked BOOL RW miss,pass,error,deliver,log
waf.counter INTEGER RW miss,pass,deliver
waf.executed BOOL RW miss,pass,error,deliver,log
waf.failures INTEGER R miss,pass,error,deliver,log
waf.http_violation_score INTEGER RW miss,pass,deliver,log
waf.inbound_anomaly_score INTEGER RW miss,pass
waf.lfi_score INTEGER RW miss,pass,deliver,log
waf.logdata STRING RW miss,pass,deliver,log
waf.logged BOOL RW miss,pass,error,deliver,log
waf.message STRING RW miss,pass,deliver,log
waf.passed BOOL RW miss,pass,error,deliver,log
waf.php_injection_score INTEGER RW miss,pass,deliver,log
waf.rce_score INTEGER RW miss,pass,deliver,log
waf.rfi_score INTEGER RW miss,pass,deliver,log
waf.rule_id INTEGER RW miss,pass,deliver,log
waf.session_fixation_score INTEGER RW miss,pass,deliver,log
waf.severity INTEGER RW miss,pass,deliver,log
waf.sql_injection_score FLOAT R log
waf.xss_score INTEGER RW miss,pass,deliver,log
workspace.bytes_free INTEGER R all
workspace.bytes_total INTEGER R all
workspace.overflowed BOOL R all
`;

/** The functions of Fastly's reference (reference/vcl/functions): name, result, and the subroutines where it exists. */
export const REFERENCE_FUNCTIONS = `
accept.charset_lookup STRING all
accept.encoding_lookup STRING all
accept.language_filter_basic STRING all
accept.language_lookup STRING all
accept.media_lookup STRING all
addr.extract_bits INTEGER all
addr.is_ipv4 BOOL all
addr.is_ipv6 BOOL all
bin.base64_to_hex STRING all
bin.hex_to_base64 STRING all
boltsort.sort STRING all
crypto.decrypt_base64 STRING all
crypto.decrypt_hex STRING all
crypto.encrypt_base64 STRING all
crypto.encrypt_hex STRING all
cstr_escape STRING all
digest.awsv4_hmac STRING all
digest.base64 STRING all
digest.base64_decode STRING all
digest.base64url STRING all
digest.base64url_decode STRING all
digest.base64url_nopad STRING all
digest.base64url_nopad_decode STRING all
digest.ecdsa_verify BOOL all
digest.hash_crc32 STRING all
digest.hash_crc32b STRING all
digest.hash_md5 STRING all
digest.hash_sha1 STRING all
digest.hash_sha1_from_base64 STRING all
digest.hash_sha224 STRING all
digest.hash_sha256 STRING all
digest.hash_sha256_from_base64 STRING all
digest.hash_sha384 STRING all
digest.hash_sha512 STRING all
digest.hash_sha512_from_base64 STRING all
digest.hash_xxh32 STRING all
digest.hash_xxh32_from_base64 STRING all
digest.hash_xxh64 STRING all
digest.hash_xxh64_from_base64 STRING all
digest.hmac_md5 STRING all
digest.hmac_md5_base64 STRING all
digest.hmac_sha1 STRING all
digest.hmac_sha1_base64 STRING all
digest.hmac_sha256 STRING all
digest.hmac_sha256_base64 STRING all
digest.hmac_sha256_with_base64_key STRING all
digest.hmac_sha512 STRING all
digest.hmac_sha512_base64 STRING all
digest.rsa_verify BOOL all
digest.secure_is_equal BOOL all
digest.time_hmac_md5 STRING all
digest.time_hmac_sha1 STRING all
digest.time_hmac_sha256 STRING all
digest.time_hmac_sha512 STRING all
early_hints VOID all
fastly.ff.last_hop_was_serviceid BOOL all
fastly.hash INTEGER all
fastly.try_select_shield BACKEND all
h2.disable_header_compression VOID all
h2.push VOID all
h3.alt_svc VOID all
header.filter VOID all
header.filter_except VOID all
header.get STRING all
header.set VOID all
header.unset VOID all
http_status_matches BOOL all
json.escape STRING all
math.acos FLOAT all
math.acosh FLOAT all
math.asin FLOAT all
math.asinh FLOAT all
math.atan FLOAT all
math.atan2 FLOAT all
math.atanh FLOAT all
math.ceil FLOAT all
math.cos FLOAT all
math.cosh FLOAT all
math.exp FLOAT all
math.exp2 FLOAT all
math.floor FLOAT all
math.is_finite BOOL all
math.is_infinite BOOL all
math.is_nan BOOL all
math.is_normal BOOL all
math.is_subnormal BOOL all
math.log FLOAT all
math.log10 FLOAT all
math.log2 FLOAT all
math.round FLOAT all
math.roundeven FLOAT all
math.roundhalfdown FLOAT all
math.roundhalfup FLOAT all
math.sin FLOAT all
math.sinh FLOAT all
math.sqrt FLOAT all
math.tan FLOAT all
math.tanh FLOAT all
math.trunc FLOAT all
parse_time_delta INTEGER all
querystring.add STRING all
querystring.clean STRING all
querystring.filter STRING all
querystring.filter_except STRING all
querystring.filtersep STRING all
querystring.get STRING all
querystring.globfilter STRING all
querystring.globfilter_except STRING all
querystring.regfilter STRING all
querystring.regfilter_except STRING all
querystring.remove STRING all
querystring.set STRING all
querystring.sort STRING all
randombool BOOL all
randombool_seeded BOOL all
randomint INTEGER all
randomint_seeded INTEGER all
randomstr STRING all
ratelimit.check_rate BOOL all
ratelimit.check_rates BOOL all
ratelimit.penaltybox_add VOID all
ratelimit.penaltybox_has BOOL all
ratelimit.ratecounter_increment INTEGER all
regsub STRING all
regsuball STRING all
resp.tarpit VOID deliver
setcookie.delete_by_name BOOL all
setcookie.get_value_by_name STRING all
std.anystr2ip IP all
std.atof FLOAT all
std.atoi INTEGER all
std.basename STRING all
std.collect VOID all
std.count INTEGER all
std.dirname STRING all
std.integer2time TIME all
std.ip IP all
std.ip2str STRING all
std.itoa STRING all
std.itoa_charset STRING all
std.prefixof BOOL all
std.replace STRING all
std.replace_prefix STRING all
std.replace_suffix STRING all
std.replaceall STRING all
std.str2ip IP all
std.strcasecmp BOOL all
std.strlen INTEGER all
std.strpad STRING all
std.strrep STRING all
std.strrev STRING all
std.strstr STRING all
std.strtof FLOAT all
std.strtol INTEGER all
std.suffixof BOOL all
std.time TIME all
std.tolower STRING all
std.toupper STRING all
strftime STRING all
subfield STRING all
substr STRING all
table.contains BOOL all
table.lookup STRING all
table.lookup_acl ACL all
table.lookup_backend BACKEND all
table.lookup_bool BOOL all
table.lookup_float FLOAT all
table.lookup_integer INTEGER all
table.lookup_ip IP all
table.lookup_regex REGEX all
table.lookup_rtime RTIME all
time.add TIME all
time.hex_to_time TIME all
time.interval_elapsed_ratio FLOAT all
time.is_after BOOL all
time.runits STRING all
time.sub TIME all
time.units STRING all
url.normalize STRING all
urldecode STRING all
urlencode STRING all
utf8.codepoint_count INTEGER all
utf8.is_valid BOOL all
utf8.strpad STRING all
utf8.substr STRING all
uuid.dns STRING all
uuid.is_valid BOOL all
uuid.is_version3 BOOL all
uuid.is_version4 BOOL all
uuid.is_version5 BOOL all
uuid.is_version7 BOOL all
uuid.oid STRING all
uuid.url STRING all
uuid.version3 STRING all
uuid.version4 STRING all
uuid.version5 STRING all
uuid.version7 STRING all
uuid.x500 STRING all
xml_escape STRING all
`;
