import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect } from "vitest";

import { manifestText, parseManifest } from "../../src/publish/manifest.ts";
import { planRelease } from "../../src/publish/release-plan.ts";
import type { ReleasePlan } from "../../src/publish/release-plan.ts";
import { uploadRelease } from "../../src/publish/release-upload.ts";
import { SitefleetError } from "../../src/lib/errors.ts";
import { canonicalPath, decodePath, encodePath, pageKey, pathProblem } from "../../src/site/page-key.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { arbitraryFile, arbitrarySegment } from "../site/arbitraries.ts";
import { ACME, newWorld, openDeps } from "./publish-fixture.ts";

const place = { serverEnv: "test", siteEnv: "production", site: "acme" };

function fileOf(path: string) {
  return {
    key: pageKey(`/${path}`),
    canonical: encodePath(canonicalPath(path)),
    size: 1,
    hash: "0".repeat(64),
    contentType: "text/plain",
    cacheControl: "no-store",
  };
}

const ruleWord = fc.oneof(
  arbitrarySegment.map((segment) => `/${segment}`),
  fc
    .array(fc.constantFrom("..", ".", "*", ":a", ":splat", "%2e%2e", "%2F", "a", "|", "{1}", "\u0000"), {
      maxLength: 5,
    })
    .map((segments) => `/${segments.join("/")}`),
  fc.constantFrom("https://example.com/:splat", "302!", "301", "//x", "/x\ty"),
);
const arbitraryRules = fc.array(
  fc.array(ruleWord, { minLength: 2, maxLength: 3 }).map((words) => words.join(" ")),
  {
    maxLength: 6,
  },
);

function tryPlan(paths: readonly string[], rules: readonly string[]): ReleasePlan | undefined {
  const files = [...new Map(paths.map((path) => [pageKey(`/${path}`), fileOf(path)])).values()];
  try {
    return planRelease({ place, files, folderRules: rules.join("\n"), siteRules: [] });
  } catch (error) {
    if (error instanceof SitefleetError) return undefined;
    throw error;
  }
}

const arbitraryPaths = fc.array(
  arbitraryFile.filter((path) => pathProblem(path) === undefined),
  { maxLength: 6 },
);

describe("whatever a customer's folder holds", () => {
  test.prop([arbitraryPaths, arbitraryRules], { numRuns: 400 })(
    "no key leaves the release's prefix and no metadata breaks a header",
    async (paths, rules) => {
      const plan = tryPlan(paths, rules);
      if (!plan) return;
      const world = newWorld();
      const deps = openDeps(world);
      const hosting = new MemoryStore({ objects: world.hosting });
      const from = plan.files.map(({ key }) => key);
      for (const key of from) {
        await hosting.put({
          key: `test/production/acme/1/${key}`,
          body: "x",
          metadata: { p: "/" },
          signal: deps.signal,
        });
      }
      await uploadRelease(deps, ACME, { release: "2", plan, source: { kind: "release", release: "1" } });
      for (const [key, { metadata }] of world.hosting) {
        if (key.startsWith("test/production/acme/1/")) continue;
        expect(key.startsWith("test/production/acme/2/")).toBe(true);
        // What S3 and proxies would make of the key as a URL path must be the key itself.
        const url = new URL(`http://s3/${encodePath(key)}`);
        expect(decodeURIComponent(url.pathname)).toBe(`/${key}`);
        for (const value of Object.values(metadata)) expect(value).toMatch(/^[\u0021-\u007e]*$/);
      }
      expect(plan.slots).toMatch(/^[\u0020-\u007e]*$/);
    },
  );

  test.prop([arbitraryPaths], { numRuns: 300 })("every page is reached by its canonical path", (paths) => {
    for (const { canonical, key } of paths.map(fileOf)) {
      const decoded = decodePath(canonical);
      expect(decoded.kind === "ok" && pageKey(decoded.path)).toBe(key);
    }
  });

  test.prop([arbitraryPaths, arbitraryRules], { numRuns: 200 })(
    "its manifest is read back as it was",
    (paths, rules) => {
      const plan = tryPlan(paths, rules);
      if (!plan) return;
      const { files, redirects } = plan;
      const manifest = { release: "2", folderRules: rules.join("\n"), files, redirects };
      expect(parseManifest("key", manifestText(manifest))).toEqual(manifest);
    },
  );
});
