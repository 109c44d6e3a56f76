import { createHash, createHmac, createSign, generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { evaluate, runStatements, transactionIn } from "../../support/vcl.ts";

describe("hashes", () => {
  test.each([
    ['digest.hash_md5("abc")', "900150983cd24fb0d6963f7d28e17f72"],
    ['digest.hash_sha1("abc")', "a9993e364706816aba3e25717850c26c9cd0d89d"],
    ['digest.hash_sha224("abc")', createHash("sha224").update("abc").digest("hex")],
    ['digest.hash_sha256("")', "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ['digest.hash_sha384("abc")', createHash("sha384").update("abc").digest("hex")],
    ['digest.hash_sha512("abc")', createHash("sha512").update("abc").digest("hex")],
    ['digest.hash_sha256_from_base64("YWJj")', createHash("sha256").update("abc").digest("hex")],
    ['digest.hash_crc32("123456789")', "181989fc"],
    ['digest.hash_crc32b("123456789")', "cbf43926"],
    ['digest.hash_xxh32("example")', "6bd15b98"],
    ['digest.hash_xxh32("")', "02cc5d05"],
    ['digest.hash_xxh32("Nobody inspects the spammish repetition")', "e2293b2f"],
    ['digest.hash_xxh64("")', "ef46db3751d8e999"],
    ['digest.hash_xxh64("abc")', "44bc2cf5ad770999"],
    ['digest.hash_xxh64("Nobody inspects the spammish repetition")', "fbcea83c8a378bf1"],
  ])("%s is %s", (expression, result) => {
    expect(evaluate(expression)).toBe(result);
  });

  test("a string is hashed as its bytes", () => {
    expect(evaluate('digest.hash_sha256("%u{e9}")')).toBe(createHash("sha256").update("é").digest("hex"));
  });
});

describe("message authentication", () => {
  const mac = (name: string): string => createHmac(name, "key").update("text").digest("hex");
  test.each(["md5", "sha1", "sha256", "sha512"])("hmac_%s is hex with 0x, or base64", (name) => {
    expect(evaluate(`digest.hmac_${name}("key", "text")`)).toBe(`0x${mac(name)}`);
    expect(evaluate(`digest.hmac_${name}_base64("key", "text")`)).toBe(
      Buffer.from(mac(name), "hex").toString("base64"),
    );
  });

  test("awsv4_hmac derives the signing key (the example of AWS's documentation)", () => {
    const sts =
      "AWS4-HMAC-SHA256%0a20150830T123600Z%0a20150830/us-east-1/iam/aws4_request%0af536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";
    const signature = evaluate(
      `digest.awsv4_hmac("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "iam", "${sts}")`,
    );
    expect(signature).toBe("5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
  });

  test("a time-based code holds for its interval", () => {
    const code = (now: number): string | null =>
      evaluate('digest.time_hmac_sha256("a2V5", 30, 0)', { t: transactionIn("recv", { now }) });
    expect(code(60)).toBe(code(89));
    expect(code(60)).not.toBe(code(90));
    const counter = Buffer.alloc(8);
    counter.writeBigInt64BE(2n);
    expect(code(60)).toBe(createHmac("sha256", "key").update(counter).digest("base64"));
  });

  test("secure_is_equal compares", () => {
    expect(
      evaluate(
        'digest.secure_is_equal("abc", "abc") digest.secure_is_equal("abc", "abd") digest.secure_is_equal("a", "ab")',
      ),
    ).toBe("100");
  });
});

describe("keys of digest.hmac_*", () => {
  const result = (call: string): string | null =>
    evaluate('if(req.http.Code, "set", "unset") fastly.error', {
      before: `set req.http.Code = digest.${call};`,
    });

  test.each(["md5", "sha1", "sha256", "sha512"])("without one hmac_%s gives nothing and EINVAL", (name) => {
    expect(result(`hmac_${name}(req.http.Missing, "text")`)).toBe("unsetEINVAL");
    expect(result(`hmac_${name}_base64(req.http.Missing, "text")`)).toBe("unsetEINVAL");
    expect(result(`hmac_${name}("", req.http.Missing)`)).toBe("set(null)");
  });

  // Vectors made with `openssl dgst -sha256 -mac HMAC -macopt hexkey:…`; the second key holds a NUL.
  test.each([
    ["XWlKFbrd8PUD/sfmW6Q00w==", "6a2915695030d8b83ae5c9c12d521a9f84d192398bb949e7b98f6efcc5bceb65"],
    ["XWlKALrd8PUD/sfmW6Q00w==", "9309c89a4741fcac74592a7f3156d07402f168a2d829e25fb53798ad0c55788e"],
    ["XWlKALrd8PUD/sfmW6Q00w", "9309c89a4741fcac74592a7f3156d07402f168a2d829e25fb53798ad0c55788e"],
  ])("with_base64_key reads %s as bytes", (key, code) => {
    const text = "st=1678885238~exp=1679749238~acl=/*";
    expect(evaluate(`digest.hmac_sha256_with_base64_key("${key}", "${text}")`)).toBe(`0x${code}`);
  });

  test.each(["", "!!", "a2V5=", "a2V5Z", " a2V5", "a2V5a2V", "a2V_"])(
    "with_base64_key takes %j for no key unless it is whole base64",
    (key) => {
      const isWhole = key === "a2V5a2V";
      const expected = isWhole ? "set(null)" : "unsetEINVAL";
      expect(result(`hmac_sha256_with_base64_key("${key}", "text")`)).toBe(expected);
    },
  );
});

describe("base64", () => {
  test.each([
    ['digest.base64("a?>")', "YT8+"],
    ['digest.base64url("a?>a")', "YT8-YQ=="],
    ['digest.base64url_nopad("a?>a")', "YT8-YQ"],
    ['digest.base64_decode("YT8+")', "a?>"],
    ['digest.base64url_decode("YT8-YQ==")', "a?>a"],
    ['digest.base64url_nopad_decode("YT8-YQ")', "a?>a"],
    ['digest.base64_decode("YWJj!ZGVm")', "abcdef"],
    ['digest.base64_decode("QU&|*#()JDRA==")', "ABCD"],
    ['digest.base64_decode("aGVs%0AbG8=")', "hello"],
    ['digest.base64_decode("aGVsbG8=0")', "hello"],
    ['digest.base64url_decode("aGVsbG8=0")', "hello"],
    ['digest.base64url_nopad_decode("aGVsbG8=0")', "hello4"],
    ['digest.hash_sha1_from_base64("a!GVsbG8=")', "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"],
    ['digest.base64_decode("YQBi")', "a"],
  ])("%s is %s", (expression, result) => {
    expect(evaluate(expression)).toBe(result);
  });
});

describe("signatures", () => {
  function verify(call: string, values: Readonly<Record<string, string>>): string | null {
    const t = transactionIn("recv");
    for (const [name, value] of Object.entries(values)) t.req.headers.set(name, value);
    return evaluate(call, { t });
  }

  test("rsa_verify accepts a good signature and no other", () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
    const signature = createSign("sha256").update("payload").sign(privateKey, "base64url");
    const call = (payload: string): string =>
      `digest.rsa_verify(sha256, {"${pem}"}, "${payload}", req.http.Sig, url_nopad)`;
    expect(verify(call("payload"), { Sig: signature })).toBe("1");
    expect(verify(call("Payload"), { Sig: signature })).toBe("0");
  });

  test("ecdsa_verify reads both signature formats", () => {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
    for (const [format, dsaEncoding] of [
      ["der", "der"],
      ["jwt", "ieee-p1363"],
    ] as const) {
      const signature = createSign("sha256")
        .update("payload")
        .sign({ key: privateKey, dsaEncoding }, "base64url");
      expect(
        verify(`digest.ecdsa_verify(sha256, {"${pem}"}, "payload", req.http.Sig, ${format})`, {
          Sig: signature,
        }),
      ).toBe("1");
    }
  });

  test("a key that cannot be read verifies nothing and sets fastly.error", () => {
    const { t } = runStatements(
      'if (digest.rsa_verify(sha256, "no key", "p", "c2ln")) { set req.http.Ok = "1"; }',
    );
    expect(t.req.headers.has("ok")).toBe(false);
    expect(t.vclError).toBe("EINVAL");
  });
});
