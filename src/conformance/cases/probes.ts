import { BUILT_IN_PAGE, get } from "../case.ts";
import type { ConformanceCase } from "../case.ts";
import { putSite, rawPage } from "../raw-site.ts";

const SITE = {
  host: "probed",
  site: "sf-raw-probed",
  config: { r: "1", i: "2" },
  delta: { "new.html": "2" },
  objects: {
    "1/index.html": rawPage("Probed home", "/"),
    "2/new.html": rawPage("Probed news", "/new"),
  },
} as const;
const debug = { headers: { "Sitefleet-Debug": "{debug}" } };
const SILENT = {
  "SF-Revision": null,
  "SF-Version": null,
  "SF-Release": null,
  "SF-Keys": null,
  "SF-State": null,
  "SF-Config-Keys": null,
  "SF-Config-State": null,
} as const;

/** What the edge tells a publisher that verifies. */
export const probeCases: readonly ConformanceCase[] = [
  {
    id: "probe/release-and-keys",
    title: "Only the right debug token makes the edge tell which release it shows and what a page's keys are",
    source: "design: receipts",
    needs: ["publish", "debug"],
    steps: [
      putSite(SITE),
      get(
        "probed",
        "/new",
        {
          status: 200,
          headers: {
            "SF-Revision": { matches: "^[0-9a-f]{16}$" },
            "SF-Release": "2",
            "SF-Keys": { matches: "(?:^| )s:sf-raw-probed r:sf-raw-probed/2 p:[0-9a-f]{16}(?: |$)" },
            "SF-State": { matches: "^MISS" },
          },
        },
        debug,
      ),
      get(
        "probed",
        "/",
        { status: 200, headers: { "SF-Release": "2", "SF-Keys": { matches: " r:sf-raw-probed/1 p:" } } },
        debug,
      ),
      get(
        "probed",
        "/",
        { status: 200, headers: { "SF-State": { matches: "^HIT" }, "Surrogate-Key": null } },
        debug,
      ),
      get("probed", "/nowhere", { status: 404, headers: { "SF-Release": "2" } }, debug),
      get("probed", "/new", { status: 200, headers: SILENT }),
      get("probed", "/new", { status: 200, headers: SILENT }, { headers: { "Sitefleet-Debug": "{debug}x" } }),
      get("probed", "/new", { status: 200, headers: SILENT }, { headers: { "Sitefleet-Debug": "" } }),
      get("probed", "/new", { status: 200, headers: SILENT }, { headers: { "SF-Trusted": "1" } }),
    ],
  },
  {
    id: "probe/past-the-edge",
    title: "A trusted probe looks past the edge's own cache, so that the shield answers; nobody else can",
    source: "design: receipts",
    needs: ["publish", "debug", "shield"],
    steps: [
      putSite(SITE),
      get("probed", "/new", { status: 200 }),
      get("probed", "/new", { status: 200, headers: { "Cache-Status": "sitefleet; hit" } }),
      get(
        "probed",
        "/new",
        {
          status: 200,
          headers: {
            "Cache-Status": "sitefleet; fwd=uri-miss",
            "X-Cache": { matches: "HIT, MISS$" },
            "SF-Release": "2",
          },
          body: { contains: "Probed news" },
        },
        { headers: { ...debug.headers, "Sitefleet-Probe": "shield" } },
      ),
      get("probed", "/new", { status: 200, headers: { "Cache-Status": "sitefleet; hit" } }, debug),
      ...[
        { "Sitefleet-Probe": "shield" },
        { "Sitefleet-Probe": "shield", "Sitefleet-Debug": "guess" },
        { "SF-Probe": "shield", "SF-Trusted": "1" },
      ].map((headers) =>
        get(
          "probed",
          "/new",
          { status: 200, headers: { ...SILENT, "Cache-Status": "sitefleet; hit" } },
          { headers },
        ),
      ),
    ],
  },
  {
    id: "probe/head-behind-a-password",
    title: "A trusted HEAD checks and warms pages behind a password; what they say stays behind it",
    source: "design: receipts",
    needs: ["publish", "debug"],
    steps: [
      putSite({ ...SITE, passwords: { "/": "a password" } }),
      get("probed", "/new", { status: 401, headers: { "SF-Release": "2" } }, debug),
      get("probed", "/new", { status: 401, headers: SILENT }, { method: "HEAD" }),
      get("probed", "/new", { status: 401 }, { method: "HEAD", headers: { "Sitefleet-Debug": "guess" } }),
      get(
        "probed",
        "/new",
        { status: 200, headers: { "SF-Keys": { matches: "r:sf-raw-probed/2" } }, body: { equals: "" } },
        { method: "HEAD", ...debug },
      ),
    ],
  },
  {
    id: "probe/no-config-no-keys",
    title:
      "Of a config that no bucket gave, a trusted probe is told the state and no keys, not even an empty list",
    source: "design: receipts",
    needs: ["publish", "debug", "faults"],
    steps: [
      putSite(SITE),
      { act: { do: "origin", location: "first", answer: "refuse" } },
      { act: { do: "origin", location: "second", answer: "refuse" } },
      get(
        "probed",
        "/new",
        {
          status: 503,
          headers: { "SF-Config-State": { matches: "^[A-Z]" }, "SF-Config-Keys": null, "SF-Release": null },
          body: BUILT_IN_PAGE,
        },
        debug,
      ),
      { act: { do: "origin", location: "first", answer: "normal" } },
      { act: { do: "origin", location: "second", answer: "normal" } },
    ],
  },
];
