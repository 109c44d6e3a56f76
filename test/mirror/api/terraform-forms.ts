import type { LoggingName } from "../../../src/mirror/api/logging-names.ts";

/*
 * What Terraform's provider for Fastly sends for each block of `fastly_service_vcl`, seen on the wire: also the fields that
 * a configuration leaves out, which it sends as "". One text per form, `name=value&…`, unescaped.
 */

export type Form = readonly (readonly [name: string, value: string])[];

/** The fields of a form's text. */
export function formOf(text: string): Form {
  return text.split("&").map((field) => {
    const at = field.indexOf("=");
    return [field.slice(0, at), field.slice(at + 1)] as const;
  });
}

const RETURNS = {
  recv: "lookup",
  hash: "hash",
  hit: "deliver",
  miss: "fetch",
  pass: "pass",
  fetch: "deliver",
  error: "deliver",
  deliver: "deliver",
  log: "deliver",
} as const;

/** Custom VCL with nothing of its own. */
const MAIN = Object.entries(RETURNS)
  .map(([state, action]) => {
    const key = state === "hash" ? "  set req.hash += req.url;\n  set req.hash += req.http.host;\n" : "";
    return `sub vcl_${state} {\n${key}#FASTLY ${state}\n  return(${action});\n}\n`;
  })
  .join("");

const TIMEOUTS = "between_bytes_timeout=10000&connect_timeout=1000&first_byte_timeout=15000";
const BACKEND = `${TIMEOUTS}&auto_loadbalance=0&error_threshold=0&max_conn=200&prefer_ipv6=0&ssl_check_cert=1&use_ssl=0`;
const SHIELDED =
  "shield=iad-va-us&keepalive_time=30&max_lifetime=1000&max_use=3&min_tls_version=1.2&override_host=o.example&share_key=abc";
const PROBE =
  "check_interval=60000&expected_response=200&http_version=1.1&initial=3&threshold=3&timeout=5000&window=5";

/** The blocks before the logging endpoints, in the provider's order. `$PORT` is the origin's. */
export const BEFORE_LOGGING: readonly (readonly [path: string, text: string])[] = [
  ["condition", 'name=is html&priority=10&statement=beresp.http.Content-Type ~ "html"&type=CACHE'],
  ["condition", 'name=is tea&priority=7&statement=req.url == "/tea"&type=REQUEST'],
  ["condition", "name=is ok&priority=10&statement=resp.status == 200&type=RESPONSE"],
  ["domain", "comment=the shop&name=www.example.com"],
  ["domain", "comment=&name=*.example.com"],
  ["healthcheck", `${PROBE}&host=www.example.com&method=HEAD&name=up&path=/up&headers=["X-B: 2","X-A: 1"]`],
  [
    "backend",
    `address=127.0.0.1&port=$PORT&healthcheck=up&name=origin&${BACKEND}&request_condition=&shield=&weight=100`,
  ],
  [
    "backend",
    `address=127.0.0.1&port=$PORT&healthcheck=&name=second&${BACKEND}&${SHIELDED}&request_condition=is tea&weight=50`,
  ],
  ["director", "comment=&name=pool&quorum=0&retries=5&shield=&type=1"],
  [
    "header",
    "action=delete&cache_condition=&dst=http.X-Cut&ignore_if_set=1&name=cut&priority=100&regex=&request_condition=&response_condition=&src=&substitution=&type=request",
  ],
  [
    "header",
    'action=set&cache_condition=&dst=http.X-Made&ignore_if_set=0&name=made&priority=10&regex=&request_condition=&response_condition=is ok&src="by one"&substitution=&type=response',
  ],
  ["gzip", "cache_condition=&content_types=&extensions=&name=all"],
  ["gzip", "cache_condition=&content_types=text/plain&extensions=txt&name=text"],
];

/** The blocks after the logging endpoints. */
export const AFTER_LOGGING: readonly (readonly [path: string, text: string])[] = [
  ["dictionary", "name=secrets&write_only=1"],
  ["dictionary", "name=words&write_only=0"],
  [
    "response_object",
    "cache_condition=&content=short one&content_type=text/plain&name=teapot&request_condition=is tea&response=Teapot&status=418",
  ],
  [
    "rate-limiters",
    "action=response&client_key[]=req.http.X-Client&feature_revision=1&http_methods[]=GET&http_methods[]=HEAD&name=slow&penalty_box_duration=1&response[content]=slow&response[content_type]=a/b&response[status]=429&rps_limit=10&window_size=1",
  ],
  [
    "request_settings",
    "bypass_busy_wait=0&default_host=&force_miss=0&force_ssl=0&hash_keys=&max_stale_age=60&name=xff&timer_support=0&xff=append",
  ],
  ["vcl", `content=${MAIN}&main=1&name=main`],
  [
    "snippet",
    'content=set resp.http.X-Word = table.lookup(words, "greeting", "none");&dynamic=0&name=words&priority=50&type=deliver',
  ],
  ["snippet", "content=&dynamic=1&name=empty&priority=100&type=recv"],
  ["snippet", 'content=set obj.http.X-Dynamic = "one";&dynamic=1&name=dynamic&priority=60&type=error'],
  ["cache_settings", "action=pass&cache_condition=is html&name=long&stale_ttl=30&ttl=900"],
  ["acl", "name=blocked"],
];

const LOG = "log_processing_region=none";
const V2 = `${LOG}&format_version=2`;
const LINES = "message_type=classic";
const FILES = `${LINES}&compression_codec=&path=&period=3600&timestamp_format=%Y-%m-%dT%H:%M:%S.000`;
const TLS = "tls_ca_cert=&tls_client_cert=&tls_client_key=&tls_hostname=";
const BATCH = "request_max_bytes=0&request_max_entries=0";

/** Logging endpoints, each called what its kind is; `format` comes first of all. */
export const LOGGING_FORMS: Readonly<Record<LoggingName, string>> = {
  s3: `${V2}&${FILES}&access_key=k&acl=&bucket_name=b&domain=s3.amazonaws.com&file_max_bytes=0&iam_role=&public_key=&redundancy=&response_condition=is ok&secret_key=s&server_side_encryption_kms_key_id=`,
  papertrail: `${V2}&address=p.example.com&port=3600`,
  sumologic: `${V2}&${LINES}&url=https://l.example.com`,
  gcs: `${LOG}&${FILES}&bucket_name=b&project_id=&secret_key=s&user=u@example.com`,
  bigquery: `${LOG}&dataset=d&project_id=p&secret_key=s&table=t&template_suffix=&user=u@example.com`,
  syslog: `${V2}&${LINES}&${TLS}&address=127.0.0.1&port=514&token=&use_tls=0`,
  logentries: `${V2}&port=20000&token=t&use_tls=1`,
  splunk: `${V2}&${TLS}&token=t&url=https://l.example.com&use_tls=0`,
  azureblob: `${V2}&${FILES}&account_name=a&container=c&file_max_bytes=0&public_key=&sas_token=sv`,
  https: `${V2}&${TLS}&${BATCH}&compression_codec=&content_type=&header_name=&header_value=&json_format=0&message_type=blank&method=POST&period=5&url=https://l.example.com`,
  elasticsearch: `${V2}&${TLS}&${BATCH}&index=i&password=&pipeline=&url=https://l.example.com&user=`,
  ftp: `${V2}&${FILES}&address=l.example.com&password=p&port=21&public_key=&user=u`,
  sftp: `${V2}&${FILES}&address=l.example.com&password=p&port=22&public_key=&secret_key=&ssh_known_hosts=l.example.com&user=u`,
  datadog: `${V2}&region=US&token=t`,
  loggly: `${V2}&token=t`,
  pubsub: `${V2}&project_id=p&secret_key=s&topic=t&user=u`,
  grafanacloudlogs: `${V2}&index={}&token=t&url=https://l.example.com&user=1`,
  scalyr: `${V2}&region=US&token=t`,
  newrelic: `${V2}&region=US&token=t`,
  newrelicotlp: `${V2}&region=US&token=t&url=`,
  kafka: `${V2}&${TLS}&auth_method=&brokers=127.0.0.1,127.0.0.2&compression_codec=&parse_log_keyvals=0&password=&request_max_bytes=0&required_acks=&topic=t&use_tls=0&user=`,
  heroku: `${V2}&token=t&url=https://l.example.com`,
  honeycomb: `${V2}&dataset=d&token=t`,
  logshuttle: `${V2}&token=t&url=https://l.example.com`,
  openstack: `${V2}&${FILES}&access_key=k&bucket_name=b&public_key=&url=https://l.example.com&user=u`,
  digitalocean: `${V2}&${LINES}&access_key=k&bucket_name=b&compression_codec=&domain=nyc3.digitaloceanspaces.com&path=&period=0&public_key=&secret_key=s&timestamp_format=`,
  cloudfiles: `${V2}&${FILES}&access_key=k&bucket_name=b&public_key=&region=&user=u`,
  kinesis: `${V2}&access_key=k&iam_role=&region=us-east-1&secret_key=s&topic=t`,
};

/** Products that it asks about whenever it reads a service with a `product_enablement` block, or imports one. */
export const PRODUCT_IDS = [
  "brotli_compression",
  "image_optimizer",
  "origin_inspector",
  "bot_management",
  "domain_inspector",
  "websockets",
  "log_explorer_insights",
  "ddos_protection",
  "api_discovery",
  "ngwaf",
] as const;
