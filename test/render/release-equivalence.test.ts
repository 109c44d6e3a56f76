import { createHash } from "node:crypto";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { REMOVED, deltaHash, lookUpDelta } from "../../src/site/delta-list.ts";
import { packHashes, shortHash } from "../../src/site/short-hashes.ts";
import { encodePath, pageKey } from "../../src/site/page-key.ts";
import { exampleLocal } from "../support/environments.ts";
import { arbitraryDeltaHash, arbitraryTag, deltaText, formerDeltaText } from "../support/delta-lists.ts";
import { compileRendered } from "../support/rendered-program.ts";
import { arbitraryFile, arbitraryReleaseId } from "../site/arbitraries.ts";
import { receiveAfterMiss, receivePage } from "./passes.ts";

const program = compileRendered(exampleLocal());
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hashOf = (text: string): string => shortHash(text, sha256);
const pageOf = (key: string): string => deltaHash(key, sha256);
const encodedPath = arbitraryFile.map((file) => `/${encodePath(file)}`);
const SITE = "/local/production/shop/";

/** What S3 is asked for. */
function shownUrl(path: string, delta: string): string {
  return receivePage(program, { "SF-Path": path, "SF-Config-D": delta }).transaction.req.url;
}

describe("rendered VCL and the site model agree", () => {
  const changes = fc.record({
    path: encodedPath,
    listed: fc.boolean(),
    release: fc.oneof(arbitraryReleaseId, fc.constant(REMOVED)),
    others: fc.dictionary(arbitraryDeltaHash, arbitraryTag, { maxKeys: 120 }),
  });
  test.prop([changes], { numRuns: 400 })(
    "on the release that has a page",
    ({ path, listed, release, others }) => {
      const key = pageKey(path);
      const entries = new Map(Object.entries(others));
      if (listed) entries.set(pageOf(key), release);
      const leads = [[pageOf(key), listed ? release : undefined]] as const;
      const delta = deltaText(entries, { leads, avoids: [] });
      expect(shownUrl(path, delta)).toBe(`${SITE}${listed ? release : "1"}/${key}`);
      expect(lookUpDelta(delta, pageOf(key))).toBe(listed ? release : undefined);
    },
  );

  test.prop([changes, fc.nat({ max: 41 })], { numRuns: 400 })(
    "on where the digits of any page stand first, be it by chance",
    ({ path, release, others }, cut) => {
      const key = pageKey(path);
      // Digits that begin in the middle of another page's, as often as not.
      const shifted = `${"A".repeat(cut % 6)}${pageOf(key)}`.slice(0, 16);
      const delta = deltaText([...Object.entries(others), [shifted, release]]);
      expect(shownUrl(path, delta)).toBe(`${SITE}${lookUpDelta(delta, pageOf(key)) ?? "1"}/${key}`);
    },
  );

  const former = fc.record({
    path: encodedPath,
    listed: fc.boolean(),
    release: arbitraryTag,
    others: fc.dictionary(fc.stringMatching(/^[0-9a-f]{8}$/), arbitraryTag, { maxKeys: 30 }),
  });
  test.prop([former], { numRuns: 200 })(
    "on the release that a list of codec version 2 names",
    ({ path, listed, release, others }) => {
      const key = pageKey(path);
      const entries = new Map(Object.entries(others));
      if (listed) entries.set(hashOf(key), release);
      const delta = formerDeltaText(entries);
      const expected = entries.get(hashOf(key));
      expect(lookUpDelta(delta, pageOf(key))).toBe(expected);
      expect(shownUrl(path, delta)).toBe(`${SITE}${expected ?? "1"}/${key}`);
    },
  );

  it("on the release of a 404 page and of an application's page too", () => {
    const delta = deltaText([
      [pageOf("404.html"), "2"],
      [pageOf("index.html"), "3"],
    ]);
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
