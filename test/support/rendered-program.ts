import { VCL_SUBROUTINES } from "../../src/lib/fastly-names.ts";
import { renderService } from "../../src/render/render.ts";
import type { RenderOptions } from "../../src/render/render.ts";
import type { Environment } from "../../src/settings/environment.ts";
import { compileService } from "../../src/vcl/compile-service.ts";
import type { Program } from "../../src/vcl/runtime.ts";
import type { Source } from "../../src/vcl/source.ts";

/** What a control plane adds to our VCL: backends, the shield's director, the private dictionary. */
const PRELUDE = `
backend F_config { .host = "127.0.0.1"; .port = "80"; }
backend F_hosting { .host = "127.0.0.1"; .port = "80"; }
backend F_config_second { .host = "127.0.0.1"; .port = "80"; }
backend F_hosting_second { .host = "127.0.0.1"; .port = "80"; }
director ssl_shield_iad_va_us shield { .shield = "iad-va-us"; .is_ssl = true; }
table sitefleet_private { "config_segment": "segment", "config_s3_key": "id:secret", "hosting_s3_key": "id:secret" }
`;

/** An environment's VCL, compiled with empty macros, for tests that run single states. */
export function compileRendered(environment: Environment, options: RenderOptions = {}): Program {
  const [file] = renderService(environment, options).files;
  const main: Source = { name: "main.vcl", text: file?.content ?? "" };
  return compileService(
    {
      main,
      includes: new Map(),
      prelude: [{ name: "prelude", text: PRELUDE }],
      macros: new Map(VCL_SUBROUTINES.map((state) => [state, { name: `#FASTLY ${state}`, text: "" }])),
    },
    { tables: new Map() },
  );
}
