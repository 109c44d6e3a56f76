import { test as property, fc } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { evaluate, transactionIn } from "../../support/vcl.ts";

const KEY = "000102030405060708090a0b0c0d0e0f";
const IV = "ffeeddccbbaa99887766554433221100";

describe("crypto.*", () => {
  test("encrypts as AES-128-CBC does (NIST SP 800-38A, F.2.1)", () => {
    const encrypted = evaluate(
      'crypto.encrypt_hex(aes128, cbc, nopad, "2b7e151628aed2a6abf7158809cf4f3c", "000102030405060708090a0b0c0d0e0f", "6bc1bee22e409f96e93d7e117393172a")',
    );
    expect(encrypted).toBe("7649abac8119b246cee98e9b12e9197d");
  });

  property.prop([
    fc.uint8Array({ maxLength: 30 }),
    fc.constantFrom("aes128, cbc, pkcs7", "aes128, ctr, nopad"),
  ])("what is encrypted decrypts to the same bytes", (plain, how) => {
    const t = transactionIn("recv");
    const hex = Buffer.from(plain).toString("hex");
    t.req.headers.set("Plain", hex);
    const before = `set req.http.Secret = crypto.encrypt_hex(${how}, "${KEY}", "${IV}", req.http.Plain);`;
    const back = evaluate(`crypto.decrypt_hex(${how}, "${KEY}", "${IV}", req.http.Secret)`, {
      before,
      t,
    });
    expect(back).toBe(hex);
  });

  test("a text that does not decrypt is not set and EBADDECRYPT", () => {
    const before = `set req.http.D = crypto.decrypt_hex(aes128, cbc, pkcs7, "${KEY}", "${IV}", "00112233445566778899aabbccddeeff");`;
    expect(evaluate('if(req.http.D, "set", "unset") fastly.error', { before })).toBe("unsetEBADDECRYPT");
  });

  test.each([
    ["a key of the wrong length", `encrypt_hex(aes256, cbc, pkcs7, "${KEY}", "${IV}", "00")`],
    ["a key with something behind its digits", `encrypt_hex(aes128, cbc, pkcs7, "${KEY}zz", "${IV}", "00")`],
    ["an IV with a prefix", `encrypt_hex(aes128, cbc, pkcs7, "${KEY}", "0x${IV}", "00")`],
    ["counter mode with padding", `encrypt_hex(aes128, ctr, pkcs7, "${KEY}", "${IV}", "00")`],
    ["a text that is no hex", `encrypt_hex(aes128, cbc, pkcs7, "${KEY}", "${IV}", "zz")`],
    ["half a byte", `decrypt_hex(aes128, ctr, nopad, "${KEY}", "${IV}", "abc")`],
    ["a text that is no base64", `encrypt_base64(aes128, ctr, nopad, "${KEY}", "${IV}", "a!bc")`],
    ["base64 with one digit too many", `decrypt_base64(aes128, ctr, nopad, "${KEY}", "${IV}", "YWJjZ")`],
    ["part of a block without padding", `encrypt_hex(aes128, cbc, nopad, "${KEY}", "${IV}", "00")`],
  ])("%s is EINVAL, and nothing comes of it", (_what, call) => {
    const before = `set req.http.D = crypto.${call};`;
    expect(evaluate('if(req.http.D, "set", "unset") fastly.error', { before })).toBe("unsetEINVAL");
  });
});

describe("uuid.*", () => {
  test("names make the same UUID as elsewhere", () => {
    expect(evaluate('uuid.version3(uuid.dns(), "www.example.com")')).toBe(
      "5df41881-3aed-3515-88a7-2f4a814cf09e",
    );
    expect(evaluate('uuid.version5(uuid.dns(), "www.example.com")')).toBe(
      "2ed6657d-e927-568b-95e1-2665a8aea6a2",
    );
  });

  test("random and time-based ones carry their version", () => {
    expect(evaluate("uuid.version4()")).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(evaluate("uuid.version7()")).toMatch(/^019b76da-a800-7/);
    expect(
      evaluate('uuid.is_version7(uuid.version7()) uuid.is_version4(uuid.version7()) uuid.is_valid({"x"})'),
    ).toBe("100");
  });
});

describe("randomness", () => {
  test("stays in its range and is the same for the same seed", () => {
    const value = Number(evaluate("randomint(-5, 5)"));
    expect(value).toBeGreaterThanOrEqual(-5);
    expect(value).toBeLessThanOrEqual(5);
    expect(evaluate("randomint_seeded(1, 1000000, 42)")).toBe(evaluate("randomint_seeded(1, 1000000, 42)"));
    expect(evaluate("randomint_seeded(1, 1000000, 42)")).not.toBe(
      evaluate("randomint_seeded(1, 1000000, 43)"),
    );
    expect(evaluate("randomint(7, 7)")).toBe("7");
  });

  test("never and always are what they say", () => {
    expect(evaluate("randombool(0, 10) randombool(10, 10) randombool(5, 0)")).toBe("011");
    expect(evaluate("randombool_seeded(0, 10, 1) randombool_seeded(10, 10, 1)")).toBe("01");
  });

  test("a random string has the length and the letters asked for", () => {
    expect(evaluate('randomstr(20, "ab")')).toMatch(/^[ab]{20}$/);
    expect(evaluate("randomstr(8)")).toMatch(/^[A-Za-z0-9_-]{8}$/);
    expect(evaluate("randomstr(-1)")).toBe("");
  });
});
