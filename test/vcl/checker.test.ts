import { array, assert, constantFrom, nat, property, tuple } from "fast-check";
import { describe, expect, it } from "vitest";

import type { VclProgram } from "../../src/vcl/ast-declarations.ts";
import { checkProgram } from "../../src/vcl/checker.ts";
import { compileProgram } from "../../src/vcl/compiler.ts";
import { VclError } from "../../src/vcl/diagnostics.ts";
import { RULES } from "../../src/vcl/rules.ts";
import { parseVcl } from "../../src/vcl/service.ts";
import { VCL_STATES } from "../../src/vcl/states.ts";
import { diagnosticsOf, findingsOf, invalid, marked, oneFile, valid } from "./checker-harness.ts";
import { KITCHEN_SINK } from "./kitchen-sink.ts";
import { RULE_EXAMPLES } from "./rule-examples.ts";

/** Rules that take more than one file, or a very large one; service.test.ts breaks them. */
const RULES_OF_FILES = [
  "include/cycle",
  "include/not-found",
  "limit/includes",
  "limit/source-size",
  "limit/tokens",
];

describe("rules", () => {
  it("each have examples", () => {
    expect([...Object.keys(RULE_EXAMPLES), ...RULES_OF_FILES].sort()).toEqual(Object.keys(RULES).sort());
  });

  it("have a meaning and a page of documentation", () => {
    for (const [id, { meaning, doc }] of Object.entries(RULES)) {
      expect(id).toMatch(/^[a-z]+\/[a-z0-9-]+$/);
      expect(meaning).toMatch(/^\S.*[^.]$/);
      expect(doc).toMatch(/^(?:reference\/vcl|guides)/);
    }
  });

  for (const [rule, examples] of Object.entries(RULE_EXAMPLES)) {
    it(`${rule} speaks up where it should, and only there`, () => {
      for (const text of examples.invalid) {
        const { vcl, findings } = marked(rule, text);
        expect(findings.length, text).toBeGreaterThan(0);
        invalid(vcl, findings);
      }
      for (const text of examples.valid) {
        valid(text);
        expectCompiles(parseVcl({ name: "main.vcl", text }));
      }
    });
  }
});

/** A service as people write them: every state, its macro, and the usual work. */
const SERVICE = `backend F_origin {
  .host = "origin.example.com"; .port = "443"; .ssl = true; .ssl_check_cert = always;
  .probe = { .request = "HEAD / HTTP/1.1" "Host: origin.example.com" "Connection: close"; .window = 5; .threshold = 1; }
}
acl purgers { "192.0.2.0"/24; "2001:db8::"/32; }
table redirects { "/old": "/new", }
sub is_asset BOOL {
  return (req.url.ext ~ "(?i)^(png|css|js)$");
}
sub vcl_recv {
  #FASTLY recv
  declare local var.to STRING;
  if (req.method == "FASTLYPURGE" && client.ip !~ purgers) { error 405; }
  if (!req.http.Fastly-SSL) { error 801; }
  set var.to = table.lookup(redirects, req.url.path, "");
  if (var.to != "") { error 601 var.to; }
  set req.backend = F_origin;
  if (is_asset()) { unset req.http.Cookie; }
  if (req.method != "HEAD" && req.method != "GET" && req.method != "FASTLYPURGE") { return(pass); }
  return(lookup);
}
sub vcl_hash {
  set req.hash += req.url;
  set req.hash += req.http.host;
  #FASTLY hash
  return(hash);
}
sub vcl_hit {
  #FASTLY hit
  return(deliver);
}
sub vcl_miss {
  #FASTLY miss
  return(fetch);
}
sub vcl_pass {
  #FASTLY pass
  return(pass);
}
sub vcl_fetch {
  #FASTLY fetch
  if (beresp.status >= 500 && req.restarts < 1 && (req.method == "GET" || req.method == "HEAD")) { restart; }
  if (beresp.http.Set-Cookie) { return(pass); }
  if (!beresp.http.Expires && !beresp.http.Surrogate-Control ~ "max-age") { set beresp.ttl = 3600s; }
  set beresp.stale_if_error = 1d;
  return(deliver);
}
sub vcl_error {
  #FASTLY error
  if (obj.status == 601) {
    set obj.status = 308;
    set obj.http.Location = "https://" req.http.host obj.response;
    synthetic {"<p>Moved</p>"};
  }
  return(deliver);
}
sub vcl_deliver {
  #FASTLY deliver
  set resp.http.Date-Plus = now + 5m;
  add resp.http.Set-Cookie = "a=b; expires=" now + 1d "; path=/";
  return(deliver);
}
sub vcl_log {
  #FASTLY log
  log {"syslog "} req.service_id {" log :: "} resp.status " " time.elapsed;
}
`;

describe("checkProgram", () => {
  it("has nothing to say about a usual service", () => {
    valid(SERVICE);
  });

  it("checks a subroutine in every state that can reach it, through others", () => {
    const text = `sub inner { log beresp.status; }
sub outer { call inner; }
sub vcl_fetch {
#FASTLY fetch
call outer;
}
sub vcl_deliver {
#FASTLY deliver
call outer;
}
`;
    invalid(text, [{ rule: "scope/variable", line: 1, column: 17 }]);
    expect(diagnosticsOf(text).map(({ message }) => message)).toEqual([
      "beresp.status cannot be read in vcl_deliver, from where inner is called",
    ]);
  });

  it("does not guess the state of a subroutine that nothing calls", () => {
    expect(findingsOf("sub f { log beresp.status; log resp.status; }").map(({ rule }) => rule)).toEqual([
      "sub/unused",
    ]);
  });

  it("lets macros declare variables for what follows, and warns of nothing inside them", () => {
    const macros = new Map([
      [
        "recv" as const,
        {
          name: "#FASTLY recv",
          text: "declare local var.a BOOL; declare local var.b BOOL; return(pass); esi;",
        },
      ],
    ]);
    const text = "sub vcl_recv {\n#FASTLY recv\nif (var.a) { esi; }\n}";
    invalid({ ...oneFile(text), macros }, [{ rule: "unreachable/code", line: 3, column: 1 }]);
  });

  it("reports errors inside macros, at their own place", () => {
    const macros = new Map([["recv" as const, { name: "#FASTLY recv", text: "set req.backend = F_gone;" }]]);
    const found = diagnosticsOf({ ...oneFile("sub vcl_recv {\n#FASTLY recv\n}"), macros });
    expect(found.map(({ rule, span }) => [rule, span.source.name, span.start])).toEqual([
      ["name/unknown", "#FASTLY recv", 18],
    ]);
  });

  it("reports a mistake in a file that is included twice once", () => {
    const part = { name: "part", text: "log req.nothing;" };
    const text = 'sub vcl_recv {\n#FASTLY recv\ninclude "part"; include "part";\n}';
    const found = diagnosticsOf({ ...oneFile(text), includes: new Map([["part", part]]) });
    expect(found.map(({ rule, span }) => [rule, span.source.name])).toEqual([["name/unknown", "part"]]);
  });

  it("orders findings by file, then place", () => {
    const sources = {
      ...oneFile("sub vcl_recv {\n#FASTLY recv\nlog req.nothing2;\nlog req.nothing3; }"),
      prelude: [{ name: "objects", text: "backend x { }" }],
    };
    expect(diagnosticsOf(sources).map(({ span }) => span.source.name)).toEqual([
      "objects",
      "main.vcl",
      "main.vcl",
    ]);
  });

  it("stops at 200 findings and keeps the errors before the warnings", () => {
    const warnings = Array.from({ length: 300 }, (_, index) => `declare local var.a${index} STRING;`).join(
      "",
    );
    const found = diagnosticsOf(`sub vcl_recv {\n#FASTLY recv\n${warnings} log req.nothing; }`);
    expect(found).toHaveLength(200);
    expect(found.filter(({ severity }) => severity === "error").map(({ rule }) => rule)).toEqual([
      "name/unknown",
    ]);
  });

  it("survives call chains and circles of any length", () => {
    const chain = Array.from({ length: 5000 }, (_, index) => `sub s${index} { call s${index + 1}; }`).join(
      "\n",
    );
    expect(findingsOf(`${chain}\nsub s5000 { call s0; }`).map(({ rule }) => rule)).toContain(
      "call/recursion",
    );
    expect(findingsOf(`${chain}\nsub s5000 { esi; }\nsub vcl_recv {\n#FASTLY recv\ncall s0;\n}`)).toEqual([]);
  });

  it("survives the deepest tree that the parser lets through", () => {
    const chain = `req.http.A${" && req.http.A".repeat(1990)}`;
    const deepest = `if (${"(".repeat(97)}${chain}${")".repeat(97)}) { esi; }`;
    valid(`sub vcl_recv {\n#FASTLY recv\n${"if (req.http.A) {".repeat(98)}${deepest}${"}".repeat(98)}}`);
  });

  it("survives mistakes by the thousand", () => {
    const locals = "declare local var.a STRING;\n".repeat(15_000);
    const tables = "table t { }\n".repeat(15_000);
    const names = `log ${"req.nothing ".repeat(15_000)};`;
    const found = findingsOf(`${tables}sub vcl_recv {\n#FASTLY recv\n${names}\n${locals} }`);
    expect(found).toHaveLength(200);
  });

  it("survives labels, locals and cases by the thousand", () => {
    const labels = Array.from({ length: 2000 }, (_, index) => `{ goto l${index}; } l${index}:`).join("\n");
    const locals = Array.from(
      { length: 5000 },
      (_, i) => `{ declare block var.v${i} STRING; log var.v${i}; }`,
    ).join("\n");
    const cases = Array.from({ length: 2000 }, (_, index) => `case "${index}": esi; break;`).join("\n");
    valid(`sub vcl_recv {\n#FASTLY recv\n${locals}\nswitch (req.url) { ${cases} }\n${labels}\n}`);
  });

  it("answers every program that parses with findings of known rules in their files, or it can be compiled", () => {
    const words = `${SERVICE}${KITCHEN_SINK}`.split(/(?<=[;{}\n])/);
    const swapped = array(tuple(nat(words.length - 1), nat(words.length - 1)), {
      minLength: 1,
      maxLength: 6,
    }).map((swaps) => {
      const copy = [...words];
      for (const [to, from] of swaps) copy[to] = words[from] ?? "";
      return copy.join("");
    });
    const statements = words.filter((word) =>
      /^\s*(?:set|log|return|error|unset|add|goto|call|declare) .*;$/.test(word),
    );
    const moved = tuple(
      constantFrom(...VCL_STATES),
      array(constantFrom(...statements), { maxLength: 10 }),
    ).map(([name, body]) => `sub vcl_${name} {\n#FASTLY ${name}\n${body.join("\n")}\n}`);
    const check = (text: string): void => {
      const program = parseOrUndefined(text);
      if (program === undefined) return;
      const findings = checkProgram(program);
      for (const { rule, span, severity } of findings) {
        expect(RULES).toHaveProperty([rule, "severity"], severity);
        expect(span.start).toBeLessThan(span.end);
        expect(span.end).toBeLessThanOrEqual(span.source.text.length);
      }
      if (findings.every(({ severity }) => severity === "warning")) expectCompiles(program);
    };
    assert(property(swapped, check), { numRuns: 100 });
    assert(property(moved, check), { numRuns: 200 });
  });
});

/** What the checker accepts compiles. */
function expectCompiles(program: VclProgram): void {
  try {
    compileProgram(program, { tables: new Map() });
  } catch (error) {
    if (!(error instanceof VclError)) throw error;
    const others = error.diagnostics.filter(({ rule }) => rule !== "compile/not-executed");
    expect(others.map(({ rule }) => rule)).toEqual([]);
  }
}

function parseOrUndefined(text: string) {
  try {
    return parseVcl({ name: "main.vcl", text });
  } catch (error) {
    if (error instanceof VclError) return undefined;
    throw error;
  }
}
