import { createHash, createHmac } from "node:crypto";
import * as fc from "fast-check";
import { encodeConfig } from "../../../src/site/codec.ts";
import { deltaHash, packDelta } from "../../../src/site/delta-list.ts";
import type { AliasConfig, ServedConfig } from "../../../src/site/model.ts";
import { bucketMetadata } from "../../../src/site/rule-buckets.ts";
import { segmentHash, shortHash } from "../../../src/site/short-hashes.ts";
import type { CaseObject } from "../equality-case.ts";
import { BEGINNING } from "../run-case.ts";
import { PAGE_KEYS, SEGMENTS } from "./paths.ts";
import { HOSTS, PASSWORD } from "./requests.ts";
import { slotRules } from "./rules.ts";

type Metadata = Readonly<Record<string, string>>;

const sha256Hex = (text: string): string => createHash("sha256").update(text).digest("hex");

const SALT = "0123456789abcdef0123456789abcdef";
const verifier = createHmac("sha256", SALT).update(PASSWORD, "utf8").digest("hex");
const NOW = BEGINNING / 1000;

/** Entries by page key. */
const changed = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...PAGE_KEYS), fc.constantFrom("2", "2", "zz99", "-")), {
    maxLength: 6,
    selector: ([key]) => key,
  })
  .map((entries) => new Map(entries));

const delta: fc.Arbitrary<string> = changed.map((entries) => {
  const hashed = new Map([...entries].map(([key, release]) => [deltaHash(key, sha256Hex), release]));
  const others = PAGE_KEYS.filter((key) => !entries.has(key)).map((key): [string, undefined] => [
    deltaHash(key, sha256Hex),
    undefined,
  ]);
  const packed = packDelta(hashed, { leads: others, avoids: [] });
  return packed.kind === "ok" ? packed.text : "";
});

/** As codec version 2 wrote them. */
const formerDelta: fc.Arbitrary<string> = changed.map((entries) =>
  ["2", "zz99", "-"]
    .map(
      (release) =>
        [
          release,
          [...entries]
            .flatMap(([key, one]) => (one === release ? [`,${sha256Hex(key).slice(0, 8)}`] : []))
            .sort(),
        ] as const,
    )
    .filter(([, hashes]) => hashes.length > 0)
    .map(([release, hashes]) => `${hashes.join("")}=${release}`)
    .join("&"),
);

const areas = fc
  .uniqueArray(
    fc.constantFrom(
      "/",
      "/private/",
      "/blog/",
      "/caf%C3%A9/",
      "/blog/2024/",
      "/404/",
      "/a/b/c/d/e/f/",
      "/%E6%97%A5%E6%9C%AC/",
    ),
    {
      maxLength: 3,
    },
  )
  .map((prefixes) => prefixes.map((prefix) => ({ prefix, salt: SALT, verifier })));

const usually = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 5, arbitrary: fc.constant(usual) },
    { weight: 2, arbitrary: fc.constantFrom(...others) },
  );

/** All that a config of a host that shows a site can say. */
const served: fc.Arbitrary<ServedConfig> = fc.record({
  kind: fc.constant("site" as const),
  site: fc.oneof(
    { weight: 15, arbitrary: fc.constant("blog") },
    { weight: 1, arbitrary: fc.constant("shop") },
  ),
  base: fc.oneof(
    { weight: 8, arbitrary: fc.constant("1") },
    { weight: 1, arbitrary: fc.constantFrom("2", "zz99") },
  ),
  release: fc.constantFrom("1", "2"),
  delta: fc.oneof({ weight: 2, arbitrary: fc.constant("") }, { weight: 1, arbitrary: delta }),
  forceTls: usually(false, true),
  hsts: usually<number | undefined>(undefined, 0, 300, 63_072_000),
  notFound: fc.constantFrom("page", "redirect", "spa", "builtin"),
  notFoundDirectories: fc
    .uniqueArray(
      fc.constantFrom("blog", "404", "blog/2024", "caf%C3%A9", "private", "a/b", "%E6%97%A5%E6%9C%AC"),
      { maxLength: 2 },
    )
    .map((all) => all.map((one) => shortHash(one, sha256Hex)).sort()),
  paths: fc.constantFrom("redirect", "redirect", "strict", "literal"),
  noindex: usually(false, true),
  suspended: fc.oneof(
    { weight: 12, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(410 as const, 503 as const) },
  ),
  euOnly: usually(false, true),
  protectedAreas: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: areas }),
  expiresAt: fc.oneof(
    { weight: 6, arbitrary: fc.constant(undefined) },
    { weight: 2, arbitrary: fc.constantFrom(NOW - 1, NOW, NOW + 1, NOW + 5, NOW + 61, 1, 99_999_999_999) },
  ),
  rules: fc.oneof({ weight: 1, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: slotRules }),
  buckets: fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    {
      weight: 1,
      arbitrary: fc.record({
        tag: fc.constantFrom("1", "2"),
        segments: fc
          .uniqueArray(fc.constantFrom(...SEGMENTS), { minLength: 1, maxLength: 3 })
          .map((all) => all.map((one) => segmentHash(one, sha256Hex)).sort()),
      }),
    },
  ),
});

const aliased: fc.Arbitrary<AliasConfig> = fc.record({
  kind: fc.constant("alias" as const),
  site: fc.constant("blog"),
  canonicalHost: fc.constantFrom("www.example.com", "other.example.com"),
  forceTls: fc.boolean(),
});

const valid: fc.Arbitrary<Metadata> = fc
  .oneof({ weight: 8, arbitrary: served }, { weight: 1, arbitrary: aliased })
  .map((config) => {
    const encoded = encodeConfig(config);
    if (encoded.kind === "ok") return encoded.metadata;
    const bare = encodeConfig(config.kind === "alias" ? config : { ...config, rules: [] });
    return bare.kind === "ok" ? bare.metadata : { v: "3", s: "blog", r: "1" };
  });

/** Of a former codec version, with what that one knew. */
const former: fc.Arbitrary<Metadata> = fc.oneof(
  valid.map(({ v: _v, r = "1", d: _d, ...rest }) => {
    const { b: _b, w: _w, o: _o, g: _g, e: _e, i: _i, ...known } = rest;
    return { ...known, v: "1", r };
  }),
  fc
    .tuple(valid, formerDelta)
    .map(([{ d: _d, ...rest }, d]) => ({ ...rest, v: "2", ...(d === "" ? {} : { d }) })),
);

const LETTERS = [
  "v",
  "s",
  "r",
  "i",
  "d",
  "t",
  "h",
  "c",
  "n",
  "e",
  "l",
  "m",
  "x",
  "g",
  "w",
  "o",
  "q",
  "b",
] as const;

const HOSTILE = [
  "0",
  "2",
  "4",
  "3 ",
  "1, 3",
  "-",
  "x",
  "a/b",
  "../..",
  "BLOG",
  "%2e%2e",
  ",,",
  ",0000,",
  "1,",
  "1,zzzz,",
  ",abcd",
  "99999",
  "-1",
  "1e3",
  "99999999999",
  "999999999999",
  "evil.example/",
  "www.example.com:8443",
  "www..example",
  "WWW.example.com",
  "=2",
  "30:AAA",
  "30:AAA=2",
  "70:AAAAAAA=2",
  "3:=2",
  "60:AAAAAA=../../x&BBBBBB=-",
  "0=301 /old/* /new/{*}|junk",
  "0=301 /old/* https://evil.example/{*}",
  "0=301 /a /b|0=302 /a /c",
  "1=!301 /* /x",
  "0=299 /* /x",
  "0=!200 /old/:  /x",
  "0=301 /: /{1}{1}{1}",
  "z=301 /* /x",
  "A=301 /old/* /new",
  "|||",
  "0=aa:bb:/",
  `0=${SALT}:${verifier}:/private`,
  `0=${SALT}:${verifier}:/private/|1=${SALT}:${verifier}:/`,
  `1=${SALT}:${verifier}:/`,
  `0=${SALT.toUpperCase()}:${verifier}:/`,
  "410 ",
  "503",
  "200",
  "p",
  "r",
  "s",
  "P",
  "y".repeat(600),
  "blog\u00e9",
  "caf\u00e9.example",
  "\u00a0",
  "1\u0085",
  "\u00b9",
  "\u0001",
  "=?UTF-8?Q?caf=C3=A9?=",
] as const;

/** Bytes that one of the two might take for a blank, a letter or the end of a text. */
const ODD_BYTES = ["\t", "\u0001", "\u007f", "\u0085", "\u00a0", "\u00c9", "\u00e9", "\u00ff"] as const;

const mutation: fc.Arbitrary<(metadata: Metadata) => Metadata> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...LETTERS), fc.constantFrom(...HOSTILE))
    .map(([letter, value]) => (metadata: Metadata) => ({ ...metadata, [letter]: value })),
  fc
    .constantFrom(...LETTERS)
    .map(
      (letter) => (metadata: Metadata) =>
        Object.fromEntries(Object.entries(metadata).filter(([name]) => name !== letter)),
    ),
  fc.tuple(fc.constantFrom(...LETTERS), fc.nat({ max: 60 })).map(([letter, at]) => (metadata: Metadata) => {
    const value = metadata[letter];
    return value === undefined
      ? metadata
      : { ...metadata, [letter]: value.slice(0, at) + value.slice(at + 1) };
  }),
  fc
    .tuple(fc.constantFrom(...LETTERS), fc.nat({ max: 60 }), fc.constantFrom(...ODD_BYTES))
    .map(([letter, at, byte]) => (metadata: Metadata) => {
      const value = metadata[letter];
      return value === undefined
        ? metadata
        : { ...metadata, [letter]: value.slice(0, at) + byte + value.slice(at) };
    }),
);

const mutated: fc.Arbitrary<Metadata> = fc
  .tuple(valid, fc.array(mutation, { minLength: 1, maxLength: 2 }))
  .map(([metadata, all]) => all.reduce((one, mutate) => mutate(one), metadata));

/** A config's metadata: valid, of a former version, or what nobody should have written. */
export const configMetadata: fc.Arbitrary<Metadata> = fc.oneof(
  { weight: 7, arbitrary: valid },
  { weight: 1, arbitrary: former },
  { weight: 2, arbitrary: mutated },
);

function configObject(siteEnv: string, host: string, metadata: Metadata): CaseObject {
  return {
    bucket: "config",
    key: `test/${siteEnv}/${host}/`,
    // Other bytes each time they are written, so that a condition finds them changed.
    body: { text: JSON.stringify(metadata), times: 1 },
    headers: [["Content-Type", "application/json"]],
    metadata,
  };
}

/** A config that says no more than it must. */
export const plainConfig = configObject("production", HOSTS[0], { v: "3", s: "blog", r: "1" });

/** The config of a site that is protected as a whole. */
export const guardedConfig: fc.Arbitrary<CaseObject> = fc.boolean().map((isOfPart) => {
  const prefix = isOfPart ? "/about/" : "/";
  return configObject("production", HOSTS[0], {
    v: "3",
    s: "blog",
    r: "1",
    w: `0=${SALT}:${verifier}:${prefix}`,
  });
});

/** A config for one of the hosts, in a website environment that may be its own. */
export const configFor = (host: string): fc.Arbitrary<CaseObject> =>
  fc
    .tuple(
      fc.constantFrom(...(host.endsWith(".net") ? ["preview", "staging", "production"] : ["production"])),
      configMetadata,
    )
    .map(([siteEnv, metadata]) => configObject(siteEnv, host, metadata));

/** Configs of all hosts. */
export const configs: fc.Arbitrary<readonly CaseObject[]> = fc
  .tuple(configFor(HOSTS[0]), fc.array(fc.constantFrom(...HOSTS).chain(configFor), { maxLength: 2 }))
  .map(([first, others]) => [first, ...others]);

/** An object of rules for a first path segment. */
export const ruleBucket: fc.Arbitrary<CaseObject> = fc
  .record({
    segment: fc.constantFrom(...SEGMENTS),
    tag: fc.constantFrom("1", "1", "2"),
    rules: slotRules,
    metadata: fc.oneof(
      { weight: 6, arbitrary: fc.constant<Metadata>({}) },
      {
        weight: 1,
        arbitrary: fc.constantFrom<Metadata>({ v: "9" }, { s: "shop" }, { q: "junk" }, { q: "" }, { v: "2" }),
      },
    ),
  })
  .map(({ segment, tag, rules, metadata }) => ({
    ...configObject("production", "", { ...bucketMetadata({ site: "blog", rules }), ...metadata }),
    key: `test/production/_sites/blog/rules/${tag}/${segmentHash(segment, sha256Hex)}`,
  }));
