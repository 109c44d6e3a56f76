import { inspect } from "node:util";
import { describe, expect, it } from "vitest";

import { readHookKeys } from "../../src/hook/hook-keys.ts";

const A = "a".repeat(32);
const B = "b".repeat(32);

describe("readHookKeys", () => {
  it("reads several pairs, of the environment before those of all", () => {
    const variables = {
      SITEFLEET_HOOK_SECRET: `all:${A}`,
      SITEFLEET_HOOK_SECRET_BLUE_GREEN: `old:${A}, new:${B}`,
    };
    const keys = readHookKeys(variables, "blue-green").map(({ id, secret }) => [id, secret.reveal()]);
    expect(keys).toEqual([
      ["old", A],
      ["new", B],
    ]);
    expect(readHookKeys(variables, "test").map(({ id }) => id)).toEqual(["all"]);
  });

  it("does not start without a secret", () => {
    expect(() => readHookKeys({ SITEFLEET_HOOK_SECRET: "" }, "test")).toThrow(
      expect.objectContaining({ code: "settings/missing-secret" }),
    );
  });

  it.each([
    ["no id", A],
    ["an empty id", `:${A}`],
    ["a short secret", "main:short"],
    ["a space in the secret", `main:${A} ${B}`],
    ["an id twice", `main:${A},main:${B}`],
    ["an end that says nothing", `main:${A},`],
  ])("refuses %s without showing the secret", (_, text) => {
    let failure: unknown;
    try {
      readHookKeys({ SITEFLEET_HOOK_SECRET: text }, "test");
    } catch (error) {
      failure = error;
    }
    expect(failure).toMatchObject({ code: "hook/invalid-secret" });
    expect(inspect(failure)).not.toContain("aaaa");
  });
});
