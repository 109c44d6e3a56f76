/** A site that the cases talk about; published by whoever runs them. */
export interface FixtureSite {
  readonly uid: string;
  readonly files: Readonly<Record<string, string>>;
  readonly domains: readonly FixtureDomain[];
  readonly notFound?: "page" | "redirect";
  readonly strictPaths?: boolean;
  readonly noindex?: boolean;
  readonly suspended?: 410 | 503;
}

export interface FixtureDomain {
  readonly host: FixtureHost;
  readonly forceTls?: boolean;
  /** Seconds. */
  readonly hsts?: number;
  /** Redirects to this fixture host. */
  readonly canonical?: FixtureHost;
}

/** First labels below the target's host suffix. */
export type FixtureHost =
  | "main"
  | "tls"
  | "alias"
  | "alias-tls"
  | "plain"
  | "other"
  | "redirect404"
  | "strict"
  | "hidden"
  | "gone"
  | "paused"
  | "rules"
  | "changing"
  | "headers";

const page = (title: string): string => `<!doctype html><title>${title}</title><h1>${title}</h1>\n`;

/** 1,000 bytes whose content tells their place: for ranges. */
export const BLOB = Array.from({ length: 100 }, (_, i) => String(i).padStart(10, "0")).join("");

/** Text long enough that every encoder makes it shorter. */
export const LONG_TEXT = `${"The quick brown fox jumps over the lazy dog. ".repeat(80)}\n`;

const RULES = [
  "# exact",
  "/old /about 301",
  "/old-302 /docs/ 302",
  "/moved https://example.org/new?from=old 308",
  "/see-other /about 303",
  "/temporary /about 307",
  "/about /never 302",
  "/replaced /about 301!",
  "/contact /about#contact 301",
  "# patterns",
  "/blog/:year/:slug /news/:slug/in/:year 301",
  "/legacy/* /docs/:splat 302",
  "/docs/* /never/:splat 302",
  "/forced/* /about 301!",
  "/out/:page https://example.org/:page 307",
  "/people/:name /about?who=all#:name 302",
  "/team/:name /about#:name 302",
].join("\n");

const HEADERS = [
  "/*",
  "  X-Site: every file",
  "/quiet",
  "  ! X-Content-Type-Options",
  "  ! Cache-Control",
  "  Referrer-Policy: no-referrer",
  "/odd",
  '  X-Odd: 100% "a+b" | c; d=e',
  "/data.bin",
  "  Content-Disposition: attachment; filename=data.bin",
  "  Cache-Control: public, max-age=60",
  "  Access-Control-Allow-Origin: *",
].join("\n");

export const FIXTURES: readonly FixtureSite[] = [
  {
    uid: "sf-verify-main",
    files: {
      "index.html": page("Main home"),
      "about.html": page("About"),
      "docs/index.html": page("Docs"),
      "docs/guide.html": page("Guide"),
      "a+b.html": page("Plus"),
      "100% real.html": page("Percent"),
      "grüße.html": page("Greetings"),
      "what?.html": page("Question"),
      "v1.2/index.html": page("Version 1.2"),
      LICENSE: "Do as you like.\n",
      "blob.bin": BLOB,
      "long.txt": LONG_TEXT,
      "logo.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>\n',
      "404.html": page("Main has no such page"),
      ".well-known/acme-challenge/token-1": "token-1.thumb\n",
    },
    domains: [
      { host: "main" },
      { host: "tls", forceTls: true, hsts: 31_536_000 },
      { host: "alias", canonical: "main" },
      { host: "alias-tls", canonical: "tls", forceTls: true },
    ],
    notFound: "page",
  },
  { uid: "sf-verify-plain", files: { "index.html": page("Plain home") }, domains: [{ host: "plain" }] },
  {
    uid: "sf-verify-other",
    files: { "index.html": page("Other home"), "secret.html": page("Other's secret") },
    domains: [{ host: "other" }],
  },
  {
    uid: "sf-verify-rules",
    files: {
      "index.html": page("Rules home"),
      "about.html": page("Rules about"),
      "docs/index.html": page("Rules docs"),
      "docs/guide.html": page("Rules guide"),
      "replaced.html": page("Never shown"),
      "forced/page.html": page("Never shown either"),
      _redirects: RULES,
    },
    domains: [{ host: "rules" }],
  },
  {
    uid: "sf-verify-redirect404",
    files: { "index.html": page("Home"), "404.html": page("Redirected here") },
    domains: [{ host: "redirect404" }],
    notFound: "redirect",
  },
  {
    uid: "sf-verify-strict",
    files: { "index.html": page("Strict home"), "about.html": page("Strict about") },
    domains: [{ host: "strict" }],
    strictPaths: true,
  },
  {
    uid: "sf-verify-hidden",
    files: { "index.html": page("Hidden") },
    domains: [{ host: "hidden" }],
    noindex: true,
  },
  {
    uid: "sf-verify-gone",
    files: { "index.html": page("Gone") },
    domains: [{ host: "gone" }],
    suspended: 410,
  },
  {
    uid: "sf-verify-paused",
    files: { "index.html": page("Paused") },
    domains: [{ host: "paused" }],
    suspended: 503,
  },
  {
    uid: "sf-verify-changing",
    files: { "index.html": page("First edition"), "kept.html": page("Kept") },
    domains: [{ host: "changing" }],
  },
  {
    uid: "sf-verify-headers",
    files: {
      "index.html": page("Headers home"),
      "quiet.html": page("Quiet"),
      "odd.html": page("Odd"),
      "data.bin": BLOB,
      "404.html": page("Not here"),
      _headers: HEADERS,
      _redirects: "/old /quiet 301\n/shown /odd 200\n",
    },
    domains: [{ host: "headers" }],
    notFound: "page",
  },
];
