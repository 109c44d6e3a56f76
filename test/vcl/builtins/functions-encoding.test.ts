import { test as property, fc } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { percentDecode, percentEncode } from "../../../src/vcl/builtins/functions-encoding.ts";
import { evaluate, transactionIn } from "../../support/vcl.ts";

const bytes = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

describe("urlencode and urldecode", () => {
  test.each([
    [`urlencode(" !#$&'()*+,-./")`, "%20%21%23%24%26%27%28%29%2A%2B%2C-.%2F"],
    ['urlencode("0123456789:;<=>?@")', "0123456789%3A%3B%3C%3D%3E%3F%40"],
    ['urlencode("%u3042")', "%E3%81%82"],
    ['urldecode({"a+b%20c%2Fd%zz%"})', "a b c/d%zz%"],
    ['urldecode({"ab%00c"})', "ab"],
  ])("%s is %s", (expression, result) => {
    expect(evaluate(expression)).toBe(result);
  });

  property.prop([fc.string({ unit: "binary", maxLength: 40 })])(
    "what is encoded decodes to the same bytes",
    (text) => {
      const latin1 = bytes(text);
      expect(percentDecode(percentEncode(latin1))).toBe(latin1);
      expect(percentEncode(latin1)).toMatch(/^[A-Za-z0-9\-._~%]*$/);
    },
  );
});

describe("escaping", () => {
  test.each([
    [`json.escape({"say "hi" \\ / "})`, '\\"hi\\"'],
    ['json.escape("a%0a%09%01%7f")', "a\\n\\t\\u0001\\u007F"],
    ['xml_escape({"<a href="x">&\'</a>"})', "&lt;a href=&quot;x&quot;&gt;&amp;&apos;&lt;/a&gt;"],
    ['cstr_escape("a%08%09%0a%0b%0d%10%u{e9}")', "a\\b\\t\\n\\v\\r\\x10\\xc3\\xa9"],
  ])("%s", (expression, part) => {
    expect(evaluate(expression)).toContain(part);
  });

  test("text that is not UTF-8 has no JSON form", () => {
    const before = 'set req.http.Bad = urldecode({"a%ff"}); set req.http.J = json.escape(req.http.Bad);';
    expect(evaluate('if(req.http.J, "set", "unset") " " fastly.error', { before })).toBe("unset EUTF8");
  });

  property.prop([fc.string({ maxLength: 40 })])("json.escape makes what JSON reads back", (text) => {
    const t = transactionIn("recv");
    t.req.headers.set("In", bytes(text));
    const escaped = evaluate("json.escape(req.http.In)", { t }) ?? "";
    const readable = bytes(text).split(/[\0\r\n]/)[0] === bytes(text);
    if (readable) expect(JSON.parse(`"${Buffer.from(escaped, "latin1").toString("utf8")}"`)).toBe(text);
    expect(escaped).not.toMatch(/[\n\r]/);
  });
});

describe("utf8.*", () => {
  const setup = 'set req.http.U = urldecode({"ab%E3%81%82defg"});';
  test.each([
    ["utf8.codepoint_count(req.http.U)", "7"],
    ["utf8.is_valid(req.http.U)", "1"],
    ['utf8.is_valid(urldecode({"%E3"}))', "0"],
    ["utf8.substr(req.http.U, 3)", "defg"],
    ["utf8.substr(req.http.U, 1, -3)", `b${bytes("あ")}d`],
    ['utf8.strpad("abc", -7, urldecode({"%F0%9F%8C%B8%F0%9F%8C%BC"}))', `abc${bytes("🌸🌼🌸🌼")}`],
    ['utf8.strpad("abc", 10, "-=")', "-=-=-=-abc"],
    ['utf8.strpad("abc", 10, "")', "abc"],
  ])("%s is %s", (expression, result) => {
    expect(evaluate(expression, { before: setup })).toBe(result);
  });
});

describe("bin.*", () => {
  test.each([
    ['bin.hex_to_base64("009F00C2003300")', "AJ8AwgAzAA=="],
    ['bin.base64_to_hex("AJ8AwgAzAA==")', "009F00C2003300"],
    ['bin.hex_to_base64("")', ""],
  ])("%s is %s", (expression, result) => {
    expect(evaluate(expression)).toBe(result);
  });

  test("malformed text gives nothing and EINVAL", () => {
    const before = 'set req.http.B = bin.hex_to_base64("--zz");';
    expect(evaluate('if(req.http.B, "set", "unset") fastly.error', { before })).toBe("unsetEINVAL");
  });
});
