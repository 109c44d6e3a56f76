import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { Secret } from "../../src/lib/secret.ts";

describe("a secret", () => {
  it("is not shown by any way of printing it", () => {
    const secret = new Secret("hush");
    expect([String(secret), JSON.stringify({ secret }), inspect({ secret })].join()).not.toContain("hush");
  });

  it("can be compared without being given out", () => {
    const secret = new Secret("hush");
    expect([secret.equals("hush"), secret.equals("hus"), secret.equals(""), secret.equals("hush!")]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});
