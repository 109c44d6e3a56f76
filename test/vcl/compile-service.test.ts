import { describe, expect, test } from "vitest";
import { compileService } from "../../src/vcl/compile-service.ts";
import { VclError } from "../../src/vcl/diagnostics.ts";
import type { Program, VclState } from "../../src/vcl/runtime.ts";
import type { Source } from "../../src/vcl/source.ts";
import { makeBackendResponse, makeRequest, makeResponse } from "../support/transaction.ts";
import { transactionIn } from "../support/vcl.ts";

const STATES = ["recv", "hash", "hit", "miss", "pass", "fetch", "error", "deliver", "log"] as const;

/** A service with all nine subroutines, `body` standing behind the macro of each. */
function service(
  bodies: Partial<Record<VclState, string>>,
  macros: Partial<Record<VclState, string>> = {},
): Program {
  const subs = STATES.map((state) => `sub vcl_${state} {\n#FASTLY ${state}\n${bodies[state] ?? ""}\n}`);
  const sources = Object.entries(macros).map(([state, text]) => ({ name: `#FASTLY ${state}`, text }));
  return compileService(
    {
      main: { name: "main.vcl", text: subs.join("\n") },
      includes: new Map(),
      prelude: [{ name: "prelude", text: 'backend F_origin { .host = "origin.example"; }' }],
      macros: new Map(STATES.flatMap((state) => macroOf(state, sources))),
    },
    { tables: new Map() },
  );
}

function macroOf(state: VclState, sources: readonly Source[]): [VclState, Source][] {
  const found = sources.find(({ name }) => name === `#FASTLY ${state}`);
  return found === undefined ? [] : [[state, found]];
}

/** What today's boilerplate does in vcl_fetch, in our own words. */
const FETCH = `
  if (beresp.http.Set-Cookie) { return(pass); }
  if (beresp.http.Cache-Control ~ "(private|no-store)") { return(pass); }
  if (!beresp.http.Expires && !beresp.http.Surrogate-Control ~ "max-age" && !beresp.http.Cache-Control ~ "(s-maxage|max-age)") {
    set beresp.ttl = 3600s;
  }
  return(deliver);`;

describe("a service", () => {
  test("runs its macros where they stand", () => {
    const program = service(
      { recv: "if (req.backend == F_origin) { return(lookup); } return(pass);" },
      {
        recv: "declare local var.shield BOOL; set var.shield = (req.restarts == 0); set req.backend = F_origin;",
      },
    );
    const t = transactionIn("recv");
    expect(program.run("recv", t)).toEqual({ do: "lookup" });
    expect(t.backend).toBe(program.defaultBackend);
    expect(program.warnings).toEqual([]);
  });

  test.each([
    [[], { do: "deliver" }, 3600],
    [[["Cache-Control", "max-age=60"]], { do: "deliver" }, 120],
    [[["Surrogate-Control", "max-age=60"]], { do: "deliver" }, 120],
    [[["Cache-Control", "private"]], { do: "pass" }, 120],
    [[["Set-Cookie", "a=1"]], { do: "pass" }, 120],
  ] as const)("the boilerplate decides on %j", (headers, action, ttl) => {
    const beresp = makeBackendResponse({ headers: makeResponse(200, headers).headers });
    const t = transactionIn("fetch", { beresp });
    expect(service({ fetch: FETCH }).run("fetch", t)).toEqual(action);
    expect(beresp.ttl).toBe(ttl);
  });

  test("the hash is the URL, the host and what the macro adds", () => {
    const hash = "set req.hash += req.url; set req.hash += req.http.host;";
    const program = service(
      { hash: `${hash} return(hash);` },
      { hash: "set req.hash += req.vcl.generation;" },
    );
    const t = transactionIn("hash", { req: makeRequest("/a?b") });
    expect(program.run("hash", t)).toEqual({ do: "hash" });
    expect(t.hash).toBe("1#/a?b#www.example.com#");
  });

  test("knows whether a named backend is healthy", () => {
    const t = transactionIn("recv");
    service({ recv: 'if (backend.F_origin.healthy) { set req.http.R = "up"; } return(lookup);' }).run(
      "recv",
      t,
    );
    expect(t.req.headers.get("r")).toBe("up");
  });

  test("that does not parse, check or compile is refused with its place", () => {
    const wrong = ["set req.http.X = ;", "set req.http.X = beresp.ttl;", "set req.http.X = req.headers;"];
    for (const body of wrong) {
      expect(() => service({ recv: `${body} return(lookup);` })).toThrow(VclError);
      expect(() => service({ recv: `${body} return(lookup);` })).toThrow(/main\.vcl:3:\d+: error\[/);
    }
  });
});
