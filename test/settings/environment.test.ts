import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { environmentOf } from "../../src/settings/environment.ts";
import { settingsSchema } from "../../src/settings/schema.ts";
import { exampleSettings } from "../support/environments.ts";

const settings = settingsSchema.parse(exampleSettings);

describe("an environment", () => {
  it("that is not in the settings is an error that names the known ones", () => {
    expect(() => environmentOf(settings, "staging", {})).toThrow('no server environment "staging"');
    expect(() => environmentOf(settings, "constructor", {})).toThrow("no server environment");
  });

  it("has its host suffixes longest first", () => {
    const suffixes = environmentOf(settings, "production", {}).hostSuffixes.map(({ suffix }) => suffix);
    expect(suffixes).toEqual([".preview.example-sites.com", ".staging.example-sites.com"]);
  });

  it("prefers a secret made for it over the general one", () => {
    const variables = { FASTLY_API_TOKEN: "general", FASTLY_API_TOKEN_PRODUCTION: "special" };
    expect(environmentOf(settings, "production", variables).secrets.apiToken().reveal()).toBe("special");
    expect(environmentOf(settings, "test", variables).secrets.apiToken().reveal()).toBe("general");
  });

  it("takes a session token only with the keys that it belongs to", () => {
    const general = { AWS_ACCESS_KEY_ID: "A", AWS_SECRET_ACCESS_KEY: "a", AWS_SESSION_TOKEN: "t" };
    const special = { AWS_ACCESS_KEY_ID_TEST: "B", AWS_SECRET_ACCESS_KEY_TEST: "b" };
    const tokenOf = (variables: Record<string, string>) =>
      environmentOf(settings, "test", variables).secrets.storeKeys()?.sessionToken?.reveal();
    expect(tokenOf(general)).toBe("t");
    expect(tokenOf({ ...general, ...special })).toBeUndefined();
    expect(tokenOf({ ...general, ...special, AWS_SESSION_TOKEN_TEST: "u" })).toBe("u");
  });

  it("names the variables when a secret is missing", () => {
    const { secrets } = environmentOf(settings, "test", {});
    expect(() => secrets.edgeStoreKey()).toThrow(
      expect.objectContaining({
        code: "settings/missing-secret",
        hint: "set SITEFLEET_EDGE_S3_KEY_TEST or SITEFLEET_EDGE_S3_KEY",
      }),
    );
  });

  it("refuses what the edge could not read, and does not show it", () => {
    const read = (variables: Record<string, string>, of: "edgeStoreKey" | "configSegment"): unknown => {
      try {
        return environmentOf(settings, "test", variables).secrets[of]().reveal();
      } catch (error) {
        expect(inspect(error)).not.toContain("hush");
        return error;
      }
    };
    for (const bad of ["hush", "hush:", ":hush", "hush:hush\n", "hush :hush", "hush:hu sh", "hüsh:hush"]) {
      expect(read({ SITEFLEET_EDGE_S3_KEY_TEST: bad }, "edgeStoreKey")).toMatchObject({
        code: "settings/invalid-secret",
        hint: expect.stringContaining("correct SITEFLEET_EDGE_S3_KEY_TEST: "),
      });
    }
    for (const bad of ["hush\r", "../hush", "hush/hush", "h".repeat(129), "hush hush"]) {
      expect(read({ SITEFLEET_CONFIG_SEGMENT: bad }, "configSegment")).toMatchObject({
        code: "settings/invalid-secret",
        hint: expect.stringContaining("correct SITEFLEET_CONFIG_SEGMENT: "),
      });
    }
    expect(read({ SITEFLEET_EDGE_S3_KEY: "AKIA:a+b/c=:d" }, "edgeStoreKey")).toBe("AKIA:a+b/c=:d");
    expect(read({ SITEFLEET_CONFIG_SEGMENT: "a_b-9" }, "configSegment")).toBe("a_b-9");
  });

  it("never shows a secret when printed", () => {
    const token = environmentOf(settings, "test", { FASTLY_API_TOKEN: "hush" }).secrets.apiToken();
    expect([String(token), JSON.stringify({ token }), inspect({ token })].join(" ")).not.toContain("hush");
  });
});
