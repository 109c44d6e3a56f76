import { expect } from "vitest";

import { checkProgram } from "../../src/vcl/checker.ts";
import { positionOf, VclError } from "../../src/vcl/diagnostics.ts";
import type { Diagnostic } from "../../src/vcl/diagnostics.ts";
import { parseService } from "../../src/vcl/service.ts";
import type { ServiceSources } from "../../src/vcl/service.ts";

export interface Finding {
  readonly rule: string;
  readonly line: number;
  readonly column: number;
}

/** Sources of a service, or the text of a service of one file. */
export type Service = string | ServiceSources;

/** Expects that a service parses and that the checker has nothing to say. */
export function valid(service: Service): void {
  expect(findingsOf(service)).toEqual([]);
}

/** Expects exactly these findings, of the parser or the checker, in the order of the text. */
export function invalid(service: Service, findings: readonly Finding[]): void {
  expect(findingsOf(service)).toEqual(findings);
}

export function findingsOf(service: Service): readonly Finding[] {
  return diagnosticsOf(service).map(({ rule, span }) => ({ rule, ...positionOf(span.source, span.start) }));
}

export function diagnosticsOf(service: Service): readonly Diagnostic[] {
  try {
    return checkProgram(parseService(typeof service === "string" ? oneFile(service) : service));
  } catch (error) {
    if (error instanceof VclError) return error.diagnostics;
    throw error;
  }
}

/** A service of one file. */
export function oneFile(text: string): ServiceSources {
  return { main: { name: "main.vcl", text }, includes: new Map(), prelude: [], macros: new Map() };
}

/** Takes the `¦` out of a text; where they were, the rule is expected. */
export function marked(
  rule: string,
  text: string,
): { readonly vcl: string; readonly findings: readonly Finding[] } {
  const pieces = text.split("¦");
  const vcl = pieces.join("");
  const findings = pieces.slice(0, -1).map((_, index) => {
    const before = pieces.slice(0, index + 1).join("");
    return { rule, ...positionOf({ name: "", text: before }, before.length) };
  });
  return { vcl, findings };
}
