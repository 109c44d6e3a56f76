import { BROKEN_AT_THE_CACHE } from "./broken-at-the-cache.ts";
import { OURS, added, changed, snippet } from "./team-files.ts";
import type { BrokenContract } from "./team-files.ts";

const MAIN = /^main\.vcl\.njk:\d+$/;

/** Overrides that break a contract, each in one way; every rule is here at least once. */
export const BROKEN_CONTRACTS: readonly BrokenContract[] = [
  {
    what: "a gate that no longer strips internal headers",
    files: changed("edge-gate", "  unset req.http.SF-*;\n", ""),
    rule: "sitefleet/client-headers",
    origin: MAIN,
  },
  {
    what: "a gate that strips for some clients only",
    files: changed(
      "edge-gate",
      "req.restarts == 0) {\n  unset",
      "req.restarts == 0 && req.http.X-A) {\n  unset",
    ),
    rule: "sitefleet/client-headers",
  },
  {
    what: "a password header that goes on from the client",
    files: changed("passwords", "  unset req.http.Authorization;\n", ""),
    rule: "sitefleet/client-headers",
  },
  {
    what: "a hop that a header of the client decides",
    files: added("recv_every_pass", 'set req.http.SF-Hop = "edge";'),
    rule: "sitefleet/hop",
    origin: OURS,
  },
  {
    what: "a hop that nothing decides",
    files: changed("edge-gate", /^ {2}set req\.http\.SF-Hop = .*\n/gm, ""),
    rule: "sitefleet/hop",
  },
  {
    what: "internal headers that visitors see",
    files: changed("edge-gate", "  unset resp.http.SF-*;\n", ""),
    rule: "sitefleet/internal-leak",
    origin: MAIN,
  },
  {
    what: "the store's headers that visitors see",
    files: changed("edge-gate", "unset resp.http.x-amz-*;", "unset resp.http.x-amz-id-2;"),
    rule: "sitefleet/internal-leak",
  },
  {
    what: "an internal header for everybody",
    files: added("deliver_last", "set resp.http.SF-Site = req.http.SF-Site;"),
    rule: "sitefleet/internal-leak",
    origin: OURS,
  },
  {
    what: "cookies of the store that are cached",
    files: changed("origin-headers", '"Content-Type", ', '"Content-Type", "Set-Cookie", '),
    rule: "sitefleet/cached-cookie",
  },
  {
    what: "headers of the store that all go on",
    files: changed("origin-headers", /^header\.filter_except[^;]*;/m, ""),
    rule: "sitefleet/cached-cookie",
  },
  {
    what: "a cookie for everybody",
    files: added("fetch", 'add beresp.http.Set-Cookie = "seen=1";'),
    rule: "sitefleet/cached-cookie",
    origin: OURS,
  },
  {
    what: "a cookie by a function",
    files: added("fetch", 'header.set(beresp, "set-cookie", "seen=1");'),
    rule: "sitefleet/cached-cookie",
    origin: OURS,
  },
  {
    what: "the signature in a response",
    files: added("origin_response", "set beresp.http.X-Signed = bereq.http.Authorization;"),
    rule: "sitefleet/secret-exposed",
    origin: OURS,
  },
  {
    what: "the store's key in a request",
    files: added(
      "recv_page",
      'set req.http.X-Key = regsub(table.lookup(sitefleet_private, "config_s3_key", ""), ":.*", "");',
    ),
    rule: "sitefleet/secret-exposed",
    origin: OURS,
  },
  {
    what: "the config segment through a local variable",
    files: {
      "ours.vcl.njk": [
        "{#- after: log -#}",
        "{% macro recv_declare() %}",
        "declare local var.ours STRING;",
        "{% endmacro %}",
        "{% macro recv_page() %}",
        'set var.ours = "s-" table.lookup(sitefleet_private, "config_segment", "");',
        'if (var.ours ~ "^s-(.*)") {',
        "  set req.http.X-Seen = re.group.1;",
        "}",
        "{% endmacro %}",
      ].join("\n"),
    },
    rule: "sitefleet/secret-exposed",
    origin: /^edge\/ours\.vcl\.njk:8$/,
  },
  {
    what: "a password on an error page",
    files: added("error", "synthetic req.http.SF-Credentials;"),
    rule: "sitefleet/secret-exposed",
    origin: OURS,
  },
  {
    what: "a password in a reason",
    files: added("recv_page", "error 604 req.http.SF-Credentials;"),
    rule: "sitefleet/secret-exposed",
  },
  {
    what: "a password in a header that a function sets",
    files: added("recv_page", 'header.set(req, "X-P", req.http.SF-Credentials);'),
    rule: "sitefleet/secret-exposed",
  },
  {
    what: "a log of passwords",
    files: added("log", 'log "syslog x :: " req.http.Authorization;'),
    rule: "sitefleet/private-log",
    origin: OURS,
  },
  {
    what: "a log of cookies, in a snippet",
    files: snippet("log", 'log "syslog x :: " req.http.Cookie:session;'),
    rule: "sitefleet/private-log",
    origin: OURS,
  },
  {
    what: "a log of what visitors are given",
    files: added("log", 'log "syslog x :: " resp.http.Set-Cookie;'),
    rule: "sitefleet/private-log",
  },
  {
    what: "a restart that does not ask for the budget",
    files: changed(
      "origin-trouble",
      ' && req.restarts < 3) {\n  set req.http.SF-Phase = "trouble";\n  restart',
      ') {\n  set req.http.SF-Phase = "trouble";\n  restart',
    ),
    rule: "sitefleet/restart-budget",
    origin: /^edge\/origin-trouble\.vcl\.njk:\d+$/,
  },
  {
    what: "a restart that asks for too much",
    files: added("deliver_decide", "if (req.restarts <= 3) {\n  restart;\n}"),
    rule: "sitefleet/restart-budget",
  },
  {
    what: "a restart that asks on one side of an or",
    files: added("deliver_decide", 'if (req.restarts < 3 || req.http.SF-Phase == "page") {\n  restart;\n}'),
    rule: "sitefleet/restart-budget",
  },
  {
    what: "a restart that is asked for once, and whose 503 nothing answers",
    files: added("deliver_decide", 'if (!req.http.X-Again) {\n  set req.http.X-Again = "1";\n  restart;\n}'),
    rule: "sitefleet/restart-budget",
  },
  {
    what: "a restart in vcl_recv",
    files: added("recv_page", "if (req.restarts < 1) {\n  restart;\n}"),
    rule: "sitefleet/restart-in-deliver",
  },
  {
    what: "a restart in vcl_fetch, in a subroutine",
    files: {
      "ours.vcl.njk": [
        "{#- after: log -#}",
        "{% macro declarations() %}",
        "sub ours_again {",
        "  if (req.restarts < 2) { restart; }",
        "}",
        "{% endmacro %}",
        "{% macro fetch() %}",
        "call ours_again;",
        "{% endmacro %}",
      ].join("\n"),
    },
    rule: "sitefleet/restart-in-deliver",
    origin: /^edge\/ours\.vcl\.njk:4$/,
  },
  {
    what: "a backend without its shield",
    files: added("recv_backend", "set req.backend = F_hosting;"),
    rule: "sitefleet/shielded-backend",
    origin: OURS,
  },
  {
    what: "no shields at all",
    files: changed("shielding", /\{% if shield %\}[^]*\{% endif %\}/, ""),
    rule: "sitefleet/shielded-backend",
  },
  {
    what: "a shield for one backend only",
    files: {
      "shielding.vcl.njk":
        "{% macro recv_backend() %}\nif (req.backend == F_config) {\n  set req.backend = fastly.try_select_shield({{ shield }}, F_config);\n}\n{% endmacro %}",
    },
    rule: "sitefleet/shielded-backend",
  },
  {
    what: "a backend that is chosen late",
    files: added("origin_request", "set req.backend = F_hosting;"),
    rule: "sitefleet/shielded-backend",
  },
  {
    what: "a backend that is chosen before the macro",
    files: added("recv_gate", "set req.backend = F_hosting;"),
    rule: "sitefleet/shielded-backend",
  },
  {
    what: "no surrogate keys",
    files: { "surrogate-keys.vcl.njk": "{% macro fetch() %}\n# nothing\n{% endmacro %}" },
    rule: "sitefleet/surrogate-keys",
  },
  {
    what: "surrogate keys without those of pages",
    files: changed("surrogate-keys", ' " p:" ', ' " page:" '),
    rule: "sitefleet/surrogate-keys",
    origin: /^edge\/surrogate-keys\.vcl\.njk:\d+$/,
  },
  {
    what: "surrogate keys that are replaced",
    files: added("fetch", 'set beresp.http.Surrogate-Key = "ours";'),
    rule: "sitefleet/surrogate-keys",
    origin: OURS,
  },
  {
    what: "surrogate keys that the shield keeps to itself",
    files: added("deliver_shield", "unset resp.http.Surrogate-Key;"),
    rule: "sitefleet/surrogate-keys",
  },
  {
    what: "another host",
    files: added("recv_lookup", 'set req.http.host = "www.example.com";'),
    rule: "sitefleet/host-kept",
    origin: OURS,
  },
  {
    what: "another host, in a snippet",
    files: snippet("recv", "set req.http.Host = std.tolower(req.http.Host);"),
    rule: "sitefleet/host-kept",
    origin: OURS,
  },
  {
    what: "a config lookup that passes the cache by",
    files: added("recv_phase", 'if (req.http.SF-Phase == "config") {\n  return(pass);\n}'),
    rule: "sitefleet/cached-lookup",
  },
  {
    what: "everything past the cache, in a snippet",
    files: snippet("recv", "return(pass);"),
    rule: "sitefleet/cached-lookup",
  },
  {
    what: "configs that are not kept",
    files: changed("config-lookup", "set beresp.cacheable = true;", "set beresp.cacheable = false;"),
    rule: "sitefleet/cached-lookup",
    origin: /^edge\/config-lookup\.vcl\.njk:\d+$/,
  },
  {
    what: "lookups that do not wait for each other",
    files: added("recv_every_pass", "set req.hash_ignore_busy = true;"),
    rule: "sitefleet/cached-lookup",
  },
  {
    what: "purges by URL",
    files: changed("method-policy", /^if \(req\.method == "FASTLYPURGE"\) \{\n.*\n\}\n/m, ""),
    rule: "sitefleet/purge-refused",
  },
  {
    what: "a cache key without the bucket",
    files: changed("page-lookup", "set req.hash += req.http.SF-Bucket;\n", ""),
    rule: "sitefleet/cache-key",
  },
  {
    what: "a cache key with the path sometimes",
    files: changed(
      "page-lookup",
      "set req.hash += req.url;",
      "if (req.http.SF-Path) {\n  set req.hash += req.url;\n}",
    ),
    rule: "sitefleet/cache-key",
  },
  {
    what: "the visitor's country at the shield",
    files: added("recv_every_pass", "set req.http.X-Country = client.geo.country_code;"),
    rule: "sitefleet/client-at-edge",
    origin: OURS,
  },
  {
    what: "the visitor's address in a condition at the shield",
    files: added("recv_every_pass", 'if (client.ip == "192.0.2.1") {\n  set req.http.X-A = "1";\n}'),
    rule: "sitefleet/client-at-edge",
  },
  {
    what: "a change that is lost",
    files: added("fetch", 'set req.http.X-Big = "1";'),
    rule: "sitefleet/lost-change",
    origin: OURS,
  },
  {
    what: "an error without its page",
    files: added("recv_page", 'error 699 "ours";'),
    rule: "sitefleet/error-branch",
    origin: OURS,
  },
  {
    what: "no revision for deploys to ask for",
    files: changed("version-marker", 'SF-Revision = "{{ revision }}"', 'SF-Revision = "1"'),
    rule: "sitefleet/revision-shown",
  },
  {
    what: "HSTS for hosts that are elsewhere",
    files: added(
      "deliver_edge",
      'set resp.http.Strict-Transport-Security = "max-age=31536000; includeSubDomains";',
    ),
    rule: "sitefleet/hsts-scope",
    origin: OURS,
  },
  {
    what: "requests to the store that are not signed",
    files: changed(
      "s3-signing",
      "{% macro origin_request() %}\ncall sf_sign;",
      '{% macro origin_request() %}\nif (req.http.SF-Phase == "page") {\n  call sf_sign;\n}',
    ),
    rule: "sitefleet/store-request",
  },
  {
    what: "everything that a client sends, for the store",
    files: changed("s3-signing", /^ {2}header\.filter_except\(bereq[^;]*;/m, ""),
    rule: "sitefleet/store-request",
  },
  {
    what: "passwords for the shield",
    files: changed("passwords", "unset bereq.http.SF-Credentials;", "unset bereq.http.SF-Other;"),
    rule: "sitefleet/store-request",
  },
  {
    what: "another path for the shield",
    files: added("shield_request", 'set bereq.url = "/other";'),
    rule: "sitefleet/store-request",
    origin: OURS,
  },
  {
    what: "a key of AWS",
    files: added("recv_page", 'set req.http.X-Id = "AKIAIOSFODNN7EXAMPLE";'),
    rule: "sitefleet/hard-coded-secret",
    origin: OURS,
  },
  {
    what: "a random text in a table, in a snippet",
    files: snippet("init", 'table ours { "key": "wJalrXUtnFEMIK7MDENGbPxRfiCYzEXAMPLEKEY" }'),
    rule: "sitefleet/hard-coded-secret",
    origin: OURS,
  },
  {
    what: "a bearer's token",
    files: added(
      "recv_page",
      'if (req.http.X-Auth == "Bearer 0123456789abcdef") {\n  set req.http.X-A = "1";\n}',
    ),
    rule: "sitefleet/hard-coded-secret",
  },
  {
    what: "a table of customers' hosts",
    files: snippet("init", 'table ours { "www.shop.example": "1" }'),
    rule: "sitefleet/customer-data",
    origin: OURS,
  },
  {
    what: "a customer by its host",
    files: added("recv_page", 'if (req.http.SF-Host == "www.shop.example") {\n  set req.http.X-A = "1";\n}'),
    rule: "sitefleet/customer-data",
  },
  {
    what: "customers by a pattern",
    files: added(
      "recv_page",
      'if (req.http.host ~ "^(?:www\\.)?shop\\.example$") {\n  set req.http.X-A = "1";\n}',
    ),
    rule: "sitefleet/customer-data",
  },
  {
    what: "a dictionary of customers",
    files: {
      ...snippet("init", 'table ours { "shop": "1" }'),
      ...added("recv_page", "set req.http.X-A = table.lookup(ours, req.http.SF-Site);"),
    },
    rule: "sitefleet/customer-data",
  },
  {
    what: "a macro that braces around it make conditional",
    files: {
      "ours.vcl.njk":
        "{#- after: log -#}\n{% macro recv_gate() %}\nif (req.http.X-A) {\n{% endmacro %}\n{% macro recv_every_pass() %}\n}\n{% endmacro %}\n",
    },
    rule: "sitefleet/macro",
  },
  {
    what: "a way past the macro and everything behind it",
    files: added("recv_gate", 'if (req.url == "/ping") {\n  return(lookup);\n}'),
    rule: "sitefleet/macro",
    origin: /^edge\/ours\.vcl\.njk:4$/,
  },
  {
    what: "a lookup that never takes what is cached",
    files: snippet("recv", "set req.hash_always_miss = true;"),
    rule: "sitefleet/cached-lookup",
    origin: OURS,
  },
  {
    what: "a snippet that goes past passwords",
    files: snippet("recv", 'if (req.url ~ "^/open") { return(lookup); }'),
    rule: "sitefleet/early-return",
    origin: OURS,
  },
  {
    what: "a feature that goes past passwords",
    files: added("recv_every_pass", "if (req.http.X-A) { return(lookup); }"),
    rule: "sitefleet/early-return",
    origin: OURS,
  },
  {
    what: "a snippet that delivers before internal headers are taken out",
    files: snippet("deliver", "if (resp.status == 200) { return(deliver); }"),
    rule: "sitefleet/early-return",
    origin: OURS,
  },
  {
    what: "a snippet that stores before there are surrogate keys",
    files: snippet("fetch", "if (beresp.status == 200) { return(deliver); }"),
    rule: "sitefleet/early-return",
    origin: OURS,
  },
  {
    what: "a request that is trusted for nothing",
    files: added("recv_every_pass", 'set req.http.SF-Trusted = "1";'),
    rule: "sitefleet/trusted-request",
    origin: OURS,
  },
  {
    what: "trust for a text in the VCL",
    files: added("recv_gate", 'if (req.http.X-Debug == "letmein") { set req.http.SF-Trusted = "1"; }'),
    rule: "sitefleet/trusted-request",
    origin: OURS,
  },
  {
    what: "a cookie that the shield delivers",
    files: snippet("deliver", 'add resp.http.Set-Cookie = "a=1";'),
    rule: "sitefleet/cached-cookie",
    origin: OURS,
  },
  {
    what: "a cookie that a declaration takes on",
    files: added("deliver_edge", "declare local var.c STRING = req.http.Cookie; set resp.http.X-C = var.c;"),
    rule: "sitefleet/secret-exposed",
    origin: OURS,
  },
  {
    what: "a cookie that a function reads",
    files: added("deliver_edge", 'set resp.http.X-C = header.get(req, "Cookie");'),
    rule: "sitefleet/secret-exposed",
    origin: OURS,
  },
  {
    what: "a password that a function reads into the log",
    files: snippet("log", 'log "x" header.get(req, "Authorization");'),
    rule: "sitefleet/private-log",
    origin: OURS,
  },
  {
    what: "a config's secret path in a header",
    files: added("fetch", "set beresp.http.X-From = bereq.url;"),
    rule: "sitefleet/secret-exposed",
    origin: OURS,
  },
  {
    what: "a customer behind a function",
    files: added(
      "recv_page",
      'if (std.tolower(req.http.host) == "www.shop.example") { set req.http.X-A = "1"; }',
    ),
    rule: "sitefleet/customer-data",
    origin: OURS,
  },
  {
    what: "a customer in a switch",
    files: {
      "ours.vcl.njk":
        '{#- after: log -#}\n{% macro recv_page() %}\nswitch (req.http.host) { case "www.shop.example": set req.http.X-A = "1"; break; }\n{% endmacro %}\n',
    },
    rule: "sitefleet/customer-data",
    origin: OURS,
  },
  {
    what: "a customer's name below the platform's domain",
    files: added("recv_page", 'if (req.http.host == "shop.example-sites.com") { set req.http.X-A = "1"; }'),
    rule: "sitefleet/customer-data",
    origin: OURS,
  },
  {
    what: "HSTS for subdomains by a function",
    files: added("deliver_edge", 'header.set(resp, "Strict-Transport-Security", "max-age=1; preload");'),
    rule: "sitefleet/hsts-scope",
    origin: OURS,
  },
  {
    what: "HSTS for subdomains in two texts",
    files: added(
      "deliver_edge",
      'set resp.http.Strict-Transport-Security = "max-age=1; include" "SubDomains";',
    ),
    rule: "sitefleet/hsts-scope",
    origin: OURS,
  },
  {
    what: "surrogate keys taken away with all their kind",
    files: added("fetch", "unset beresp.http.Surrogate-*;"),
    rule: "sitefleet/surrogate-keys",
    origin: OURS,
  },
  {
    what: "surrogate keys taken away by a function",
    files: added("fetch", 'header.unset(beresp, "Surrogate-Key");'),
    rule: "sitefleet/surrogate-keys",
    origin: OURS,
  },
  {
    what: "an internal header that a function sets",
    files: added("deliver_last", 'header.set(resp, "x-amz-meta-a", "1");'),
    rule: "sitefleet/internal-leak",
    origin: OURS,
  },
  {
    what: "a name that the subroutine does not have",
    files: added("recv_page", "set req.http.X-A = bereq.url;"),
    rule: "scope/variable",
    origin: OURS,
  },
  {
    what: "VCL that is none",
    files: snippet("recv", "set req.http.X-A = ;"),
    rule: "syntax/unexpected-token",
    origin: OURS,
  },
  ...BROKEN_AT_THE_CACHE,
];
