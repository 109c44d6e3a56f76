import { domainToASCII } from "node:url";
import { describe, expect, it } from "vitest";

import {
  checkDomainName,
  isReleaseId,
  parseDomainName,
  parseSiteUid,
  printable,
  releaseIdOf,
  releaseNumberOf,
  siteEnvOf,
} from "../../src/site/names.ts";

describe("checkDomainName", () => {
  it.each([
    "example.com",
    "www.example.com",
    "a.b",
    "xn--mnchen-3ya.de",
    "1.example",
    "a--b.example",
    `${"a".repeat(63)}.example`,
    `${"a.".repeat(125)}com`,
  ])("accepts %s", (name) => {
    expect(checkDomainName(name, domainToASCII)).toEqual({ kind: "ok", name });
  });

  it.each([
    ["", "is empty", undefined],
    ["Example.com", "has upper-case letters", "example.com"],
    ["münchen.de", "has letters outside ASCII; use its A-label form", "xn--mnchen-3ya.de"],
    ["*.example.com", "is a wildcard; every host is added by its own name", "example.com"],
    ["example.com.", "ends with a dot", "example.com"],
    ["https://example.com/x?y", "is a URL or path, not a host name", "example.com"],
    ["example.com:8080", "has a port; domains are named without one", "example.com"],
    ["127.0.0.1", "is an IP address", undefined],
    ["0x7f.1", "is an IP address", undefined],
    ["1.2.3.0x4", "is an IP address", undefined],
    ["[::1]", "is an IP address", undefined],
    ["::1", "is an IP address", undefined],
    [" example.com", "contains white space or control characters", "example.com"],
    ["a\u0000.com", "contains white space or control characters", undefined],
    ["a..b", "has an empty label", undefined],
    ["localhost", "has only one label", undefined],
    ["-a.example", 'has the label "-a", which may hold only a-z, 0-9 and inner hyphens', undefined],
    ["a_b.example", 'has the label "a_b", which may hold only a-z, 0-9 and inner hyphens', undefined],
    ["a%41.example", 'has the label "a%41", which may hold only a-z, 0-9 and inner hyphens', undefined],
    [`${"a".repeat(64)}.example`, "has a label of 64 characters, the limit is 63", undefined],
    [`${"a.".repeat(125)}comm`, "has 254 characters, the limit is 253", undefined],
    ["xn--zzzzzz99999.de", "has an A-label (xn--) that stands for no name", undefined],
  ])("refuses %j and says why", (text, reason, suggestion) => {
    expect(checkDomainName(text, domainToASCII)).toEqual({ kind: "refused", reason, suggestion });
  });

  it("names the spelling to use in the error's hint", () => {
    expect(() => parseDomainName("WWW.Example.com", domainToASCII)).toThrow(
      expect.objectContaining({ code: "domain/invalid-name", hint: "did you mean www.example.com?" }),
    );
  });
});

describe("parseSiteUid", () => {
  it.each(["a", "acme", "acme-shop", "0", "a".repeat(40)])("accepts %s", (uid) => {
    expect(parseSiteUid(uid)).toBe(uid);
  });

  it.each(["", "-a", "a-", "a--b", "Acme", "a_b", "ä", "a/b", "..", "a b", "a".repeat(41), "_sites", "a\n"])(
    "refuses %j",
    (uid) => {
      expect(() => parseSiteUid(uid)).toThrow(expect.objectContaining({ code: "site/invalid-name" }));
    },
  );
});

describe("release ids", () => {
  it("count in base 36 up to four digits", () => {
    expect([0, 1, 35, 36, 36 ** 4 - 1].map(releaseIdOf)).toEqual(["0", "1", "z", "10", "zzzz"]);
    expect(releaseNumberOf("zzzz")).toBe(36 ** 4 - 1);
    expect(() => releaseIdOf(36 ** 4)).toThrow(expect.objectContaining({ code: "release/exhausted" }));
  });

  it.each(["", "00", "01", "A", "zzzzz", "-", "1/2"])("do not look like %j", (text) => {
    expect(isReleaseId(text)).toBe(false);
  });
});

describe("siteEnvOf", () => {
  const suffixes = [
    { suffix: ".pre.example.net", siteEnv: "preview" },
    { suffix: ".example.net", siteEnv: "staging" },
  ];

  it("takes the first suffix that matches and production otherwise", () => {
    expect(siteEnvOf("a.pre.example.net", suffixes)).toBe("preview");
    expect(siteEnvOf("a.example.net", suffixes)).toBe("staging");
    expect(siteEnvOf("example.net", suffixes)).toBe("production");
    expect(siteEnvOf("a.example.net.evil.com", suffixes)).toBe("production");
  });
});

describe("printable", () => {
  it("shows control and direction characters as escapes and cuts long text", () => {
    expect(printable("a\u001b[31m\u202e")).toBe("a\\u001b[31m\\u202e");
    expect(printable("x".repeat(100))).toHaveLength(80);
  });
});
