import { get } from "../case.ts";
import type { ConformanceCase, RawObject } from "../case.ts";
import { putSite, rawPage } from "../raw-site.ts";

const PAGES: Readonly<Record<string, RawObject>> = {
  "1/index.html": rawPage("Home", "/"),
  "1/about.html": rawPage("About", "/about"),
  "1/docs.html": rawPage("Docs", "/docs/"),
  "1/über/uns.html": rawPage("Über uns", "/%C3%BCber/uns"),
};

/** Which spelling of a path is a page's own, and what the others get. */
export const pathCases: readonly ConformanceCase[] = [
  {
    id: "path/redirected",
    title: "Any spelling is redirected to the page's own in one hop, with the query",
    source: "design: trailing-slash policy",
    needs: ["publish"],
    steps: [
      putSite({ host: "spelled", site: "sf-raw-spelled", config: { r: "1" }, objects: PAGES }),
      get("spelled", "/about/?a=1&b=%20", { status: 308, headers: { Location: "/about?a=1&b=%20" } }),
      get("spelled", "/%61bout", { status: 200, body: { contains: "About" } }),
      get("spelled", "/docs?q", { status: 308, headers: { Location: "/docs/?q" } }),
      get("spelled", "/%C3%BCber/uns.html", { status: 308, headers: { Location: "/%C3%BCber/uns" } }),
      get("spelled", "/%c3%bcber/uns", { status: 200, body: { contains: "Über uns" } }),
    ],
  },
  {
    id: "path/strict",
    title: "A strict site knows each page's own path only",
    source: "design: trailing-slash policy",
    needs: ["publish"],
    steps: [
      putSite({ host: "strictly", site: "sf-raw-strictly", config: { r: "1", l: "1" }, objects: PAGES }),
      get("strictly", "/", { status: 200 }),
      get("strictly", "/about", { status: 200 }),
      get("strictly", "/docs/", { status: 200 }),
      get("strictly", "/about/", { status: 404, headers: { Location: null } }),
      get("strictly", "/docs", { status: 404 }),
      get("strictly", "/docs/index.html", { status: 404 }),
      get("strictly", "/index.html", { status: 404 }),
    ],
  },
  {
    id: "path/literal",
    title: "A literal site knows files as they are called, and a folder's index by both its names",
    source: "design: trailing-slash policy `none`",
    needs: ["publish"],
    steps: [
      putSite({
        host: "literal",
        site: "sf-raw-literal",
        config: { r: "1", l: "2", n: "p" },
        rules: ["302 /moved/: /about.html?x={2}"],
        objects: {
          "1/index.html": rawPage("Home", "/"),
          "1/about.html": rawPage("About", "/about.html"),
          "1/docs.html": rawPage("Docs", "/docs/"),
          "1/moved/here.html": rawPage("Here", "/moved/here.html"),
          "1/404.html": rawPage("None such", "/404.html"),
        },
      }),
      get("literal", "/", { status: 200, body: { contains: "Home" } }),
      get("literal", "/index.html", { status: 200, body: { contains: "Home" } }),
      get("literal", "/docs/", { status: 200, body: { contains: "Docs" } }),
      get("literal", "/docs/index.html", { status: 200, body: { contains: "Docs" } }),
      get("literal", "/about.html", { status: 200, body: { contains: "About" } }),
      get("literal", "/about", { status: 404, body: { contains: "None such" } }),
      get("literal", "/docs", { status: 404, headers: { Location: null } }),
      get("literal", "/about/", { status: 404 }),
      get("literal", "/moved/here", { status: 302, headers: { Location: "/about.html?x=here" } }),
      get("literal", "/404", { status: 404, body: { contains: "None such" } }),
    ],
  },
];
