import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { decodeConfig, encodeConfig } from "../../src/site/codec.ts";
import { configBody, configFingerprint, decodeConfigBody } from "../../src/site/config-body.ts";
import { METADATA_BUDGET } from "../../src/site/metadata.ts";
import type { ServedConfig } from "../../src/site/model.ts";
import { metadataBytes, metadataProblem } from "../../src/site/object-metadata.ts";
import type { SlotRule } from "../../src/site/rule-slots.ts";
import { arbitraryAlias, arbitraryServed } from "./arbitraries.ts";

const served: ServedConfig = {
  kind: "site",
  site: "acme",
  base: "1a",
  release: "1a",
  delta: "",
  forceTls: true,
  hsts: 300,
  notFound: "page",
  notFoundDirectories: [],
  paths: "redirect",
  noindex: true,
  suspended: undefined,
  euOnly: false,
  protectedAreas: [],
  expiresAt: undefined,
  rules: [],
  buckets: undefined,
};

function longRule(bytes: number): SlotRule {
  const text = "301 /a /";
  return {
    forced: false,
    status: 301,
    segments: ["a"],
    splat: false,
    target: `/${"x".repeat(bytes - text.length)}`,
  };
}

describe("encodeConfig", () => {
  it("writes one letter per field and leaves out what is off", () => {
    expect(encodeConfig(served)).toEqual({
      kind: "ok",
      bytes: 20,
      metadata: { v: "1", s: "acme", r: "1a", t: "1", h: "300", n: "p", m: "1" },
    });
  });

  test.prop([fc.oneof(arbitraryServed, arbitraryAlias)])("is undone by decodeConfig", (config) => {
    const encoded = encodeConfig(config);
    if (encoded.kind !== "ok") {
      expect(encoded.kind).toBe("too-large");
      return;
    }
    expect(decodeConfig(encoded.metadata)).toEqual({ kind: "ok", config });
    expect(metadataProblem(encoded.metadata)).toBeUndefined();
    expect(encoded.bytes).toBe(metadataBytes(encoded.metadata));
    expect(decodeConfigBody(configBody(config, "7"))).toEqual({ kind: "ok", config });
  });

  it("fills the budget to the last byte and names the rule that is over it", () => {
    const fixed = encodeConfig(served);
    // Letter, slot names with `=`, and the `|` between two rules.
    const left = METADATA_BUDGET - (fixed.kind === "ok" ? fixed.bytes : 0) - 1 - 2 - 3;
    const fits = { ...served, rules: [longRule(1_000), longRule(left - 1_000)] };
    expect(encodeConfig(fits)).toMatchObject({ kind: "ok", bytes: METADATA_BUDGET });
    const over = { ...served, rules: [longRule(1_000), longRule(left - 999), longRule(20)] };
    expect(encodeConfig(over)).toEqual({
      kind: "too-large",
      bytes: METADATA_BUDGET + 1 + 23,
      budget: METADATA_BUDGET,
      rule: 1,
    });
  });

  it("refuses a 25th rule and rules that could not be read back", () => {
    const many = Array.from({ length: 25 }, () => longRule(20));
    expect(encodeConfig({ ...served, rules: many })).toMatchObject({ kind: "too-many-rules", rule: 24 });
    const bad = { ...longRule(20), target: "/a|1=301 /b /c" };
    expect(encodeConfig({ ...served, rules: [bad] })).toMatchObject({ kind: "bad-rule", rule: 0 });
  });
});

describe("decodeConfig", () => {
  const good = { v: "1", s: "acme", r: "1a" };

  it.each([
    [{ s: "acme", r: "1a" }, "has no codec version"],
    [{ ...good, v: "0" }, 'has codec version "0"; readable: 1'],
    [{ ...good, v: "2" }, 'has codec version "2"; readable: 1'],
    [{ ...good, v: "01" }, 'has codec version "01"; readable: 1'],
    [{ ...good, s: "a/../b" }, "has a missing, unknown or malformed field: s"],
    [{ ...good, r: "../1" }, "has a missing, unknown or malformed field: r"],
    [{ ...good, t: "yes" }, "has a missing, unknown or malformed field: t"],
    [{ ...good, h: "1e9" }, "has a missing, unknown or malformed field: h"],
    [{ ...good, x: "200" }, "has a missing, unknown or malformed field: x"],
    [{ ...good, z: "1" }, "has a missing, unknown or malformed field: z"],
    [{ v: "1", s: "acme" }, "has a missing, unknown or malformed field: r"],
    [{ ...good, c: "www.example.com" }, "has a missing, unknown or malformed field: r"],
    [{ v: "1", s: "acme", c: "a b" }, "has a missing, unknown or malformed field: c"],
    [
      { ...good, q: "0=301 /a //evil" },
      '"q" the rule in slot "0" has a target that is neither an encoded path nor an http(s) URL',
    ],
  ])("refuses %j", (metadata, reason) => {
    expect(decodeConfig(metadata)).toEqual({ kind: "refused", reason });
  });
});

describe("configBody", () => {
  it("is sorted JSON with the rev, and the fingerprint is the same without it", () => {
    const body = configBody(served, "9");
    expect(body).toBe(
      '{"forceTls":true,"hsts":300,"kind":"site","noindex":true,"notFound":"page","release":"1a","rev":"9","rules":[],"site":"acme","strictPaths":false,"version":1}',
    );
    expect(configFingerprint(served)).toBe(body.replace('"rev":"9",', ""));
  });

  test.prop([fc.oneof(fc.string(), fc.json())])("readers refuse anything else", (text) => {
    expect(decodeConfigBody(text).kind).toBe("refused");
  });
});
