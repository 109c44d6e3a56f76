import { compileProgram } from "../../src/vcl/compiler.ts";
import type { CompileOptions } from "../../src/vcl/compiler.ts";
import type { Action, Program, Transaction, VclState } from "../../src/vcl/runtime.ts";
import { parseVcl } from "../../src/vcl/service.ts";
import {
  makeBackendResponse,
  makeObject,
  makeRequest,
  makeResponse,
  makeTransaction,
} from "./transaction.ts";

/** Compiles text that has no macros and need not pass the checker. What it runs is generated code, unless options say otherwise. */
export function compileText(text: string, options: Partial<CompileOptions> = {}): Program {
  return compileProgram(parseVcl({ name: "main.vcl", text }), {
    tables: new Map(),
    generateAfter: 0,
    ...options,
  });
}

interface StatementRun {
  readonly action: Action;
  readonly t: Transaction;
}

/** A transaction with every message that the state may touch. */
export function transactionIn(state: VclState, overrides: Partial<Transaction> = {}): Transaction {
  return makeTransaction({
    state,
    bereq: ["miss", "pass", "fetch"].includes(state) ? makeRequest("/page?q=1") : null,
    beresp: state === "fetch" ? makeBackendResponse() : null,
    obj: ["hit", "error", "deliver", "log"].includes(state) ? makeObject() : null,
    resp: ["deliver", "log"].includes(state) ? makeResponse() : null,
    ...overrides,
  });
}

/** Runs statements as the body of one state's subroutine, with declarations before it. */
export function runStatements(
  statements: string,
  options: { readonly state?: VclState; readonly declarations?: string; readonly t?: Transaction } = {},
): StatementRun {
  const state = options.state ?? "recv";
  const program = compileText(`${options.declarations ?? ""}\nsub vcl_${state} {\n${statements}\n}\n`);
  const t = options.t ?? transactionIn(state);
  return { action: program.run(state, t), t };
}

/** What an expression prints as when a header is set to it; `null` when the header is not there afterwards. */
export function evaluate(
  expression: string,
  options: { readonly before?: string; readonly declarations?: string; readonly t?: Transaction } = {},
): string | null {
  const { t } = runStatements(`${options.before ?? ""}\nset req.http.Result = ${expression};`, options);
  return t.req.headers.get("result");
}
