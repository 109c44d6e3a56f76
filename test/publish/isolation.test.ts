import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect } from "vitest";

import { planDelta } from "../../src/publish/release/delta-plan.ts";
import { manifestBody, readManifestBody } from "../../src/publish/release/manifest.ts";
import { planRelease } from "../../src/publish/release/release-plan.ts";
import type { PlannedObject, ReleasePlan } from "../../src/publish/release/release-plan.ts";
import type { Manifest } from "../../src/publish/release/release-object.ts";
import { writeObjects } from "../../src/publish/release/release-upload.ts";
import { SitefleetError } from "../../src/lib/errors.ts";
import { sha256Hex } from "../../src/publish/publish-deps.ts";
import { canonicalPath, decodePath, encodePath, pageKey, pathProblem } from "../../src/site/page-key.ts";
import { arbitraryFile, arbitrarySegment } from "../site/arbitraries.ts";
import { ACME, newWorld, openDeps } from "./publish-fixture.ts";

const place = { serverEnv: "test", siteEnv: "production", site: "acme" };

function fileOf(path: string) {
  return {
    path,
    key: pageKey(`/${path}`),
    size: 1,
    hash: sha256Hex("x"),
    contentType: "text/plain",
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
    const control = new Map([["_redirects", rules.join("\n")]]);
    const policies = { trailingSlash: "auto", precedence: "file-first" } as const;
    return planRelease({ place, files, control, siteRules: [], policies, roomFor: () => 1_500 });
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
      const object = (planned: PlannedObject): PlannedObject =>
        planned.body.kind === "stored" ? { ...planned, body: { kind: "text", text: "x" } } : planned;
      const writes = plan.objects.map((planned) => ({
        kind: "upload" as const,
        to: "2",
        object: object(planned),
      }));
      await writeObjects(deps, ACME, { writes, count: writes.length, planned: [], step: "uploading" });
      for (const [key, { metadata }] of world.hosting) {
        expect(key.startsWith("test/production/acme/2/")).toBe(true);
        // What S3 and proxies would make of the key as a URL path must be the key itself.
        const url = new URL(`http://s3/${encodePath(key)}`);
        expect(decodeURIComponent(url.pathname)).toBe(`/${key}`);
        for (const value of Object.values(metadata)) expect(value).toMatch(/^[\u0021-\u007e]*$/);
      }
      expect(plan.slots).toMatch(/^[\u0020-\u007e]*$/);
    },
  );

  test.prop([arbitraryPaths, fc.constantFrom("auto", "force", "drop", "none")], { numRuns: 300 })(
    "every page is reached by its canonical path",
    (paths, policy) => {
      for (const path of paths) {
        const decoded = decodePath(encodePath(canonicalPath(path, policy)));
        expect(decoded.kind === "ok" && pageKey(decoded.path)).toBe(pageKey(`/${path}`));
      }
    },
  );

  test.prop([arbitraryPaths, arbitraryRules], { numRuns: 200 })(
    "its manifest is read back as it was",
    (paths, rules) => {
      const plan = tryPlan(paths, rules);
      if (!plan) return;
      const { files, objects: next, control } = plan;
      const storage = planDelta({ current: undefined, next, now: 0, graceMs: 0, fits: () => true });
      const { delta: _, ...state } = storage.placed("2");
      const manifest: Manifest = { ...state, ghosts: [{ key: "old.html", at: "1" }], files, control };
      expect(sorted(readManifestBody(manifestBody(manifest)))).toEqual(sorted(manifest));
    },
  );
});

/** Hidden files come after the others in a manifest. */
function sorted(manifest: Manifest | undefined): unknown {
  return manifest && { ...manifest, files: [...manifest.files].sort((a, b) => (a.key < b.key ? -1 : 1)) };
}
