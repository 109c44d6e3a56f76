import type { Declaration, VclProgram } from "./ast-declarations.ts";
import { ParserContext } from "./parser-context.ts";
import { Cursor } from "./parser-cursor.ts";
import { parseSource } from "./parser-declarations.ts";
import type { VclState } from "./runtime.ts";
import type { Source } from "./source.ts";

/** The texts a service is made of. */
export interface ServiceSources {
  readonly main: Source;
  /** Files by the name that `include` uses. */
  readonly includes: ReadonlyMap<string, Source>;
  /** Declarations that the service's objects add (backends, dictionaries, ACLs…), parsed before `main`. */
  readonly prelude: readonly Source[];
  /** What stands in place of `#FASTLY <state>`; nothing where a state is missing. */
  readonly macros: ReadonlyMap<VclState, Source>;
}

/**
 * Parses a whole service. Included files and macro bodies keep their own source in the spans.
 * @throws VclError with every error found, at most 50.
 */
export function parseService(sources: ServiceSources): VclProgram {
  const context = new ParserContext(sources);
  const declarations: Declaration[] = [];
  for (const source of [...sources.prelude, sources.main]) {
    const found = context.within(source, () => parseSource(new Cursor(context, source)));
    for (const declaration of found) declarations.push(declaration);
  }
  context.throwErrors();
  return { declarations, sources: context.sources };
}

/**
 * Parses one file alone: nothing to include, macros empty.
 * @throws VclError with every error found, at most 50.
 */
export function parseVcl(source: Source): VclProgram {
  return parseService({ main: source, includes: new Map(), prelude: [], macros: new Map() });
}
