import { get } from "../case.ts";
import type { ConformanceCase } from "../case.ts";

/** Redirect rules of a site: exact ones are objects, patterns ride in the config. */
export const redirectCases: readonly ConformanceCase[] = [
  {
    id: "redirect/exact",
    title: "Exact rules answer with their status and target, for every spelling of the path",
    source: "design: exact redirects as objects",
    steps: [
      get("rules", "/old", { status: 301, headers: { Location: "/about" } }),
      get("rules", "/old/", { status: 301, headers: { Location: "/about" } }),
      get("rules", "/old.html", { status: 301, headers: { Location: "/about" } }),
      get("rules", "/old-302", { status: 302, headers: { Location: "/docs/" } }),
      get("rules", "/see-other", { status: 303, headers: { Location: "/about" } }),
      get("rules", "/temporary", { status: 307, headers: { Location: "/about" } }),
      get("rules", "/moved", { status: 308, headers: { Location: "https://example.org/new?from=old" } }),
    ],
  },
  {
    id: "redirect/is-cached-and-never-304",
    title: "A redirect is cached and no condition turns it into a 304",
    source: "design: nothing may turn a redirect into a 304",
    steps: [
      get("rules", "/old", { status: 301 }),
      get(
        "rules",
        "/old",
        { status: 301, headers: { "Cache-Status": "sitefleet; hit", ETag: null } },
        { headers: { "If-None-Match": "*" } },
      ),
    ],
  },
  {
    id: "redirect/keeps-the-query",
    title: "The query is kept unless the target has one",
    source: "design: the original query is kept for Location",
    steps: [
      get("rules", "/old?a=1", { status: 301, headers: { Location: "/about?a=1" } }),
      get("rules", "/moved?a=1", { status: 308, headers: { Location: "https://example.org/new?from=old" } }),
      get("rules", "/legacy/x?a=1", { status: 302, headers: { Location: "/docs/x?a=1" } }),
      get("rules", "/legacy/x?", { status: 302, headers: { Location: "/docs/x" } }),
    ],
  },
  {
    id: "redirect/query-before-fragment",
    title: "The query goes in front of a target's fragment",
    source: "RFC 3986 §3",
    steps: [
      get("rules", "/contact?a=1", { status: 301, headers: { Location: "/about?a=1#contact" } }),
      get("rules", "/contact", { status: 301, headers: { Location: "/about#contact" } }),
      get("rules", "/team/ann?a=1", { status: 302, headers: { Location: "/about?a=1#ann" } }),
      get("rules", "/people/ann?a=1", { status: 302, headers: { Location: "/about?who=all#ann" } }),
    ],
  },
  {
    id: "redirect/never-to-another-host",
    title: "What a visitor puts into the path of a pattern never becomes the host of its target",
    source: "RFC 3986 §4.2; CWE-601",
    steps: [
      get("rules", "/legacy//evil.example/x", { status: 302, headers: { Location: "/docs/evil.example/x" } }),
      get("rules", "/legacy/@evil.example", {
        status: 302,
        headers: { Location: "/docs/%40evil.example" },
      }),
      get("rules", "/out/%2F%2Fevil.example", { status: 400, headers: { Location: null } }),
      get("rules", "/out/.evil.example", {
        status: 307,
        headers: { Location: "https://example.org/.evil.example" },
      }),
      get("rules", "//evil.example/..%5c", { status: 400, headers: { Location: null } }),
      get("main", "//evil.example/", { status: 404, headers: { Location: null } }),
      get("main", "//about/", { status: 308, headers: { Location: "/about" } }),
      get("alias", "//evil.example/x", {
        status: 301,
        headers: { Location: "{same:main}/evil.example/x" },
      }),
    ],
  },
  {
    id: "redirect/file-first",
    title: "An existing page wins over a rule without `!`",
    source: "Netlify: shadowing",
    steps: [
      get("rules", "/about", { status: 200, body: { contains: "Rules about" } }),
      get("rules", "/docs/guide", { status: 200, body: { contains: "Rules guide" } }),
    ],
  },
  {
    id: "redirect/forced",
    title: "A rule with `!` wins over an existing page",
    source: "Netlify: force",
    steps: [
      get("rules", "/replaced", { status: 301, headers: { Location: "/about" } }),
      get("rules", "/forced/page", { status: 301, headers: { Location: "/about" } }),
      get("rules", "/forced", { status: 301, headers: { Location: "/about" } }),
    ],
  },
  {
    id: "redirect/patterns",
    title: "Placeholders and splats are filled into the target",
    source: "design: redirect patterns",
    steps: [
      get("rules", "/blog/2024/hello", { status: 301, headers: { Location: "/news/hello/in/2024" } }),
      get("rules", "/blog/2024/hello/", { status: 301, headers: { Location: "/news/hello/in/2024" } }),
      get("rules", "/blog/2024", { status: 404 }),
      get("rules", "/blog/2024/hello/more", { status: 404 }),
      get("rules", "/legacy/a/b/c", { status: 302, headers: { Location: "/docs/a/b/c" } }),
      get("rules", "/legacy", { status: 302, headers: { Location: "/docs/" } }),
      get("rules", "/out/gr%C3%BC%C3%9Fe", {
        status: 307,
        headers: { Location: "https://example.org/gr%C3%BC%C3%9Fe" },
      }),
      get("rules", "/docs/missing", { status: 302, headers: { Location: "/never/missing" } }),
      get("rules", "/Legacy/a", { status: 404 }),
    ],
  },
  {
    id: "redirect/late-rule-after-a-cached-miss",
    title: "A pattern also answers when the miss came from the cache",
    source: "design: miss",
    steps: [
      get("rules", "/legacy/twice", { status: 302, headers: { Location: "/docs/twice" } }),
      get("rules", "/legacy/twice", { status: 302, headers: { Location: "/docs/twice" } }),
    ],
  },
];
