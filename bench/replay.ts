import { desiredService } from "../src/deploy/service/desired.ts";
import { renderService } from "../src/render/render.ts";
import { replayEnvironment } from "../src/replay/environment.ts";
import { plannedSide } from "../src/replay/plan-sides.ts";
import { runReplay } from "../src/replay/replay.ts";
import type { ReplayWork } from "../src/replay/replay.ts";
import { readRequestLines } from "../src/replay/request-lines.ts";
import { compileSides } from "../src/replay/side-program.ts";
import { environmentOf } from "../src/settings/environment.ts";
import type { Environment } from "../src/settings/environment.ts";
import { settingsSchema } from "../src/settings/schema.ts";
import { exampleSettings } from "../test/support/environments.ts";
import { MadeSites } from "../test/support/made-sites.ts";
import { TEMPLATES } from "./project.ts";
import { load, rounded } from "./statistics.ts";

const SITES = 300;
const LINES = 20_000;
const MEBIBYTE = 1024 * 1024;
/** Where every answer comes by. */
const DELIVER_END = "#FASTLY deliver";
const SEGMENT = "bench-segment-0123456789";

/** What the new version does otherwise: for one site, or in every answer, where the new side is asked everything too. */
const CHANGES = {
  oneSite: `if (req.http.SF-Host == "${MadeSites.host(17)}") {\n  set resp.http.X-Planted = "1";\n}`,
  everyAnswer: 'set resp.http.X-Planted = "1";',
} as const;

/**
 * Pairs a second of processor time (the whole process, its helper threads too), and how much memory a replay takes from
 * its first tenth to its end. The sites are made as they are read: no store's speed is in the figures.
 */
export async function measureReplay(): Promise<object> {
  const loadBefore = load();
  const corpus = (): ReplayWork => ({ kind: "sample", sites: SITES });
  const lines = (): ReplayWork => ({ kind: "lines", lines: readRequestLines(requestLines()) });
  const oneSite = await measure(corpus(), CHANGES.oneSite);
  const everyAnswer = await measure(corpus(), CHANGES.everyAnswer);
  const linesOneSite = await measure(lines(), CHANGES.oneSite);
  const linesEveryAnswer = await measure(lines(), CHANGES.everyAnswer);
  const figures = { oneSite, everyAnswer, linesOneSite, linesEveryAnswer };
  return { load: [loadBefore, load()], ...figures };
}

async function measure(work: ReplayWork, statement: string): Promise<object> {
  const environment = benchEnvironment();
  const rendered = renderService(environment, { templates: TEMPLATES });
  const desired = desiredService(environment, rendered);
  const vcls = desired.content.vcls.map((file) => ({
    ...file,
    content: file.content.replace(DELIVER_END, `${statement}\n${DELIVER_END}`),
  }));
  const changed = { ...desired, content: { ...desired.content, vcls } };
  const side = plannedSide({ desired, drops: [] });
  const after = plannedSide({ desired: changed, drops: [] });
  const memory: number[] = [];
  const startedMs = performance.now();
  const before = process.cpuUsage();
  const summary = await runReplay({
    sides: compileSides(side, after),
    environment: replayEnvironment(environment),
    source: new MadeSites({ count: SITES, serverEnv: environment.name, segment: SEGMENT }),
    work,
    startedAt: Date.parse("2026-01-01T00:00:00Z"),
    signal: new AbortController().signal,
    onProgress: () => void memory.push(process.memoryUsage().rss / MEBIBYTE),
  });
  const spent = process.cpuUsage(before);
  const cpuSeconds = (spent.user + spent.system) / 1e6;
  const { pairs } = summary.requests;
  const early = memory.slice(0, Math.ceil(memory.length / 10));
  return {
    ...summary.sites,
    pairs,
    pairsPerCpuSecond: rounded(pairs / cpuSeconds),
    pairsPerSecond: rounded((pairs / (performance.now() - startedMs)) * 1000),
    peakMebibytes: { firstTenth: rounded(Math.max(...early)), all: rounded(Math.max(...memory)) },
  };
}

function benchEnvironment(): Environment {
  return environmentOf(settingsSchema.parse(exampleSettings), "production", {
    SITEFLEET_EDGE_S3_KEY: "BENCHREADER:bench-secret-0123456789",
    SITEFLEET_CONFIG_SEGMENT: SEGMENT,
  });
}

const PATHS = ["/", "/about", "/blog/", "/style.css", "/missing", "/moved"];

/** A log of visitors: some hosts are asked for often, most seldom. */
async function* requestLines(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < LINES; at += 1) {
    const number = Math.floor((at * 7919) % SITES) % (at % 3 === 0 ? 20 : SITES);
    const url = `https://${MadeSites.host(number)}${PATHS[at % PATHS.length] ?? "/"}`;
    yield await Promise.resolve(Buffer.from(`${JSON.stringify({ url })}\n`));
  }
}
