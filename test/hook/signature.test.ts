import { describe, expect, it } from "vitest";

import {
  canonicalText,
  isSignedBy,
  parseSignature,
  signatureHeader,
  signatureOf,
} from "../../src/hook/signature.ts";
import type { SignedText } from "../../src/hook/signature.ts";
import { Secret } from "../../src/lib/secret.ts";

const secret = new Secret("0123456789abcdef0123456789abcdef");

/** Written out, so that callers in other languages can check themselves against them; docs/hooks.md has the first. */
const vectors: readonly (SignedText & { readonly mac: string })[] = [
  {
    environment: "production",
    method: "POST",
    target: "/v1/purges",
    timestamp: 1_767_225_600,
    nonce: "4f1d2c3b4a5968770123456789abcdef",
    digest: "93bc1f4874feea5bbca69d7a2c32a186f290bd3fdc7a5d975062538a83b4ea7a",
    mac: "223f3255c7e9d2d00009c4df79541487c860fa5fab41b53b4a9e91a26b0b1156",
  },
  {
    environment: "test",
    method: "GET",
    target: "/v1/jobs/5f0c7a2e-4a37-4f5d-9a1e-0d2c8d7b6e01?x=%2F",
    timestamp: 1_767_225_600,
    nonce: "nonce-nonce-nonce_",
    digest: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    mac: "3dd4b890f2c71e84f061bb41d58851cd53d210d136b9efbe825cc17ae9e92f59",
  },
];

describe("signatureOf", () => {
  it.each(vectors)("is the written-out value for $method $target", ({ mac, ...signed }) => {
    expect(signatureOf(secret, signed).toString("hex")).toBe(mac);
    expect(isSignedBy(secret, signed, Buffer.from(mac, "hex"))).toBe(true);
    expect(signatureHeader({ id: "main", secret }, signed)).toBe(
      `k=main,t=${signed.timestamp},n=${signed.nonce},v1=${mac}`,
    );
  });

  it("covers every part", () => {
    const [{ mac, ...signed } = { mac: "" }] = vectors;
    const others: readonly Partial<SignedText>[] = [
      { environment: "test" },
      { method: "DELETE" },
      { target: "/v1/purges?" },
      { timestamp: 1_767_225_601 },
      { nonce: "4f1d2c3b4a5968770123456789abcdee" },
      { digest: "0".repeat(64) },
    ];
    for (const other of others) {
      const changed = {
        environment: "",
        method: "",
        target: "",
        timestamp: 0,
        nonce: "",
        digest: "",
        ...signed,
        ...other,
      };
      expect(isSignedBy(secret, changed, Buffer.from(mac, "hex"))).toBe(false);
    }
  });

  it("has its parts on lines of their own", () => {
    const [{ mac: _, ...signed } = { mac: "" }] = vectors;
    expect(
      canonicalText({
        environment: "",
        method: "",
        target: "",
        timestamp: 0,
        nonce: "",
        digest: "",
        ...signed,
      }),
    ).toBe(
      [
        "sitefleet-hook-v1",
        "production",
        "POST",
        "/v1/purges",
        "1767225600",
        "4f1d2c3b4a5968770123456789abcdef",
        "93bc1f4874feea5bbca69d7a2c32a186f290bd3fdc7a5d975062538a83b4ea7a",
      ].join("\n"),
    );
  });
});

describe("parseSignature", () => {
  const mac = "0".repeat(64);
  it.each([
    "",
    `k=main,t=1,n=0123456789abcdef`,
    `t=1,k=main,n=0123456789abcdef,v1=${mac}`,
    `k=main,t=01,n=0123456789abcdef,v1=${mac}`,
    `k=main,t=-1,n=0123456789abcdef,v1=${mac}`,
    `k=main,t=1,n=short,v1=${mac}`,
    `k=main,t=1,n=0123456789abcde/,v1=${mac}`,
    `k=main,t=1,n=0123456789abcdef,v1=${mac.toUpperCase().replace("0", "A")}`,
    `k=main,t=1,n=0123456789abcdef,v1=${mac}0`,
    `k=main,t=1,n=0123456789abcdef,v1=${mac},v1=${mac}`,
    `k=main,t=1,n=0123456789abcdef,v1=${mac}\n`,
    ` k=main,t=1,n=0123456789abcdef,v1=${mac}`,
  ])("takes no other form: %s", (header) => {
    expect(parseSignature(header)).toBeUndefined();
  });
});
