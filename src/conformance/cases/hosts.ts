import { BUILT_IN_PAGE, get } from "../case.ts";
import type { ConformanceCase } from "../case.ts";

/** Which site answers for a host, and what a domain's config says about it. */
export const hostCases: readonly ConformanceCase[] = [
  {
    id: "host/serves-its-site",
    title: "Each host gets its own site's pages",
    source: "design: config lookup",
    steps: [
      get("main", "/", { status: 200, body: { contains: "Main home" } }),
      get("other", "/", { status: 200, body: { contains: "Other home" } }),
      get("plain", "/", { status: 200, body: { contains: "Plain home" } }),
    ],
  },
  {
    id: "host/tenants-are-apart",
    title: "One tenant's page is not found on another's host",
    source: "design: one tenant never sees another's page",
    steps: [
      get("other", "/secret", { status: 200, body: { contains: "Other's secret" } }),
      get("main", "/secret", { status: 404, body: { lacks: "Other's secret" } }),
    ],
  },
  {
    id: "host/case-port-and-dot-do-not-matter",
    title: "Upper case, a port and a trailing dot name the same host",
    source: "RFC 3986 §3.2.2, §6.2.2.1",
    steps: [
      get("main", "/about", { status: 200, body: { contains: "About" } }, { hostHeader: "{HOST}" }),
      get("main", "/about", { status: 200, body: { contains: "About" } }, { hostHeader: "{host}:80" }),
      get("main", "/about", { status: 200, body: { contains: "About" } }, { hostHeader: "{host}." }),
    ],
  },
  {
    id: "host/unknown",
    title: "A host that belongs to no site gets its own 404 page",
    source: "design: unknown host",
    steps: [
      get("nobody", "/", {
        status: 404,
        headers: { "Cache-Control": "no-store", "X-Robots-Tag": "noindex" },
        body: BUILT_IN_PAGE,
      }),
    ],
  },
  {
    id: "host/added-domain-shows-at-once",
    title:
      "A domain that was unknown a moment ago answers right after it is added, and not after it is removed",
    source: "design: unknown-domain answers carry d:<domain>",
    needs: ["publish"],
    steps: [
      { act: { do: "remove-domain", host: "late" } },
      get("late", "/", { status: 404, body: BUILT_IN_PAGE }),
      { act: { do: "add-domain", site: "sf-verify-plain", host: "late" } },
      get("late", "/", { status: 200, body: { contains: "Plain home" } }),
      { act: { do: "remove-domain", host: "late" } },
      get("late", "/", { status: 404 }),
    ],
  },
  {
    id: "host/unusable-config-is-an-error",
    title: "A config of an unknown codec version is an error page, never a guess",
    source: "design: codec version",
    needs: ["publish"],
    steps: [
      { act: { do: "put-config", host: "future", metadata: { v: "99", s: "sf-verify-main", r: "1" } } },
      get("future", "/", { status: 500, body: BUILT_IN_PAGE }),
      {
        act: { do: "put-config", host: "future", metadata: { v: "1", s: "sf-verify-main/../other", r: "1" } },
      },
      get("future", "/", { status: 500 }),
    ],
  },
  {
    id: "tls/forced",
    title: "A domain that forces TLS redirects plain HTTP with path and query",
    source: "design: force TLS",
    needs: ["plain-http"],
    steps: [
      get("tls", "/docs/?a=1&b=2", { status: 301, headers: { Location: "{https:tls}/docs/?a=1&b=2" } }),
    ],
  },
  {
    id: "tls/not-forced",
    title: "A domain that does not force TLS answers on plain HTTP",
    source: "design: force TLS",
    needs: ["plain-http"],
    steps: [get("main", "/", { status: 200 })],
  },
  {
    id: "tls/by-the-platform",
    title: "Where nothing but TLS reaches the service, plain HTTP is redirected with path and query",
    source: "docs.fastly.com: /products/compute-resource-limits",
    needs: ["tls-only"],
    steps: [
      get(
        "tls",
        "/docs/?a=1&b=2",
        { status: 308, headers: { Location: { matches: "^https://tls\\.[^/]+/docs/\\?a=1&b=2$" } } },
        { tls: false },
      ),
      get(
        "main",
        "/",
        { status: 308, headers: { Location: { matches: "^https://main\\.[^/]+/$" } } },
        { tls: false },
      ),
    ],
  },
  {
    id: "tls/served",
    title: "Over TLS the page is served",
    source: "design: force TLS",
    needs: ["tls"],
    steps: [get("tls", "/", { status: 200, body: { contains: "Main home" } }, { tls: true })],
  },
  {
    id: "tls/acme-is-exempt",
    title: "HTTP-01 challenges stay on plain HTTP",
    source: "RFC 8555 §8.3",
    needs: ["plain-http"],
    steps: [
      get("tls", "/.well-known/acme-challenge/token-1", { status: 200, body: { contains: "token-1.thumb" } }),
      get("tls", "/.well-known/acme-challenge/none", { status: 404 }),
      get("alias", "/.well-known/acme-challenge/none", { status: 404, headers: { Location: null } }),
    ],
  },
  {
    id: "tls/challenges",
    title: "HTTP-01 challenges are answered over TLS as well, where a redirect has led there",
    source: "RFC 8555 §8.3",
    needs: ["tls"],
    steps: [
      get(
        "tls",
        "/.well-known/acme-challenge/token-1",
        { status: 200, body: { contains: "token-1.thumb" } },
        { tls: true },
      ),
      get(
        "alias",
        "/.well-known/acme-challenge/none",
        { status: 404, headers: { Location: null } },
        { tls: true },
      ),
    ],
  },
  {
    id: "hsts/over-tls",
    title: "HSTS is sent where the domain asks for it, with a page that is missing as well",
    source: "RFC 6797 §7.2",
    needs: ["tls", "hsts"],
    steps: [
      ...["/", "/nowhere"].map((path) =>
        get(
          "tls",
          path,
          {
            status: path === "/" ? 200 : 404,
            headers: { "Strict-Transport-Security": "max-age=31536000" },
          },
          { tls: true },
        ),
      ),
      get("main", "/", { status: 200, headers: { "Strict-Transport-Security": null } }, { tls: true }),
    ],
  },
  {
    id: "hsts/only-over-tls",
    title: "HSTS is sent over TLS where the domain asks for it, and nowhere else",
    source: "RFC 6797 §7.2",
    needs: ["tls", "hsts", "plain-http"],
    steps: [
      get(
        "tls",
        "/",
        { status: 200, headers: { "Strict-Transport-Security": "max-age=31536000" } },
        { tls: true },
      ),
      get("tls", "/", { status: 301, headers: { "Strict-Transport-Security": null } }),
      get("main", "/", { status: 200, headers: { "Strict-Transport-Security": null } }, { tls: true }),
      get(
        "tls",
        "/nowhere",
        { status: 404, headers: { "Strict-Transport-Security": "max-age=31536000" } },
        { tls: true },
      ),
    ],
  },
  {
    id: "canonical-host/alias",
    title: "An alias redirects to its primary host with path and query",
    source: "design: canonical host",
    steps: [
      get("alias", "/docs/guide?x=1", { status: 301, headers: { Location: "{same:main}/docs/guide?x=1" } }),
    ],
  },
  {
    id: "canonical-host/one-hop-to-tls",
    title: "An alias of a TLS host goes to https in one hop",
    source: "design: canonical host",
    steps: [get("alias-tls", "/about", { status: 301, headers: { Location: "{https:tls}/about" } })],
  },
  {
    id: "suspended/gone",
    title: "A suspended site answers 410, or 503 with Retry-After",
    source: "RFC 9110 §15.5.11, §15.6.4",
    steps: [
      get("gone", "/", { status: 410, headers: { "X-Robots-Tag": "noindex" }, body: BUILT_IN_PAGE }),
      get("paused", "/", {
        status: 503,
        headers: { "Retry-After": { matches: "^[0-9]+$" }, "Cache-Control": "no-store" },
        body: BUILT_IN_PAGE,
      }),
    ],
  },
  {
    id: "robots/noindex",
    title: "A site that must not be indexed says so on every page",
    source: "design: robots",
    steps: [
      get("hidden", "/", { status: 200, headers: { "X-Robots-Tag": "noindex" } }),
      get("main", "/", { status: 200, headers: { "X-Robots-Tag": null } }),
    ],
  },
];
