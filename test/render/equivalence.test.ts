import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { encodePath, decodePath, pageKey } from "../../src/site/page-key.ts";
import type { Action, Transaction } from "../../src/vcl/runtime.ts";
import { exampleLocal } from "../support/environments.ts";
import { compileRendered } from "../support/rendered-program.ts";
import { makeRequest, makeTransaction } from "../support/transaction.ts";
import { arbitraryFile } from "../site/arbitraries.ts";
import { PREFIX, receivePage } from "./passes.ts";

const program = compileRendered(exampleLocal());

/** Runs vcl_recv as a client's first request. */
function runFirstPass(url: string): { readonly transaction: Transaction; readonly action: Action } {
  const transaction = makeTransaction({ req: makeRequest(url), restarts: 0 });
  return { transaction, action: program.run("recv", transaction) };
}

const arbitraryPath = arbitraryFile.map((file) => `/${file}`);
const oddPath = fc
  .array(
    fc.constantFrom("a", "index.html", "index", ".html", "x.html", "v1.2", "", "%C3%BC", "b.css", "%25"),
    { maxLength: 5 },
  )
  .map((segments) => decodePath(`/${segments.join("/")}`))
  .filter((decoded) => decoded.kind === "ok")
  .map((decoded) => decoded.path);

describe("rendered VCL and the site model agree", () => {
  test.prop([fc.oneof(arbitraryPath, oddPath)], { numRuns: 300 })("on the page key of every path", (path) => {
    const encoded = encodePath(path);
    const { transaction } = receivePage(program, { "SF-Path": encoded });
    expect(transaction.req.url).toBe(PREFIX + pageKey(encoded));
  });

  const rawPath = fc.oneof(
    arbitraryPath.map(encodePath),
    fc
      .string({
        unit: fc.constantFrom("/", ".", "%", "2", "e", "E", "F", "5", "c", "a", "+", "0", "C", "3", "B"),
        maxLength: 14,
      })
      .map((text) => `/${text}`),
  );
  test.prop([rawPath], { numRuns: 500 })(
    "on which request paths are refused, and on the one spelling of the others",
    (raw) => {
      const decoded = decodePath(raw);
      const { transaction, action } = runFirstPass(raw);
      if (decoded.kind === "refused") expect(action).toMatchObject({ do: "error", status: 605 });
      else expect(transaction.req.headers.get("SF-Path")).toBe(encodePath(decoded.path));
    },
  );
});

describe("the rendered service", () => {
  it("passes our own checker without a warning", () => {
    expect(program.warnings).toEqual([]);
  });
});
