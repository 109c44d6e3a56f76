import { BUILT_IN_PAGE, get } from "../case.ts";
import type { ConformanceCase, RawObject } from "../case.ts";
import { putSite, rawPage } from "../raw-site.ts";

const OBJECTS: Readonly<Record<string, RawObject>> = {
  "1/index.html": rawPage("First home", "/"),
  "1/about.html": rawPage("First about", "/about"),
  "1/gone.html": rawPage("First gone", "/gone"),
  "1/grüße.html": rawPage("First greetings", "/gr%C3%BC%C3%9Fe"),
  "1/404.html": rawPage("First 404", "/404"),
  "2/about.html": rawPage("Second about", "/about"),
  "3/grüße.html": rawPage("Third greetings", "/gr%C3%BC%C3%9Fe"),
  "3/404.html": rawPage("Third 404", "/404"),
};

const DELTA = { "about.html": "2", "gone.html": "-", "grüße.html": "3", "404.html": "3" } as const;

/** Releases that differ from a base by some pages, and the versions of configs that the edge reads. */
export const releaseCases: readonly ConformanceCase[] = [
  {
    id: "release/delta",
    title: "A page comes from the release that changed it last, and a removed one from none",
    source: "design: delta releases",
    needs: ["publish"],
    steps: [
      putSite({
        host: "delta",
        site: "sf-raw-delta",
        config: { r: "1", i: "3", n: "p" },
        delta: DELTA,
        objects: OBJECTS,
      }),
      get("delta", "/", { status: 200, body: { contains: "First home" } }),
      get("delta", "/about", { status: 200, body: { contains: "Second about" } }),
      get("delta", "/about.html", { status: 308, headers: { Location: "/about" } }),
      get("delta", "/gr%c3%bc%c3%9fe", { status: 200, body: { contains: "Third greetings" } }),
      get("delta", "/gone", { status: 404, body: { contains: "Third 404" } }),
      get("delta", "/404", { status: 404, body: { contains: "Third 404" } }),
    ],
  },
  {
    id: "release/unchanged-pages-stay-cached",
    title: "What a new release did not change is still in the cache",
    source: "design: a page keeps its key until it changes",
    needs: ["publish"],
    steps: [
      putSite({ host: "delta", site: "sf-raw-delta", config: { r: "1", n: "p" }, objects: OBJECTS }),
      get("delta", "/", { status: 200, body: { contains: "First home" } }),
      get("delta", "/about", { status: 200, body: { contains: "First about" } }),
      putSite({
        host: "delta",
        site: "sf-raw-delta",
        config: { r: "1", i: "3", n: "p" },
        delta: DELTA,
        objects: OBJECTS,
        purge: "configs",
      }),
      get("delta", "/", {
        status: 200,
        headers: { "Cache-Status": "sitefleet; hit" },
        body: { contains: "First home" },
      }),
      get("delta", "/about", { status: 200, body: { contains: "Second about" } }),
    ],
  },
  {
    id: "release/log-says-what-is-shown",
    title: "The log names the release that is shown, not the base it is read from",
    source: "design: delta releases",
    needs: ["publish", "log"],
    steps: [
      putSite({
        host: "delta",
        site: "sf-raw-delta",
        config: { r: "1", i: "3", n: "p" },
        delta: DELTA,
        objects: OBJECTS,
      }),
      get("delta", "/about?shown", { status: 200 }),
      { log: { site: "sf-raw-delta", release: "3", path: "/about", status: 200 } },
    ],
  },
  {
    id: "release/list-before",
    title: "A delta list of the codec version before is read as it was meant",
    source: "design: the edge accepts codec version v and v-1",
    needs: ["publish"],
    steps: [
      putSite({
        host: "listed",
        site: "sf-raw-listed",
        // The first 8 hex digits of SHA-256 of gone.html and about.html.
        config: { v: "2", r: "1", i: "3", d: ",410d2c38=-&,2212b84a=2" },
        objects: OBJECTS,
      }),
      get("listed", "/", { status: 200, body: { contains: "First home" } }),
      get("listed", "/about", { status: 200, body: { contains: "Second about" } }),
      get("listed", "/gone", { status: 404, body: BUILT_IN_PAGE }),
    ],
  },
  {
    id: "release/version-before",
    title: "A config of the first codec version is read as it was meant",
    source: "design: the edge accepts codec version v and v-1",
    needs: ["publish"],
    steps: [
      putSite({
        host: "former",
        site: "sf-raw-former",
        config: { v: "1", r: "1", l: "1" },
        rules: ["301 /old/* /about"],
        objects: { "1/index.html": rawPage("Former home", "/"), "1/about.html": rawPage("About", "/about") },
      }),
      get("former", "/", { status: 200, body: { contains: "Former home" } }),
      get("former", "/about.html", { status: 404, body: BUILT_IN_PAGE }),
      get("former", "/old/x", { status: 301, headers: { Location: "/about" } }),
    ],
  },
];
