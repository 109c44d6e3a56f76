import { VCL_STATES } from "../src/vcl/states.ts";

/** One way through the service below; the answer is the same page on each. */
export const PATHS = {
  /** Found in the cache, with little VCL around it. */
  hit: "/plain",
  /** Found, with what services do to a request: table, ACL, patterns, digests, string work. */
  work: "/work?utm_source=letter&page=2",
  /** What our own service does: a config is found, the request begins anew, the page is found. */
  restart: "/menu",
} as const;

/** Text before the ends of the states, by state. */
const STATEMENTS: Readonly<Record<string, string>> = {
  recv: `
  set req.backend = origin;
  if (req.restarts == 0) {
    unset req.http.X-Page;
    if (req.url.path == "${PATHS.restart}") {
      set req.http.X-Url = req.url;
      set req.url = "/config";
    }
  } else {
    set req.url = req.http.X-Page;
  }
  if (req.url ~ "^/work") { call tidy; }
  if (req.method != "HEAD" && req.method != "GET" && req.method != "FASTLYPURGE") { return(pass); }
  return(lookup);`,
  hash: `
  set req.hash += req.url;
  set req.hash += req.http.host;
  return(hash);`,
  fetch: `
  set beresp.ttl = 3600s;
  return(deliver);`,
  deliver: `
  if (resp.http.X-Release && req.restarts == 0) {
    set req.http.X-Page = "/pages/" resp.http.X-Release req.http.X-Url;
    restart;
  }
  unset resp.http.X-Powered-By;
  set resp.http.X-Frame-Options = "DENY";
  return(deliver);`,
};

const ENDS: Readonly<Record<string, string>> = { miss: "fetch", pass: "pass" };

/** The service as custom VCL that any compiler of Fastly's dialect takes, with its backend on this machine. */
export function peerService(originPort: number): string {
  const subs = VCL_STATES.map(
    (state) =>
      `sub vcl_${state} {\n  #FASTLY ${state}${STATEMENTS[state] ?? `\n  return(${ENDS[state] ?? "deliver"});`}\n}\n`,
  );
  return `
backend origin {
  .host = "127.0.0.1";
  .port = "${originPort}";
  .connect_timeout = 2s;
  .first_byte_timeout = 10s;
  .between_bytes_timeout = 10s;
}

table languages { "de": "German", "en": "English", "fr": "French" }

acl office { "10.0.0.0"/8; "192.0.2.0"/24; !"192.0.2.7"; }

sub tidy {
  declare local var.language STRING;
  set req.url = querystring.regfilter(req.url, "^utm_");
  set var.language = std.tolower(regsub(req.http.Accept-Language, "^([A-Za-z]+).*$", "\\1"));
  set req.http.X-Language = table.lookup(languages, var.language, "English");
  if (client.ip ~ office) { set req.http.X-Office = "1"; } else { unset req.http.X-Office; }
  if (req.http.User-Agent ~ "(?i)(googlebot|bingbot|yandex)/([0-9.]+)") { set req.http.X-Bot = re.group.1; }
  if (req.http.Cookie ~ "(?:^|;\\s*)session=([^;]*)") {
    set req.http.X-Session = digest.hash_sha256(re.group.1);
  }
  set req.http.X-Path = regsuball(req.url.path, "/+", "/");
}

${subs.join("\n")}`;
}
