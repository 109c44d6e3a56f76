import { BUILT_IN_PAGE, get } from "../case.ts";
import type { ConformanceCase, RawObject } from "../case.ts";
import { putSite, rawPage } from "../raw-site.ts";

const PAGES: Readonly<Record<string, RawObject>> = {
  "1/index.html": rawPage("Home", "/"),
  "1/404.html": rawPage("Root 404", "/404"),
  "1/docs/404.html": rawPage("Docs 404", "/docs/404"),
  "1/docs/v 2/404.html": rawPage("Second 404", "/docs/v%202/404"),
};
const DIRECTORIES = ["docs", "docs/v 2"];

const APPLICATION: Readonly<Record<string, RawObject>> = {
  "1/index.html": rawPage("Application", "/"),
  "1/app.js": { body: "run()\n", type: "text/javascript" },
};
const navigate = { headers: { "Sec-Fetch-Mode": "navigate", Accept: "text/html,*/*;q=0.8" } };

/** What a miss becomes. */
export const notFoundCases: readonly ConformanceCase[] = [
  {
    id: "not-found/nearest-page",
    title: "The nearest 404.html upwards answers, with status 404",
    source: "design: nearest 404.html",
    needs: ["publish"],
    steps: [
      putSite({
        host: "nearest",
        site: "sf-raw-nearest",
        config: { r: "1", n: "p" },
        directories: DIRECTORIES,
        objects: PAGES,
      }),
      get("nearest", "/x", { status: 404, body: { contains: "Root 404" } }),
      get("nearest", "/docs/x", { status: 404, body: { contains: "Docs 404" } }),
      get("nearest", "/docs", { status: 404, body: { contains: "Root 404" } }),
      get("nearest", "/docs/", { status: 404, body: { contains: "Docs 404" } }),
      get("nearest", "/docs/v1/a/b/x.png", { status: 404, body: { contains: "Docs 404" } }),
      get("nearest", "/docs/v%202/a/b/x", {
        status: 404,
        headers: { "Cache-Control": "no-store", ETag: null },
        body: { contains: "Second 404" },
      }),
      get(
        "nearest",
        "/docs/404",
        { status: 404, body: { contains: "Docs 404" } },
        {
          headers: { "If-None-Match": "*", Range: "bytes=0-1" },
        },
      ),
      get("nearest", "/docs/404.html", { status: 404, headers: { Location: null } }),
    ],
  },
  {
    id: "not-found/nearest-page-without-policy",
    title: "A folder's 404.html answers below it, also where the root has none",
    source: "design: nearest 404.html",
    needs: ["publish"],
    steps: [
      putSite({
        host: "nearest",
        site: "sf-raw-nearest",
        config: { r: "1" },
        directories: DIRECTORIES,
        objects: PAGES,
      }),
      get("nearest", "/docs/x", { status: 404, body: { contains: "Docs 404" } }),
      get("nearest", "/x", { status: 404, body: BUILT_IN_PAGE }),
      putSite({
        host: "nearest",
        site: "sf-raw-nearest",
        config: { r: "1", n: "r" },
        directories: DIRECTORIES,
        objects: PAGES,
      }),
      get("nearest", "/docs/x", { status: 404, body: { contains: "Docs 404" } }),
      get("nearest", "/x", { status: 302, headers: { Location: "/404" } }),
    ],
  },
  {
    id: "spa/navigations",
    title: "An application's index.html answers navigations to paths that are no file, with status 200",
    source: "Fetch Metadata §2.3 (Sec-Fetch-Mode)",
    needs: ["publish"],
    steps: [
      putSite({ host: "app", site: "sf-raw-app", config: { r: "1", n: "s" }, objects: APPLICATION }),
      get("app", "/users/7", { status: 200, body: { contains: "Application" } }, navigate),
      get(
        "app",
        "/users/7",
        { status: 200, body: { contains: "Application" } },
        {
          headers: { Accept: "text/html" },
        },
      ),
      get("app", "/users/7", { status: 200, body: { equals: "" } }, { ...navigate, method: "HEAD" }),
      get("app", "/v1.2/notes", { status: 200, body: { contains: "Application" } }, navigate),
      get("app", "/users/jane.doe", { status: 200, body: { contains: "Application" } }, navigate),
      get("app", "/users/7", { status: 200, headers: { ETag: { matches: "." } } }, navigate),
      get(
        "app",
        "/users/7",
        { status: 304 },
        {
          headers: { ...navigate.headers, "If-None-Match": "{etag}" },
        },
      ),
      get("app", "/app.js", { status: 200, body: { contains: "run()" } }),
    ],
  },
  {
    id: "spa/never-for-an-asset",
    title: "What is no navigation never gets an application's HTML with 200",
    source: "design: never HTML with 200 for an asset",
    needs: ["publish"],
    steps: [
      putSite({ host: "app", site: "sf-raw-app", config: { r: "1", n: "s" }, objects: APPLICATION }),
      get("app", "/old-chunk.js", { status: 404, body: BUILT_IN_PAGE }, navigate),
      get("app", "/img/LOGO.PNG", { status: 404 }, navigate),
      get(
        "app",
        "/api/users",
        { status: 404 },
        { headers: { "Sec-Fetch-Mode": "cors", Accept: "text/html" } },
      ),
      get("app", "/api/users", { status: 404 }, { headers: { Accept: "application/json" } }),
      get("app", "/users/7", { status: 404, headers: { "Cache-Control": "no-store" } }),
      // Another site: its pages would stay and be found by the next run's first half.
      putSite({
        host: "app",
        site: "sf-raw-app-pages",
        config: { r: "1", n: "s" },
        directories: ["api"],
        objects: {
          ...APPLICATION,
          "1/404.html": rawPage("Application 404", "/404"),
          "1/api/404.html": rawPage("API 404", "/api/404"),
        },
      }),
      get("app", "/old-chunk.js", { status: 404, body: { contains: "Application 404" } }, navigate),
      get("app", "/api/x", { status: 404, body: { contains: "API 404" } }),
    ],
  },
];
