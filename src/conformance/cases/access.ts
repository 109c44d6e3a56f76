import { BUILT_IN_PAGE, get } from "../case.ts";
import type { ConformanceCase, RawSite, Step } from "../case.ts";
import { putSite, rawPage } from "../raw-site.ts";

const PAGES = {
  "1/index.html": rawPage("Restricted home", "/"),
  "1/404.html": rawPage("Restricted 404", "/404"),
  "1/.well-known/acme-challenge/token.html": { body: "token.thumb\n", type: "text/plain" },
};
/** 2100-01-01 and 2001-09-09. */
const LATER = "4102444800";
const EARLIER = "1000000000";

function restricted(config: RawSite["config"], more: Partial<RawSite> = {}): Step {
  return putSite({
    host: "restricted",
    site: "sf-raw-restricted",
    config: { r: "1", n: "p", ...config },
    objects: PAGES,
    ...more,
  });
}

const shown = { status: 200, body: { contains: "Restricted home" } } as const;
const refused = { status: 403, headers: { "Cache-Control": "no-store" }, body: BUILT_IN_PAGE } as const;

/** Who may see a host, and until when. */
export const accessCases: readonly ConformanceCase[] = [
  {
    id: "expiry/ends",
    title: "A host with an end shows its site until then, and after it a page that says so",
    source: "RFC 9110 §15.5.11; design: previews expire at the edge",
    needs: ["publish"],
    steps: [
      restricted({ o: LATER, m: "1" }),
      get("restricted", "/", { status: 200, headers: { "X-Robots-Tag": "noindex" }, body: shown.body }),
      restricted({ o: EARLIER }),
      get("restricted", "/", {
        status: 410,
        headers: { "X-Robots-Tag": "noindex", "Cache-Control": "no-store" },
        body: BUILT_IN_PAGE,
      }),
      get("restricted", "/nowhere", { status: 410 }),
    ],
  },
  {
    id: "expiry/unreadable-end",
    title: "An end that cannot be read is an error, not a site without end",
    source: "design: nothing is guessed",
    needs: ["publish"],
    steps: [restricted({ o: "soon" }), get("restricted", "/", { status: 500, body: BUILT_IN_PAGE })],
  },
  {
    id: "eu-only/visitors",
    title: "An EU-only host is shown to visitors from the EU and its outermost regions, to nobody else",
    source: "TEU article 52, TFEU articles 349 and 355",
    needs: ["publish", "country"],
    steps: [
      restricted({ g: "1" }),
      ...["DE", "IE", "CY", "HR", "GR", "RE", "AX"].map((country) =>
        get("restricted", "/", shown, { country }),
      ),
      ...["US", "GB", "CH", "NO", "IS", "GL", "RS", "UA"].map((country) =>
        get("restricted", "/", refused, { country }),
      ),
      get("restricted", "/nowhere", refused, { country: "US" }),
      get("main", "/about", { status: 200 }, { country: "US" }),
    ],
  },
  {
    id: "eu-only/challenges-are-exempt",
    title: "Certificate authorities outside the EU get challenges, and nothing in their place",
    source: "RFC 8555 §8.3",
    needs: ["publish", "country"],
    steps: [
      restricted({ g: "1" }),
      get(
        "restricted",
        "/.well-known/acme-challenge/token",
        { status: 200, body: { equals: "token.thumb\n" } },
        { country: "US" },
      ),
      get(
        "restricted",
        "/.well-known/acme-challenge/none",
        { status: 404, body: BUILT_IN_PAGE },
        { country: "US" },
      ),
      restricted({ g: "1", n: "s" }),
      get(
        "restricted",
        "/.well-known/acme-challenge/none",
        { status: 404, body: BUILT_IN_PAGE },
        { country: "US", headers: { "Sec-Fetch-Mode": "navigate", Accept: "text/html" } },
      ),
      restricted({ g: "1" }, { rules: ["200 /.well-known/acme-challenge/* /"] }),
      get("restricted", "/.well-known/acme-challenge/none", refused, { country: "US" }),
      restricted({ g: "1" }, { rules: ["!200 /.well-known/* /"] }),
      get("restricted", "/.well-known/acme-challenge/token", refused, { country: "US" }),
    ],
  },
  {
    id: "access/order",
    title: "Suspended comes before expired, that before EU-only, that before the password",
    source: "design: request walk, steps 3 and 4",
    needs: ["publish", "country"],
    steps: [
      restricted({ x: "503", o: EARLIER, g: "1" }, { passwords: { "/": "a password" } }),
      get("restricted", "/", { status: 503 }, { country: "US" }),
      restricted({ o: EARLIER, g: "1" }, { passwords: { "/": "a password" } }),
      get("restricted", "/", { status: 410 }, { country: "US" }),
      restricted({ g: "1" }, { passwords: { "/": "a password" } }),
      get("restricted", "/", { status: 403 }, { country: "US" }),
      get("restricted", "/", { status: 401 }, { country: "DE" }),
    ],
  },
  {
    id: "access/tls-first",
    title: "Nobody is asked for a password without TLS where the host forces it",
    source: "RFC 7617 §4",
    needs: ["publish", "plain-http"],
    steps: [
      restricted({ t: "1" }, { passwords: { "/": "a password" } }),
      get("restricted", "/", { status: 301, headers: { "WWW-Authenticate": null } }),
    ],
  },
];
