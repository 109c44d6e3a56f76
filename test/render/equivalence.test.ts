import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { encodePath, decodePath, pageKey } from "../../src/site/page-key.ts";
import { matchRule, packRules } from "../../src/site/rule-slots.ts";
import type { HeaderLine } from "../../src/http/header-list.ts";
import type { Action, Transaction } from "../../src/vcl/runtime.ts";
import { exampleLocal } from "../support/environments.ts";
import { compileRendered } from "../support/rendered-program.ts";
import { makeRequest, makeTransaction } from "../support/transaction.ts";
import { arbitraryFile, arbitrarySlotRule } from "../site/arbitraries.ts";

const program = compileRendered(exampleLocal());

/** Runs vcl_recv as on the pass after the config lookup. */
function runPagePass(headers: Readonly<Record<string, string>>): {
  readonly transaction: Transaction;
  readonly action: Action;
} {
  const lines: HeaderLine[] = Object.entries({
    Host: "www.example.com",
    "SF-Phase": "page",
    "SF-Host": "www.example.com",
    "SF-Site-Env": "production",
    "SF-Site": "shop",
    "SF-Base": "1",
    "SF-Query": "",
    ...headers,
  });
  const transaction = makeTransaction({
    req: makeRequest("/local/production/www.example.com", lines),
    restarts: 1,
  });
  return { transaction, action: program.run("recv", transaction) };
}

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
    const { transaction } = runPagePass({ "SF-Path": encoded });
    expect(transaction.req.url).toBe(`/local/production/shop/1/${pageKey(encoded)}`);
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

  const ruleAndPath = fc.record({
    rules: fc.array(arbitrarySlotRule, { minLength: 1, maxLength: 6 }),
    path: fc.oneof(arbitraryPath.map(encodePath), fc.constant("/")),
    pick: fc.nat(),
    fill: fc.array(arbitraryFile.map(encodePath), { minLength: 1, maxLength: 3 }),
    slash: fc.boolean(),
  });
  test.prop([ruleAndPath], { numRuns: 500 })(
    "on which rule matches a path and where it leads",
    ({ rules, path, pick, fill, slash }) => {
      const forced = rules.map((rule) => ({ ...rule, forced: true }));
      // Half of the paths are made from a rule's own pattern, so that matches are common.
      const pattern = forced[pick % forced.length];
      const made = pattern?.segments
        .map((segment, i) => segment ?? (fill[i % fill.length] ?? "x").replaceAll("/", "-"))
        .join("/");
      const asked =
        pick % 2 === 0
          ? path
          : `/${made}${pattern?.splat === true && slash ? `/${fill.join("/")}` : ""}${slash ? "/" : ""}`;
      const { transaction, action } = runPagePass({ "SF-Path": asked, "SF-Config-Q": packRules(forced) });
      const expected = matchRule(forced, { path: asked, query: "" }, { forced: true });
      if (expected?.kind === "redirect") {
        expect(action).toMatchObject({ do: "error", status: 601 });
        expect(transaction.req.headers.get("SF-Location")).toBe(expected.location);
        expect(transaction.req.headers.get("SF-Status")).toBe(String(expected.rule.status));
      } else {
        expect(action).toEqual({ do: "lookup" });
      }
    },
  );

  it("on the limit of slots: the last of 24 rules is still tried", () => {
    const rules = Array.from({ length: 24 }, (_, i) => ({
      forced: true,
      status: 301 as const,
      segments: [`p${i}`],
      splat: false,
      query: [],
      target: `/to${i}`,
    }));
    const { transaction } = runPagePass({ "SF-Path": "/p23", "SF-Config-Q": packRules(rules) });
    expect(transaction.req.headers.get("SF-Location")).toBe("/to23");
  });
});

describe("the rendered service", () => {
  it("passes our own checker without a warning", () => {
    expect(program.warnings).toEqual([]);
  });
});
