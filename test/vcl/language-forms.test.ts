import { describe, expect, test } from "vitest";
import { VclError } from "../../src/vcl/diagnostics.ts";
import { compileText } from "../support/vcl.ts";
import { diagnosticsOf } from "./checker-harness.ts";

const BACKENDS = 'backend F_a { .host = "a.example.com"; }\nbackend F_b { .host = "b.example.com"; }\n';

/** A service whose vcl_recv has these statements. */
function recv(statements: string, declarations = ""): string {
  return `${BACKENDS}${declarations}\nsub vcl_recv {\n#FASTLY recv\n${statements}\n}`;
}

const useDirector = (director: string): string => recv("set req.backend = d;", director);
const inRecv = (declaration: string, statement = ""): string => recv(statement, declaration);

/** Every kind of declaration, statement and literal (reference/vcl/declarations, /statements, /types). */
const EXECUTED: readonly (readonly [form: string, text: string])[] = [
  [
    "director random",
    useDirector(
      "director d random { .quorum = 50%; .retries = 2; { .backend = F_a; .weight = 1; } { .backend = F_b; .weight = 2; } }",
    ),
  ],
  ["director fallback", useDirector("director d fallback { { .backend = F_a; } { .backend = F_b; } }")],
  ["director hash", useDirector("director d hash { .quorum = 20%; { .backend = F_a; .weight = 1; } }")],
  ["director client", useDirector("director d client { .quorum = 20%; { .backend = F_a; .weight = 1; } }")],
  [
    "director chash",
    useDirector(
      'director d chash { .key = client; .seed = 1; .vnodes_per_node = 256; .quorum = 20%; { .backend = F_a; .id = "a"; } }',
    ),
  ],
  ["director shield", useDirector('director d shield { .shield = "iad-va-us"; .is_ssl = true; }')],
  ["acl", inRecv('acl t { "10.0.0.0"/8; !"10.1.0.0"/16; }', "if (client.ip ~ t) { esi; }")],
  ["table", inRecv('table t { "a": "b" }', 'log table.lookup(t, "a");')],
  ["table ACL", inRecv('acl l { } table t ACL { "a": l }')],
  ["table BACKEND", inRecv('table t BACKEND { "a": F_a }')],
  ["table BOOL", inRecv('table t BOOL { "a": true }')],
  ["table FLOAT", inRecv('table t FLOAT { "a": 0x1.8p3 }')],
  ["table INTEGER", inRecv('table t INTEGER { "a": -1 }')],
  ["table IP", inRecv('table t IP { "a": "192.0.2.1" }')],
  ["table REGEX", inRecv('table t REGEX { "a": "^/a" }')],
  ["table RTIME", inRecv('table t RTIME { "a": 1d }')],
  [
    "ratecounter and penaltybox",
    inRecv(
      "ratecounter rc { } penaltybox pb { }",
      "if (ratelimit.check_rate(client.ip, rc, 1, 10, 100, pb, 2m)) { error 429; }",
    ),
  ],
  [
    "functional subroutine",
    inRecv("sub f(INTEGER var.a, FLOAT var.b) STRING { return var.a var.b; }", "log f(1, 2.0);"),
  ],
  [
    "switch",
    recv('switch (req.url) { case "/": esi; break; case ~ "x": esi; fallthrough; default: break; }'),
  ],
  ["goto", recv('if (req.http.A) { goto end; } log "a"; end: log "b";')],
  ["import", `import std;\n${recv("esi;")}`],
  [
    "pragma and the markers of generated VCL",
    `pragma optional_param geoip_opt_in true;\nC!\nW!\n${recv("esi;")}`,
  ],
  ["log", recv('log {"syslog "} req.service_id {" name :: "} req.url;')],
  [
    "synthetic",
    'sub vcl_error {\n#FASTLY error\nsynthetic {"x"} obj.status; synthetic.base64 "aGk="; return(deliver);\n}',
  ],
  ["error", recv('if (req.http.A) { error; } if (req.http.B) { error 601; } error 602 "go " req.url;')],
  ["restart", recv("if (req.restarts < 1) { restart; }")],
  ["long strings with delimiters", recv('log {HTML"a "quote" {"b"} "HTML};')],
  ["escapes", recv('log "%u{1F600}%u00e9%41%25";')],
  [
    "RTIME",
    recv(
      "declare local var.r RTIME; set var.r = 1.5d; set var.r = 10ms; set var.r = 2w; set var.r = 1y; set var.r = -3s; log var.r;",
    ),
  ],
  ["TIME", recv("declare local var.t TIME; set var.t = now; set var.t += 5m; log var.t now - 1d;")],
  [
    "FLOAT",
    recv("declare local var.f FLOAT; set var.f = 1.5e3; set var.f = 0x1.8p3; set var.f = -1.0; log var.f;"),
  ],
  [
    "INTEGER",
    recv(
      "declare local var.i INTEGER; set var.i = 0xFF; set var.i = -1; set var.i = 9223372036854775807; log var.i;",
    ),
  ],
  ["IP", recv('declare local var.ip IP; set var.ip = "2001:db8::1"; if (var.ip == client.ip) { esi; }')],
  ["return(upgrade)", recv("if (req.http.Upgrade) { return(upgrade); }")],
  ["ID", recv('header.set(req, "A", "b"); log std.count(req.headers);')],
];

const REFUSED: readonly (readonly [form: string, text: string, sentence: string])[] = [
  ["a table of TIME", inRecv('table t TIME { "a": 1 }'), "a table cannot hold TIME"],
  ["a FLOAT without its first digit", recv("log .5;"), "expected a value"],
  ["an INTEGER beyond 64 bits", recv("log 9223372036854775808;"), "does not fit a 64-bit INTEGER"],
  ["a string over two lines", recv('log "a\nb";'), 'no closing " on its line'],
  ["a sub in a sub", recv("sub f { esi; }"), "sub"],
];

describe("the language", () => {
  test.each(EXECUTED)("has %s, and executes it", (_form, text) => {
    expect(diagnosticsOf(text).filter(({ severity }) => severity === "error")).toEqual([]);
    expect(() => compileText(text)).not.toThrow();
  });

  test.each(REFUSED)("has not %s, and says so at a place", (_form, text, sentence) => {
    const errors = diagnosticsOf(text).filter(({ severity }) => severity === "error");
    const messages = errors.length > 0 ? errors.map(({ message }) => message) : [compileMessage(text)];
    expect(messages.join("\n")).toContain(sentence);
  });
});

function compileMessage(text: string): string {
  try {
    compileText(text);
    return "it compiles";
  } catch (error) {
    if (error instanceof VclError) return error.message;
    throw error;
  }
}
