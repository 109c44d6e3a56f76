import type { HeaderLine } from "../../src/http/header-list.ts";
import type { Action, Program, Transaction } from "../../src/vcl/runtime.ts";
import { makeRequest, makeResponse, makeTransaction } from "../support/transaction.ts";

/** A request after a pass. */
export interface PassResult {
  readonly transaction: Transaction;
  readonly action: Action;
  /** Value of a request header, empty when it is not there. */
  header(name: string): string;
}

type Headers = Readonly<Record<string, string>>;

const KNOWN: Headers = {
  Host: "www.example.com",
  "SF-Phase": "page",
  "SF-Host": "www.example.com",
  "SF-Site-Env": "production",
  "SF-Site": "shop",
  "SF-Base": "1",
  "SF-Query": "",
};

/** What S3's keys of that site begin with, for release `1`. */
export const PREFIX = "/local/production/shop/1/";

/** Runs vcl_recv as on the pass after the config lookup; names without a value are no headers. */
export function receivePage(program: Program, headers: Headers, restarts = 1): PassResult {
  const lines: HeaderLine[] = Object.entries({ ...KNOWN, ...headers }).filter(
    ([name, value]) => value !== "" || name === "SF-Query",
  );
  const transaction = makeTransaction({
    req: makeRequest("/local/production/www.example.com", lines),
    restarts,
  });
  return resultOf(transaction, program.run("recv", transaction));
}

/** Runs vcl_deliver with S3's answer to a pass. */
export function deliver(
  program: Program,
  { transaction }: PassResult,
  answer: { readonly status: number; readonly headers?: Headers },
): PassResult {
  const resp = makeResponse(answer.status, Object.entries(answer.headers ?? {}));
  const next = Object.assign(transaction, { state: "deliver", resp });
  return resultOf(next, program.run("deliver", next));
}

/** Runs vcl_recv of the pass after a restart. */
export function receiveAgain(program: Program, { transaction }: PassResult): PassResult {
  const next = Object.assign(transaction, {
    state: "recv",
    resp: null,
    restarts: transaction.restarts + 1,
  });
  return resultOf(next, program.run("recv", next));
}

/** A whole pass for a page that is missing, and vcl_recv of the one after it. */
export function receiveAfterMiss(program: Program, headers: Headers): PassResult {
  const missed = deliver(program, receivePage(program, headers), { status: 404 });
  return missed.action.do === "restart" ? receiveAgain(program, missed) : missed;
}

function resultOf(transaction: Transaction, action: Action): PassResult {
  return { transaction, action, header: (name) => transaction.req.headers.get(name) ?? "" };
}
