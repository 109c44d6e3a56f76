import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "./child.ts";
import { startFleet } from "./fleet.ts";
import type { Fleet } from "./fleet.ts";
import type { PublishOrder, PublishResult } from "./publish-process.ts";
import { load, median, rounded, spread } from "./statistics.ts";

const ROUNDS = 3;
const FILE_BYTES = 8_192;

/** With it node collects at once what it would let lie: what remains is what publishing needs. */
const SMALL_HEAP = ["--max-old-space-size=48", "--max-semi-space-size=2"] as const;

/**
 * Publishing 1,000 files for the first time and unchanged, and the memory of the publishing process, a new one each
 * time as it is for a user, with 1,000 and 5,000; as node is by default, and in a small heap.
 */
export async function measurePublish(): Promise<object> {
  const loadBefore = load();
  const fleet = await startFleet();
  const dir = await mkdtemp(join(tmpdir(), "sitefleet-bench-site-"));
  try {
    await writeFiles(dir, { from: 0, to: 1_000 });
    const small = await measureFolder(fleet, { dir, site: "small", rounds: ROUNDS });
    const smallTight = await publishTight(fleet, { dir, site: "small-tight" });
    await writeFiles(dir, { from: 1_000, to: 5_000 });
    const large = await measureFolder(fleet, { dir, site: "large", rounds: 1 });
    const largeTight = await publishTight(fleet, { dir, site: "large-tight" });
    return {
      load: [loadBefore, load()],
      fileBytes: FILE_BYTES,
      files1000: small.figures,
      files5000: large.figures,
      peakRssMbInSmallHeap: { files1000: smallTight, files5000: largeTight },
      peakMemoryRatio: {
        ofFiles: "5000 to 1000",
        default: rounded(large.peakMb / small.peakMb),
        smallHeap: rounded(largeTight / smallTight),
      },
    };
  } finally {
    await fleet.close();
    await rm(dir, { recursive: true, force: true });
  }
}

async function writeFiles(
  dir: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  for (let index = from; index < to; index += 1) {
    const folder = join(dir, `part-${index % 20}`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${index}.html`), `<p>${index}</p>`.padEnd(FILE_BYTES, "words "));
  }
}

async function measureFolder(
  fleet: Fleet,
  { dir, site, rounds }: { readonly dir: string; readonly site: string; readonly rounds: number },
): Promise<{ readonly figures: object; readonly peakMb: number }> {
  const first: Published[] = [];
  const unchanged: Published[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const order = { file: fleet.file, site: `${site}${round}`, dir };
    first.push(await publishOnce(fleet, order, "published"));
    unchanged.push(await publishOnce(fleet, order, "unchanged"));
  }
  const peakMb = median(first.map(({ peakRssMb }) => peakRssMb));
  return { figures: { first: figuresOf(first), unchanged: figuresOf(unchanged) }, peakMb };
}

async function publishTight(
  { file }: Fleet,
  { dir, site }: { readonly dir: string; readonly site: string },
): Promise<number> {
  const child = new Child("publish-process.js", [], SMALL_HEAP);
  const result = (await child.ask({ file, site, dir } satisfies PublishOrder)) as PublishResult;
  await child.stop();
  return result.peakRssMb;
}

interface Published extends PublishResult {
  readonly s3Requests: Readonly<Record<string, number>>;
}

async function publishOnce(fleet: Fleet, order: PublishOrder, expected: string): Promise<Published> {
  const before = (await fleet.report()).s3Requests;
  const child = new Child("publish-process.js");
  const result = (await child.ask(order)) as PublishResult;
  await child.stop();
  if (result.kind !== expected) throw new Error(`publishing said "${result.kind}", not "${expected}"`);
  const after = (await fleet.report()).s3Requests;
  const counts = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  return { ...result, s3Requests: Object.fromEntries(counts.filter(([, count]) => count > 0)) };
}

function figuresOf(runs: readonly Published[]): object {
  return {
    ms: spread(runs.map(({ ms }) => ms)),
    cpuMs: spread(runs.map(({ cpuMicros }) => cpuMicros / 1000)),
    peakRssMb: spread(runs.map(({ peakRssMb }) => peakRssMb)),
    s3Requests: runs[0]?.s3Requests,
  };
}
