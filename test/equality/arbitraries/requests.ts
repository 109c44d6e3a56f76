import { createHash } from "node:crypto";
import * as fc from "fast-check";
import type { HeaderLine } from "../../../src/http/header-list.ts";
import { DEBUG_PREFIX } from "../../../src/site/edge-names.ts";
import type { CaseRequest } from "../equality-case.ts";
import { SEGMENT } from "../settings.ts";
import { rawPath, rawQuery } from "./paths.ts";

/** Hosts that configs are for. */
export const HOSTS = [
  "www.example.com",
  "example.com",
  "site.staging.example.net",
  "pr-1.example.net",
  "xn--caf-dma.example.com",
] as const;
export const PASSWORD = "p\u00e4ss:w\u00f6rd";

const TOKEN = createHash("sha256").update(`${DEBUG_PREFIX}${SEGMENT}`).digest("hex");

const host: fc.Arbitrary<string> = fc.oneof(
  { weight: 24, arbitrary: fc.constantFrom(...HOSTS, ...Array.from({ length: 8 }, () => HOSTS[0])) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "WWW.Example.COM",
      "www.example.com.",
      "www.example.com:8080",
      "www.example.com.:443",
      "unknown.example.com",
      "deep.er.staging.example.net",
      "staging.example.net",
      "a..b.example.com",
      "-a.example.com",
      "a_b.example.com",
      "192.0.2.7",
      "[2001:db8::1]",
      "www.example.com:99999",
      "www.example.com:abc",
      "www.example.com..",
      `${"a".repeat(64)}.example.com`,
      `${"a.".repeat(125)}example.com`,
      "XN--CAF-dma.example.com.:8443",
      "caf\u00e9.example.com",
      "caf%C3%A9.example.com",
      "xn--.example.com",
      "_dmarc.example.com",
      "www.example.com:",
      "_sites",
      "www.example.com%00",
    ),
  },
);

const md5 = (text: string): string => createHash("md5").update(text, "utf8").digest("hex");
/** Tags of bodies that objects have: `objects.ts`. */
const TAGS = ["object about\n", "object index\n"].map((text) => `"${md5(text)}"`);

const basic = (user: string): string => `Basic ${Buffer.from(user, "utf8").toString("base64")}`;

export const RIGHT_PASSWORD = basic(`any:${PASSWORD}`);
export const WRONG_PASSWORD = basic("any:wrong");

const line: fc.Arbitrary<readonly HeaderLine[]> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .constantFrom(
        "gzip",
        "br",
        "gzip, br",
        "gzip;q=0",
        "br;q=0, gzip",
        "br;q=0.5",
        "identity",
        "*",
        "GZIP",
        "deflate, gzip;q=1.0, *;q=0.5",
        "brotli",
        "x-gzip",
        "br\u00a0",
        "gzip;\u00a0q=0",
        "",
      )
      .map((value): readonly HeaderLine[] => [["Accept-Encoding", value]]),
  },
  {
    weight: 5,
    arbitrary: fc
      .constantFrom(
        "*",
        ...TAGS,
        ...TAGS.map((tag) => `W/${tag}`),
        `"none", ${TAGS[0] ?? ""}`,
        '"none"',
        "malformed",
        '"caf\u00e9"',
        `\u00a0${TAGS[0] ?? ""}`,
        `\u0001${TAGS[0] ?? ""}`,
        "",
      )
      .map((value): readonly HeaderLine[] => [["If-None-Match", value]]),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(
        "Thu, 01 Jan 2026 00:00:00 GMT",
        "Wed, 31 Dec 2025 23:59:59 GMT",
        "Fri, 02 Jan 2026 00:00:00 GMT",
        "Thursday, 01-Jan-26 00:00:00 GMT",
        "Thu Jan  1 00:00:00 2026",
        "never",
        "0",
      )
      .map((value): readonly HeaderLine[] => [["If-Modified-Since", value]]),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          "bytes=0-0",
          "bytes=0-",
          "bytes=2-5",
          "bytes=-3",
          "bytes=-0",
          "bytes=5-2",
          "bytes=999999999-",
          "bytes=0-1,3-4",
          "bytes=",
          "items=0-1",
          "bytes = 1-2",
          "BYTES=1-2",
          "bytes=-99999",
          "bytes=1-99999999999999999999",
          "bytes=0-\u00b2",
          "bytes=0-5\u00a0",
        ),
        fc.option(fc.constantFrom(...TAGS, "Thu, 01 Jan 2026 00:00:00 GMT", '"none"', `W/${TAGS[0] ?? ""}`), {
          freq: 4,
        }),
      )
      .map(([range, condition]): readonly HeaderLine[] => [
        ["Range", range],
        ...(condition === null ? [] : [["If-Range", condition] as const]),
      ]),
  },
  {
    weight: 5,
    arbitrary: fc
      .constantFrom(
        RIGHT_PASSWORD,
        RIGHT_PASSWORD,
        basic(`:${PASSWORD}`),
        WRONG_PASSWORD,
        basic("nocolon"),
        "Basic ",
        "Basic !!!!",
        "Bearer token",
        `basic   ${Buffer.from(`u:${PASSWORD}`, "utf8").toString("base64")}`,
        `Basic ${"QUFB".repeat(400)}`,
        "Basic QQ",
        "Basic QUFB=QUFB",
        `Basic\u00a0${Buffer.from(`u:${PASSWORD}`, "utf8").toString("base64")}`,
        `Basic ${Buffer.from(`u:${PASSWORD}`, "latin1").toString("base64")}`,
        `Basic ${Buffer.from(`u:${PASSWORD}`, "utf8").toString("base64url")}`,
      )
      .map((value): readonly HeaderLine[] => [["Authorization", value]]),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.constantFrom(TOKEN, TOKEN, TOKEN, TOKEN.toUpperCase(), "wrong", ""),
        fc.option(fc.constantFrom("shield", "1"), { freq: 4 }),
      )
      .map(([token, probe]): readonly HeaderLine[] => [
        ["Sitefleet-Debug", token],
        ...(probe === null ? [] : [["Sitefleet-Probe", probe] as const]),
      ]),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom<readonly HeaderLine[]>(
      [["Sec-Fetch-Mode", "navigate"]],
      [["Sec-Fetch-Mode", "cors"]],
      [["Accept", "text/html,application/xhtml+xml"]],
      [["Accept", "TEXT/HTML"]],
      [["Accept", "application/json"]],
      [["Sec-Fetch-Mode", "NAVIGATE"]],
      [["Accept", "text/html\u00e9"]],
      [["Sec-Fetch-Mode", "navigate\u00a0"]],
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<readonly HeaderLine[]>(
      [["SF-Phase", "page"]],
      [["SF-Site", "shop"]],
      [["SF-Trusted", "1"]],
      [["SF-Base", "2"]],
      [["SF-Cfg-e", "1"]],
      [["x-amz-meta-s", "shop"]],
      [["X-Amz-Date", "20200101T000000Z"]],
      [["Fastly-Debug", "1"]],
      [["Fastly-FF", "x!LHR!cache-lhr1-LHR"]],
      [["Fastly-Force-Shield", "1"]],
      [["Fastly-Client-IP", "192.0.2.99"]],
      [["Surrogate-Control", "max-age=1"]],
      [["Cache-Control", "no-cache"]],
      [["Pragma", "no-cache"]],
      [["Cookie", "a=b"]],
      [["If-Match", '"x"']],
      [["If-Unmodified-Since", "Thu, 01 Jan 2015 00:00:00 GMT"]],
      [["X-Forwarded-Proto", "http"]],
      [["X-HTTP-Method-Override", "DELETE"]],
      [["Connection", "Range"]],
      [["Fastly-Orig-Accept-Encoding", "br"]],
    ),
  },
);

const method = fc.oneof(
  { weight: 12, arbitrary: fc.constant("GET") },
  { weight: 3, arbitrary: fc.constant("HEAD") },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "POST",
      "PUT",
      "DELETE",
      "OPTIONS",
      "PATCH",
      "PURGE",
      "FASTLYPURGE",
      "TRACE",
      "get",
      "FOO",
    ),
  },
);

/** Addresses in three networks of 64 bits, in the spellings that a platform may give them; others of IPv4, one of them mapped too. */
export const ADDRESSES = [
  "2001:db8:1:2::7",
  "2001:db8:1:2:3:4:5:6",
  "2001:db8:1:2:ffff:ffff:ffff:ffff",
  "2001:db8:1:3::7",
  "2001:db8::7",
  "::1",
  "192.0.2.99",
  "::ffff:192.0.2.99",
  "198.51.100.8",
] as const;

/** Most come from where all do. */
const visitorAddress = fc.option(fc.constantFrom(...ADDRESSES), { nil: undefined, freq: 3 });

/** A visitor's request; most are usual ones for what the site has. */
export const caseRequest: fc.Arbitrary<CaseRequest> = fc
  .record({
    method,
    host,
    path: rawPath,
    query: rawQuery,
    form: fc.oneof(
      { weight: 30, arbitrary: fc.constant("origin" as const) },
      { weight: 1, arbitrary: fc.constantFrom("http://", "HTTPS://") },
    ),
    isTls: fc.oneof(
      { weight: 5, arbitrary: fc.constant(true) },
      { weight: 1, arbitrary: fc.constant(false) },
    ),
    ip: visitorAddress,
    country: fc.option(fc.constantFrom("DE", "US", "GP", "GL", "NO"), { nil: undefined, freq: 3 }),
    lines: fc.array(line, { maxLength: 3 }),
  })
  .map(({ form, path, query, lines, country, ip, ...rest }) => ({
    ...rest,
    ...(ip === undefined ? {} : { ip }),
    // As to a proxy, which the host then is a part of (RFC 9112 section 3.2.2).
    target: form === "origin" ? `${path}${query}` : `${form}${rest.host}${path}${query}`,
    headers: onceEach(lines.flat()),
    ...(country === undefined ? {} : { country }),
  }));

/** A header that comes twice is another question, which Fastly answers before either target. */
function onceEach(lines: readonly HeaderLine[]): readonly HeaderLine[] {
  const seen = new Set<string>();
  return lines.filter(([name]) => !seen.has(name) && seen.add(name));
}
