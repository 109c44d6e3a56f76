import { BUILT_IN_PAGE, get } from "../case.ts";
import type { ConformanceCase, RawObject } from "../case.ts";
import { putSite, rawPage } from "../raw-site.ts";

const PAGES: Readonly<Record<string, RawObject>> = {
  "1/index.html": rawPage("Home", "/"),
  "1/about.html": rawPage("About", "/about"),
  "1/docs.html": rawPage("Docs", "/docs/"),
  "1/gone.html": rawPage("Sadly gone", "/gone"),
  "1/404.html": rawPage("No such page", "/404"),
  "1/items/7.html": rawPage("Item 7", "/items/7"),
  "1/file.txt": { body: "0123456789\n", type: "text/plain; charset=utf-8" },
};

const RULES = [
  "!200 /start /about",
  "!410 /about/* /gone",
  "200 /manual/* /docs/",
  "200 /goods/: /items/{2}",
  "404 /secret/* /gone",
  "451 /banned/* /gone",
  "200 /data/: /file.txt",
  "200 /lost/* /nothing",
  "200 /twice /start",
  "302 / /about ref={a}",
];

const QUERIES = [
  "301 /find /items/{a} id={a}",
  "302 /find /docs/ lang=de&kind=%C3%BC",
  "301 /find https://example.org/?q={a}&l={b} q={a}&l={b}",
  "200 /show /items/{a} id={a}",
];

/** Rules that show a page in place, ask for parameters of the query, or are too many for the config. */
export const ruleCases: readonly ConformanceCase[] = [
  {
    id: "rules/pages",
    title: "A rule shows a page under another path, with its own status and without a redirect",
    source: "Netlify: rewrites; design: page rules",
    needs: ["publish"],
    steps: [
      putSite({
        host: "shown",
        site: "sf-raw-shown",
        config: { r: "1", n: "p" },
        rules: RULES,
        objects: PAGES,
      }),
      get("shown", "/start", { status: 200, headers: { Location: null }, body: { contains: "About" } }),
      get("shown", "/manual/a/b?x=1", { status: 200, body: { contains: "Docs" } }),
      get("shown", "/goods/7", { status: 200, body: { contains: "Item 7" } }),
      get("shown", "/goods/8", { status: 404, body: { contains: "No such page" } }),
      get("shown", "/lost/x", { status: 404, body: { contains: "No such page" } }),
      get("shown", "/manual/app.js", { status: 404, body: { contains: "No such page" } }),
    ],
  },
  {
    id: "rules/one-hop",
    title: "A rule's page is looked up once: neither another rule nor its own path's spelling counts there",
    source: "design: page rules",
    needs: ["publish"],
    steps: [
      putSite({
        host: "shown",
        site: "sf-raw-shown",
        config: { r: "1", n: "p" },
        rules: RULES,
        objects: PAGES,
      }),
      get("shown", "/twice", { status: 404, body: { contains: "No such page" } }),
      get("shown", "/manual", { status: 200, headers: { Location: null }, body: { contains: "Docs" } }),
    ],
  },
  {
    id: "rules/page-statuses",
    title: "A page that a rule shows with 404, 410 or 451 knows no conditions and no ranges",
    source: "RFC 9110 §13.2.1, §14.2, §15.5.11; RFC 7725",
    needs: ["publish"],
    steps: [
      putSite({
        host: "shown",
        site: "sf-raw-shown",
        config: { r: "1", n: "p" },
        rules: RULES,
        objects: PAGES,
      }),
      get(
        "shown",
        "/about",
        {
          status: 410,
          headers: { ETag: null, "Cache-Control": "public, max-age=0, must-revalidate" },
          body: { contains: "Sadly gone" },
        },
        { headers: { "If-None-Match": "*", Range: "bytes=0-1" } },
      ),
      get("shown", "/secret/x", {
        status: 404,
        headers: { "Cache-Control": "no-store" },
        body: { contains: "Sadly gone" },
      }),
      get(
        "shown",
        "/banned/x",
        { status: 451, body: { contains: "Sadly gone" } },
        {
          headers: { Range: "bytes=0-1" },
        },
      ),
      get("shown", "/data/x", { status: 206, body: { equals: "345" } }, { headers: { Range: "bytes=3-5" } }),
      get("shown", "/data/x", { status: 200, headers: { ETag: { matches: "." } } }),
      get("shown", "/data/x", { status: 304 }, { headers: { "If-None-Match": "{etag}" } }),
      get("shown", "/data/x", { status: 416 }, { headers: { Range: "bytes=99-" } }),
    ],
  },
  {
    id: "rules/query",
    title:
      "A rule may ask for parameters of the query; what it captures goes into the target and on no other way",
    source: "Netlify: query parameters",
    needs: ["publish"],
    steps: [
      putSite({ host: "asked", site: "sf-raw-asked", config: { r: "1" }, rules: QUERIES, objects: PAGES }),
      get("asked", "/find?id=7&x=1", { status: 301, headers: { Location: "/items/7?x=1" } }),
      get("asked", "/find?x=1&id=a%2fb", { status: 301, headers: { Location: "/items/a%2Fb?x=1" } }),
      get("asked", "/find?kind=%c3%bc&lang=de", {
        status: 302,
        headers: { Location: "/docs/?kind=%c3%bc&lang=de" },
      }),
      get("asked", "/find?lang=de", { status: 404 }),
      get("asked", "/find?q=a+b&l=x&z", {
        status: 301,
        headers: { Location: "https://example.org/?q=a%2Bb&l=x" },
      }),
      get("asked", "/find", { status: 404 }),
      get("asked", "/find?id=%C3", { status: 404, headers: { Location: null } }),
      get("asked", "/find?id=//evil.example", {
        status: 301,
        headers: { Location: "/items/%2F%2Fevil.example" },
      }),
      get("asked", "/show?id=7", { status: 200, body: { contains: "Item 7" } }),
      get("asked", "/show?id=..", { status: 404 }),
      get("asked", "/show?id=%2e%2E%2fabout", { status: 404, body: { lacks: "About" } }),
    ],
  },
  {
    id: "rules/alias-pages",
    title: "An object may say which status its page has; no condition or range applies to it",
    source: "design: alias objects",
    needs: ["publish"],
    steps: [
      putSite({
        host: "aliased",
        site: "sf-raw-aliased",
        config: { r: "1", n: "p" },
        objects: {
          "1/plain.html": rawPage("Plain alias"),
          "1/gone.html": { ...rawPage("Gone for good"), metadata: { c: "410" } },
          "1/none.html": { ...rawPage("None here"), metadata: { c: "404" } },
          "1/law.html": { ...rawPage("By law"), metadata: { c: "451" } },
          "1/odd.html": { ...rawPage("Odd"), metadata: { c: "700" } },
          "1/404.html": { ...rawPage("Alias 404"), metadata: { c: "410" } },
        },
      }),
      get("aliased", "/nowhere", {
        status: 404,
        headers: { "Cache-Control": "no-store" },
        body: { contains: "Alias 404" },
      }),
      get("aliased", "/plain/", {
        status: 200,
        headers: { Location: null },
        body: { contains: "Plain alias" },
      }),
      get(
        "aliased",
        "/gone",
        {
          status: 410,
          headers: { ETag: null, "Cache-Control": "public, max-age=0, must-revalidate" },
          body: { contains: "Gone for good" },
        },
        { headers: { "If-None-Match": "*", Range: "bytes=0-1" } },
      ),
      get("aliased", "/none", {
        status: 404,
        headers: { "Cache-Control": "no-store" },
        body: { contains: "None here" },
      }),
      get("aliased", "/law", { status: 451, body: { contains: "By law" } }),
      get("aliased", "/law", { status: 451, headers: { "Cache-Status": "sitefleet; hit" } }),
      get("aliased", "/law", { status: 451, body: { equals: "" } }, { method: "HEAD" }),
      get("aliased", "/odd", { status: 503, body: BUILT_IN_PAGE }),
    ],
  },
  {
    id: "rules/buckets",
    title:
      "Below a listed segment the bucket's rules answer and the config's do not; elsewhere the config's do",
    source: "design: rule buckets",
    needs: ["publish"],
    steps: [
      putSite({
        host: "many",
        site: "sf-raw-many",
        config: { r: "1", n: "p" },
        rules: ["301 /shop/: /slot/{2}", "301 /other/: /slot/{2}", "!302 / /about go={a}"],
        objects: { ...PAGES, "1/shop/here.html": rawPage("Shop here", "/shop/here") },
        buckets: {
          tag: "4",
          segments: {
            shop: [
              "!308 /shop/first /bucket/first",
              "301 /shop/: /bucket/{2}",
              "200 /shop/:/about /about",
              "410 /shop/* /gone",
            ],
            blög: ["302 /bl%C3%B6g/* /news/{*}"],
          },
        },
      }),
      get("many", "/shop/first", { status: 308, headers: { Location: "/bucket/first" } }),
      get("many", "/shop/x?q=1", { status: 301, headers: { Location: "/bucket/x?q=1" } }),
      get("many", "/shop/x/about", { status: 200, body: { contains: "About" } }),
      get("many", "/shop/a/b/c", { status: 410, body: { contains: "Sadly gone" } }),
      get("many", "/shop/here", { status: 200, body: { contains: "Shop here" } }),
      get("many", "/shop/here.html", { status: 308, headers: { Location: "/shop/here" } }),
      get("many", "/shop", { status: 410 }),
      get("many", "/bl%C3%B6g/a/b", { status: 302, headers: { Location: "/news/a/b" } }),
      get("many", "/bl%C3%B6gs/a", { status: 404, body: { contains: "No such page" } }),
      get("many", "/other/x", { status: 301, headers: { Location: "/slot/x" } }),
      get("many", "/?go=1", { status: 302, headers: { Location: "/about" } }),
      get("many", "/", { status: 200, body: { contains: "Home" } }),
    ],
  },
  {
    id: "rules/bucket-keeps-conditions-for-the-page",
    title: "A condition or range of the visitor is kept for the page while the bucket is read",
    source: "RFC 9110 §13, §14",
    needs: ["publish"],
    steps: [
      putSite({
        host: "many",
        site: "sf-raw-many",
        config: { r: "1" },
        objects: PAGES,
        buckets: { tag: "5", segments: { items: ["301 /items/old/* /about"] } },
      }),
      get("many", "/items/7", { status: 206, body: { equals: "<!" } }, { headers: { Range: "bytes=0-1" } }),
      get("many", "/items/7", { status: 200, headers: { ETag: { matches: "." } } }),
      get("many", "/items/7", { status: 304 }, { headers: { "If-None-Match": "{etag}" } }),
      get("many", "/items/8", { status: 404, body: BUILT_IN_PAGE }),
    ],
  },
  {
    id: "rules/bucket-that-is-missing",
    title: "A listed bucket that is missing is a fault, never a site without rules",
    source: "design: rule buckets",
    needs: ["publish"],
    steps: [
      putSite({
        host: "broken",
        site: "sf-raw-broken",
        config: { r: "1" },
        objects: { ...PAGES, "1/shop/here.html": rawPage("Shop here", "/shop/here") },
        buckets: { tag: "6", segments: { shop: [] } },
      }),
      get("broken", "/shop/here", { status: 503, body: { ...BUILT_IN_PAGE, lacks: "NoSuchKey" } }),
      get("broken", "/about", { status: 200 }),
    ],
  },
  {
    id: "rules/when-regions-took-the-restarts",
    title: "A rule of a bucket also answers when the first region's failure has used up the restarts",
    source: "design: restart budget",
    needs: ["publish", "faults", "second-region"],
    steps: [
      putSite({
        host: "many",
        site: "sf-raw-many",
        config: { r: "1" },
        objects: { ...PAGES, "1/shop/here.html": rawPage("Shop here", "/shop/here") },
        buckets: { tag: "7", segments: { shop: ["301 /shop/: /bucket/{2}"] } },
      }),
      { act: { do: "purge-all" } },
      { act: { do: "origin", location: "first", answer: "forbid" } },
      get("many", "/shop/here", { status: 200, body: { contains: "Shop here" } }),
      { act: { do: "purge-all" } },
      get("many", "/shop/x", { status: 301, headers: { Location: "/bucket/x" } }),
      { act: { do: "purge-all" } },
      get("many", "/shop/x/y", { status: 404, body: BUILT_IN_PAGE }),
      { act: { do: "origin", location: "first", answer: "normal" } },
    ],
  },
];
