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
    query: [],
    target: `/${"x".repeat(bytes - text.length)}`,
  };
}

describe("encodeConfig", () => {
  it("writes one letter per field and leaves out what is off", () => {
    expect(encodeConfig(served)).toEqual({
      kind: "ok",
      bytes: 20,
      metadata: { v: "3", s: "acme", r: "1a", t: "1", h: "300", n: "p", m: "1" },
    });
  });

  it("packs what differs from the base release, areas, directories and buckets", () => {
    const area = { prefix: "/in/", salt: "0".repeat(32), verifier: "f".repeat(64) };
    const full: ServedConfig = {
      ...served,
      release: "1c",
      delta: "40:/+12=-&AAAAzzzz=1b",
      notFound: "spa",
      notFoundDirectories: ["abcdef01"],
      paths: "literal",
      euOnly: true,
      protectedAreas: [area],
      expiresAt: 1_800_000_000,
      buckets: { tag: "1b", segments: ["beef", "cafe"] },
    };
    expect(encodeConfig(full)).toMatchObject({
      metadata: {
        i: "1c",
        d: "40:/+12=-&AAAAzzzz=1b",
        n: "s",
        e: ",abcdef01,",
        l: "2",
        g: "1",
        w: `0=${area.salt}:${area.verifier}:/in/`,
        o: "1800000000",
        b: "1b,beef,cafe,",
      },
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
  const good = { v: "3", s: "acme", r: "1a" };

  it.each([
    [{ s: "acme", r: "1a" }, "has no codec version"],
    [{ ...good, v: "0" }, 'has codec version "0"; readable: 1, 2, 3'],
    [{ ...good, v: "4" }, 'has codec version "4"; readable: 1, 2, 3'],
    [{ ...good, v: "02" }, 'has codec version "02"; readable: 1, 2, 3'],
    [{ ...good, v: "1", d: ",00000000=1" }, "has a missing, unknown or malformed field: d"],
    [{ ...good, v: "1", n: "s" }, "has a missing, unknown or malformed field: n"],
    [{ ...good, d: ",0000000=1" }, "has a list that is malformed"],
    [{ ...good, d: "40:AAA=1" }, "has a list that is malformed"],
    [{ ...good, v: "2", d: "40:AAAA=1" }, "has a list that is malformed"],
    [{ ...good, e: "abcdef01" }, "has a list that is malformed"],
    [{ ...good, b: "1b,xyz1," }, "has a list that is malformed"],
    [{ ...good, w: "0=salt:verifier:/" }, "has a list that is malformed"],
    [{ ...good, o: "0" }, "has a missing, unknown or malformed field: o"],
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

  it("reads version 2, whose delta lists are of another kind, and gives them on as they are", () => {
    const old = { v: "2", s: "acme", r: "1a", d: ",12345678=-&,00000000,ffffffff=1b" };
    const decoded = decodeConfig(old);
    expect(decoded).toMatchObject({ config: { delta: old.d } });
    const again = decoded.kind === "ok" ? encodeConfig(decoded.config) : undefined;
    expect(again).toMatchObject({ metadata: { ...old, v: "3" } });
  });

  it("reads version 1: a whole release with nothing that came later", () => {
    const old = { v: "1", s: "acme", r: "1a", t: "1", h: "300", n: "p", m: "1" };
    expect(decodeConfig(old)).toEqual({ kind: "ok", config: served });
    expect(decodeConfig({ v: "1", s: "acme", r: "1a", l: "1" })).toMatchObject({
      config: { base: "1a", release: "1a", delta: "", paths: "strict", notFound: "builtin" },
    });
  });
});

describe("configBody", () => {
  it("is sorted JSON with the rev, and the fingerprint is the same without it", () => {
    const body = configBody(served, "9");
    expect(body).toBe(
      '{"base":"1a","delta":"","euOnly":false,"forceTls":true,"hsts":300,"kind":"site","noindex":true,"notFound":"page","notFoundDirectories":[],"paths":"redirect","protectedAreas":[],"release":"1a","rev":"9","rules":[],"site":"acme","version":3}',
    );
    expect(configFingerprint(served)).toBe(body.replace('"rev":"9",', ""));
  });

  test.prop([fc.oneof(fc.string(), fc.json())])("readers refuse anything else", (text) => {
    expect(decodeConfigBody(text).kind).toBe("refused");
  });
});
