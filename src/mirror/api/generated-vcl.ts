import { fromByteString, toByteString } from "../../http/byte-string.ts";
import type { VclState } from "../../vcl/runtime.ts";
import type { ServiceSources } from "../../vcl/service.ts";
import type { Source } from "../../vcl/source.ts";
import { boilerplate } from "./boilerplate.ts";
import {
  aclDeclarations,
  autodirectorDeclarations,
  backendDeclarations,
  directorDeclarations,
  pragmas,
  shieldDeclarations,
  tableDeclarations,
} from "./declarations.ts";
import { dictionaryDigest } from "./dictionary-digest.ts";
import { rateLimiterSnippets } from "./generated-rate-limits.ts";
import { hashesInMacro } from "./generated-requests.ts";
import { VCL_STATES } from "../../vcl/states.ts";
import { macroBody, snippetBlock } from "./macros.ts";
import type { PlacedSnippet } from "./macros.ts";
import { withPools } from "./pool-kind.ts";
import { snippetText } from "./snippet-text.ts";
import { numberOf, textOf } from "./state.ts";
import type { Collection, VersionObjects } from "./state.ts";

/** What generated VCL is made from. */
export interface VersionInput {
  readonly serviceId: string;
  readonly customerId: string;
  readonly objects: VersionObjects;
  /** Versionless content of dictionaries, ACLs and dynamic snippets, by their id. */
  readonly collection: (id: string) => Collection;
}

/** Name under which `include` finds a snippet of type `none` (guides/vcl/vcl-snippets). */
const SNIPPET_PREFIX = "snippet::";

/** A version as the compiler takes it. */
export function serviceSources(given: VersionInput): ServiceSources {
  const input: VersionInput = { ...given, objects: withPools(given.objects, given.collection) };
  const snippets = placedSnippets(input);
  const includes = new Map<string, Source>();
  for (const file of input.objects.resources.vcl) {
    if (file["main"] === true) continue;
    includes.set(textOf(file, "name"), source(textOf(file, "name"), textOf(file, "content")));
  }
  for (const snippet of snippets.filter((one) => one.type === "none")) {
    const name = SNIPPET_PREFIX + snippet.name;
    includes.set(name, { name, text: snippet.text });
  }
  const macros = new Map<VclState, Source>(
    VCL_STATES.map((state) => [
      state,
      { name: `#FASTLY ${state}`, text: macroBody(state, input.objects, snippets) },
    ]),
  );
  return { main: mainSource(input.objects), includes, prelude: prelude(input, snippets), macros };
}

/** The text that `/generated_vcl` shows: the same pieces as the compiler gets, spliced where their markers stand. */
export function generatedVcl(input: VersionInput): string {
  const sources = serviceSources(input);
  const head = sources.prelude.map((piece) => piece.text).join("\n");
  return fromByteString(`${head}\n${splice(sources.main.text, sources, [])}`);
}

function source(name: string, text: string): Source {
  return { name, text: toByteString(text) };
}

/** The uploaded main file, else the boilerplate (called `default`, as in Fastly's warnings). */
function mainSource(objects: VersionObjects): Source {
  const main = objects.resources.vcl.find((file) => file["main"] === true);
  return main === undefined
    ? { name: "default", text: boilerplate(objects.settings.defaultTtl, hashesInMacro(objects)) }
    : source(textOf(main, "name"), textOf(main, "content"));
}

function placedSnippets(input: VersionInput): readonly PlacedSnippet[] {
  const written = input.objects.resources.snippet.map((snippet) => ({
    name: textOf(snippet, "name"),
    type: textOf(snippet, "type"),
    priority: numberOf(snippet, "priority"),
    text: toByteString(snippetText(snippet, input.collection)),
  }));
  return [...rateLimiterSnippets(input.objects), ...written];
}

function prelude(input: VersionInput, snippets: readonly PlacedSnippet[]): readonly Source[] {
  const { objects, collection, serviceId, customerId } = input;
  const digest = (id: string) => dictionaryDigest(collection(id));
  const pieces: readonly (readonly [string, string])[] = [
    ["#FASTLY pragmas", pragmas(customerId)],
    ["#FASTLY backends", backendDeclarations(objects, serviceId)],
    ["#FASTLY directors", directors(objects)],
    ["#FASTLY tables", tableDeclarations(objects, collection, digest)],
    ["#FASTLY acls", aclDeclarations(objects, collection)],
    ["#FASTLY init", snippetBlock(snippets.filter((snippet) => snippet.type === "init"))],
  ];
  return pieces.filter(([, text]) => text !== "").map(([name, text]) => ({ name, text }));
}

function directors(objects: VersionObjects): string {
  return autodirectorDeclarations(objects) + directorDeclarations(objects) + shieldDeclarations(objects);
}

const MACRO_LINE = /^[ \t]*#[ \t]*FASTLY[ \t]+([A-Za-z]+)[ \t]*$/;
const INCLUDE_LINE = /^([ \t]*)include[ \t]+"([^"\n]+)"[ \t]*;[ \t]*$/;

function splice(text: string, sources: ServiceSources, within: readonly string[]): string {
  return text
    .split("\n")
    .map((line) => {
      const state = VCL_STATES.find((one) => one === MACRO_LINE.exec(line)?.[1]?.toLowerCase());
      if (state !== undefined) return markedMacro(state, sources.macros.get(state)?.text ?? "");
      const name = INCLUDE_LINE.exec(line)?.[2];
      const file = name === undefined ? undefined : sources.includes.get(name);
      // A file that includes itself is an error of the compiler; the text just shows the line.
      if (name === undefined || file === undefined || within.includes(name)) return line;
      return splice(file.text, sources, [...within, name]);
    })
    .join("\n");
}

function markedMacro(state: VclState, text: string): string {
  const name = state.toUpperCase();
  return `#--FASTLY ${name} BEGIN\n${text}#--FASTLY ${name} END`;
}
