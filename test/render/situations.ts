import type { HeaderLine } from "../../src/http/header-list.ts";
import type { Action, BackendResponse, Transaction, VclState } from "../../src/vcl/runtime.ts";
import { exampleEnvironment } from "../support/environments.ts";
import { compileRendered } from "../support/rendered-program.ts";
import { makeBackendResponse, makeRequest, makeResponse, makeTransaction } from "../support/transaction.ts";

/** The example environment's production service: with a shield and a second region. */
export const program = compileRendered(exampleEnvironment("production"));
const URLS = {
  config: "/production/production/www.example.com",
  rules: "/production/production/_sites/shop/rules/1/0a1b",
  hosting: "/production/production/shop/1/about.html",
} as const;

/** Where a request is. */
export interface Situation {
  readonly hop?: "edge" | "shield";
  readonly phase: string;
  readonly bucket?: "config" | "rules" | "hosting";
  readonly restarts?: number;
  readonly headers?: readonly HeaderLine[];
}

/** A transaction on some pass of a request, at one of its two hops. */
export function at(situation: Situation, overrides: Partial<Transaction> = {}): Transaction {
  const { hop = "edge", phase, bucket = "hosting", restarts = 1, headers = [] } = situation;
  return makeTransaction({
    req: makeRequest(URLS[bucket], [
      ["Host", "www.example.com"],
      ["SF-Hop", hop],
      ["SF-Phase", phase],
      ["SF-Bucket", bucket],
      ["SF-Host", "www.example.com"],
      ["SF-Path", "/about"],
      ["SF-Query", ""],
      ["SF-Site-Env", "production"],
      ["SF-Site", "shop"],
      ["SF-Base", "1"],
      ...headers,
    ]),
    restarts,
    visitsThisService: hop === "edge" ? 0 : 1,
    ...overrides,
  });
}

/** Runs one state of a transaction. */
export function run(state: VclState, transaction: Transaction): Action {
  return program.run(state, Object.assign(transaction, { state }));
}

/** vcl_fetch of an answer that comes straight from S3, or from the shield. */
export function fetchOf(
  situation: Situation,
  answer: {
    readonly status: number;
    readonly headers?: readonly HeaderLine[];
    readonly from?: "s3" | "shield";
  },
): { readonly action: Action; readonly beresp: BackendResponse } {
  const beresp = makeBackendResponse(makeResponse(answer.status, answer.headers));
  const backend = program.backends.get(
    situation.bucket === undefined || situation.bucket === "hosting" ? "F_hosting" : "F_config",
  );
  const shield = program.directors.get("ssl_shield_iad_va_us");
  if (!backend || !shield) throw new Error("no backend");
  const transaction = at(situation, { beresp, backend: answer.from === "shield" ? shield : backend });
  return { action: run("fetch", transaction), beresp };
}
