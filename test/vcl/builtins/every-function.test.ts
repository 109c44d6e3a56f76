import { createHash, createHmac } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { listFunctions } from "../../../src/vcl/catalog.ts";
import { normalizeUrl } from "../../../src/vcl/builtins/url-normalize.ts";
import { makeRequest } from "../../support/transaction.ts";
import { evaluate, runStatements, transactionIn } from "../../support/vcl.ts";

test("every function of the catalog is called in a test beside this one", async () => {
  const folder = import.meta.dirname;
  const files = (await readdir(folder)).filter((name) => name.endsWith(".test.ts"));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
  const all = texts.join("\n");
  const untested = listFunctions().filter(({ name }) => !all.includes(`${name}(`));
  expect(untested.map(({ name }) => name)).toEqual([]);
});

/** A FLOAT with three decimals, as it prints. */
const three = (value: number): string => value.toFixed(3);

describe("math", () => {
  test.each([
    ["math.acos(0.5)", three(Math.acos(0.5))],
    ["math.acosh(2.0)", three(Math.acosh(2))],
    ["math.asin(-1.0)", three(Math.asin(-1))],
    ["math.asinh(1.0)", three(Math.asinh(1))],
    ["math.atan(1.0)", three(Math.atan(1))],
    ["math.atan2(7.0, -0.0)", three(Math.atan2(7, -0))],
    ["math.atanh(0.5)", three(Math.atanh(0.5))],
    ["math.cos(math.PI)", "-1.000"],
    ["math.cosh(1.0)", three(Math.cosh(1))],
    ["math.sin(math.PI_2)", "1.000"],
    ["math.sinh(1.0)", three(Math.sinh(1))],
    ["math.tan(math.PI_4)", "1.000"],
    ["math.tanh(1.0)", three(Math.tanh(1))],
    ["math.exp(1.0)", three(Math.E)],
    ["math.exp2(-1.0)", "0.500"],
    ["math.log(math.E)", "1.000"],
    ["math.log10(1000.0)", "3.000"],
    ["math.log2(8.0)", "3.000"],
    ["math.sqrt(2.25)", "1.500"],
    ["math.ceil(-2.5)", "-2.000"],
    ["math.floor(-2.5)", "-3.000"],
    ["math.trunc(-2.5)", "-2.000"],
    ["math.round(2.5)", "3.000"],
    ["math.round(-2.5)", "-3.000"],
    ["math.roundeven(2.5)", "2.000"],
    ["math.roundhalfup(-2.5)", "-2.000"],
    ["math.roundhalfdown(-2.5)", "-3.000"],
    ["math.roundhalfup(0.49999999999999994)", "0.000"],
    ["math.round(4503599627370497.0)", "4503599627370497.000"],
    ["math.is_normal(1.0)", "1"],
    ["math.is_normal(0.0)", "0"],
    ["math.is_normal(math.NAN)", "0"],
    ["math.is_subnormal(0.0)", "0"],
    ["math.is_nan(math.NAN)", "1"],
    ["math.is_infinite(math.NEG_INFINITY)", "1"],
    ["math.is_finite(math.POS_INFINITY)", "0"],
  ])("%s is %s", (expression, result) => {
    expect(evaluate(expression)).toBe(result);
  });

  test.each([
    ["math.acos(1.5)", "NaN", "EDOM"],
    ["math.asin(-1.5)", "NaN", "EDOM"],
    ["math.acosh(0.5)", "NaN", "EDOM"],
    ["math.atanh(2.0)", "NaN", "EDOM"],
    ["math.log(-1.0)", "NaN", "EDOM"],
    ["math.log2(-1.0)", "NaN", "EDOM"],
    ["math.log10(-1.0)", "NaN", "EDOM"],
    ["math.sqrt(-1.0)", "NaN", "EDOM"],
    ["math.sin(math.POS_INFINITY)", "NaN", "EDOM"],
    ["math.exp(1000.0)", "inf", "ERANGE"],
    ["math.exp(-1000.0)", "0.000", "ERANGE"],
    ["math.log(0.0)", "-inf", "EPOLE"],
  ])("%s is %s, and fastly.error is %s", (expression, result, code) => {
    const { t } = runStatements(`set req.http.R = ${expression}; set req.http.E = fastly.error;`);
    expect([t.req.headers.get("R"), t.req.headers.get("E")]).toEqual([result, code]);
  });

  test("what is infinite or no number goes through without an error", () => {
    const { t } = runStatements("set req.http.R = math.sin(math.NAN); set req.http.E = fastly.error;");
    expect([t.req.headers.get("R"), t.req.headers.get("E")]).toEqual(["NaN", null]);
  });
});

describe("digests and codes", () => {
  const TEXT = "caf\u00c3\u00a9 \u00ff";
  const withText = (): { t: ReturnType<typeof transactionIn> } => ({
    t: transactionIn("recv", { req: makeRequest("/", [["X", TEXT]]) }),
  });
  const bytes = Buffer.from(TEXT, "latin1");
  const base64 = bytes.toString("base64");

  test.each(["md5", "sha1", "sha256", "sha512"])("HMAC with %s, of bytes that are not UTF-8", (name) => {
    const hex = createHmac(name, "key").update(bytes).digest("hex");
    expect(evaluate(`digest.hmac_${name}("key", req.http.X)`, withText())).toBe(`0x${hex}`);
    expect(evaluate(`digest.hmac_${name}_base64("key", req.http.X)`, withText())).toBe(
      Buffer.from(hex, "hex").toString("base64"),
    );
    const empty = createHmac(name, "").update("").digest("base64");
    expect(evaluate(`digest.hmac_${name}_base64("", req.http.Missing)`)).toBe(empty);
  });

  test.each([
    ["digest.hmac_md5(", "md5"],
    ["digest.hmac_sha1(", "sha1"],
    ["digest.hmac_sha256(", "sha256"],
    ["digest.hmac_sha512(", "sha512"],
  ])("%s takes an empty key and text", (call, name) => {
    const hex = createHmac(name, "").update("").digest("hex");
    expect(evaluate(`${call}"", "")`)).toBe(`0x${hex}`);
  });

  test.each([
    ["digest.hmac_md5_base64(", "md5"],
    ["digest.hmac_sha1_base64(", "sha1"],
    ["digest.hmac_sha256_base64(", "sha256"],
    ["digest.hmac_sha512_base64(", "sha512"],
  ])("%s takes a key longer than a block", (call, name) => {
    const key = "k".repeat(200);
    expect(evaluate(`${call}"${key}", "text")`)).toBe(createHmac(name, key).update("text").digest("base64"));
  });

  test.each([
    // The reference's own examples.
    ['digest.hmac_sha1("key", "input")', "0x8513bb355076cce2ae5eb9f399ab5cafdba7c8a2"],
    ['digest.hmac_sha256_base64("key", "input")', "ngiewTr4gaisInpzbD58SQ6jtK/KDF+D3/Y5O2g6cuM="],
    [
      'digest.hmac_sha512_base64("key", "input")',
      "A613yBfzJmnMzzjayRXU5VoWgzscpoWXmp31IaBSNZeAkAQ8PaQC2tNl7TmsBa9IZKgERRhh9LTfdoCDTG1PlQ==",
    ],
  ])("%s is %s", (expression, result) => {
    expect(evaluate(expression)).toBe(result);
  });

  test("a key may be base64, and a payload too", () => {
    expect(evaluate('digest.hmac_sha256_with_base64_key("a2V5", "text")')).toBe(
      `0x${createHmac("sha256", "key").update("text").digest("hex")}`,
    );
    expect(evaluate(`digest.hash_sha1_from_base64("${base64}")`)).toBe(
      createHash("sha1").update(bytes).digest("hex"),
    );
    expect(evaluate(`digest.hash_sha256_from_base64("${base64}")`)).toBe(
      createHash("sha256").update(bytes).digest("hex"),
    );
    expect(evaluate(`digest.hash_sha512_from_base64("${base64}")`)).toBe(
      createHash("sha512").update(bytes).digest("hex"),
    );
    expect(evaluate('digest.hash_xxh32_from_base64("YWJj")')).toBe(evaluate('digest.hash_xxh32("abc")'));
    expect(evaluate('digest.hash_xxh64_from_base64("YWJj")')).toBe(evaluate('digest.hash_xxh64("abc")'));
  });

  test.each([
    ["digest.time_hmac_md5(", "md5"],
    ["digest.time_hmac_sha1(", "sha1"],
    ["digest.time_hmac_sha512(", "sha512"],
  ])("%s counts intervals since 1970", (name, algorithm) => {
    const counter = Buffer.alloc(8);
    counter.writeBigInt64BE(3n);
    expect(evaluate(`${name}"a2V5", 30, 1)`, { t: transactionIn("recv", { now: 60 }) })).toBe(
      createHmac(algorithm, "key").update(counter).digest("base64"),
    );
  });

  test("what was enciphered as base64 comes back", () => {
    const KEY = "2b7e151628aed2a6abf7158809cf4f3c";
    const IV = "000102030405060708090a0b0c0d0e0f";
    const before = `set req.http.C = crypto.encrypt_base64(aes128, cbc, pkcs7, "${KEY}", "${IV}", "c2VjcmV0");`;
    expect(
      evaluate(`crypto.decrypt_base64(aes128, cbc, pkcs7, "${KEY}", "${IV}", req.http.C)`, { before }),
    ).toBe("c2VjcmV0");
  });
});

describe("UUIDs", () => {
  test.each([
    // Python's documentation of uuid has these two.
    ['uuid.version3(uuid.dns(), "python.org")', "6fa459ea-ee8a-3ca4-894e-db77e160355e"],
    ['uuid.version5(uuid.dns(), "python.org")', "886313e1-3b8a-5372-9b90-0c9aee199e5d"],
    ["uuid.dns()", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"],
    ["uuid.url()", "6ba7b811-9dad-11d1-80b4-00c04fd430c8"],
    ["uuid.oid()", "6ba7b812-9dad-11d1-80b4-00c04fd430c8"],
    ["uuid.x500()", "6ba7b814-9dad-11d1-80b4-00c04fd430c8"],
    ['uuid.is_version3("6fa459ea-ee8a-3ca4-894e-db77e160355e")', "1"],
    ['uuid.is_version3("886313e1-3b8a-5372-9b90-0c9aee199e5d")', "0"],
    ['uuid.is_version5("886313e1-3b8a-5372-9b90-0c9aee199e5d")', "1"],
    ['uuid.is_version5("")', "0"],
    ["uuid.is_version5(req.http.Missing)", "0"],
    ["uuid.is_valid(uuid.version4())", "1"],
  ])("%s is %s", (expression, result) => {
    expect(evaluate(expression)).toBe(result);
  });
});

describe("addresses and tables", () => {
  const declarations = `
    backend F_a { .host = "a"; } backend F_b { .host = "b"; }
    director ssl_shield_iad shield { .shield = "iad-va-us"; .is_ssl = true; }
    acl local { "192.0.2.0"/24; } acl nobody { }
    table texts { "a": "x" }
    table flags BOOL { "on": true }
    table numbers INTEGER { "least": -9223372036854775808 }
    table times RTIME { "day": 1d }
    table origins BACKEND { "b": F_b }
    table lists ACL { "l": local }
    table floats FLOAT { "half": 0.5 }
    table ips IP { "a": "192.0.2.1" }
    table patterns REGEX { "p": "^/(a|b)$" }`;

  test.each([
    ["std.ip2str(client.ip)", "198.51.100.7"],
    ['std.ip2str(std.str2ip("2001:DB8::0001", "::"))', "2001:db8::1"],
    ['std.ip2str(std.str2ip("nonsense", "192.0.2.9"))', "192.0.2.9"],
    ['table.lookup(texts, "a", "none")', "x"],
    ['table.lookup(texts, "A", "none")', "none"],
    ['table.lookup(texts, "")', null],
    ['table.contains(texts, "a")', "1"],
    ["table.contains(texts, req.http.Missing)", "0"],
    ['table.lookup_bool(flags, "on", false)', "1"],
    ['table.lookup_bool(flags, "off", false)', "0"],
    ['table.lookup_integer(numbers, "least", 0)', "-9223372036854775808"],
    ['table.lookup_integer(numbers, "none", -1)', "-1"],
    ['table.lookup_rtime(times, "day", 1s)', "86400.000"],
    ['table.lookup_backend(origins, "b", F_a)', "F_b"],
    ['table.lookup_backend(origins, "none", F_a)', "F_a"],
    ['if("192.0.2.1" ~ table.lookup_acl(lists, "l", nobody), "in", "out")', "in"],
    ['if("192.0.2.1" ~ table.lookup_acl(lists, "none", nobody), "in", "out")', "out"],
    ["fastly.try_select_shield(ssl_shield_iad, F_a)", "ssl_shield_iad"],
    ["fastly.try_select_shield(F_b, F_a)", "F_a"],
    ['table.lookup_float(floats, "half", 2.0)', "0.500"],
    ['table.lookup_float(floats, "HALF", 2.0)', "2.000"],
    ['table.lookup_ip(ips, "a", client.ip)', "192.0.2.1"],
    ['table.lookup_ip(ips, "", client.ip)', "198.51.100.7"],
    ['if("/a" ~ table.lookup_regex(patterns, "p"), "yes", "no")', "yes"],
    ['if("/c" ~ table.lookup_regex(patterns, "p"), "yes", "no")', "no"],
    ['if("/a" ~ table.lookup_regex(patterns, "missing"), "yes", "no")', "no"],
  ])("%s is %s", (expression, result) => {
    expect(evaluate(expression, { declarations })).toBe(result);
  });
});

describe("url.normalize", () => {
  test("the reference's examples", () => {
    const t = transactionIn("recv", { req: makeRequest("/foo/../foo%3dbar") });
    expect(evaluate("url.normalize(req.url)", { t })).toBe("/foo%3Dbar");
    expect(evaluate('url.normalize("http://" req.http.host req.url)', { t })).toBe(
      "http://www.example.com/foo%3Dbar",
    );
  });

  test.each([
    ["HTTP://WWW.Example.COM:80", "http://www.example.com/"],
    ["https://example.com:443/a?B=%2f#frag", "https://example.com/a?B=%2f"],
    ["https://example.com:80/", "https://example.com:80/"],
    ["http://[2001:DB8::A]:080/", "http://[2001:db8::a]:080/"],
    ["http://user@Example.com:/x", "http://user@example.com/x"],
    ["/%7euser/%41%2f%2e%2e/b", "/~user/A%2Fb".replace("%2Fb", "%2F../b")],
    ["/a/./b/../../c", "/c"],
    ["/../../a/..", "/"],
    ["/a/b/.", "/a/b/"],
    ["/%2e%2e/secret", "/secret"],
    ["//a//b/", "//a//b/"],
    ["/a?x=/../y#z", "/a?x=/../y"],
    ["/", "/"],
  ])("%s becomes %s", (url, normal) => {
    expect(normalizeUrl(url)).toBe(normal);
  });

  test.each([
    "",
    "*",
    "a/b",
    "ftp://EXAMPLE.com/",
    "/%zz",
    "/a b/../c",
    "/\u00e9/../a",
    "http:///a/../b",
    "/a|b/..",
  ])("%j is no such URL and stays as it is", (url) => {
    expect(normalizeUrl(url)).toBe(url);
  });
});

describe("what is about the connection", () => {
  test("server push and header compression do nothing on HTTP/1.1", () => {
    const { action } = runStatements(
      'h2.push("/style.css", "style"); h2.disable_header_compression("Set-Cookie");',
    );
    expect(action).toEqual({ do: "lookup" });
  });

  test.each([
    ["HTTP/1.1", []],
    ["HTTP/2", [["link: </a.css>; rel=preload", "link: </b.js>; rel=preload"]]],
    ["HTTP/3", [["link: </a.css>; rel=preload", "link: </b.js>; rel=preload"]]],
  ])("early_hints over %s reach the edge as %j", (proto, sent) => {
    const t = transactionIn("recv");
    t.req.proto = proto;
    const hints: (readonly string[])[] = [];
    Object.assign(t.host, { sendEarlyHints: (lines: readonly string[]) => void hints.push(lines) });
    runStatements('early_hints("link: </a.css>; rel=preload", "link: </b.js>; rel=preload");', { t });
    expect(hints).toEqual(sent);
  });

  test.each([
    ["HTTP/1.1", true],
    ["HTTP/2", true],
    ["HTTP/3", false],
  ])("h3.alt_svc over %s: %j", (proto, offered) => {
    const t = transactionIn("recv");
    t.req.proto = proto;
    runStatements("h3.alt_svc();", { t });
    expect(t.effects?.altSvc ?? false).toBe(offered);
  });

  test.each([
    ["resp.tarpit(5, 1000);", { intervalSeconds: 5, chunkBytes: 1000 }, null],
    ["resp.tarpit(5);", { intervalSeconds: 5, chunkBytes: 100 }, null],
    ["resp.tarpit(-1);", null, "EINVAL"],
    ["resp.tarpit(1, 0);", null, "EINVAL"],
  ])("%s asks for %j", (statement, asked, code) => {
    const { t } = runStatements(statement, { state: "deliver" });
    expect([t.effects?.tarpit ?? null, t.vclError]).toEqual([asked, code]);
  });

  test("fastly.ff.last_hop_was_serviceid asks the edge", () => {
    const t = transactionIn("recv");
    Object.assign(t.host, { wasLastHop: (id: string) => id === "mine" });
    expect(evaluate('fastly.ff.last_hop_was_serviceid("mine")', { t })).toBe("1");
    expect(evaluate('fastly.ff.last_hop_was_serviceid("other")', { t })).toBe("0");
    expect(evaluate('fastly.ff.last_hop_was_serviceid("mine")')).toBe("0");
  });
});

describe("rate limiting", () => {
  const declarations = "ratecounter rc { } ratecounter slow { } penaltybox pb { }";

  test("a counter counts, a box holds who is put into it", () => {
    const { t } = runStatements(
      `set req.http.A = ratelimit.ratecounter_increment(rc, "a", 3);
       set req.http.B = ratecounter.rc.bucket.60s;
       ratelimit.penaltybox_add(pb, "a", 2m);
       set req.http.C = ratelimit.penaltybox_has(pb, "a") ratelimit.penaltybox_has(pb, "b");`,
      { declarations },
    );
    expect(["A", "B", "C"].map((name) => t.req.headers.get(name))).toEqual(["3", "3", "10"]);
  });

  test("who goes over one limit of two is in the box", () => {
    const check = 'ratelimit.check_rates("e", rc, 600, 1, 1000, slow, 600, 60, 10, pb, 2m)';
    const { t } = runStatements(
      `set req.http.A = ${check}; set req.http.B = ${check}; set req.http.C = ratelimit.check_rate("f", rc, 1, 60, 10, pb, 2m);`,
      { declarations },
    );
    expect(["A", "B", "C"].map((name) => t.req.headers.get(name))).toEqual(["0", "1", "0"]);
  });
});
