import { BUILT_IN_PAGE, get } from "../case.ts";
import type { ConformanceCase, Expectation, RawSite, RequestSpec, Step } from "../case.ts";
import { putSite, rawPage } from "../raw-site.ts";

const SALT = "00112233445566778899aabbccddeeff";
/** HMAC-SHA-256 of `open sesame:1`, `grüße` and `inner` with the salt as key. */
const VERIFIERS = {
  outer: "9628b163d3934821c55874213a78cbcbab95859c16c6cff0331846ba16ea18e6",
  greetings: "16ff7185043757d51eee7216c432fc1f81d7fcfd1961e4c1c93a5fe37073c383",
  inner: "e5905f9d9173c9e45077567c8500ad8ca66bacc9c6446b337ffbca416e270214",
} as const;
/** Basic credentials: any user name before the colon. */
const CREDENTIALS = {
  outer: "YW55b25lOm9wZW4gc2VzYW1lOjE=",
  greetings: "eDpncsO8w59l",
  inner: "OmlubmVy",
  wrong: "eDp3cm9uZw==",
  noColon: "bm9ib2R5",
} as const;

const PAGES: RawSite["objects"] = {
  "1/index.html": rawPage("Open home", "/"),
  "1/members.html": rawPage("Members", "/members"),
  "1/members/list.html": rawPage("List", "/members/list"),
  "1/members/photo.png": { body: "PNG", type: "image/png" },
  "1/members/inner/notes.html": rawPage("Notes", "/members/inner/notes"),
  "1/membership.html": rawPage("Membership", "/membership"),
  "1/404.html": rawPage("No such page", "/404"),
  "1/.well-known/acme-challenge/token.html": { body: "token.thumb\n", type: "text/plain" },
};

const MEMBERS = `0=${SALT}:${VERIFIERS.inner}:/members/inner/|1=${SALT}:${VERIFIERS.outer}:/members/`;

function lockedSite(config: Readonly<Record<string, string>>, rules: readonly string[] = []): Step {
  return putSite({
    host: "locked",
    site: "sf-raw-locked",
    config: { r: "1", n: "p", ...config },
    objects: PAGES,
    rules,
  });
}

const asking = (credentials: string): Omit<RequestSpec, "host"> => ({
  headers: { Authorization: `Basic ${credentials}` },
});

const REFUSED: Expectation = {
  status: 401,
  headers: {
    "WWW-Authenticate": { matches: '^Basic realm="locked\\.[^"]*", charset="UTF-8"$' },
    "Cache-Control": { matches: "no-store" },
    "X-Robots-Tag": "noindex",
  },
  body: BUILT_IN_PAGE,
};

/** Who may see a site: passwords, the visitor's country, and for how long. */
export const accessCases: readonly ConformanceCase[] = [
  {
    id: "password/asked-for",
    title:
      "A protected area asks for its password at every spelling of its paths, and the rest of the site does not",
    source: "design: password; RFC 7617",
    needs: ["publish"],
    steps: [
      lockedSite({ w: MEMBERS }),
      get("locked", "/", { status: 200, body: { contains: "Open home" } }),
      get("locked", "/membership", { status: 200, body: { contains: "Membership" } }),
      ...[
        "/members",
        "/members/",
        "/members.html",
        "/members/index.html",
        "/%6dembers/list",
        "//members/none",
      ].map((path) => get("locked", path, REFUSED)),
      get("locked", "/members/photo.png", { status: 401, body: { equals: "" } }, { method: "HEAD" }),
      get("locked", "/members", { status: 200, body: { contains: "Members" } }, asking(CREDENTIALS.outer)),
      get(
        "locked",
        "/members/photo.png",
        { status: 200, headers: { "Cache-Control": { matches: "^private, " } }, body: { equals: "PNG" } },
        asking(CREDENTIALS.outer),
      ),
      get(
        "locked",
        "/members/none",
        { status: 404, body: { contains: "No such page" } },
        asking(CREDENTIALS.outer),
      ),
      get("locked", "/members", REFUSED),
    ],
  },
  {
    id: "password/right-one",
    title: "Only the innermost area's own password opens it, whatever the user name and the letters",
    source: "RFC 7617 §2",
    needs: ["publish"],
    steps: [
      lockedSite({ w: MEMBERS }),
      get("locked", "/members/inner/notes", REFUSED, asking(CREDENTIALS.outer)),
      get("locked", "/members/inner/notes", { status: 200 }, asking(CREDENTIALS.inner)),
      get("locked", "/members/list", REFUSED, asking(CREDENTIALS.noColon)),
      lockedSite({ w: `0=${SALT}:${VERIFIERS.greetings}:/` }),
      get("locked", "/", REFUSED),
      get(
        "locked",
        "/",
        { status: 200, body: { contains: "Open home" } },
        { headers: { Authorization: `basic  ${CREDENTIALS.greetings}` } },
      ),
      get("locked", "/.well-known/acme-challenge/token", { status: 200, body: { contains: "thumb" } }),
    ],
  },
  {
    id: "password/rules-do-not-open-it",
    title:
      "A rule that shows a protected page asks for its password, and a redirect into it is only a redirect",
    source: "design: access is checked on the path that is shown",
    needs: ["publish"],
    steps: [
      lockedSite({ w: MEMBERS }, [
        "!200 /show/: /members/list",
        "404 /late/* /members/list",
        "302 /go/: /members",
      ]),
      get("locked", "/show/x", REFUSED),
      get("locked", "/show/x", { status: 200, body: { contains: "List" } }, asking(CREDENTIALS.outer)),
      get("locked", "/late/x", REFUSED),
      get("locked", "/late/x", { status: 404, body: { contains: "List" } }, asking(CREDENTIALS.outer)),
      get("locked", "/go/x", { status: 302, headers: { Location: { matches: "/members$" } } }),
    ],
  },
  {
    id: "password/unusable-areas-are-an-error",
    title: "Areas that cannot be read protect everything",
    source: "design: never a guess",
    needs: ["publish"],
    steps: [
      lockedSite({ w: "0=open:/members/" }),
      get("locked", "/members", { status: 500, body: BUILT_IN_PAGE }),
      get("locked", "/", { status: 500 }),
    ],
  },
  {
    id: "password/guesses-are-limited",
    title: "After ten wrong passwords in a minute an address waits five minutes",
    source: "reference/vcl/functions/rate-limiting",
    needs: ["publish", "faults", "rate-limiting"],
    steps: [
      putSite({ host: "guessed", site: "sf-raw-guessed", config: { r: "1", w: MEMBERS }, objects: PAGES }),
      ...Array.from({ length: 10 }, () =>
        get("guessed", "/members", { status: 401 }, asking(CREDENTIALS.wrong)),
      ),
      get(
        "guessed",
        "/members",
        { status: 429, headers: { "Retry-After": "300" }, body: BUILT_IN_PAGE },
        asking(CREDENTIALS.wrong),
      ),
      get("guessed", "/members", { status: 429 }, asking(CREDENTIALS.outer)),
      get("guessed", "/members", { status: 401 }),
      get("guessed", "/", { status: 200 }),
      { act: { do: "wait", seconds: 361 } },
      get("guessed", "/members", { status: 200 }, asking(CREDENTIALS.outer)),
    ],
  },
  {
    id: "eu-only/by-country",
    title: "A domain for the EU refuses visitors from elsewhere and from nowhere known",
    source: "reference/vcl/variables/geolocation",
    needs: ["publish", "country"],
    steps: [
      putSite({ host: "europe", site: "sf-raw-europe", config: { r: "1", n: "p", g: "1" }, objects: PAGES }),
      ...["DE", "FR", "IE", "RE", "AX"].map((country) =>
        get("europe", "/", { status: 200 }, { headers: { "Fastly-Test-Country": country } }),
      ),
      ...["US", "GB", "CH", "NO", "RU"].map((country) =>
        get(
          "europe",
          "/",
          {
            status: 403,
            headers: { "Cache-Control": "no-store", "X-Robots-Tag": "noindex" },
            body: BUILT_IN_PAGE,
          },
          { headers: { "Fastly-Test-Country": country } },
        ),
      ),
      get(
        "europe",
        "/.well-known/acme-challenge/token",
        { status: 200 },
        { headers: { "Fastly-Test-Country": "US" } },
      ),
      get("plain", "/", { status: 200 }, { headers: { "Fastly-Test-Country": "US" } }),
    ],
  },
  {
    id: "preview/expires",
    title: "A preview answers until its time and is gone after it",
    source: "design: previews",
    needs: ["publish"],
    steps: [
      putSite({
        host: "passing",
        site: "sf-raw-passing",
        config: { r: "1", m: "1", o: "4102444800" },
        objects: PAGES,
      }),
      get("passing", "/", { status: 200, headers: { "X-Robots-Tag": "noindex" } }),
      putSite({
        host: "passing",
        site: "sf-raw-passing",
        config: { r: "1", m: "1", o: "1700000000" },
        objects: PAGES,
      }),
      get("passing", "/", {
        status: 410,
        headers: { "Cache-Control": "no-store", "X-Robots-Tag": "noindex" },
        body: BUILT_IN_PAGE,
      }),
      putSite({ host: "passing", site: "sf-raw-passing", config: { r: "1", o: "soon" }, objects: PAGES }),
      get("passing", "/", { status: 500 }),
    ],
  },
];
