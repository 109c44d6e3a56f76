import type { HeaderLine } from "../http/header-list.ts";
import { findCountry } from "../mirror/edge/countries.ts";
import { patternText } from "../site/rule-slots.ts";
import type { SlotRule } from "../site/rule-slots.ts";
import { CORPUS_SHARE, shareOf } from "./corpus-site.ts";
import type { CorpusPage, CorpusSite } from "./corpus-site.ts";
import type { ReplayEnvironment } from "./environment.ts";
import { parseFault } from "./origin-fault.ts";
import type { ReplayRequest } from "./request.ts";

/** What a browser sends when somebody follows a link. */
const BROWSER: readonly HeaderLine[] = [
  ["User-Agent", "Mozilla/5.0 (replay)"],
  ["Accept", "text/html,application/xhtml+xml,*/*;q=0.8"],
  ["Sec-Fetch-Mode", "navigate"],
];

type Details = Partial<Omit<ReplayRequest, "about" | "host">>;

/** Makes requests to one host. */
function asking(host: string): (about: string, details?: Details) => ReplayRequest {
  return (about, details = {}) => ({
    about,
    host,
    method: "GET",
    target: "/",
    tls: true,
    headers: BROWSER,
    ...details,
  });
}

/**
 * Everything that the edge decides about a site, asked once: its pages in all spellings, its rules, what it lacks, every
 * policy, methods, conditions, encodings, visitors of two countries, hops, hostile paths, and last, when all else has
 * been cached, stores that fail.
 */
export function siteCorpus(site: CorpusSite, environment: ReplayEnvironment): readonly ReplayRequest[] {
  const ask = asking(site.host);
  return [
    ...site.pages.map(({ path }) => ask("page", { target: path })),
    ...(site.pages.length === 0 ? [ask("page")] : []),
    ...site.assets.map(({ path }) => ask("file", { target: path, headers: FILE })),
    ...spellings(site, ask),
    ...messages(site, ask),
    ...visitors(site, ask, environment),
    ...site.redirects.map((path) => ask("redirect", { target: path })),
    ...shareOf(site.rules, CORPUS_SHARE.rules).map((rule) => ask("rule", { target: ruleTarget(rule) })),
    ...missing(site, ask),
    ...HOSTILE.map((target) => ask("hostile path", { target })),
    ask("hostile headers", { headers: [...BROWSER, ...HOSTILE_HEADERS] }),
    ...site.others.flatMap(otherHost),
    ...faults(ask, environment),
  ];
}

type Ask = ReturnType<typeof asking>;

const FILE: readonly HeaderLine[] = [
  ["User-Agent", "Mozilla/5.0 (replay)"],
  ["Accept", "*/*"],
  ["Sec-Fetch-Mode", "no-cors"],
];

/** Other spellings of a page's path, which policies decide about. */
function spellings(site: CorpusSite, ask: Ask): readonly ReplayRequest[] {
  return site.pages.slice(0, 2).flatMap(({ path }) => {
    const bare = path.replace(/(?:\/|\.html)$/, "");
    const others = [bare, `${bare}/`, `${bare}.html`, `${bare}/index.html`];
    const wanted = others.filter((other) => other !== path && other.startsWith("/") && other !== "/.html");
    return wanted.map((target) => ask("other spelling", { target }));
  });
}

/** The same page by other messages. */
function messages(site: CorpusSite, ask: Ask): readonly ReplayRequest[] {
  const [page] = site.pages;
  const target = page?.path ?? "/";
  const withHeaders = (about: string, lines: readonly HeaderLine[]): ReplayRequest =>
    ask(about, { target, headers: [...BROWSER, ...lines] });
  return [
    ask("plain http", { target, tls: false }),
    ask("query", { target: `${target}?utm_source=replay&b=2` }),
    ask("HEAD", { target, method: "HEAD" }),
    ...conditions(page, target, ask),
    withHeaders("range", [["Range", "bytes=0-9"]]),
    withHeaders("range", [["Range", "bytes=999999999-"]]),
    withHeaders("gzip", [["Accept-Encoding", "gzip"]]),
    withHeaders("brotli", [["Accept-Encoding", "gzip, deflate, br"]]),
    withHeaders("host in capitals", []),
    ...["POST", "OPTIONS", "DELETE", "PURGE"].map((method) => ask(`method ${method}`, { target, method })),
    ask("certificate challenge", { target: "/.well-known/acme-challenge/replay", tls: false }),
  ].map((request) =>
    request.about === "host in capitals" ? { ...request, host: request.host.toUpperCase() } : request,
  );
}

function conditions(page: CorpusPage | undefined, target: string, ask: Ask): readonly ReplayRequest[] {
  const etag = page?.etag ?? "*";
  return [
    ask("If-None-Match", { target, headers: [...BROWSER, ["If-None-Match", etag]] }),
    ask("If-Modified-Since", {
      target,
      headers: [...BROWSER, ["If-Modified-Since", "Thu, 01 Jan 2026 00:00:00 GMT"]],
    }),
  ];
}

/** Who asks, and from where. */
function visitors(
  site: CorpusSite,
  ask: Ask,
  { shield }: Pick<ReplayEnvironment, "shield">,
): readonly ReplayRequest[] {
  const target = site.pages[0]?.path ?? "/";
  const from = (code: string): Details => {
    const country = findCountry(code);
    return country === undefined ? {} : { country };
  };
  const areas = site.config.protectedAreas.map(({ prefix }) =>
    prefix.startsWith("/") ? prefix : `/${prefix}`,
  );
  return [
    ask("visitor in the EU", { target, ...from("FR") }),
    ask("visitor outside the EU", { target, ...from("US") }),
    ...areas.map((path) => ask("password missing", { target: path })),
    ask("password wrong", {
      target: areas[0] ?? target,
      headers: [...BROWSER, ["Authorization", "Basic cmVwbGF5OnJlcGxheQ=="]],
    }),
    ...(shield === undefined ? [] : [ask("at the shield", { target, shield })]),
  ];
}

/** A path that the rule matches, with made-up text where it captures. */
function ruleTarget(rule: SlotRule): string {
  const path = patternText(rule)
    .replaceAll(/\/:(?=\/|$)/g, "/sample-segment")
    .replace(/\/\*$/, "/sample-rest");
  const query = rule.query.map(({ name, value }) => `${name}=${value ?? "sample"}`).join("&");
  return query === "" ? path : `${path}?${query}`;
}

/** What no site has, in places where a policy or a page of its own may answer for it. */
function missing(site: CorpusSite, ask: Ask): readonly ReplayRequest[] {
  const directory = site.pages
    .map(({ path }) => /^(.+)\/[^/]+$/.exec(path)?.[1])
    .find((path) => path !== undefined);
  return [
    ask("missing page", { target: "/replay-missing" }),
    ask("missing file", { target: "/replay-missing.css", headers: FILE }),
    ...(directory === undefined ? [] : [ask("missing page", { target: `${directory}/replay-missing` })]),
  ];
}

/** Paths that must lead nowhere. */
const HOSTILE = [
  "/%00",
  "/%zz",
  "/..%2f..%2fetc/passwd",
  "/a/%2e%2e/b",
  "//evil.example/%2f..",
  "/a\\b",
  `/${"a".repeat(2_100)}`,
] as const;

/** What a client must not be able to say. */
const HOSTILE_HEADERS: readonly HeaderLine[] = [
  ["SF-Phase", "page"],
  ["SF-Site", "another"],
  ["x-amz-meta-s", "another"],
  ["Fastly-FF", "x!LHR!cache-lhr1-LHR"],
  ["Fastly-Debug", "1"],
  ["Sitefleet-Debug", "replay"],
];

/** A site's other hosts: what makes them differ is in their config, so two requests tell. */
function otherHost({ host, kind }: CorpusSite["others"][number]): readonly ReplayRequest[] {
  const ask = asking(host);
  return [ask(`${kind} host`), ask(`${kind} host`, { target: "/replay-missing?x=1", tls: false })];
}

/**
 * Stores that fail: for what no cache has, then for what has just become stale, and last for a config whose stale copy is
 * too old as well.
 */
function faults(ask: Ask, { ttl }: Pick<ReplayEnvironment, "ttl">): readonly ReplayRequest[] {
  const failing = (text: string, details: Details): ReplayRequest => {
    const fault = parseFault(text);
    return ask(`fault ${text}`, fault === undefined ? details : { ...details, fault });
  };
  return [
    failing("hosting-503", { target: "/replay-fault-a" }),
    failing("hosting-403-everywhere", { target: "/replay-fault-b" }),
    failing("hosting-timeout-everywhere", { target: "/replay-fault-c" }),
    // A config is fresh for less time than a page: just stale, while the page still is what it was.
    failing("config-refused-everywhere", { after: ttl.config + 1 }),
    failing("hosting-503-everywhere", { after: ttl.page + 1 }),
    failing("config-500-everywhere", { after: ttl.config + ttl.staleIfError + 1 }),
  ];
}

/** What belongs to no site: asked once in a replay. */
export function commonCorpus(): readonly ReplayRequest[] {
  return [
    asking("replay-unknown-host.example")("unknown host"),
    asking("replay-unknown-host.example")("unknown host", { tls: false, target: "/a/b?c=d" }),
    asking("192.0.2.80")("address for a host"),
    asking("bad_host-.example")("bad host"),
  ];
}
