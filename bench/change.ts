import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pool } from "undici";
import { addDomain } from "../src/publish/domains.ts";
import { publishFolder } from "../src/publish/publish.ts";
import { startFleet } from "./fleet.ts";
import type { Fleet } from "./fleet.ts";
import { load, percentile, rounded } from "./statistics.ts";

const ROUNDS = 30;
const WARM_UP = 3;
const PAGES = 20;
const REF = { site: "bench", siteEnv: "production" } as const;
const HOST = "www.bench.localhost";
/** How often a visitor looks, milliseconds: the figures' grain. */
const LOOK_MS = 2;

/**
 * From the start of a command to the first right answer, with a visitor who has asked before and keeps asking: a new
 * domain (unknown until then), and a changed page of a site with a few.
 */
export async function measureChange(): Promise<object> {
  const loadBefore = load();
  const fleet = await startFleet();
  const dir = await mkdtemp(join(tmpdir(), "sitefleet-bench-site-"));
  const visitor = new Pool(fleet.file.edge.http, { connections: 1 });
  try {
    await writePages(dir);
    await publishFolder(fleet.deps, { ...REF, dir, domains: [HOST] });
    const domainMs: number[] = [];
    const pageMs: number[] = [];
    for (let round = -WARM_UP; round < ROUNDS; round += 1) {
      const added = await timeNewDomain(fleet, visitor, `new${round + WARM_UP}.bench.localhost`);
      const changed = await timeNewPage(fleet, visitor, { dir, text: `edition ${round}` });
      if (round < 0) continue;
      domainMs.push(added);
      pageMs.push(changed);
    }
    return {
      load: [loadBefore, load()],
      unit: "ms",
      addDomainToFirstAnswer: tail(domainMs),
      publishPageToVisible: { files: PAGES + 1, ...tail(pageMs) },
    };
  } finally {
    await visitor.close();
    await fleet.close();
    await rm(dir, { recursive: true, force: true });
  }
}

function tail(values: readonly number[]): object {
  return {
    p50: rounded(percentile(values, 0.5)),
    p99: rounded(percentile(values, 0.99)),
    min: rounded(Math.min(...values)),
    rounds: values.length,
  };
}

async function writePages(dir: string): Promise<void> {
  await mkdir(join(dir, "pages"));
  for (let index = 0; index < PAGES; index += 1) {
    await writeFile(join(dir, "pages", `${index}.html`), `<p>page ${index}</p>`);
  }
  await writeFile(join(dir, "index.html"), "<p>first</p>");
}

async function timeNewDomain(fleet: Fleet, visitor: Pool, domain: string): Promise<number> {
  const before = await look(visitor, domain);
  if (before.status !== 404) throw new Error(`${domain} answered ${before.status} before it was added`);
  return timeUntil(() => addDomain(fleet.deps, REF, { domain, choices: {}, takeOver: false }), {
    look: () => look(visitor, domain),
    isRight: ({ status }) => status === 200,
  });
}

async function timeNewPage(
  fleet: Fleet,
  visitor: Pool,
  { dir, text }: { readonly dir: string; readonly text: string },
): Promise<number> {
  await look(visitor, HOST);
  await writeFile(join(dir, "index.html"), `<p>${text}</p>`);
  return timeUntil(() => publishFolder(fleet.deps, { ...REF, dir, domains: [] }), {
    look: () => look(visitor, HOST),
    isRight: ({ body }) => body.includes(text),
  });
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function look(visitor: Pool, host: string): Promise<Answer> {
  const { statusCode, body } = await visitor.request({ method: "GET", path: "/", headers: { host } });
  return { status: statusCode, body: await body.text() };
}

/** Milliseconds from the start of `change` to the first right answer; the change is finished before it returns. */
async function timeUntil(
  change: () => Promise<unknown>,
  visitor: { readonly look: () => Promise<Answer>; readonly isRight: (answer: Answer) => boolean },
): Promise<number> {
  const startedMs = performance.now();
  const done = change();
  let ended = false;
  void done.finally(() => (ended = true)).catch(() => undefined);
  for (;;) {
    const wasEnded = ended;
    if (visitor.isRight(await visitor.look())) break;
    if (wasEnded) await done.then(() => Promise.reject(new Error("the change is finished and not visible")));
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  const tookMs = performance.now() - startedMs;
  await done;
  return tookMs;
}
