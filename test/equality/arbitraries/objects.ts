import * as fc from "fast-check";
import type { HeaderLine } from "../../../src/http/header-list.ts";
import { headerText, packHeaders } from "../../../src/site/packed-headers.ts";
import type { CaseObject } from "../equality-case.ts";
import { PAGE_KEYS } from "./paths.ts";

type Metadata = Readonly<Record<string, string>>;

/** Canonical paths that a page of a key may say: its own by each policy, another one's, and what publishing never writes. */
function canonicalPaths(key: string): readonly string[] {
  const stem = `/${key.replace(/(?:\/?index)?\.html$/, "")}`;
  return [
    stem,
    stem,
    stem,
    stem === "/" ? "/" : `${stem}/`,
    `/${key}`,
    "/elsewhere",
    "//evil.example",
    "no-slash",
    "/a b",
    `${stem}\u00a0`,
    `${stem}\u00e9`,
  ];
}

const packed: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .uniqueArray(
        fc.constantFrom(
          { kind: "set", name: "X-Frame-Options", value: "DENY" } as const,
          { kind: "set", name: "Content-Security-Policy", value: 'default-src "self"; a|b 100%' } as const,
          { kind: "set", name: "Link", value: "</a.css>; rel=preload,  </b.js>; rel=preload" } as const,
          { kind: "set", name: "Referrer-Policy", value: "no-referrer" } as const,
          { kind: "set", name: "X-Robots-Tag", value: "none" } as const,
          { kind: "set", name: "Access-Control-Allow-Origin", value: "*" } as const,
          { kind: "set", name: "Vary", value: "Origin" } as const,
          { kind: "set", name: "Cache-Control", value: "public, max-age=60" } as const,
          { kind: "set", name: "Strict-Transport-Security", value: "max-age=1" } as const,
          { kind: "remove", name: "Referrer-Policy" } as const,
          { kind: "remove", name: "X-Content-Type-Options" } as const,
          { kind: "remove", name: "Cache-Control" } as const,
        ),
        { maxLength: 5, selector: ({ name }) => name },
      )
      .map(packHeaders),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "0=Set-Cookie:a=b",
      "0=Surrogate-Key:all",
      "0=SF-State:HIT",
      "0=x-amz-meta-s:shop",
      "0=Fastly-Debug:1",
      "0=Connection:close",
      "0=Content-Length:3",
      "0=Transfer-Encoding:chunked",
      "0=Location:/x",
      "0=Content-Encoding:gzip",
      "0=ETag:abc",
      "0=Age:5",
      "0=X-A:b%0d%0aSet-Cookie:c",
      "0=X-A:b%0a",
      "0=X-A:%20b",
      "0=X-A:b+c",
      "0=X-A:b%zz",
      "0=X-A:%C3%A9",
      "0=X-A:",
      "0=:b",
      "0=X A:b",
      "1=X-B:second|0=X-A:first",
      "0=X-A:one|0=X-A:two",
      "0=X-A:one|1=X-A:two",
      "g=X-G:no",
      "X-A:b",
      "|0=X-A:b|",
      "0=!Referrer-Policy|1=!referrer-policy",
      "0=!ETag",
      "A=X-A:upper",
      `0=X-A:${"v".repeat(300)}`,
      `0=${"N".repeat(101)}:b`,
      "0=Content-Type:text/plain",
      "0=Content-Disposition:inline",
      "0=Date:now",
      "0=Cache-Status:mine",
      "0=Accept-Ranges:none",
      "0=X-Compress-Hint:on",
      "0=Server:mine",
      "0=X-A:caf\u00e9",
      "0=X-A:%E9",
      "0=X-A:\u00a0b",
      "0=X-A:b\u0085",
      "0=X-\u00c9:b",
      "0=X-A:b\u0001c",
      "0=X-A:b%09c",
      "0=X-A:%7F",
      "0=!Referrer-Policy\u00a0",
      "\u00a00=X-A:b",
      "0=Vary:*",
    ),
  },
);

/** As many as there is room for, or more. */
const manyHeaders: fc.Arbitrary<string> = fc
  .record({ count: fc.integer({ min: 6, max: 20 }), length: fc.constantFrom(1, 20, 70) })
  .map(({ count, length }) =>
    Array.from({ length: count }, (_, index) => {
      const value = `${index % 3 === 0 ? "50% " : ""}${"v".repeat(length)}`;
      const header = headerText(
        index % 7 === 5
          ? { kind: "remove", name: "Referrer-Policy" }
          : { kind: "set", name: `X-Many-${index}`, value },
      );
      return `${index.toString(36)}=${header}`;
    }).join("|"),
  );

const redirect: fc.Arbitrary<Metadata> = fc.record({
  l: fc.constantFrom(
    "/about",
    "/about?x=1",
    "/about#part",
    "/caf%C3%A9?x#y",
    "https://other.example/a",
    "http://other.example",
    "//evil.example",
    "/\\evil.example",
    "javascript:alert(1)",
    "/a b",
    "/caf\u00e9",
    "/\u00a0",
    "/a\u0001b",
    "https://\u00e9.example/",
    "relative",
    "https://",
  ),
  c: fc.constantFrom("301", "301", "302", "303", "307", "308", "300", "304", "200", "abc", "3011"),
});

const alias: fc.Arbitrary<Metadata> = fc
  .constantFrom("404", "410", "451", "404", "200", "500", "x", "41", "404\u00a0", "4\u00b94")
  .map((c) => ({ c }));

function metadataOf(key: string): fc.Arbitrary<Metadata> {
  const page = fc.constantFrom(...canonicalPaths(key)).map((p): Metadata => ({ p }));
  const nothing = fc.constant<Metadata>({});
  return fc
    .tuple(
      fc.oneof(
        { weight: 12, arbitrary: key.endsWith(".html") ? page : nothing },
        { weight: 2, arbitrary: nothing },
        { weight: 3, arbitrary: redirect },
        { weight: 1, arbitrary: redirect.map(({ l = "" }): Metadata => ({ l })) },
        { weight: 2, arbitrary: fc.tuple(page, alias).map(([a, b]): Metadata => ({ ...a, ...b })) },
        { weight: 1, arbitrary: alias },
      ),
      fc.option(fc.oneof({ weight: 6, arbitrary: packed }, { weight: 1, arbitrary: manyHeaders }), {
        nil: undefined,
        freq: 3,
      }),
      fc.option(fc.constantFrom("s", "v", "other"), { nil: undefined, freq: 12 }),
    )
    .map(([own, h, other]) => ({
      ...own,
      ...(h === undefined || h === "" ? {} : { h }),
      ...(other === undefined ? {} : { [other]: "x" }),
    }));
}

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css",
  js: "text/javascript",
  json: "application/json",
  png: "image/png",
  svg: "image/svg+xml",
  mp4: "video/mp4",
};

function nativeOf(key: string): fc.Arbitrary<readonly HeaderLine[]> {
  const usual = TYPES[/\.([a-z0-9]+)$/.exec(key)?.[1] ?? ""] ?? "application/octet-stream";
  const line = (name: string, ...values: readonly string[]): fc.Arbitrary<readonly HeaderLine[]> =>
    fc.constantFrom(...values).map((value) => [[name, value]] as const);
  const types = ["TEXT/HTML", "application/ld+json", "application/wasm", "font/woff2", "application/x-yaml"];
  const optional = fc.oneof(
    line(
      "Cache-Control",
      "public, max-age=31536000, immutable",
      "no-store",
      "private, max-age=5",
      "max-age=60, s-maxage=99, public",
      "public",
      "no-cache",
    ),
    line("Content-Encoding", "gzip", "br", "identity"),
    line("Content-Disposition", 'attachment; filename="a.txt"'),
    line("Content-Language", "de", "en, fr"),
    line("Expires", "Thu, 01 Jan 2030 00:00:00 GMT", "0"),
    line("x-amz-website-redirect-location", "/elsewhere"),
    line("Vary", "Origin"),
    line("Set-Cookie", "a=b"),
    line("Surrogate-Control", "max-age=1", "no-store"),
    line("Surrogate-Key", "proxy-3", "proxy-3 proxy-4"),
    line("Content-Disposition", 'attachment; filename="caf\u00e9.txt"', "inline\u0001"),
    line("Content-Language", "\u00ff", "de\u00a0"),
    line("Cache-Control", "no-store\u00a0", "max-age=5,\u0085public", "MAX-AGE=7, Public"),
    line("x-amz-server-side-encryption", "AES256"),
    line("X-Amz-Version-Id", "abc"),
    line("Age", "100"),
    line("Link", "</a>; rel=next"),
  );
  return fc
    .tuple(
      fc.oneof(
        { weight: 8, arbitrary: fc.constant(usual) },
        { weight: 1, arbitrary: fc.constantFrom(...types) },
        { weight: 1, arbitrary: fc.constantFrom("text/html; charset=\u00e9", "text\u00a0/html", "\u0001") },
      ),
      fc.oneof(
        { weight: 3, arbitrary: fc.constant<readonly HeaderLine[]>([]) },
        {
          weight: 2,
          arbitrary: fc
            .uniqueArray(optional, { maxLength: 3, selector: ([one]) => one?.[0] })
            .map((all) => all.flat()),
        },
      ),
    )
    .map(([type, more]) => [["Content-Type", type] as const, ...more]);
}

/** An object of a release, without what stands before its key. */
function objectOf(key: string): fc.Arbitrary<Omit<CaseObject, "key" | "bucket">> {
  const text = `object ${key.replace(/\.html$/, "")}\n`;
  return fc.record({
    body: fc.record({
      text: fc.constant(text),
      times: fc.oneof(
        { weight: 8, arbitrary: fc.constant(1) },
        { weight: 2, arbitrary: fc.constantFrom(0, 60, 5_000) },
      ),
    }),
    headers: nativeOf(key),
    metadata: metadataOf(key),
  });
}

const rarely = (usual: string, ...others: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );

/** An object of a site's release. */
export const hostingObject: fc.Arbitrary<CaseObject> = fc
  .tuple(
    rarely("production", "staging", "preview"),
    rarely("blog", "shop"),
    fc.oneof(
      { weight: 4, arbitrary: fc.constant("1") },
      { weight: 1, arbitrary: fc.constantFrom("2", "zz99") },
    ),
    fc.constantFrom(...PAGE_KEYS),
  )
  .chain(([siteEnv, site, release, key]) =>
    objectOf(key).map((object) => ({
      ...object,
      bucket: "hosting" as const,
      key: `test/${siteEnv}/${site}/${release}/${key}`,
    })),
  );
