import { BUILT_IN_PAGE, get } from "../case.ts";
import type { ConformanceCase, RawSite } from "../case.ts";
import { putSite, rawPage } from "../raw-site.ts";

const lagging = (title: string): RawSite => ({
  host: "lagging",
  site: "sf-raw-lagging",
  config: { r: "1" },
  objects: { "1/index.html": rawPage(title, "/") },
});

/** A page whose object says a status that publishing never writes, or none: the same bytes, so the same ETag. */
const mending = (status?: string): RawSite => {
  const page = rawPage("Mended", "/");
  const metadata = { ...page.metadata, ...(status === undefined ? {} : { c: status }) };
  return {
    host: "mending",
    site: "sf-raw-mending",
    config: { r: "1" },
    objects: { "1/index.html": { ...page, metadata } },
    purge: status === undefined ? "configs" : "all",
  };
};

/** Publishing and purging as visitors see them, and what happens when S3 is in trouble. */
export const originCases: readonly ConformanceCase[] = [
  {
    id: "publish/seen-at-once",
    title: "A published change is seen by the next request, and so is a new page that was missing",
    source: "design: purge by surrogate key on each publish",
    needs: ["publish"],
    steps: [
      { act: { do: "publish", site: "sf-verify-changing", files: { "index.html": "first edition" } } },
      get("changing", "/", { status: 200, body: { contains: "first edition" } }),
      get("changing", "/new", { status: 404 }),
      {
        act: {
          do: "publish",
          site: "sf-verify-changing",
          files: { "index.html": "second edition", "new.html": "new page" },
        },
      },
      get("changing", "/", { status: 200, body: { contains: "second edition" } }),
      get("changing", "/new", { status: 200, body: { contains: "new page" } }),
    ],
  },
  {
    id: "origin/stale-on-trouble",
    title: "When S3 fails after the page's time is up, the old page is served",
    source: "fastly: stale-if-error",
    needs: ["faults", "publish", "http-cache"],
    steps: [
      get("other", "/", { status: 200, body: { contains: "Other home" } }),
      { act: { do: "origin", location: "first", answer: "refuse" } },
      { act: { do: "origin", location: "second", answer: "refuse" } },
      { act: { do: "expire-pages" } },
      get("other", "/", { status: 200, body: { contains: "Other home" } }),
      { act: { do: "origin", location: "first", answer: "normal" } },
      { act: { do: "origin", location: "second", answer: "normal" } },
    ],
  },
  {
    id: "origin/stale-is-not-fresh-again",
    title: "What the shield had only as a stale copy is asked for again soon after S3 is back",
    source: "fastly: a stale answer of the shield is stored as fresh at the edge",
    needs: ["faults", "publish", "shield"],
    steps: [
      get("other", "/secret", { status: 200 }),
      { act: { do: "origin", location: "first", answer: "refuse" } },
      { act: { do: "origin", location: "second", answer: "refuse" } },
      { act: { do: "expire-pages" } },
      get("other", "/secret", { status: 200, body: { contains: "Other's secret" } }),
      { act: { do: "origin", location: "first", answer: "normal" } },
      { act: { do: "origin", location: "second", answer: "normal" } },
      { act: { do: "wait", seconds: 10 } },
      get("other", "/secret", { status: 200, headers: { "Cache-Status": "sitefleet; fwd=uri-miss" } }),
      { act: { do: "wait", seconds: 10 } },
      get("other", "/secret", { status: 200, headers: { "Cache-Status": "sitefleet; hit" } }),
    ],
  },
  {
    id: "origin/clear-503",
    title: "With nothing stale to show, trouble is a clear 503 that tells nothing of the bucket",
    source: "design: origin trouble",
    needs: ["faults", "publish"],
    steps: [
      { act: { do: "purge-all" } },
      { act: { do: "origin", location: "first", answer: "forbid" } },
      { act: { do: "origin", location: "second", answer: "forbid" } },
      get("main", "/about", {
        status: 503,
        headers: { "Retry-After": { matches: "^[0-9]+$" } },
        body: { ...BUILT_IN_PAGE, lacks: "AccessDenied" },
      }),
      { act: { do: "origin", location: "first", answer: "normal" } },
      { act: { do: "origin", location: "second", answer: "normal" } },
      { act: { do: "wait", seconds: 5 } },
      get("main", "/about", { status: 200, body: { contains: "About" } }),
    ],
  },
  {
    id: "origin/second-region",
    title: "When the first region fails the second one answers",
    source: "design: second region once",
    needs: ["faults", "publish", "second-region"],
    steps: [
      { act: { do: "purge-all" } },
      { act: { do: "origin", location: "first", answer: "forbid" } },
      get("main", "/about", { status: 200, body: { contains: "About" } }),
      get("main", "/nowhere", { status: 404, body: { contains: "Main has no such page" } }),
      { act: { do: "origin", location: "first", answer: "normal" } },
    ],
  },
  {
    id: "origin/second-region-lags",
    title: "What the second region answered is asked for again after ten minutes",
    source: "design: a copy in another region lags behind",
    needs: ["faults", "publish", "second-region", "http-cache"],
    steps: [
      putSite(lagging("Before")),
      { act: { do: "origin", location: "first", answer: "forbid" } },
      get("lagging", "/", { status: 200, body: { contains: "Before" } }),
      { act: { do: "origin", location: "first", answer: "normal" } },
      putSite({ ...lagging("After"), purge: "configs" }),
      get("lagging", "/", { status: 200, body: { contains: "Before" } }),
      { act: { do: "wait", seconds: 601 } },
      get("lagging", "/", { status: 200, body: { contains: "After" } }),
    ],
  },
  {
    id: "origin/second-region-for-what-failed",
    title: "A config that had to come from the second region leaves a page of the same request in the cache",
    source: "design: second region once",
    needs: ["faults", "publish", "second-region"],
    steps: [
      putSite(lagging("Kept")),
      get("lagging", "/", { status: 200, body: { contains: "Kept" } }),
      get("lagging", "/", { status: 200, headers: { "Cache-Status": "sitefleet; hit" } }),
      putSite({ ...lagging("Kept"), purge: "configs" }),
      { act: { do: "origin", location: "first", answer: "forbid" } },
      get("lagging", "/", {
        status: 200,
        headers: { "Cache-Status": "sitefleet; hit" },
        body: { contains: "Kept" },
      }),
      { act: { do: "origin", location: "first", answer: "normal" } },
    ],
  },
  {
    id: "origin/mended-without-new-bytes",
    title:
      "An object whose metadata was broken is shown soon after it is mended, although its bytes and its ETag stay",
    source: "RFC 9110 section 15.4.5: a 304 says that what was stored is still good, which a failure is not",
    needs: ["faults", "publish", "http-cache"],
    steps: [
      // Another region would answer in place of what stays a failure.
      { act: { do: "origin", location: "second", answer: "refuse" } },
      putSite(mending("2O0")),
      get("mending", "/", { status: 503, headers: { ETag: null }, body: BUILT_IN_PAGE }),
      putSite(mending()),
      { act: { do: "wait", seconds: 5 } },
      get("mending", "/", { status: 200, body: { contains: "Mended" } }),
      { act: { do: "origin", location: "second", answer: "normal" } },
    ],
  },
  {
    id: "log/one-line-per-request",
    title: "Each request leaves one JSON line with site, domain, phase, status and cache state",
    source: "design: log",
    needs: ["log"],
    steps: [
      get("main", "/docs/guide?logged", { status: 200 }),
      { log: { path: "/docs/guide", site: "sf-verify-main", method: "GET", phase: "page", status: 200 } },
    ],
  },
];
