import { get } from "../case.ts";
import type { ConformanceCase } from "../case.ts";

/** Method policy, path and header hygiene: what never reaches the buckets. */
export const requestCases: readonly ConformanceCase[] = [
  {
    id: "method/post-is-refused",
    title: "Only GET and HEAD are answered; others get 405 with Allow",
    source: "RFC 9110 §15.5.6",
    steps: [get("main", "/", { status: 405, headers: { Allow: "GET, HEAD" } }, { method: "POST" })],
  },
  {
    id: "method/delete-is-refused",
    title: "DELETE never reaches the bucket",
    source: "RFC 9110 §15.5.6",
    steps: [
      get("main", "/about", { status: 405 }, { method: "DELETE" }),
      get("main", "/about", { status: 200, body: { contains: "About" } }),
    ],
  },
  {
    id: "method/options-is-refused",
    title: "OPTIONS is answered with 405 before any lookup",
    source: "design: method policy",
    steps: [get("main", "/", { status: 405 }, { method: "OPTIONS" })],
  },
  {
    id: "method/purge-is-forbidden",
    title: "A purge by URL is refused with 403",
    source: "fastly: Fastly-Purge-Requires-Auth is off by default, so URL purges are shut",
    steps: [get("main", "/", { status: 403 }, { method: "PURGE" })],
  },
  {
    id: "method/head-has-no-body",
    title: "HEAD answers with the page's headers and no body",
    source: "RFC 9110 §9.3.2",
    steps: [
      get(
        "main",
        "/about",
        { status: 200, headers: { "Content-Type": { matches: "^text/html" } }, body: { equals: "" } },
        { method: "HEAD" },
      ),
    ],
  },
  ...[
    "/%",
    "/%zz",
    "/a%2",
    "/a%00b",
    "/a%2Fb",
    "/a%5Cb",
    "/a%5cb",
    "/a\\b",
    "/a/../b",
    "/../b",
    "/./a",
    "/%2e%2e/b",
    "/a/%2E%2e",
    "/%ff",
    "/%c3%28",
    "/%0d%0aX:1",
  ].map((path): ConformanceCase => ({
    id: `path/refuses ${path}`,
    title: `The path ${path} is refused with 400`,
    source: "design: path hygiene; RFC 3986 §2.1, §5.2.4, §6.2.2",
    steps: [get("main", path, { status: 400 })],
  })),
  {
    id: "path/double-encoding-stays-text",
    title: "An encoded percent sign is decoded once and never again",
    source: "RFC 3986 §2.4",
    steps: [get("main", "/%252e%252e/secret", { status: 404 })],
  },
  {
    id: "path/slashes-collapse",
    title: "Runs of slashes count as one",
    source: "design: path hygiene",
    steps: [get("main", "//docs///guide", { status: 200, body: { contains: "Guide" } })],
  },
  {
    id: "path/too-long",
    title: "A path longer than any key is refused with 414",
    source: "RFC 9110 §15.5.15",
    steps: [
      get("main", `/${"a".repeat(5_000)}`, { status: 414 }),
      get("main", `/${"a".repeat(901)}`, { status: 414 }),
      get("main", `/${"%C3%BC".repeat(451)}`, { status: 414 }),
      get("main", `/${"a".repeat(850)}`, { status: 404 }),
    ],
  },
  {
    id: "path/special-characters",
    title: "Plus, percent, question mark and umlauts in file names are served",
    source: "RFC 3986 §2",
    steps: [
      get("main", "/a+b", { status: 200, body: { contains: "Plus" } }),
      get("main", "/~user%20x", { status: 404 }),
      get("main", "/a%2Bb", { status: 200, body: { contains: "Plus" } }),
      get("main", "/100%25%20real", { status: 200, body: { contains: "Percent" } }),
      get("main", "/gr%C3%BC%C3%9Fe", { status: 200, body: { contains: "Greetings" } }),
      get("main", "/what%3F", { status: 200, body: { contains: "Question" } }),
    ],
  },
  {
    id: "headers/internal-names-are-stripped",
    title: "A client cannot speak the edge's own language",
    source: "fastly-facts: spoofed internal headers",
    steps: [
      get(
        "main",
        "/secret",
        { status: 404, body: { lacks: "Other's secret" } },
        {
          headers: {
            "SF-Phase": "page",
            "SF-Hop": "edge",
            "SF-Site": "sf-verify-other",
            "SF-Release": "1",
            "SF-Site-Env": "production",
            "SF-Path": "/secret",
            "SF-Bucket": "hosting",
            "SF-Host": "other",
          },
        },
      ),
      get("main", "/about", { status: 200 }, { headers: { "SF-Phase": "trouble" } }),
      get(
        "main",
        "/local/production/sf-verify-other/1/secret.html",
        { status: 404, body: { lacks: "Other's secret" } },
        { headers: { "SF-Hop": "shield", "SF-Bucket": "hosting", "Fastly-FF": "forged!cache-iad1-IAD" } },
      ),
      get(
        "main",
        "/about",
        { status: 200, headers: { Location: null } },
        {
          headers: { "SF-Location": "https://evil.example/", "SF-Status": "302", "SF-Phase": "redirect" },
        },
      ),
    ],
  },
  {
    id: "headers/fastly-switches-are-stripped",
    title: "A client cannot use Fastly's switches to learn keys or burn restarts",
    source:
      "fastly: Fastly-Debug shows Surrogate-Key; the macros obey Fastly-Restart-On-Error and Fastly-Check-SHA1",
    steps: [
      get(
        "main",
        "/about",
        { status: 200, headers: { "Surrogate-Key": null, "Surrogate-Control": null } },
        {
          headers: {
            "Fastly-Debug": "1",
            "Fastly-Check-SHA1": "1",
            "Fastly-Restart-On-Error": "1",
            "Fastly-FF": "forged",
            "Fastly-Vary-String": "x",
          },
        },
      ),
    ],
  },
  {
    id: "headers/s3-headers-are-stripped",
    title: "A client's x-amz, If-Match and Authorization headers do not reach S3",
    source: "S3 refuses requests with unsigned x-amz headers",
    steps: [
      get(
        "main",
        "/long.txt?cold",
        { status: 200 },
        {
          headers: {
            "x-amz-security-token": "x",
            "x-amz-request-payer": "requester",
            "If-Match": '"nothing"',
            Authorization: "Basic eDp5",
            Cookie: "a=b",
          },
        },
      ),
    ],
  },
  {
    id: "headers/nothing-internal-leaks",
    title: "An answer tells nothing of the buckets and the edge's state",
    source: "design: deliver",
    steps: [
      get("main", "/about", {
        status: 200,
        headers: {
          "x-amz-meta-p": null,
          "x-amz-request-id": null,
          "x-amz-id-2": null,
          Server: null,
          "Surrogate-Key": null,
          Age: null,
          "SF-Phase": null,
          "SF-Stale": null,
          "SF-Revision": null,
          "SF-Version": null,
          "SF-Region": null,
          // What a store, or a proxy before it, says to its own clients.
          "Set-Cookie": null,
          "Strict-Transport-Security": null,
          "Content-Security-Policy": null,
          "X-Store-Node": null,
          "X-Content-Type-Options": "nosniff",
          "Referrer-Policy": { matches: "." },
          "Cache-Status": { matches: "^sitefleet; (hit|fwd=(uri-miss|bypass))$" },
        },
      }),
    ],
  },
  {
    id: "debug/revision-for-who-knows",
    title: "Only the right debug token makes the edge tell its revision and version",
    source: "design: deploy waits until the edge answers with the new version",
    needs: ["debug"],
    steps: [
      get(
        "main",
        "/",
        {
          status: 200,
          headers: {
            "SF-Revision": { matches: "^[0-9a-f]{16}$" },
            "SF-Version": { matches: "^[1-9][0-9]*$" },
          },
        },
        { headers: { "Sitefleet-Debug": "{debug}" } },
      ),
      get(
        "main",
        "/",
        { status: 200, headers: { "SF-Revision": null, "SF-Version": null } },
        { headers: { "Sitefleet-Debug": "guess" } },
      ),
    ],
  },
];
