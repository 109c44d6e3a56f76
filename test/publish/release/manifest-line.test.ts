import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";

import { isUsualObject, objectSchema, readManifestLine } from "../../../src/publish/release/manifest-line.ts";

const USUAL = {
  key: "docs/v1.2/index.html",
  at: "1",
  size: 12,
  hash: "0".repeat(64),
  headers: 0,
  metadata: { p: "/docs/v1.2/" },
  file: { path: "docs/v1.2/index.html", contentType: "text/html" },
};

const odd = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "",
    "/a",
    "a/../b",
    "a/.",
    "./a",
    "..",
    ".",
    "a\\b",
    "a\u0000",
    "a.b",
    "zzzzz",
    "-",
    "\u007f",
  ),
  fc.anything(),
  fc.constantFrom(-1, 0.5, Number.MAX_SAFE_INTEGER + 1, Number.NaN, null, undefined, []),
);

describe("a line of a manifest", () => {
  it("is read without the schema where it is a usual one", () => {
    expect(isUsualObject(USUAL)).toBe(true);
    expect(readManifestLine(USUAL)).toEqual(USUAL);
  });

  it("is read by the schema where it is another", () => {
    const removed = { ...USUAL, removedAt: "2026-01-01T00:00:00.000Z" };
    expect(isUsualObject(removed)).toBe(false);
    expect(readManifestLine(removed)).toEqual(removed);
    expect(readManifestLine({ ghost: "a.html", at: "2" })).toEqual({ ghost: "a.html", at: "2" });
    expect(readManifestLine({ ...USUAL, more: 1 })).toBeUndefined();
  });

  test.prop([
    fc.constantFrom(...Object.keys(USUAL), "path", "more"),
    fc.constantFrom("", "metadata", "file"),
    odd,
  ])("is never taken where the schema would not take it", (field, inside, value) => {
    const part = inside === "file" ? USUAL.file : USUAL.metadata;
    const line: unknown =
      inside === "" ? { ...USUAL, [field]: value } : { ...USUAL, [inside]: { ...part, [field]: value } };
    if (isUsualObject(line)) expect(objectSchema.parse(line)).toEqual(line);
  });
});
