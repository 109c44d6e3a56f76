import { compileFunction } from "node:vm";
import { SitefleetError } from "../lib/errors.ts";
import type { CompileContext, Exec, SubScope } from "./compiler-context.ts";
import { SUPPORT } from "./emitted-support.ts";

/**
 * A piece of JavaScript. Only fragments written in the emitter's own files and numbers it counted itself ever become
 * code: every text, name and value of a VCL program is a constant, which code knows by its number.
 */
export type Code = string;

/** Values that code refers to by number: literals, rows of the catalog, closures. */
export class ConstantPool {
  readonly values: unknown[] = [];
  readonly #known = new Map<unknown, Code>();

  /** The code that stands for a value. */
  code(given: unknown): Code {
    // The engine's own string of its kind: comparing two of those compares addresses.
    const value = typeof given === "string" ? (Object.keys({ [given]: true })[0] ?? "") : given;
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const code = `k${this.values.length}`;
    this.values.push(value);
    this.#known.set(value, code);
    return code;
  }
}

/** What emitting one subroutine goes by and leaves behind. */
export interface Emission {
  readonly context: CompileContext;
  /** A scope of its own: closures that code calls share the slots of the code. */
  readonly scope: SubScope;
  readonly pool: ConstantPool;
  /** Functions for what is too long for one: the engine does not optimise long functions. */
  readonly functions: Code[];
}

/** Characters of code beyond which statements get a function of their own. */
const MAX_FUNCTION = 6_000;

/** What every function of a subroutine begins with: the transaction, the slots, and the signal of what it calls. */
const OPENING = "const t = run.t, l = run.locals; let s = 0;\n";

/** Characters of a branch beyond which it gets a function of its own. */
const MAX_BRANCH = 1_500;

/** A branch, called where it is long. */
export function outlined(code: Code, { functions }: Emission): Code {
  return code.length <= MAX_BRANCH ? code : callOf(code, functions);
}

function callOf(code: Code, functions: Code[]): Code {
  const name = `f${functions.length}`;
  functions.push(`function ${name}(run) {\n${OPENING}${code}return 0;\n}\n`);
  return `s = ${name}(run); if (s !== 0) return s;\n`;
}

/** Statements as code that falls through where they end normally and returns their signal where they do not. */
export function joinSteps(steps: readonly Code[], { functions }: Emission): Code {
  const whole = steps.join("");
  if (whole.length <= MAX_FUNCTION) return whole;
  const parts: Code[] = [];
  for (let at = 0; at < steps.length;) {
    let part = "";
    do part += steps[at++];
    while (at < steps.length && part.length + (steps[at]?.length ?? 0) <= MAX_FUNCTION);
    parts.push(callOf(part, functions));
  }
  return parts.join("");
}

/** Makes a subroutine's code a function. A run that somebody watches goes the way of the closures, which tell what they do. */
export function makeFunction(body: Code, { pool, functions }: Emission, watched: Exec): Exec {
  const slow = pool.code(watched);
  const constants = pool.values.map((_, index) => `k${index} = k[${index}]`).join(", ");
  const source =
    `"use strict";\nconst { ${Object.keys(SUPPORT).join(", ")} } = support;\nconst ${constants};\n` +
    functions.join("") +
    `return function (run) {\nif (run.trace !== undefined) return ${slow}(run);\n${OPENING}${body}return 0;\n};`;
  const made: unknown = compileFunction(source, ["k", "support"])(pool.values, SUPPORT);
  if (!isExec(made)) throw new SitefleetError("fault/internal", "generated code is no function");
  return made;
}

function isExec(value: unknown): value is Exec {
  return typeof value === "function";
}
