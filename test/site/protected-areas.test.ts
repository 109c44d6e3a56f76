import { describe, expect, it } from "vitest";

import { areaOf, areasProblem, packAreas, unpackAreas } from "../../src/site/protected-areas.ts";
import type { ProtectedArea } from "../../src/site/protected-areas.ts";

const area = (prefix: string): ProtectedArea => ({
  prefix,
  salt: "0123456789abcdef".repeat(2),
  verifier: "f".repeat(64),
});

describe("protected areas", () => {
  it("are packed with the longest path first, so that the innermost password counts", () => {
    const packed = packAreas([area("/"), area("/in/side/"), area("/in/")]);
    expect(packed.split("|").map((part) => part.split(":")[2])).toEqual(["/in/side/", "/in/", "/"]);
    expect(unpackAreas(packed)?.map(({ prefix }) => prefix)).toEqual(["/in/side/", "/in/", "/"]);
  });

  it.each([
    ["/members", "/members/"],
    ["/members/", "/members/"],
    ["/members.html", "/members/"],
    ["/members/index.html", "/members/"],
    ["/members/a/b.png", "/members/"],
    ["/membership", undefined],
    ["/members.txt", undefined],
    ["/Members/", undefined],
    ["/", undefined],
  ])("hold %s in %s", (path, prefix) => {
    expect(areaOf([area("/members/")], path)?.prefix).toBe(prefix);
  });

  it("hold every path of a site whose root is protected", () => {
    for (const path of ["/", "/index.html", "/a", "/a/b.css"])
      expect(areaOf([area("/")], path)).toBeDefined();
  });

  it.each([
    [[area("a/")], 'has a protected area with the path "a/"'],
    [[area("/a")], 'has a protected area with the path "/a"'],
    [[area("/a b/")], "which is not an encoded path"],
    [[area("/a|1=/")], "which is not an encoded path"],
    [[area("/a/"), area("/a/")], "protects the same path twice"],
    [["1", "2", "3", "4", "5"].map((name) => area(`/${name}/`)), "has 5 protected areas, the limit is 4"],
    [[{ ...area("/"), salt: "short" }], "has a protected area"],
  ])("are refused as %j", (areas, reason) => {
    expect(areasProblem(areas)).toContain(reason);
  });

  it.each(["0=x", `1=${"0".repeat(32)}:${"f".repeat(64)}:/`, `0=${"0".repeat(32)}:${"f".repeat(64)}:/|`])(
    "are not read from %j",
    (text) => {
      expect(unpackAreas(text)).toBeUndefined();
    },
  );
});
