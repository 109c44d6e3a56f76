import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { HeaderList } from "../../src/http/header-list.ts";
import type { CompileOptions } from "../../src/vcl/compiler.ts";
import type { Action, Transaction, VclState } from "../../src/vcl/runtime.ts";
import type { Span } from "../../src/vcl/source.ts";
import { compileText, transactionIn } from "../support/vcl.ts";
import { makeTransaction } from "../support/transaction.ts";

/** All that a run leaves behind. */
interface Outcome {
  readonly action: Action | string;
  readonly headers: readonly (readonly (readonly [string, string])[])[];
  readonly logged: readonly string[];
  readonly state: readonly unknown[];
}

function outcomeOf(
  text: string,
  options: Partial<CompileOptions> & { readonly state: VclState; readonly url?: string },
): Outcome {
  const logged: string[] = [];
  const { host } = makeTransaction({});
  const t = transactionIn(options.state, { host: { ...host, log: (line) => void logged.push(line) } });
  t.req.url = options.url ?? t.req.url;
  t.req.headers.set("X-Given", "given");
  const program = compileText(text, options);
  const action = ended(() => program.run(options.state, t));
  return { action, headers: messagesOf(t), logged, state: stateOf(t) };
}

function ended(run: () => Action): Action | string {
  try {
    return run();
  } catch (error) {
    return String(error);
  }
}

function messagesOf({ req, bereq, beresp, obj, resp }: Transaction): Outcome["headers"] {
  return [req, bereq, beresp, obj, resp].map((message) => [...(message?.headers ?? new HeaderList())]);
}

function stateOf(t: Transaction): readonly unknown[] {
  const { workspaceUsed, regexSteps, captures, vclError, hash, synthetic, beresp, resp, backend } = t;
  return [
    { workspaceUsed, regexSteps, captures, vclError, hash, synthetic, backend: backend?.spec.name },
    { ttl: beresp?.ttl, cacheable: beresp?.cacheable, esi: beresp?.esi, status: resp?.status },
    { url: t.req.url, method: t.req.method, esi: t.esi, hashAlwaysMiss: t.hashAlwaysMiss },
  ];
}

/** Both ways of running a text must leave the same behind. */
function expectAlike(text: string, options: Parameters<typeof outcomeOf>[1]): Outcome {
  const closures = outcomeOf(text, { ...options, generateAfter: Number.POSITIVE_INFINITY });
  const generated = outcomeOf(text, { ...options, generateAfter: 0 });
  expect(generated).toEqual(closures);
  return generated;
}

const DECLARATIONS = `
backend b { .host = "127.0.0.1"; .port = "1"; }
acl office { "192.0.2.0"/24; }
table t { "k": "v" }
sub leaf { set req.http.Leaf = req.http.Leaf "+"; if (req.url ~ "stop") { return(pass); } }
sub counted INTEGER { declare local var.n INTEGER; set var.n = 2; set var.n *= 3; return var.n; }
sub named(STRING var.a) STRING { if (var.a == "") { return "empty"; } return var.a "!"; }
`;

/** Every kind of statement and expression, with what is not set, in each place where it matters. */
const BODIES: readonly string[] = [
  "",
  "set req.http.A = req.http.None;",
  'set req.http.A = "a" req.http.None "b" req.http.X-Given; unset req.http.X-Given;',
  'set req.http.Cookie = "a=1; b=2"; set req.http.Cookie:b = "3"; set req.http.C = req.http.Cookie:b; unset req.http.Cookie:a;',
  'add req.http.A = "1"; add req.http.A = "2"; add req.http.A = req.http.None; unset req.http.X-*;',
  'set req.http.A = "line" LF "X: y";',
  'if (req.http.None) { set req.http.A = "1"; } else if (req.http.X-Given == "given") { set req.http.A = "2"; } else { restart; }',
  'if (!req.http.None && (req.url ~ "^/p(a)ge" || req.http.X-Given)) { set req.http.A = re.group.1 re.group.2; }',
  'if (req.url !~ "^/page") { esi; } else { set req.http.A = re.group.0; }',
  'if (req.http.None == req.http.Other) { set req.http.A = "both are not set"; }',
  'if (req.http.None ~ "^$") { set req.http.A = "matches the empty text"; }',
  'if (req.url != "/page" && client.ip !~ office) { set req.http.A = client.ip; }',
  'declare local var.s STRING; set req.http.A = "<" var.s ">"; set var.s = req.http.None; set req.http.B = var.s "."; unset var.s;',
  "declare local var.b BOOL; set var.b = (req.http.X-Given); if (var.b) { set req.http.A = var.b; }",
  "declare local var.i INTEGER; set var.i = 7; set var.i %= 4; if (var.i == 3) { set req.http.A = var.i; } set var.i /= 0; set req.http.E = fastly.error;",
  "declare local var.t TIME; set var.t = now; set var.t += 1h; set req.http.A = var.t;",
  'declare local var.s STRING; if (req.http.None) { declare local var.u STRING; set var.u = "u"; set var.s = var.u; } else { declare local var.w STRING; set var.w = "w"; set var.s = var.w; } set req.http.A = var.s;',
  'set req.http.A = if(req.http.None, req.http.None, "else") if(req.http.X-Given, "x", req.http.None);',
  'set req.http.A = std.toupper(req.http.X-Given) std.tolower(req.http.None) substr("abcdef", 1, 2);',
  'set req.http.A = regsuball(req.url, "[a-z]", "x") table.lookup(t, "k") table.lookup(t, "none", "default");',
  'if (std.prefixof(req.url, "/p") && table.contains(t, "k")) { log "yes " req.http.None; }',
  'call leaf; call leaf; set req.http.A = "on";',
  'set req.url = "/stop"; call leaf; set req.http.A = "never";',
  'set req.http.A = counted(); set req.http.B = named("") named("x");',
  'switch (req.http.X-Given) { case "other": set req.http.A = "1"; break; case ~ "^g": set req.http.A = "2"; fallthrough; default: set req.http.B = "3"; break; }',
  'switch (req.http.X-Given) { case "given": return(pass); default: esi; break; }',
  'error 601 "why " req.http.None;',
  "error 700;",
  "return(lookup); esi;",
  'if (req.http.X-Given) { return(pass); } set req.http.A = "never";',
  'goto end; set req.http.A = "jumped over"; end: set req.http.B = "1";',
  "set req.hash += req.url; set req.hash += req.http.None;",
  "set req.backend = b; set req.http.A = req.backend; set req.http.H = backend.b.healthy;",
  "set req.esi = false; set req.hash_always_miss = (req.http.X-Given);",
  'header.set(req, "A", "1"); header.filter(req, "X-Given"); set req.http.N = header.get(req, "A");',
  '{ declare block var.x STRING; set var.x = "1"; set req.http.A = var.x; }'.replace("block ", "local "),
];

describe("generated code", () => {
  it.each(BODIES)("does what the closures do in vcl_recv: %s", (body) => {
    expectAlike(`${DECLARATIONS}\nsub vcl_recv {\n${body}\n}`, { state: "recv", url: "/page?q=1" });
  });

  it.each([
    [
      "fetch",
      "set beresp.ttl = 60s; set beresp.http.A = beresp.http.None; unset beresp.http.Server; esi; set beresp.cacheable = (beresp.status == 200);",
    ],
    [
      "deliver",
      'set resp.http.A = obj.http.None "x" resp.status; unset resp.http.A; set resp.status = 204; add resp.http.Set-Cookie = "a";',
    ],
    [
      "error",
      'set obj.http.A = "1"; if (obj.http.A) { synthetic {"<p>"} obj.http.A {"</p>"}; } return(deliver);',
    ],
    ["miss", "set bereq.http.A = bereq.url; unset bereq.http.A; return(fetch);"],
    ["log", 'log "a" resp.http.None {" b "} time.elapsed;'],
  ] as const)("does what the closures do in vcl_%s", (state, body) => {
    expectAlike(`${DECLARATIONS}\nsub vcl_${state} {\n${body}\n}`, { state });
  });

  it("spends budgets as the closures do, to the statement and to the call", () => {
    const text = `${DECLARATIONS}\nsub vcl_recv { call leaf; call leaf; if (req.url) { esi; esi; } call leaf; }`;
    for (let left = 0; left < 16; left += 1) {
      expectAlike(text, { state: "recv", limits: { statements: left } });
      expectAlike(text, { state: "recv", limits: { calls: left } });
    }
    const endless = expectAlike("sub a { call b; } sub b { call a; } sub vcl_recv { call a; }", {
      state: "recv",
    });
    expect(endless.action).toContain("depth");
    const full = 'set req.http.A = req.http.A req.http.A "0123456789abcdef";'.repeat(20);
    expect(expectAlike(`sub vcl_recv { ${full} }`, { state: "recv" }).action).toContain("workspace");
  });

  it("is cut into functions where a subroutine is long, and leaves from within them", () => {
    const step = (at: number): string =>
      `if (req.http.${at === 390 ? "X-Given" : "None"}) { return(pass); } set req.http.N${at % 7} = "${at}";\n`;
    const steps = Array.from({ length: 400 }, (_, at) => step(at + 1)).join("");
    const branch = `if (req.http.X-Given) {\n${steps}\n} set req.http.End = "1";`;
    expect(expectAlike(`sub vcl_recv {\n${steps}\n}`, { state: "recv" }).action).toEqual({ do: "pass" });
    expect(expectAlike(`sub vcl_recv {\n${branch}\n}`, { state: "recv" }).action).toEqual({ do: "pass" });
  });

  test.prop(
    [fc.string({ unit: "binary", maxLength: 30 }), fc.constantFrom("`", "${k}", '"', "\\", "\u2028", "*/")],
    {
      numRuns: 60,
    },
  )("never has a text of a program in it", (random, sharp) => {
    const text = `${random}${sharp}`.replaceAll(/["%\u0000-\u001f\u007f-\uffff]/g, "_");
    const body = `set req.http.A = "${text}"; if (req.url == "${text}") { log "${text}" req.http.A; }`;
    const { headers } = expectAlike(`sub vcl_recv { ${body} }`, { state: "recv", url: text });
    expect(headers[0]).toContainEqual(["A", text]);
  });

  it("goes the way of the closures while somebody watches", () => {
    const seen: string[] = [];
    const { host } = makeTransaction({});
    const onStatement = ({ source, start, end }: Span): void => void seen.push(source.text.slice(start, end));
    const t = transactionIn("recv", { host: { ...host, onStatement } });
    compileText('sub vcl_recv { set req.http.A = "1"; esi; }').run("recv", t);
    expect(seen).toEqual(['set req.http.A = "1";', "esi;"]);
  });
});
