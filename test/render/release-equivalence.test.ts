import { createHash } from "node:crypto";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { REMOVED, lookUpDelta, packDelta, packHashes, shortHash } from "../../src/site/delta-list.ts";
import { encodePath, pageKey } from "../../src/site/page-key.ts";
import { exampleLocal } from "../support/environments.ts";
import { compileRendered } from "../support/rendered-program.ts";
import { arbitraryFile, arbitraryReleaseId } from "../site/arbitraries.ts";
import { receiveAfterMiss, receivePage } from "./passes.ts";

const program = compileRendered(exampleLocal());
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hashOf = (text: string): string => shortHash(text, sha256);
const encodedPath = arbitraryFile.map((file) => `/${encodePath(file)}`);
const SITE = "/local/production/shop/";

describe("rendered VCL and the site model agree", () => {
  const changes = fc.record({
    path: encodedPath,
    listed: fc.boolean(),
    release: fc.oneof(arbitraryReleaseId, fc.constant(REMOVED)),
    others: fc.dictionary(
      fc.stringMatching(/^[0-9a-f]{8}$/),
      fc.oneof(arbitraryReleaseId, fc.constant(REMOVED)),
      {
        maxKeys: 30,
      },
    ),
  });
  test.prop([changes], { numRuns: 400 })(
    "on the release that has a page",
    ({ path, listed, release, others }) => {
      const key = pageKey(path);
      const entries = new Map(Object.entries(others));
      if (listed) entries.set(hashOf(key), release);
      const delta = packDelta(entries);
      const { transaction } = receivePage(program, { "SF-Path": path, "SF-Config-D": delta });
      const expected = lookUpDelta(delta, hashOf(key)) ?? "1";
      expect(transaction.req.url).toBe(`${SITE}${expected}/${key}`);
      if (listed) expect(expected).toBe(release);
    },
  );

  it("on the release of a 404 page and of an application's page too", () => {
    const delta = packDelta(
      new Map([
        [hashOf("404.html"), "2"],
        [hashOf("index.html"), "3"],
      ]),
    );
    const known = { "SF-Path": "/nowhere", "SF-Config-D": delta };
    expect(receiveAfterMiss(program, { ...known, "SF-Config-N": "p" }).transaction.req.url).toBe(
      `${SITE}2/404.html`,
    );
    const navigation = { ...known, "SF-Config-N": "s", "Sec-Fetch-Mode": "navigate" };
    expect(receiveAfterMiss(program, navigation).transaction.req.url).toBe(`${SITE}3/index.html`);
  });

  const directory = fc.array(fc.constantFrom("a", "b", "%C3%BC"), { minLength: 1, maxLength: 10 });
  const misses = fc.record({
    asked: directory,
    name: fc.constantFrom("x", "", "x.css"),
    with404: fc.array(directory, { maxLength: 6 }),
    cut: fc.nat({ max: 9 }),
    policy: fc.constantFrom("", "p"),
  });
  test.prop([misses], { numRuns: 400 })(
    "on the nearest 404.html upwards",
    ({ asked, name, with404, cut, policy }) => {
      // Some directory above the one asked for has one more often than not.
      const directories = new Set([...with404, asked.slice(0, cut)].map((parts) => parts.join("/")));
      directories.delete("");
      const result = receiveAfterMiss(program, {
        "SF-Path": `/${asked.join("/")}/${name}`,
        "SF-Config-E": packHashes([...directories].map(hashOf)),
        "SF-Config-N": policy,
      });
      const upwards = asked.map((_, i) => asked.slice(0, asked.length - i).join("/")).slice(0, 8);
      const nearest = upwards.find((known) => directories.has(known));
      if (nearest === undefined && policy === "") {
        expect(result.action).toMatchObject({ do: "error", status: 604 });
      } else {
        const key = nearest === undefined ? "404.html" : `${nearest}/404.html`;
        expect(result.action).toEqual({ do: "lookup" });
        expect(result.transaction.req.url).toBe(`${SITE}1/${key}`);
      }
    },
  );
});
