import { desiredService } from "../../src/deploy/service/desired.ts";
import { renderService } from "../../src/render/render.ts";
import type { ReplayChange } from "../../src/replay/change.ts";
import { replayEnvironment } from "../../src/replay/environment.ts";
import type { ReplayEnvironment } from "../../src/replay/environment.ts";
import { plannedSide } from "../../src/replay/plan-sides.ts";
import { runReplay } from "../../src/replay/replay.ts";
import type { ReplayWork } from "../../src/replay/replay.ts";
import { readRequestLines } from "../../src/replay/request-lines.ts";
import { compileSides } from "../../src/replay/side-program.ts";
import type { Sides } from "../../src/replay/side-program.ts";
import type { ReplaySummary } from "../../src/replay/tally.ts";
import type { SiteSource } from "../../src/replay/site-source.ts";
import type { SideVersion } from "../../src/replay/version-input.ts";
import { environmentOf } from "../../src/settings/environment.ts";
import type { Environment } from "../../src/settings/environment.ts";
import { settingsSchema } from "../../src/settings/schema.ts";
import { exampleSettings } from "../support/environments.ts";
import { MadeSites } from "../support/made-sites.ts";

export const SEGMENT = "test-segment-0123456789";
export const TEST_TIME = Date.parse("2026-01-01T00:00:00Z");

/** The example's production environment: a shield, two regions, suffixes. */
export function testEnvironment(): Environment {
  return environmentOf(settingsSchema.parse(exampleSettings), "production", {
    SITEFLEET_EDGE_S3_KEY: "TESTREADER:test-secret-0123456789",
    SITEFLEET_CONFIG_SEGMENT: SEGMENT,
  });
}

/** The same with no shield, where each request costs half. */
export function plainEnvironment(): Environment {
  const { fastly, ...environment } = testEnvironment();
  const { shield: _, ...unshielded } = fastly;
  return { ...environment, fastly: unshielded };
}

const environment = testEnvironment();

/** The rendered version, with a text of its VCL replaced by another one. */
export function sideWith(change?: readonly [text: string, by: string], of = environment): SideVersion {
  const desired = desiredService(of, renderService(of));
  const vcls = desired.content.vcls.map((file) => {
    if (change === undefined || !file.main) return file;
    if (!file.content.includes(change[0])) throw new Error(`the VCL has no "${change[0]}"`);
    return { ...file, content: file.content.replace(...change) };
  });
  return plannedSide({ desired: { ...desired, content: { ...desired.content, vcls } }, drops: [] });
}

/** The end of the visitor's part of vcl_deliver: what stands there is run for every answer. */
export const DELIVER_END = "#FASTLY deliver";

export interface Replayed {
  readonly summary: ReplaySummary;
  readonly changes: readonly ReplayChange[];
  readonly source: MadeSites;
}

/** Replays the rendered version against another one over so many made sites. */
export async function replay(
  after: SideVersion,
  input: {
    readonly count: number;
    readonly work: ReplayWork;
    readonly before?: SideVersion;
    readonly environment?: ReplayEnvironment;
    readonly source?: SiteSource;
    /** Both versions, compiled before. */
    readonly sides?: Sides;
  },
): Promise<Replayed> {
  const made = new MadeSites({ count: input.count, serverEnv: environment.name, segment: SEGMENT });
  const source = input.source ?? made;
  const changes: ReplayChange[] = [];
  const summary = await runReplay({
    sides: input.sides ?? compileSides(input.before ?? sideWith(), after),
    environment: input.environment ?? replayEnvironment(environment),
    source,
    work: input.work,
    startedAt: TEST_TIME,
    signal: new AbortController().signal,
    onChange: (change) => void changes.push(change),
  });
  return { summary, changes, source: made };
}

/** Documents as the lines of a file. */
export function linesOf(documents: Iterable<unknown>): ReplayWork {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for (const document of documents) {
      yield await Promise.resolve(Buffer.from(`${JSON.stringify(document)}\n`));
    }
  }
  return { kind: "lines", lines: readRequestLines(bytes()) };
}
