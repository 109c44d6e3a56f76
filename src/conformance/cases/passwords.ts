import { BUILT_IN_PAGE, get } from "../case.ts";
import type { ConformanceCase, RawObject, RawSite, Step } from "../case.ts";
import { basic, putSite, rawPage } from "../raw-site.ts";

const TEAM = "the team's password";
const BOARD = "Vorstandspasswort \u00fc\u00df";
const AREAS = { "/team/": TEAM, "/team/board/": BOARD };
/** An area as it stands in a config, of a password that nobody knows. */
const PACKED = `0=${"a".repeat(32)}:${"b".repeat(64)}:/team/`;

const PAGES: Readonly<Record<string, RawObject>> = {
  "1/index.html": rawPage("Public home", "/"),
  "1/404.html": rawPage("Public 404", "/404"),
  "1/team.html": rawPage("Team home", "/team/"),
  "1/team/plan.html": rawPage("Team plan", "/team/plan"),
  "1/team/404.html": rawPage("Team 404", "/team/404"),
  "1/team/file.txt": { body: "0123456789", type: "text/plain" },
  "1/team/bare.txt": { body: "bare", type: "text/plain", own: { "Cache-Control": null } },
  "1/team/moved.html": { body: "rule\n", metadata: { l: "/team/plan", c: "301" } },
  "1/team/board.html": rawPage("Board home", "/team/board/"),
  "1/team/board/minutes.html": rawPage("Board minutes", "/team/board/minutes"),
  "1/team/board/404.html": rawPage("Board 404", "/team/board/404"),
  "1/teams.html": rawPage("Other teams", "/teams"),
  "1/.well-known/acme-challenge/token.html": { body: "token.thumb\n", type: "text/plain" },
};

function members(given: Partial<RawSite> = {}): Step {
  return putSite({
    host: "members",
    site: "sf-raw-members",
    objects: PAGES,
    passwords: AREAS,
    ...given,
    config: { r: "1", n: "p", ...given.config },
  });
}

const team = { headers: { Authorization: basic(TEAM) } };
const debug = { "Sitefleet-Debug": "{debug}" };
const board = { headers: { Authorization: basic(BOARD) } };
const asked = {
  status: 401,
  headers: {
    "WWW-Authenticate": { matches: '^Basic realm="members\\.[a-z0-9.-]+/team/", charset="UTF-8"$' },
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    ETag: null,
  },
  body: { ...BUILT_IN_PAGE, lacks: "Team" },
} as const;
const closed = { status: 401, body: BUILT_IN_PAGE } as const;
const navigate = { "Sec-Fetch-Mode": "navigate", Accept: "text/html" };

/** With the debug token a wrong password is no guess: otherwise a few runs in a minute would lock the next one out. */
function uncounted(row: ConformanceCase): ConformanceCase {
  if (row.id === "password/too-many-guesses") return row;
  const steps = row.steps.map((step): Step => {
    if (!("send" in step) || step.send.method === "HEAD") return step;
    const headers = { ...debug, ...step.send.headers };
    return { ...step, send: { ...step.send, headers } };
  });
  return { ...row, steps };
}

const CASES: readonly ConformanceCase[] = [
  {
    id: "password/asked-for",
    title:
      "A protected area asks for its password, takes it under any user name, and is for the browser's own cache",
    source: "RFC 7617 §2, RFC 9110 §15.5.2, RFC 9111 §5.2.2.7",
    needs: ["publish"],
    steps: [
      members(),
      get("members", "/team/plan", asked),
      get("members", "/team/plan", asked, { headers: { Authorization: basic("the team's passwort") } }),
      get("members", "/team/plan", asked, { headers: { Authorization: basic("") } }),
      ...["anyone", "", "somebody else"].map((user) =>
        get(
          "members",
          "/team/plan",
          {
            status: 200,
            headers: { "Cache-Control": "private, max-age=0, must-revalidate", "WWW-Authenticate": null },
            body: { contains: "Team plan" },
          },
          { headers: { Authorization: basic(TEAM, user) } },
        ),
      ),
      get("members", "/team/plan", { status: 200, body: { equals: "" } }, { ...team, method: "HEAD" }),
      get("members", "/team/plan", { status: 401, body: { equals: "" } }, { method: "HEAD" }),
    ],
  },
  {
    id: "password/every-spelling",
    title: "No spelling of a protected path gets around the password",
    source: "RFC 3986 §6.2; design: page key",
    needs: ["publish"],
    steps: [
      members(),
      ...[
        "/team",
        "/team/",
        "/team.html",
        "/team/index.html",
        "//team/plan",
        "/team//plan",
        "/%74eam/plan",
        "/team/plan/",
        "/team/plan.html",
        "/team/plan/index.html",
        "/team/plan?x=/",
        "/team/404",
        "/team/moved",
        "/team/none",
        "/team/.html",
      ].map((path) => get("members", path, closed)),
      get("members", "/TEAM/plan", { status: 404, body: { contains: "Public 404" } }),
    ],
  },
  {
    id: "password/only-there",
    title: "What is not protected needs no password, and one that is sent changes nothing",
    source: "design: protected areas",
    needs: ["publish"],
    steps: [
      members(),
      get("members", "/", {
        status: 200,
        headers: { "Cache-Control": "public, max-age=0, must-revalidate" },
        body: { contains: "Public home" },
      }),
      get("members", "/teams", { status: 200, body: { contains: "Other teams" } }),
      get("members", "/teams", { status: 200 }, { headers: { Authorization: "Basic eDp5" } }),
      get("members", "/", { status: 200 }, { headers: { Authorization: "Bearer x" } }),
    ],
  },
  {
    id: "password/cached-once",
    title: "A protected page is cached once, whoever asks, and only for who may see it",
    source: "design: cache stays on",
    needs: ["publish"],
    steps: [
      members(),
      get(
        "members",
        "/team/plan?1",
        { status: 200, headers: { "Cache-Status": "sitefleet; fwd=uri-miss" } },
        team,
      ),
      get(
        "members",
        "/team/plan?2",
        { status: 200, headers: { "Cache-Status": "sitefleet; hit", Vary: "Accept-Encoding" } },
        { headers: { Authorization: basic(TEAM, "another") } },
      ),
      get("members", "/team/plan", asked),
    ],
  },
  {
    id: "password/conditions-and-ranges",
    title: "Conditions and ranges work behind a password and not before it",
    source: "RFC 9110 §13, §14",
    needs: ["publish"],
    steps: [
      members(),
      get("members", "/team/file.txt", { status: 200 }, team),
      get("members", "/team/file.txt", { status: 401 }, { headers: { "If-None-Match": "{etag}" } }),
      get("members", "/team/file.txt", { status: 401 }, { headers: { "If-None-Match": "*" } }),
      get("members", "/team/file.txt", { status: 200 }, team),
      get(
        "members",
        "/team/file.txt",
        { status: 304, headers: { "Cache-Control": null } },
        { headers: { ...team.headers, "If-None-Match": "{etag}" } },
      ),
      get(
        "members",
        "/team/file.txt",
        { status: 206, body: { equals: "23" } },
        { headers: { ...team.headers, Range: "bytes=2-3" } },
      ),
      get("members", "/team/file.txt", { status: 401 }, { headers: { Range: "bytes=2-3" } }),
      // Without a word of its own a shared cache might keep it all the same.
      get("members", "/team/bare.txt", { status: 200, headers: { "Cache-Control": "private" } }, team),
    ],
  },
  {
    id: "password/nested",
    title: "The innermost area's password counts, also where a page is missing",
    source: "design: longest prefix first",
    needs: ["publish"],
    steps: [
      members(),
      get("members", "/team/board/minutes", closed, team),
      get("members", "/team/board/minutes", { status: 200, body: { contains: "Board minutes" } }, board),
      get("members", "/team/board", closed, team),
      get("members", "/team/plan", asked, board),
      get("members", "/team/none", { status: 404, body: { contains: "Public 404" } }, team),
      get(
        "members",
        "/team/moved",
        { status: 301, headers: { Location: "/team/plan", "Cache-Control": { matches: "^private" } } },
        team,
      ),
    ],
  },
  {
    id: "password/whole-site",
    title: "Behind a password for the whole site nothing is shown, not even that a page is missing",
    source: "design: protected areas",
    needs: ["publish"],
    steps: [
      members({ passwords: { "/": TEAM, "/team/board/": BOARD } }),
      ...["/", "/index.html", "/index", "/none", "/404.html", "/none.png", "/team/"].map((path) =>
        get("members", path, closed),
      ),
      get(
        "members",
        "/none",
        { status: 404, headers: { "Cache-Control": "no-store" }, body: { contains: "Public 404" } },
        team,
      ),
      // The 404 page of the whole site is not for who knows the inner password only.
      get("members", "/team/board/none", { status: 404, body: BUILT_IN_PAGE }, board),
      members({ config: { n: "s" }, passwords: { "/": TEAM, "/team/board/": BOARD } }),
      get("members", "/app/route", closed, { headers: navigate }),
      get(
        "members",
        "/app/route",
        { status: 200, body: { contains: "Public home" } },
        { headers: { ...navigate, ...team.headers } },
      ),
      get(
        "members",
        "/team/board/route",
        { status: 404, body: BUILT_IN_PAGE },
        { headers: { ...navigate, ...board.headers } },
      ),
    ],
  },
  {
    id: "password/rules",
    title: "A rule that shows a protected page asks for the password, forced or not; none leads around it",
    source: "design: page rules",
    needs: ["publish"],
    steps: [
      members({
        rules: ["!200 /open/: /team/{2}", "200 /late/* /team/{*}", "404 /gone /team/plan", "!302 /team/* /"],
      }),
      get("members", "/open/plan", closed),
      get("members", "/late/plan", closed),
      get("members", "/gone", closed),
      get(
        "members",
        "/late/plan",
        {
          status: 200,
          headers: { "Cache-Control": { matches: "^private" } },
          body: { contains: "Team plan" },
        },
        team,
      ),
      get("members", "/late/board/minutes", closed, team),
      // The password comes before the rules.
      get("members", "/team/anything", asked),
      get("members", "/team/anything", { status: 302, headers: { Location: "/" } }, team),
    ],
  },
  {
    id: "password/challenges-are-exempt",
    title: "Certificate challenges need no password, and nothing else is shown in their place",
    source: "RFC 8555 §8.3",
    needs: ["publish"],
    steps: [
      members({ passwords: { "/": TEAM } }),
      get("members", "/.well-known/acme-challenge/token", { status: 200, body: { equals: "token.thumb\n" } }),
      get("members", "/.well-known/acme-challenge/none", { status: 404, body: BUILT_IN_PAGE }),
      get("members", "/.well-known/other", closed),
    ],
  },
  {
    id: "password/odd-credentials",
    title: "Credentials of no right form are no password",
    source: "RFC 7617 §2, RFC 4648 §3.3",
    needs: ["publish"],
    steps: [
      members(),
      ...[
        "Basic",
        "Basic =",
        "Basic ====",
        "Basic !!!!",
        `Basic ${Buffer.from(TEAM).toString("base64")}`,
        `Basic ${Buffer.from(`:${TEAM}x`).toString("base64")}`,
        `Basic ${Buffer.from(`\0:${TEAM}`).toString("base64")}`,
        `Basic ${Buffer.from("x:\0").toString("base64")}`,
        `Basic ${Buffer.from([0xff, 0x3a, 0xfe]).toString("base64")}`,
        `Basic ${"QUFB".repeat(300)}`,
        `Basic ${"A".repeat(8_000)}`,
        `Bearer ${Buffer.from(`x:${TEAM}`).toString("base64")}`,
        `${basic(TEAM)} ${basic(TEAM)}`,
        `Digest username="x", response="${TEAM}"`,
      ].map((Authorization) => get("members", "/team/plan", asked, { headers: { Authorization } })),
      get("members", "/team/plan", asked, { headers: { "Proxy-Authorization": basic(TEAM) } }),
      get("members", "/team/plan", asked, { headers: { "SF-Credentials": basic(TEAM).slice(6) } }),
      get("members", "/team/plan", asked, {
        headers: { "SF-Area": "/team/", "SF-Private": "1", "SF-Exempt": "1" },
      }),
      get(
        "members",
        "/team/plan",
        { status: 200 },
        { headers: { Authorization: basic(TEAM).replace("Basic", "bAsIc  ") } },
      ),
      get("members", "/team/board/", { status: 200 }, board),
    ],
  },
  {
    id: "password/unreadable-areas",
    title: "Areas that cannot be read close the site instead of opening it",
    source: "design: nothing is guessed",
    needs: ["publish"],
    steps: [
      "x",
      "0=abc",
      PACKED.replace("0=", "1="),
      PACKED.replace("/team/", "team/"),
      PACKED.toUpperCase(),
      `${PACKED}|9=x`,
      `${PACKED}|`,
    ].flatMap((w) => [
      members({ config: { w: PACKED } }),
      get("members", "/", { status: 200 }),
      members({ config: { w } }),
      get("members", "/", { status: 500, body: BUILT_IN_PAGE }, team),
    ]),
  },
  {
    id: "password/too-many-guesses",
    title: "Who guesses too often is not listened to for some minutes, with the right password neither",
    source: "RFC 6585 §4",
    needs: ["publish", "faults", "rate-limiting", "debug"],
    steps: [
      putSite({
        host: "guessed",
        site: "sf-raw-guessed",
        config: { r: "1" },
        passwords: { "/": TEAM },
        objects: { "1/index.html": rawPage("Guessed home", "/") },
      }),
      // No guess: it is the question.
      ...Array.from({ length: 25 }, () => get("guessed", "/", { status: 401 })),
      get("guessed", "/", { status: 200 }, team),
      ...Array.from({ length: 20 }, (_, i) =>
        get("guessed", "/", { status: 401 }, { headers: { Authorization: basic(`guess ${i}`) } }),
      ),
      get(
        "guessed",
        "/",
        {
          status: 429,
          headers: { "Retry-After": { matches: "^[1-9][0-9]+$" }, "Cache-Control": "no-store" },
          body: BUILT_IN_PAGE,
        },
        { headers: { Authorization: basic("one more") } },
      ),
      get("guessed", "/", { status: 429 }, team),
      get("guessed", "/", { status: 401 }),
      // The publisher's own checks are never locked out, and their wrong passwords stay wrong.
      get("guessed", "/", { status: 200 }, { headers: { ...team.headers, ...debug } }),
      get("guessed", "/", { status: 401 }, { headers: { Authorization: basic("wrong"), ...debug } }),
      { act: { do: "wait", seconds: 361 } },
      get("guessed", "/", { status: 200, body: { contains: "Guessed home" } }, team),
    ],
  },
];

/** Protected areas. */
export const passwordCases = CASES.map(uncounted);
