import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { canonicalPath, encodePath, pageKey } from "../../src/site/page-key.ts";
import { TRAILING_SLASH_POLICIES } from "../../src/site/model.ts";
import { exampleLocal } from "../support/environments.ts";
import { compileRendered } from "../support/rendered-program.ts";
import { arbitraryFile } from "../site/arbitraries.ts";
import { deliver, receiveAgain, receivePage } from "./passes.ts";

const program = compileRendered(exampleLocal());

/** A page's file and another or the same spelling of its path. */
const spelled = fc
  .record({
    name: arbitraryFile,
    ending: fc.constantFrom(".html", "/index.html"),
    asked: fc.constantFrom("", "/", ".html", "/index.html"),
    slashes: fc.constantFrom(...TRAILING_SLASH_POLICIES),
    paths: fc.constantFrom("redirect", "strict", "literal"),
    query: fc.constantFrom("", "?a=1"),
  })
  .map(({ name, ending, asked, ...rest }) => ({
    ...rest,
    canonical: encodePath(canonicalPath(`${name}${ending}`, rest.slashes)),
    path: encodePath(`/${name}${asked}`),
  }))
  // Other spellings are those that lead to the same object.
  .filter(({ canonical, path }) => pageKey(canonical) === pageKey(path) && !path.endsWith("//"));

describe("rendered VCL and the site model agree", () => {
  test.prop([spelled], { numRuns: 400 })(
    "on what each spelling of a page's path gets",
    ({ canonical, path, paths, query }) => {
      const asked = receivePage(program, {
        "SF-Path": path,
        "SF-Query": query,
        "SF-Config-L": { redirect: "", strict: "1", literal: "2" }[paths],
      });
      const headers = { "x-amz-meta-p": canonical };
      const got = deliver(program, asked, { status: 200, headers });
      const isIndex = paths === "literal" && canonical.endsWith("/") && path === `${canonical}index.html`;
      if (path === canonical || isIndex || pageKey(path) === "404.html") {
        expect(got.action).toEqual({ do: "deliver" });
      } else if (paths === "redirect") {
        expect(receiveAgain(program, got).action).toMatchObject({ do: "error", status: 601 });
        expect(got.header("SF-Location")).toBe(canonical + query);
        expect(got.header("SF-Status")).toBe("308");
      } else {
        expect(receiveAgain(program, got).action).toMatchObject({ do: "error", status: 604 });
      }
    },
  );
});
