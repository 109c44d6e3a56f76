import { macroBody } from "../../../src/mirror/api/macros.ts";
import { EMPTY_VERSION } from "../../../src/mirror/api/state.ts";
import { compileService } from "../../../src/vcl/compile-service.ts";
import type { Program, VclState } from "../../../src/vcl/runtime.ts";
import type { Source } from "../../../src/vcl/source.ts";
import { VCL_STATES } from "../../../src/vcl/states.ts";

/** What a test writes of a service: declarations, and the statements that follow each macro. */
export type ServiceText = Partial<Record<VclState | "declarations", string>>;

const ENDINGS: Readonly<Record<VclState, string>> = {
  recv: 'if (req.method !~ "^(GET|HEAD|FASTLYPURGE)$") { return(pass); } return(lookup);',
  hash: "set req.hash += req.url; set req.hash += req.http.host; return(hash);",
  hit: "return(deliver);",
  miss: "return(fetch);",
  pass: "return(pass);",
  fetch: "return(deliver);",
  error: "return(deliver);",
  deliver: "return(deliver);",
  log: "return(deliver);",
};

/** A service as custom VCL with every macro, checked and compiled as an activation does it. */
export function compiledService(port: number, text: ServiceText): Program {
  const macros = new Map<VclState, Source>(
    VCL_STATES.map((state) => [state, { name: `macro ${state}`, text: macroBody(state, EMPTY_VERSION, []) }]),
  );
  const prelude = [
    {
      name: "prelude",
      text: `
backend F_origin { .host = "127.0.0.1"; .port = "${port}"; }
director ssl_shield_iad_va_us shield { .shield = "iad-va-us"; .is_ssl = true; }
`,
    },
  ];
  const subs = VCL_STATES.map(
    (state) => `sub vcl_${state} {\n#FASTLY ${state}\n${text[state] ?? ""}\n${ENDINGS[state]}\n}\n`,
  );
  const main = { name: "main.vcl", text: `${text.declarations ?? ""}\n${subs.join("")}` };
  return compileService({ main, includes: new Map(), prelude, macros }, { tables: new Map() });
}
