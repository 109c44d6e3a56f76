import { PRIVATE_DICTIONARY } from "../render/constants.ts";
import { shieldDirector } from "../render/origins.ts";
import { checkProgram } from "../vcl/checker.ts";
import { VclError } from "../vcl/diagnostics.ts";
import type { Diagnostic } from "../vcl/diagnostics.ts";
import { parseService } from "../vcl/service.ts";
import type { ServiceSources } from "../vcl/service.ts";
import type { Source } from "../vcl/source.ts";
import type { DesiredService } from "./desired.ts";
import type { ServiceContent } from "./service-content.ts";

/** Everything our checker finds in a service before Fastly sees it; empty = nothing. */
export function lintService(desired: Pick<DesiredService, "content">): readonly Diagnostic[] {
  try {
    return checkProgram(parseService(lintSources(desired.content)));
  } catch (error) {
    if (error instanceof VclError) return error.diagnostics;
    throw error;
  }
}

/** The files with declarations of what Fastly adds: without them every use of a backend or dictionary would be unknown. */
export function lintSources(content: ServiceContent): ServiceSources {
  const main = content.vcls.find((file) => file.main);
  const includes = content.vcls.filter((file) => file !== main);
  return {
    main: toSource(main?.name ?? "main.vcl", main?.content ?? ""),
    includes: new Map(includes.map((file) => [file.name, toSource(file.name, file.content)])),
    prelude: [{ name: "objects of the service", text: declarations(content) }],
    macros: new Map(),
  };
}

/** VCL text is bytes: the engine holds them as latin1. */
function toSource(name: string, text: string): Source {
  return { name, text: Buffer.from(text, "utf8").toString("latin1") };
}

/** Backends, shields and dictionaries as VCL, as far as their names and types matter. */
export function declarations(content: ServiceContent): string {
  const backends = content.backends.map(
    ({ name, address, port }) =>
      `backend F_${vclName(name)} {\n  .host = "${address}";\n  .port = "${port}";\n}\n`,
  );
  const codes = [...new Set(content.backends.map(({ shield }) => shield).filter((shield) => shield !== ""))];
  const shields = codes.map(
    (code) => `director ${shieldDirector(code)} shield {\n  .shield = "${code}";\n  .is_ssl = true;\n}\n`,
  );
  const tables = content.dictionaries.map(({ name }) => `table ${vclName(name)} {\n${sampleItem(name)}}\n`);
  return [...backends, ...shields, ...tables].join("");
}

/** Linters complain of tables without items. */
function sampleItem(dictionary: string): string {
  return dictionary === PRIVATE_DICTIONARY ? '  "config_segment": "",\n' : "";
}

function vclName(name: string): string {
  return name.replace(/[^A-Za-z0-9_]/g, "_");
}
