import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { DEBUG_PREFIX } from "../../src/site/edge-names.ts";
import { segmentHash, shortHash } from "../../src/site/short-hashes.ts";
import { counterexampleText } from "./counterexample-text.ts";
import type { CaseObject, CaseRequest, CaseStep, EqualityCase } from "./equality-case.ts";
import { runCase } from "./run-case.ts";
import { allSettings, SEGMENT } from "./settings.ts";
import { Tally } from "./tally.ts";
import type { TallyFigures } from "./tally.ts";

const settings = allSettings();
const HOST = "www.example.com";
const sha256Hex = (text: string): string => createHash("sha256").update(text).digest("hex");
const TOKEN = sha256Hex(`${DEBUG_PREFIX}${SEGMENT}`);
/** The time for which a config is fresh under settings 1, and a second. */
const CONFIG_IS_STALE = 3_601_000;

/** Settings, by their index: one region; two regions; two regions and segmented files. */
const [ONE_REGION, TWO_REGIONS, SEGMENTED] = [0, 1, 3];

const CONFIG: CaseObject = {
  bucket: "config",
  key: `test/production/${HOST}/`,
  body: { text: "{}", times: 1 },
  headers: [],
  metadata: { v: "3", s: "blog", r: "1", n: "p" },
};

function page(name: string, more: Partial<CaseObject>): CaseObject {
  const key = `test/production/blog/1/${name}`;
  return { bucket: "hosting", key, body: { text: "object\n", times: 1 }, headers: [], metadata: {}, ...more };
}

type StepInit = Partial<Omit<CaseStep, "request">> & Partial<CaseRequest>;

function step({ wait = 0, moods = {}, ...request }: StepInit): CaseStep {
  const usual = { method: "GET", host: HOST, target: "/", isTls: true, headers: [] };
  return { wait, purge: [], isSoft: false, put: null, moods, sick: [], request: { ...usual, ...request } };
}

async function figuresOf(one: EqualityCase): Promise<TallyFigures> {
  const tally = new Tally();
  const found = await runCase(one, { vcl: settings, compute: settings }, tally);
  expect(found === null ? "" : counterexampleText(one, found)).toBe("");
  return tally.figures();
}

/** A config that is stale while the first region is in trouble. */
function troubled(headers: CaseRequest["headers"]): EqualityCase {
  const objects = [CONFIG, page("index.html", { headers: [["Content-Type", "text/html"]] })];
  const steps = [step({}), step({ wait: CONFIG_IS_STALE, moods: { config: "403" }, headers })];
  return { setting: TWO_REGIONS, noise: [], objects, steps };
}

test("What is stale is shown before the second region is asked, in both alike", async () => {
  expect(await figuresOf(troubled([]))).toMatchObject({ requests: 2, excused: 0 });
  expect(await figuresOf(troubled([["Sitefleet-Debug", TOKEN]]))).toMatchObject({ requests: 2, excused: 0 });
});

test("Told to look at the shield, only VCL looks past what is stale, and only that is excused", async () => {
  const probe = [
    ["Sitefleet-Debug", TOKEN],
    ["Sitefleet-Probe", "shield"],
  ] as const;
  const { excused, uses } = await figuresOf(troubled(probe));
  expect(excused).toBe(1);
  expect(uses.map(({ id }) => id)).toContain("no-shield");
});

test("A visitor who may not probe changes nothing by asking", async () => {
  const { excused } = await figuresOf(troubled([["Sitefleet-Probe", "shield"]]));
  expect(excused).toBe(0);
});

test("A large file that is a broken redirect is trouble, whatever a visitor has of it", async () => {
  const film = page("film.mp4", { headers: [["Content-Type", "video/mp4"]], metadata: { l: "/about" } });
  const steps = [step({ target: "/film.mp4", headers: [["If-None-Match", "*"]] })];
  await figuresOf({ setting: SEGMENTED, noise: [], objects: [CONFIG, film], steps });
});

test("A large file of text is not compressed, nor does a range behind its end say that it were", async () => {
  const film = page("film.mp4", { headers: [["Content-Type", "text/html"]] });
  const headers = [["Range", "bytes=999999999-"] as const];
  const steps = [step({ target: "/film.mp4", headers })];
  const { parted } = await figuresOf({ setting: SEGMENTED, noise: [], objects: [CONFIG, film], steps });
  expect(parted).toBe(0);
});

test("That there is no 404 page is known from something stale too, and S3's own words about it are never shown", async () => {
  const steps = [
    step({ target: "/404" }),
    step({ target: "/none" }),
    step({ target: "/none", wait: 121_000, moods: { hosting: "500" } }),
  ];
  await figuresOf({ setting: ONE_REGION, noise: [], objects: [CONFIG], steps });
});

test("Nor are they shown where VCL has no restart left", async () => {
  const bucket = `1,${segmentHash("blog", sha256Hex)},`;
  const config = { ...CONFIG, metadata: { ...CONFIG.metadata, b: bucket } };
  const rules: CaseObject = {
    ...CONFIG,
    key: `test/production/_sites/blog/rules/1/${segmentHash("blog", sha256Hex)}`,
    metadata: { v: "3", s: "blog", q: "0=301 /blog/old /new" },
  };
  const steps = [
    step({ target: "/404" }),
    step({ target: "/blog/none" }),
    step({ target: "/blog/none", wait: 121_000, moods: { hosting: "500" } }),
  ];
  await figuresOf({ setting: ONE_REGION, noise: [], objects: [config, rules], steps });
});

test("A path may have a long segment, or one of many dots", async () => {
  const directories = `,${shortHash("blog", sha256Hex)},`;
  const config = { ...CONFIG, metadata: { ...CONFIG.metadata, e: directories } };
  const long = "%C3%A9".repeat(290);
  const dotted = ".a".repeat(440);
  const objects = [config, page("blog/404.html", {}), page(`${dotted}/x.y`, {})];
  const steps = [step({ target: `/blog/${long}/x/y` }), step({ target: `/${dotted}/x.y` })];
  const { excused } = await figuresOf({ setting: ONE_REGION, noise: [], objects, steps });
  expect(excused).toBe(0);
});

test("A rule whose page begins with no slash leads to no other release, in both alike", async () => {
  const config = { ...CONFIG, metadata: { ...CONFIG.metadata, q: "0=!200 /* 0/index.html" } };
  const other = { ...page("index.html", {}), key: "test/production/blog/10/index.html" };
  const objects = [config, page("index.html", { body: { text: "ours\n", times: 1 } }), other];
  const one = { setting: ONE_REGION, noise: [], objects, steps: [step({})] };
  expect(await figuresOf(one)).toMatchObject({ requests: 1, excused: 0 });
});
