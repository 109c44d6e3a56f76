import { shieldDirector } from "../../render/origins.ts";
import { checkProgram } from "../../vcl/checker.ts";
import { VclError } from "../../vcl/diagnostics.ts";
import type { Diagnostic } from "../../vcl/diagnostics.ts";
import type { VclState } from "../../vcl/runtime.ts";
import { parseService } from "../../vcl/service.ts";
import type { ServiceSources } from "../../vcl/service.ts";
import type { Source } from "../../vcl/source.ts";
import { stateOfWord } from "../../vcl/states.ts";
import type { DesiredService } from "../service/desired.ts";
import { toFinding } from "./finding.ts";
import type { LintFinding } from "./finding.ts";
import { checkContracts } from "./rules.ts";
import type { ServiceContent } from "../service/service-content.ts";
import type { SentFile } from "../apply/vcl-message.ts";

/** What of a service lint reads. */
export type LintedService = Pick<DesiredService, "content" | "files" | "snippets" | "revision">;

/**
 * Everything our checker finds in a service before Fastly sees it, and every contract of ours that it breaks; empty =
 * nothing. Contracts are judged where the checker finds no error only.
 */
export function lintService(desired: LintedService): readonly LintFinding[] {
  const files = lintedFiles(desired);
  return diagnose(desired, files).map((diagnostic) => toFinding(diagnostic, files));
}

function diagnose(desired: LintedService, files: readonly SentFile[]): readonly Diagnostic[] {
  try {
    const program = parseService(lintSources(desired.content, files));
    const found = checkProgram(program);
    if (found.some(({ severity }) => severity === "error")) return found;
    const { backends, dictionaries } = desired.content;
    const contracts = checkContracts(program, {
      shielded: backends.filter(({ shield }) => shield !== "").map(({ name }) => `F_${vclName(name)}`),
      privateTables: dictionaries.filter((one) => one.write_only).map(({ name }) => vclName(name)),
      revision: desired.revision,
      wildcards: desired.content.domains.flatMap((name) => (name.startsWith("*.") ? [name.slice(2)] : [])),
    });
    return [...found, ...contracts];
  } catch (error) {
    if (error instanceof VclError) return error.diagnostics;
    throw error;
  }
}

/** What stands in a macro is a file of its own, made of the snippets for it. */
export function macroName(type: string): string {
  return `snippets in #FASTLY ${type}`;
}

/** Every text that is linted, with the template line of each of its lines as far as there is one. */
export function lintedFiles({ content, files, snippets }: LintedService): readonly SentFile[] {
  const rendered = content.vcls.map((file) => ({
    ...file,
    // Asked for only where there is a finding.
    get lines() {
      return files.find(({ name }) => name === file.name)?.lines ?? [];
    },
  }));
  const types = [...new Set(content.snippets.filter(({ type }) => type !== "none").map(({ type }) => type))];
  const single = content.snippets.filter(({ type }) => type === "none");
  const sentOf = (snippet: ServiceContent["snippets"][number]): SentFile => ({
    name: snippet.name,
    content: snippet.content,
    get lines() {
      return snippets.find(({ name }) => name === snippet.name)?.lines ?? settingsLines(snippet);
    },
  });
  return [
    ...rendered,
    ...single.map((snippet) => ({ ...sentOf(snippet), name: `snippet::${snippet.name}` })),
    ...types.map((type) =>
      joined(
        macroName(type),
        content.snippets
          .filter((snippet) => snippet.type === type)
          .toSorted((a, b) => a.priority - b.priority)
          .map(sentOf),
      ),
    ),
  ];
}

/** Snippets that the settings hold are told by their name. */
function settingsLines({
  name,
  content,
}: {
  readonly name: string;
  readonly content: string;
}): SentFile["lines"] {
  return content.split("\n").map((_, index) => ({ template: `snippet "${name}"`, line: index + 1 }));
}

function joined(name: string, parts: readonly SentFile[]): SentFile {
  const texts = parts.map(({ content, lines }) => {
    const rows = content.replace(/\n$/, "").split("\n");
    return { rows, lines: rows.map((_, index) => lines[index] ?? null) };
  });
  return {
    name,
    content: `${texts.flatMap(({ rows }) => rows).join("\n")}\n`,
    lines: [...texts.flatMap(({ lines }) => lines), null],
  };
}

/** The files with declarations of what Fastly adds: without them every use of a backend or dictionary would be unknown. */
function lintSources(content: ServiceContent, files: readonly SentFile[]): ServiceSources {
  const sources = new Map(files.map((file) => [file.name, toSource(file)]));
  const main = content.vcls.find((file) => file.main);
  const init = sources.get(macroName("init"));
  const macros = new Map<VclState, Source>();
  for (const { type } of content.snippets) {
    const [state, source] = [stateOfWord(type), sources.get(macroName(type))];
    if (state && source) macros.set(state, source);
  }
  return {
    main: sources.get(main?.name ?? "") ?? { name: "main.vcl", text: "" },
    includes: sources,
    prelude: [{ name: "objects of the service", text: declarations(content) }, ...(init ? [init] : [])],
    macros,
  };
}

/** VCL text is bytes: the engine holds them as latin1. */
function toSource({ name, content }: SentFile): Source {
  return { name, text: Buffer.from(content, "utf8").toString("latin1") };
}

/** Backends, shields, ACLs and dictionaries as VCL, as far as their names and types matter. */
export function declarations(content: ServiceContent): string {
  const backends = content.backends.map(
    ({ name, address, port }) =>
      `backend F_${vclName(name)} {\n  .host = "${address}";\n  .port = "${port}";\n}\n`,
  );
  const codes = [...new Set(content.backends.map(({ shield }) => shield).filter((shield) => shield !== ""))];
  const shields = codes.map(
    (code) => `director ${shieldDirector(code)} shield {\n  .shield = "${code}";\n  .is_ssl = true;\n}\n`,
  );
  // Linters complain of tables and ACLs with nothing in them.
  const tables = content.dictionaries.map(({ name }) => `table ${vclName(name)} {\n  "key": "",\n}\n`);
  const acls = content.acls.map(({ name }) => `acl ${vclName(name)} {\n  "192.0.2.1";\n}\n`);
  return [...backends, ...shields, ...tables, ...acls].join("");
}

function vclName(name: string): string {
  return name.replace(/[^A-Za-z0-9_]/g, "_");
}
