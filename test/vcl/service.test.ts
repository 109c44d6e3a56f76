import { describe, expect, it } from "vitest";

import type { Statement } from "../../src/vcl/ast.ts";
import { VclError } from "../../src/vcl/diagnostics.ts";
import { parseService } from "../../src/vcl/service.ts";
import type { ServiceSources } from "../../src/vcl/service.ts";
import type { Source } from "../../src/vcl/source.ts";

function source(name: string, text: string): Source {
  return { name, text };
}

function service(main: string, files: Record<string, string> = {}): ServiceSources {
  const includes = new Map(Object.entries(files).map(([name, text]) => [name, source(name, text)]));
  return { main: source("main.vcl", main), includes, prelude: [], macros: new Map() };
}

function bodyOf(sources: ServiceSources): readonly Statement[] {
  const sub = parseService(sources).declarations.find((declaration) => declaration.kind === "sub");
  if (sub?.kind !== "sub") throw new Error("no subroutine");
  return sub.body;
}

function rulesOf(sources: ServiceSources): readonly string[] {
  try {
    parseService(sources);
    return [];
  } catch (error) {
    if (!(error instanceof VclError)) throw error;
    return error.diagnostics.map(({ rule, span }) => `${rule} in ${span.source.name}`);
  }
}

describe("parseService", () => {
  it("puts the declarations of prelude, main and includes in the order they are read", () => {
    const sources: ServiceSources = {
      ...service('table a {}\ninclude "b";\ntable c {}', { b: "table b {}" }),
      prelude: [source("objects", "table first {}")],
    };
    const names = parseService(sources).declarations.map((node) =>
      node.kind === "table" ? node.name.name : node.kind,
    );
    expect(names).toEqual(["first", "a", "b", "c"]);
  });

  it("keeps the source of included statements in their spans", () => {
    const [include] = bodyOf(service('sub s { include "part"; }', { part: "esi;" }));
    if (include?.kind !== "include") throw new Error("no include");
    expect(include.span.source.name).toBe("main.vcl");
    expect(include.body.map((statement) => statement.span.source.name)).toEqual(["part"]);
  });

  it("puts the macro's statements in place of #FASTLY, whatever the case and spacing of the word", () => {
    for (const line of ["#FASTLY recv", "#fastly recv", "  # Fastly   RECV  ", "#FASTLY recv\r"]) {
      const macros = new Map([["recv" as const, source("#FASTLY recv", "esi; restart;")]]);
      const [macro] = bodyOf({ ...service(`sub vcl_recv {\n${line}\n}`), macros });
      if (macro?.kind !== "macro") throw new Error(`no macro in ${line}`);
      expect(macro.body.map((statement) => [statement.kind, statement.span.source.name])).toEqual([
        ["esi", "#FASTLY recv"],
        ["restart", "#FASTLY recv"],
      ]);
    }
  });

  it("takes #FASTLY for a comment when it is not alone on its line, names no state, or no statement can stand there", () => {
    const text = `# FASTLY recv
      sub s { # FASTLY recv
        # FASTLY nothing
        # FASTLY recv and more
        #FASTLYrecv
        set req.http.A =
        #FASTLY recv
        "b";
        log "#FASTLY recv";
      }
      acl a {
        #FASTLY recv
        "127.0.0.1";
      }`;
    expect(bodyOf(service(text)).map((statement) => statement.kind)).toEqual(["set", "log"]);
  });

  it("does not expand a macro inside its own text", () => {
    const macros = new Map([["recv" as const, source("#FASTLY recv", "#FASTLY recv\nesi;")]]);
    const [macro] = bodyOf({ ...service("sub vcl_recv {\n#FASTLY recv\n}"), macros });
    if (macro?.kind !== "macro") throw new Error("no macro");
    expect(macro.body.map((statement) => statement.kind)).toEqual(["macro", "esi"]);
    expect(macro.body[0]).toMatchObject({ body: [] });
  });

  it("refuses a file that is not there, at the place that names it", () => {
    expect(rulesOf(service('include "gone";\nsub s { include "lost"; }'))).toEqual([
      "include/not-found in main.vcl",
      "include/not-found in main.vcl",
    ]);
  });

  it("refuses files that include themselves", () => {
    expect(rulesOf(service('include "a";', { a: 'include "b";', b: 'include "a";' }))).toEqual([
      "include/cycle in b",
    ]);
    expect(rulesOf(service('sub s { include "a"; }', { a: 'include "a";' }))).toEqual(["include/cycle in a"]);
  });

  it("refuses includes that multiply without end", () => {
    const files: Record<string, string> = { f20: "" };
    for (let level = 0; level < 20; level += 1) {
      files[`f${level}`] = `include "f${level + 1}";`.repeat(2);
    }
    const rules = new Set(rulesOf(service('include "f0";', files)));
    expect([...rules].every((rule) => rule.startsWith("limit/includes"))).toBe(true);
    expect(rules.size).toBeGreaterThan(0);
  });

  it("counts the depth of blocks through includes", () => {
    const deep = `${"{".repeat(60)}${"}".repeat(60)}`;
    expect(rulesOf(service('sub s { include "a"; }', { a: deep }))).toEqual([]);
    expect(
      rulesOf(service(`sub s { ${"{".repeat(60)} include "a"; ${"}".repeat(60)} }`, { a: deep })),
    ).toEqual(["limit/nesting in a"]);
  });

  it("refuses a file over 1 MB", () => {
    expect(rulesOf(service(" ".repeat(1_048_577)))).toEqual(["limit/source-size in main.vcl"]);
    expect(rulesOf(service(" ".repeat(1_048_576)))).toEqual([]);
  });

  it("refuses a service with too many tokens", () => {
    const file = "(".repeat(600_000);
    expect(rulesOf(service('include "a"; include "b";', { a: file, b: file })).at(-1)).toBe(
      "limit/tokens in b",
    );
  });
});
