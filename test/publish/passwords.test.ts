import { createHmac } from "node:crypto";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";

import { addDomain, setDomain } from "../../src/publish/domains.ts";
import { areaPrefix, makeArea, protectSite, unprotectSite } from "../../src/publish/passwords.ts";
import { areaOf } from "../../src/site/protected-areas.ts";
import { arbitraryFile } from "../site/arbitraries.ts";
import { canonicalPath, encodePath, pageKey } from "../../src/site/page-key.ts";
import { ACME, configOf, newWorld, openDeps, publish, recordOf } from "./publish-fixture.ts";

const WWW = "www.example.com";
const PASSWORD = "correct horse";

async function oneSite() {
  const world = newWorld();
  const deps = openDeps(world);
  await publish(deps, { "index.html": "one", "docs/index.html": "docs" }, [WWW]);
  world.events.length = 0;
  return { world, deps };
}

function areasOf(world: ReturnType<typeof newWorld>) {
  const config = configOf(world, WWW);
  return config?.kind === "site" ? config.protectedAreas : [];
}

describe("protecting a site", () => {
  it("writes a salted verifier into its domains' configs, purges them, and keeps the password nowhere", async () => {
    const { world, deps } = await oneSite();
    expect((await protectSite(deps, ACME, { path: "/", password: PASSWORD })).prefix).toBe("/");
    const [area] = areasOf(world);
    expect(area).toMatchObject({ prefix: "/", salt: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(area?.verifier).toBe(
      createHmac("sha256", area?.salt ?? "")
        .update(PASSWORD)
        .digest("hex"),
    );
    expect(world.events).toEqual([
      `config ${WWW}`,
      expect.stringContaining("purge c:acme"),
      expect.stringContaining("purge c:acme"),
    ]);
    for (const { body, metadata } of [...world.config.values(), ...world.hosting.values()]) {
      expect(Buffer.from(body).toString("utf8") + JSON.stringify(metadata)).not.toContain(PASSWORD);
    }
  });

  it("salts anew each time, and replaces what the path had", async () => {
    const { world, deps } = await oneSite();
    await protectSite(deps, ACME, { path: "/docs", password: PASSWORD });
    const [first] = areasOf(world);
    await protectSite(deps, ACME, { path: "/docs/", password: PASSWORD });
    const areas = areasOf(world);
    expect(areas).toHaveLength(1);
    expect(areas[0]?.salt).not.toBe(first?.salt);
    expect(areas[0]?.verifier).not.toBe(first?.verifier);
  });

  it("puts the longest path first and takes four", async () => {
    const { world, deps } = await oneSite();
    for (const path of ["/", "/a/b/c", "/a", "/a/b"])
      await protectSite(deps, ACME, { path, password: PASSWORD });
    expect(areasOf(world).map(({ prefix }) => prefix)).toEqual(["/a/b/c/", "/a/b/", "/a/", "/"]);
    await expect(protectSite(deps, ACME, { path: "/five", password: PASSWORD })).rejects.toMatchObject({
      code: "site/invalid-setting",
    });
  });

  it("lifts one path or all of them, and says when there is nothing to lift", async () => {
    const { world, deps } = await oneSite();
    await protectSite(deps, ACME, { path: "/", password: PASSWORD });
    await protectSite(deps, ACME, { path: "/docs", password: PASSWORD });
    await unprotectSite(deps, ACME, "/docs/index.html");
    expect(areasOf(world).map(({ prefix }) => prefix)).toEqual(["/"]);
    await expect(unprotectSite(deps, ACME, "/docs")).rejects.toMatchObject({ code: "site/not-protected" });
    await unprotectSite(deps, ACME, undefined);
    expect(recordOf(world)?.protectedAreas).toEqual([]);
    await expect(unprotectSite(deps, ACME, undefined)).rejects.toMatchObject({ code: "site/not-protected" });
  });

  it.each([
    ["seven77", "shorter than 8"],
    ["tab\there and on", "control character"],
    ["nul\0here and on", "control character"],
    ["x".repeat(257), "longer than 256 bytes"],
    ["ü".repeat(129), "longer than 256 bytes"],
    ["lone \ud800 surrogate", "not Unicode"],
  ])("refuses the password %j", async (password, reason) => {
    const { deps, world } = await oneSite();
    await expect(protectSite(deps, ACME, { path: "/", password })).rejects.toMatchObject({
      code: "site/invalid-password",
      message: expect.stringContaining(reason),
    });
    expect(world.events).toEqual([]);
  });

  it("takes letters with marks in either form for the same password (RFC 7617 section 2.1)", () => {
    const composed = makeArea("/", "Stra\u00dfe f\u00fcr alle");
    const decomposed = createHmac("sha256", composed.salt)
      .update("Stra\u00dfe fu\u0308r alle".normalize("NFC"), "utf8")
      .digest("hex");
    expect(composed.verifier).toBe(decomposed);
  });
});

describe("the path of an area", () => {
  it.each([
    ["/", "/"],
    ["docs", "/docs/"],
    ["/docs/", "/docs/"],
    ["/docs.html", "/docs/"],
    ["/docs/index.html", "/docs/"],
    ["//docs//v2", "/docs/v2/"],
    ["/gr\u00fc\u00dfe", "/gr%C3%BC%C3%9Fe/"],
    ["/gr%c3%bc%c3%9fe/", "/gr%C3%BC%C3%9Fe/"],
    ["/gru\u0308\u00dfe/", "/gr%C3%BC%C3%9Fe/"],
    ["/a b", "/a%20b/"],
    ["/report.pdf", "/report.pdf/"],
  ])("%s is %s", (path, prefix) => {
    expect(areaPrefix(path)).toBe(prefix);
  });

  it.each(["/index", "/index.html", "/.html", "/a/../b", "/%zz", "/a%2Fb", "/a\\b"])(
    "%s is refused",
    (path) => {
      expect(() => areaPrefix(path)).toThrowError(expect.objectContaining({ code: "site/invalid-setting" }));
    },
  );

  test.prop([arbitraryFile])("holds the page that it names, however its path is spelled", (name) => {
    const file = name.normalize("NFC");
    const path = canonicalPath(file);
    const key = pageKey(path);
    fc.pre(key !== "index.html");
    const area = makeArea(areaPrefix(encodePath(path)), PASSWORD);
    const stem = path.replace(/\/$/, "");
    const spellings = [path, stem, `${stem}/`, `${stem}.html`, `${stem}/index.html`, `/${key}`];
    for (const spelling of spellings.filter((other) => pageKey(other) === key)) {
      expect(areaOf([area], encodePath(spelling))).toBe(area);
    }
  });
});

describe("EU-only hosts", () => {
  it("are chosen per domain and stay chosen", async () => {
    const { world, deps } = await oneSite();
    await setDomain(deps, ACME, { domain: WWW, choices: { euOnly: true } });
    expect(configOf(world, WWW)).toMatchObject({ euOnly: true });
    await setDomain(deps, ACME, { domain: WWW, choices: { forceTls: true } });
    expect(configOf(world, WWW)).toMatchObject({ euOnly: true, forceTls: true });
    await setDomain(deps, ACME, { domain: WWW, choices: { euOnly: false } });
    expect(configOf(world, WWW)).toMatchObject({ euOnly: false });
  });

  it("cannot be aliases", async () => {
    const { deps } = await oneSite();
    const choices = { canonicalHost: WWW, euOnly: true };
    await expect(
      addDomain(deps, ACME, { domain: "example.com", choices, takeOver: false }),
    ).rejects.toMatchObject({ code: "site/invalid-setting" });
  });
});
