import type { RuleId } from "../../src/vcl/rules.ts";

export interface RuleExamples {
  /** Each `¦` stands where the rule speaks up; no other rule does. */
  readonly invalid: readonly string[];
  /** No rule speaks up. */
  readonly valid: readonly string[];
}

/** A state's subroutine with its macro. */
function state(name: string, body: string): string {
  return `sub vcl_${name} {\n#FASTLY ${name}\n${body}\n}\n`;
}

const recv = (body: string): string => state("recv", body);
const fetch = (body: string): string => state("fetch", body);
const deliver = (body: string): string => state("deliver", body);
const BACKEND = 'backend F_a { .host = "a.example.com"; }\n';

function many(count: number, text: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => text(index)).join("\n");
}

/** Calls 29 times down to the leaf at every level: 30^3 calls and a few more. */
const CALL_TREE = [
  "sub leaf { esi; }",
  `sub low { ${"call leaf; ".repeat(30)} }`,
  `sub middle { ${"call low; ".repeat(30)} }`,
].join("\n");

/** Examples for every rule that one file can break. */
export const RULE_EXAMPLES: Readonly<Partial<Record<RuleId, RuleExamples>>> = {
  "access/protected-header": {
    invalid: [
      recv('set ¦req.http.Fastly-FF = "x";'),
      recv("unset ¦req.http.transfer-encoding;"),
      deliver('add ¦resp.http.Content-Length = "1";'),
    ],
    valid: [recv("log req.http.Fastly-FF;"), recv('set req.http.TEX = "x";')],
  },
  "access/read-only": {
    invalid: [recv('set ¦req.xid = "x";'), recv('set ¦client.ip = "10.0.0.1";')],
    valid: [recv('set req.url = "/x";')],
  },
  "access/unset": {
    invalid: [recv("unset ¦req.url;"), recv("declare local var.a STRING; unset ¦var.a;")],
    valid: [recv("unset req.http.A; remove req.http.B:c; unset req.http.X-*;")],
  },
  "access/write-only": {
    invalid: [state("hash", "log ¦req.hash;")],
    valid: [state("hash", "set req.hash += req.url;")],
  },
  "acl/address": {
    invalid: ['acl a { ¦"localhost"; }', 'acl a { ¦"10.0.0.256"; }'],
    valid: ['acl a { "10.0.0.1"; !"2001:db8::"/32; "0.0.0.0"/0; }'],
  },
  "acl/mask": {
    invalid: ['acl a { ¦"10.0.0.1"/33; }', 'acl a { ¦"::1"/129; }'],
    valid: ['acl a { "10.0.0.1"/32; "::1"/128; }'],
  },
  "add/target": {
    invalid: [recv('add ¦req.url = "x";'), recv('add ¦req.http.A:b = "x";')],
    valid: [recv('add req.http.A = "x" "y";')],
  },
  "backend/missing-host": { invalid: ['backend ¦a { .port = "80"; }'], valid: [BACKEND] },
  "backend/probe": {
    invalid: ['backend a { .host = "a"; .¦probe = other; }', 'backend a { .host = "a"; .¦probe = "x"; }'],
    valid: [
      'probe p { .dummy = true; } backend a { .host = "a"; .probe = p; }',
      'backend a { .host = "a"; .probe = { .request = "GET / HTTP/1.1" "Host: a"; .interval = 5s; } }',
    ],
  },
  "backend/probe-window": {
    invalid: [
      "probe p { .window = 5; .threshold = ¦6; }",
      'backend a { .host = "a"; .probe = { .window = ¦65; .threshold = 1; } }',
      "probe p { .threshold = ¦65; }",
    ],
    valid: ["probe p { .window = 5; .threshold = 5; .initial = 5; }"],
  },
  "call/functional": {
    invalid: [`sub f BOOL { return true; }\n${recv("call ¦f;")}`],
    valid: [`sub f { esi; }\n${recv("call f; call f();")}`],
  },
  "call/recursion": {
    invalid: [
      `sub a { call ¦b; }\nsub b { call ¦a; }\n${recv("call a;")}`,
      `sub a { call ¦a; }\n${recv("call a;")}`,
      `sub a BOOL { return (¦a()); }\n${recv("if (a()) { esi; }")}`,
    ],
    valid: [`sub a { esi; }\nsub b { call a; call a; }\n${recv("call a; call b;")}`],
  },
  "call/unknown": { invalid: [recv("call ¦nowhere;")], valid: [`sub a { esi; }\n${recv("call a;")}`] },
  "condition/literal": {
    invalid: [recv('if (¦"x") { esi; }')],
    valid: [recv("if (req.http.A) { esi; }")],
  },
  "deprecated/name": { invalid: [recv("log ¦req.request;")], valid: [recv("log req.method;")] },
  "director/empty": {
    invalid: ["director ¦d random { .quorum = 50%; }"],
    valid: ['director d shield { .shield = "iad-va-us"; .is_ssl = true; }'],
  },
  "director/missing-property": {
    invalid: [
      `${BACKEND}director d random { ¦{ .backend = F_a; } }`,
      `${BACKEND}director d chash { ¦{ .backend = F_a; .weight = 1; } }`,
      "director ¦d shield { .is_ssl = true; }",
    ],
    valid: [
      `${BACKEND}director d random { .quorum = 50%; .retries = 3; { .backend = F_a; .weight = 1; } }`,
      `${BACKEND}director d fallback { { .backend = F_a; } }`,
      `${BACKEND}director d chash { .key = client; .seed = 1; { .backend = F_a; .id = "a"; } }`,
    ],
  },
  "director/type": {
    invalid: [`${BACKEND}director d ¦roundrobin { { .backend = F_a; } }`],
    valid: [`${BACKEND}director d hash { { .backend = F_a; .weight = 1; } }`],
  },
  "error/status": {
    invalid: [recv("error ¦750;"), recv('error ¦900 "x";'), recv("error ¦42;")],
    valid: [
      recv("error 601;"),
      recv("error 404;"),
      recv("error 801;"),
      recv("error;"),
      recv('error 699 "x" req.url;'),
    ],
  },
  "function/argument-count": {
    invalid: [
      recv("log ¦std.tolower();"),
      recv('log ¦std.tolower("a", "b");'),
      `sub f(STRING var.a) BOOL { return (var.a == "x"); }\n${recv("if (¦f()) { esi; }")}`,
    ],
    valid: [recv('log std.tolower("a");')],
  },
  "function/argument-type": {
    invalid: [
      recv("log table.lookup(¦req.url, req.url);"),
      `sub f(ACL var.a) BOOL { return (client.ip ~ var.a); }\n${recv('if (f(¦"x")) { esi; }')}`,
    ],
    valid: [`table t { "a": "b" }\n${recv("log table.lookup(t, req.url);")}`],
  },
  "function/statement": {
    invalid: [`sub f { esi; }\n${recv("¦f();\ncall f;")}`],
    valid: [recv("std.collect(req.http.Cookie);")],
  },
  "function/unknown": {
    invalid: [recv("log ¦std.nothing();"), recv("¦nothing(req.url);")],
    valid: [recv("log std.tolower(req.url);")],
  },
  "function/void": {
    invalid: [`sub f { esi; }\n${recv("call f;\nset req.http.A = ¦f();")}`],
    valid: [`sub f STRING { return "x"; }\n${recv("log f();")}`],
  },
  "goto/backward": {
    invalid: [recv("a:\nesi;\ngoto ¦a;")],
    valid: [recv("if (req.http.A) { goto a; }\nesi;\na:")],
  },
  "goto/duplicate-label": {
    invalid: [recv("if (req.http.A) { goto a; }\na:\nesi;\n¦a:")],
    valid: [recv("if (req.http.A) { goto a; } if (req.http.B) { goto b; }\na:\nesi;\nb:")],
  },
  "goto/into-block": {
    invalid: [recv("if (req.http.B) { goto ¦a; }\nif (req.http.A) { a: esi; }")],
    valid: [recv("if (req.http.B) { if (req.http.A) { goto a; } }\nesi;\na:\nesi;")],
  },
  "goto/unknown-label": {
    invalid: [recv("if (req.http.A) { goto ¦a; }")],
    valid: [recv("if (req.http.A) { goto a; }\nesi;\na:")],
  },
  "goto/unused-label": {
    invalid: [recv("¦a:\nesi;")],
    valid: [recv("if (req.http.A) { goto a; }\na:\nesi;")],
  },
  "limit/backends": {
    invalid: [`${many(5, (i) => `backend b${i} { .host = "a"; }`)}\nbackend ¦b5 { .host = "a"; }`],
    valid: [
      many(5, (i) => `backend b${i} { .host = "a"; }`),
      `pragma optional_param max_backends 6;\n${many(6, (i) => `backend b${i} { .host = "a"; }`)}`,
    ],
  },
  "limit/calls": {
    invalid: [`${CALL_TREE}\nsub ¦vcl_recv {\n#FASTLY recv\n${"call middle; ".repeat(27)} }`],
    valid: [`${CALL_TREE}\n${recv("call middle; ".repeat(26))}`],
  },
  "local/duplicate": {
    invalid: [
      recv("declare local var.a STRING;\ndeclare local ¦var.a INTEGER;\nlog var.a;"),
      recv("if (req.http.A) { declare local var.a STRING; }\ndeclare local ¦var.a STRING;\nlog var.a;"),
      `sub f(STRING var.a, STRING ¦var.a) { log var.a; }\n${recv('call f("x", "y");')}`,
    ],
    valid: [recv("{ declare block var.a STRING; log var.a; }\n{ declare block var.a INTEGER; log var.a; }")],
  },
  "local/name": {
    invalid: [recv("declare local ¦a.b STRING;"), `sub f(STRING ¦a) { esi; }\n${recv('call f("x");')}`],
    valid: [recv("declare local var.a-b.c STRING; log var.a-b.c;")],
  },
  "local/shadowing": {
    invalid: [recv("declare local var.a STRING;\n{ declare block ¦var.a STRING; log var.a; }\nlog var.a;")],
    valid: [recv("{ declare block var.a STRING; log var.a; }\n{ declare block var.a STRING; log var.a; }")],
  },
  "local/type": {
    invalid: [recv("declare local ¦var.a TABLE;\nif (table.contains(var.a, req.url)) { esi; }")],
    valid: [recv("declare local var.a RTIME; set var.a = 5m; log var.a;")],
  },
  "local/undeclared": {
    invalid: [
      recv("log ¦var.a;"),
      recv('set ¦var.a = "x";\ndeclare local var.a STRING;\nlog var.a;'),
      recv("{ declare block var.a STRING; log var.a; }\nlog ¦var.a;"),
    ],
    valid: [recv("if (req.http.A) { declare local var.a STRING; log var.a; }\nlog var.a;")],
  },
  "local/unused": {
    invalid: [recv("declare local ¦var.a STRING;"), recv("{ declare block ¦var.a STRING; }")],
    valid: [
      recv('declare local var.a STRING; set var.a = "x";'),
      `sub f(STRING var.a) { esi; }\n${recv('call f("x");')}`,
    ],
  },
  "macro/missing": {
    invalid: ["sub ¦vcl_recv { esi; }"],
    valid: [
      "sub init {\n#FASTLY recv\n}\nsub vcl_recv { call init; }",
      "sub vcl_recv { {\n#FASTLY recv\n} }",
    ],
  },
  "macro/misplaced": {
    invalid: [recv("¦#FASTLY fetch\nesi;")],
    valid: [recv("esi;")],
  },
  "name/characters": {
    invalid: [
      "acl ¦a-b { }",
      'backend ¦F-a { .host = "a.example.com"; }',
      "table ¦t.x { }",
      `${BACKEND}director ¦d-1 fallback { { .backend = F_a; } }`,
      "penaltybox ¦p-b { }",
      "ratecounter ¦r-c { }",
      `sub ¦a.b { esi; }\n${recv("call a.b;")}`,
    ],
    valid: ["acl _A1 { }"],
  },
  "name/duplicate": {
    invalid: [
      `${BACKEND}backend ¦F_a { .host = "b"; }`,
      'acl x { "::1"; }\ntable ¦x { }',
      `sub a { esi; }\nsub ¦a { esi; }\n${recv("call a;")}`,
      `${recv("esi;")}sub ¦vcl_recv {\n#FASTLY recv\n}`,
      "table a { }\ntable ¦a { }",
    ],
    valid: [`table a { }\nsub a { esi; }\n${recv("call a;")}`],
  },
  "name/unknown": {
    invalid: [
      recv("log ¦req.nothing;"),
      recv('set ¦req.nothing = "x";'),
      recv("set req.backend = ¦F_b;"),
      recv("if (¦backend.F_b.healthy) { esi; }"),
      `${BACKEND}director d fallback { { .backend = ¦F_b; } }`,
      'table t BACKEND { "a": ¦F_b }',
      'table t ACL { "a": ¦nobody }',
    ],
    valid: [
      `${BACKEND}${recv("set req.backend = F_a; if (backend.F_a.healthy) { esi; }")}`,
      `${BACKEND}table t BACKEND { "a": F_a }`,
    ],
  },
  "name/wildcard": {
    invalid: [recv('set ¦req.http.X-* = "x";'), recv("log ¦req.http.X-*;")],
    valid: [recv("unset req.http.X-*;")],
  },
  "operator/assignment": {
    invalid: [
      recv('declare local var.b BOOL; set var.b = ¦req.http.A == "x";'),
      recv("declare local var.b BOOL; set var.b = ¦!req.http.A;"),
      recv("declare local var.b BOOL = ¦req.http.A && req.http.B; log var.b;"),
    ],
    valid: [recv('declare local var.b BOOL; set var.b = (req.http.A == "x"); set var.b = true;')],
  },
  "operator/type": {
    invalid: [
      recv('set ¦req.http.A -= "x";'),
      recv("declare local var.a STRING; set ¦var.a |= 1;"),
      recv("declare local var.a BOOL; set ¦var.a += true;"),
      recv("declare local var.a INTEGER; set ¦var.a &&= true;"),
    ],
    valid: [
      recv('declare local var.a INTEGER; set var.a += 1; set var.a rol= 3; set req.http.A += "x";'),
      recv("declare local var.a TIME; set var.a = now; set var.a += 5m; set var.a -= 1s;"),
      recv("declare local var.a RTIME; set var.a = 5m; set var.a *= 2; set var.a /= 1.5;"),
    ],
  },
  "property/duplicate": { invalid: ['backend a { .host = "a"; .¦host = "b"; }'], valid: [BACKEND] },
  "property/type": {
    invalid: [
      "backend a { .host = ¦5; }",
      'backend a { .host = "a"; .ssl = ¦"yes"; }',
      'backend a { .host = "a"; .ssl_check_cert = ¦sometimes; }',
      'backend a { .host = "a"; .probe = { .interval = ¦5; } }',
      'backend a { .host = "a"; .connect_timeout = ¦now; }',
      "backend a { .¦host = { .b = 1; } }",
    ],
    valid: [
      'backend a { .host = "a"; .ssl = true; .ssl_check_cert = never; .connect_timeout = 1s; .max_connections = 5; }',
    ],
  },
  "property/unknown": {
    invalid: ['backend a { .host = "a"; .¦colour = "red"; }', 'probe p { .¦host = "a"; }'],
    valid: [BACKEND],
  },
  "regex/bare-dot": {
    invalid: [
      recv('if (req.http.host ~ ¦"example.com") { esi; }'),
      recv('if (req.http.Host !~ ¦"^www.example\\.com$") { esi; }'),
      recv('if (req.http.host ~ ¦"^(a|b).example$") { esi; }'),
      recv('if (req.url ~ ¦".html$") { esi; }'),
      recv('if (req.url.path ~ ¦"^/index.php$") { esi; }'),
    ],
    valid: [
      recv('if (req.http.host ~ "^(.+)\\.example\\.com$" || req.http.host ~ "^[a.b]+$") { esi; }'),
      recv('if (req.url ~ "^/a.b/" || req.url ~ "^/.*$" || req.http.Referer ~ "example.com") { esi; }'),
    ],
  },
  "regex/unanchored-extension": {
    invalid: [
      recv('if (req.url ~ ¦"\\.html") { esi; }'),
      recv('if (req.url.path ~ ¦"(?i)\\.(jpg|png|webp)") { esi; }'),
      state("miss", 'if (bereq.url ~ ¦"\\.(?:js|css)") { esi; }'),
    ],
    valid: [
      recv('if (req.url.path ~ "\\.(jpe?g|png)$" || req.url ~ "\\.html(\\?|$)") { esi; }'),
      recv('if (req.url ~ "^/\\.well-known/" || req.url.ext ~ "html" || req.http.X ~ "\\.html") { esi; }'),
    ],
  },
  "regex/invalid": {
    invalid: [
      recv('if (req.url ~ ¦"(") { esi; }'),
      recv('log regsub(req.url, ¦"[", "");'),
      'table t REGEX { "a": ¦"*" }',
      recv('switch (req.url) { case ~ ¦"(": esi; break; }'),
    ],
    valid: [recv('if (req.url ~ "^/(a|b)++(?i)c") { esi; }')],
  },
  "regex/not-literal": {
    invalid: [
      recv("if (req.url ~ ¦req.http.A) { esi; }"),
      recv('if (req.url ~ ¦"a" "b") { esi; }'),
      recv('log regsub(req.url, ¦req.http.A, "");'),
    ],
    valid: [recv('declare local var.r REGEX; set var.r = "^a"; if (req.url ~ var.r) { esi; }')],
  },
  "return/action": {
    invalid: [
      recv("return(¦deliver);"),
      deliver("return(¦lookup);"),
      recv("return(¦nothing);"),
      recv('return ¦"x";'),
      `sub f { if (req.http.A) { return(¦lookup); } }\n${recv("call f;")}${deliver("call f;")}`,
    ],
    valid: [
      recv("return(lookup);"),
      state("hash", "return(hash);"),
      state("hit", "return(deliver);"),
      state("miss", "return(deliver_stale);"),
      state("pass", "return(pass);"),
      fetch("return(hit_for_pass);"),
      state("error", "return(deliver);"),
      deliver("return(restart);"),
      state("log", "return(deliver);"),
      `sub f { if (req.http.A) { return(deliver); } }\n${fetch("call f;")}${deliver("call f;")}`,
    ],
  },
  "return/empty": {
    invalid: [
      recv("¦return;"),
      `sub f BOOL { if (req.http.A) { ¦return; } return true; }\n${recv("if (f()) { esi; }")}`,
    ],
    valid: [`sub f { if (req.http.A) { return; } esi; }\n${recv("call f;")}`],
  },
  "return/missing": {
    invalid: [`sub ¦f BOOL { if (req.http.A) { return true; } }\n${recv("if (f()) { esi; }")}`],
    valid: [
      `sub f BOOL { if (req.http.A) { return true; } else { return false; } }\n${recv("if (f()) { esi; }")}`,
      `sub f BOOL { switch (req.url) { case "/": return true; default: return false; } }\n${recv("if (f()) { esi; }")}`,
    ],
  },
  "return/type": {
    invalid: [`sub f BOOL { return ¦"x"; }\n${recv("if (f()) { esi; }")}`],
    valid: [`sub f BOOL { return (req.url == "/"); }\n${recv("if (f()) { esi; }")}`],
  },
  "scope/function": {
    invalid: [
      recv("¦resp.tarpit(5);"),
      `sub f { ¦resp.tarpit(5); }\n${recv("call f;")}${deliver("call f;")}`,
    ],
    valid: [deliver("resp.tarpit(5);")],
  },
  "scope/statement": {
    invalid: [
      deliver("¦error 601;"),
      state("miss", "¦restart;"),
      recv('¦synthetic "x";'),
      `sub f { if (req.http.A) { ¦error 601; } }\n${recv("call f;")}${deliver("call f;")}`,
    ],
    valid: [
      recv("error 601;"),
      deliver("restart;"),
      state("error", 'synthetic "x"; synthetic.base64 "eA==";'),
    ],
  },
  "scope/variable": {
    invalid: [
      recv("log ¦beresp.status;"),
      deliver('set ¦beresp.http.A = "x";'),
      fetch("unset ¦resp.http.A;"),
      `sub f { log ¦beresp.status; }\n${recv("call f;")}${fetch("call f;")}`,
    ],
    valid: [
      fetch('set beresp.http.A = "x"; set beresp.ttl = 5m;'),
      `sub f { log beresp.status; }\n${fetch("call f;")}`,
    ],
  },
  "sub/reserved-name": {
    invalid: [`sub ¦vcl_mine { esi; }\n${recv("call vcl_mine;")}`],
    valid: [recv("esi;"), "sub vcl_pipe { return(pipe); }"],
  },
  "sub/signature": {
    invalid: [
      "sub ¦vcl_recv(STRING var.a) {\n#FASTLY recv\n}",
      "sub ¦vcl_hash STRING {\n#FASTLY hash\nreturn(hash);\n}",
    ],
    valid: [recv("esi;")],
  },
  "sub/type": {
    invalid: [`sub ¦f TABLE { return t; }\ntable t {}\n${recv("log table.lookup(f(), req.url);")}`],
    valid: [`sub f INTEGER { return 5; }\n${recv("error f();")}`],
  },
  "sub/unused": { invalid: ["sub ¦f { esi; }"], valid: [`sub f { esi; }\n${recv("call f;")}`] },
  "switch/duplicate-case": {
    invalid: [
      recv('switch (req.url) { case "a": esi; break; case ¦"a": esi; break; }'),
      recv("switch (req.url) { default: esi; break; ¦default: esi; break; }"),
    ],
    valid: [recv('switch (req.url) { case "a": esi; break; case ~ "a": esi; break; default: esi; break; }')],
  },
  "switch/last-fallthrough": {
    invalid: [recv('switch (req.url) { case "a": esi; fallthrough¦; }')],
    valid: [recv('switch (req.url) { case "a": esi; fallthrough; default: esi; break; }')],
  },
  "switch/missing-end": {
    invalid: [recv('switch (req.url) { case ¦"a": esi; default: esi; break; }')],
    valid: [recv('switch (req.url) { case "a": return(pass); case "b": error 601; default: break; }')],
  },
  "table/duplicate-key": {
    invalid: ['table t { "a": "b", ¦"a": "c" }'],
    valid: ['table t { "a": "b", "A": "c" }'],
  },
  "table/lookup-type": {
    invalid: [`table t INTEGER { "a": 1 }\n${recv("log table.lookup(¦t, req.url);")}`],
    valid: [
      `table t { "a": "b" }\n${recv("if (table.contains(t, req.url)) { log table.lookup(t, req.url); }")}`,
    ],
  },
  "table/type": { invalid: ["table ¦t TIME { }"], valid: ['table t IP { "a": "10.0.0.1" }'] },
  "table/value": {
    invalid: [
      'table t INTEGER { "a": ¦"b" }',
      'table t { "a": ¦1 }',
      'table t IP { "a": ¦"b" }',
      'table t BOOL { "a": ¦yes }',
    ],
    valid: ['table t FLOAT { "a": 1, "b": 1.5 }'],
  },
  "type/comparison": {
    invalid: [
      recv("if (¦req.http.A == 10) { esi; }"),
      recv('if (¦req.http.A > "x") { esi; }'),
      fetch('if (¦beresp.status ~ "2..") { esi; }'),
      `table t { }\n${recv("if (¦t == t) { esi; }")}`,
    ],
    valid: [
      fetch("if (beresp.status >= 500 && beresp.status < 600 && beresp.ttl > 0s) { esi; }"),
      `${BACKEND}${recv("if (req.backend == F_a) { esi; }")}`,
    ],
  },
  "type/concatenation": {
    invalid: [`acl a { "::1"; }\n${recv('log "x" ¦a;')}`],
    valid: [recv('log "x" now client.ip req.restarts " " math.PI;')],
  },
  "type/condition": {
    invalid: [
      recv("if (¦req.restarts) { esi; }"),
      recv("if (!¦now) { esi; }"),
      recv("if (req.http.A && ¦5) { esi; }"),
    ],
    valid: [recv("if (req.http.A && !req.is_ipv6 || client.ip) { esi; }")],
  },
  "type/literal": {
    invalid: [
      recv("set req.http.A = ¦5;"),
      recv("log ¦1.5;"),
      recv('set req.http.A = "a" ¦5m;'),
      recv('set req.http.A = "a" now ¦5m;'),
      recv("log std.strlen(¦5);"),
      fetch("set beresp.ttl = ¦3600;"),
      recv("declare local var.i INTEGER; set var.i = ¦1.5; set var.i *= ¦1.5; set var.i += ¦5s;"),
      recv("declare local var.f FLOAT; set var.f = ¦5s;"),
      recv("declare local var.t TIME; set var.t = ¦5; set var.t += ¦5; set var.t += 5s;"),
      `sub f(RTIME var.r) STRING { return var.r; }\n${recv("log f(¦5);")}`,
    ],
    valid: [
      recv('set req.http.A = req.restarts; set req.http.B = now + 5m; log "a" req.restarts;'),
      fetch('set beresp.ttl = parse_time_delta("5m"); set beresp.stale_if_error = beresp.http.X;'),
      recv(
        "declare local var.i INTEGER; declare local var.f FLOAT = 2; set var.i = var.f; set var.i *= var.f;",
      ),
      recv("declare local var.r RTIME; set var.r = 5s; set var.r *= 1.5; set var.r /= 2; log var.r;"),
      recv("log time.add(now, 5s) math.exp(1);"),
    ],
  },
  "type/mismatch": {
    invalid: [
      recv('declare local var.i INTEGER; set var.i = ¦"5";'),
      recv("declare local var.b BOOL; set var.b = ¦req.http.A;"),
      recv('error ¦"x";'),
      recv("declare local var.r RTIME; set var.r *= ¦5s;"),
      recv("declare local var.i INTEGER; set var.i |= ¦math.PI; set var.i %= ¦now;"),
      `acl a { "::1"; }\n${recv("set req.http.A = ¦a;")}`,
      recv('declare local var.i INTEGER = ¦"x"; log var.i;'),
    ],
    valid: [
      recv('declare local var.i INTEGER = 5; set req.http.A = var.i; set req.http.B = client.ip; log "x";'),
      `${BACKEND}director d fallback { { .backend = F_a; } }\n${recv("set req.backend = d;")}`,
    ],
  },
  "type/percent": { invalid: [recv("set req.http.A = ¦50%;")], valid: [recv('set req.http.A = "50%25";')] },
  "type/time-arithmetic": {
    invalid: [recv('log ¦"x" + 5m;'), recv("log ¦req.restarts - 5m;")],
    valid: [recv('log "x" now + 5m "y";')],
  },
  "unreachable/code": {
    invalid: [
      recv("return(lookup);\n¦esi;"),
      recv("if (req.http.A) { error 601; } else { restart; }\n¦esi;"),
    ],
    valid: [recv("if (req.http.A) { goto end; }\nreturn(pass);\nend:\nesi;")],
  },
  "syntax/invalid-character": { invalid: ["table t { }\n¦@"], valid: ["table t { }"] },
  "syntax/invalid-escape": { invalid: [recv('log "¦%zz";')], valid: [recv('log "%41%u0041%u{41}";')] },
  "syntax/invalid-number": {
    invalid: [recv("set req.http.A = ¦9223372036854775808;")],
    valid: [recv("declare local var.i INTEGER = 9223372036854775807; log var.i;")],
  },
  "syntax/invalid-utf8": { invalid: [recv('log ¦"%ff";')], valid: [recv('log "%c3%a9";')] },
  "syntax/misplaced-break": {
    invalid: [recv("¦break;")],
    valid: [recv("switch (req.url) { default: break; }")],
  },
  "syntax/unexpected-token": { invalid: [recv("set req.http.A ¦;")], valid: [recv('set req.http.A = "";')] },
  "syntax/unknown-type": { invalid: [recv("declare local var.a ¦TEXT;")], valid: [] },
  "syntax/unterminated": { invalid: ["sub a ¦{"], valid: [] },
  "limit/nesting": { invalid: [`sub a ${"{".repeat(100)}¦${"{}".repeat(1)}${"}".repeat(100)}`], valid: [] },
  "limit/operators": {
    invalid: [`sub vcl_recv { log now${" + 1s".repeat(2000)} +¦ 1s; }`.replace("+¦ 1s", "+ ¦1s")],
    valid: [recv(`log now${" + 1s".repeat(2000)};`)],
  },
};
