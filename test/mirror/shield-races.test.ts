import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPublishing } from "../../src/fleet/publish-session.ts";
import { fleetOf } from "../../src/fleet/fleet.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { publishFolder } from "../../src/publish/publish.ts";
import { SECOND_PURGE_MS } from "../../src/purge/purge.ts";
import { MIRROR_BUCKETS } from "../../src/settings/local.ts";
import { startLocalEdge } from "../support/local-edge.ts";
import type { LocalEdge } from "../support/local-edge.ts";
import { tempDir } from "../support/temp-dir.ts";
import { startOrigin } from "./edge/harness.ts";

// The two ways in which a shield brings a purged page back (Fastly, Purging: race conditions; serving stale content):
// a service as Fastly generates it falls for both, ours for neither. One mirror runs the two side by side.

const OURS = "shop.localhost";
const NAIVE = "naive.localhost";
/** Milliseconds that a purge takes to the shield. */
const SHIELD_DELAY = 150;

/** The machine's time, and waits that end when a test says so. */
class HeldClock implements Clock {
  #waiting: { readonly ms: number; readonly wake: () => void }[] = [];

  now(): number {
    return systemClock.now();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ms, wake: resolve });
      signal?.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
    });
  }

  /** Ends the waits that are no longer than this. */
  pass(ms: number): void {
    const over = this.#waiting.filter((one) => one.ms <= ms);
    this.#waiting = this.#waiting.filter((one) => one.ms > ms);
    for (const { wake } of over) wake();
  }
}

const clock = new HeldClock();
let started: LocalEdge | undefined;

beforeAll(async () => {
  started = await startLocalEdge({
    shield: true,
    mirror: {
      clock,
      pops: ["LHR", "SYD"],
      purgeDelay: (pop) => (pop === "IAD" ? SHIELD_DELAY : 0),
    },
  });
}, 60_000);

afterAll(async () => {
  await started?.close();
});

function local(): LocalEdge {
  if (started === undefined) throw new Error("nothing was started");
  return started;
}

/** What a visitor of the POP reads. */
async function read(host: string, pop = "LHR"): Promise<string> {
  const url = local().mirror.file.edge.http;
  const answer = await request(`${url}/`, { headers: { host, "fastly-test-pop": pop } });
  return answer.body.text();
}

/** Lets every purge that is on its way arrive. */
async function purgesArrive(): Promise<void> {
  clock.pass(SHIELD_DELAY);
  await local().mirror.edge.idle();
}

async function api(
  method: "POST" | "PUT",
  path: string,
  form: Record<string, string> = {},
): Promise<unknown> {
  const { url, token } = local().mirror.file.api;
  const { soft, ...fields } = form;
  const headers = {
    "fastly-key": token,
    "content-type": "application/x-www-form-urlencoded",
    ...(soft === undefined ? {} : { "fastly-soft-purge": soft }),
  };
  const answer = await request(`${url}${path}`, {
    method,
    headers,
    body: new URLSearchParams(fields).toString(),
  });
  const body = await answer.body.json();
  expect(answer.statusCode, JSON.stringify(body)).toBe(200);
  return body;
}

interface NaiveService {
  /** What the origin says from now on. */
  readonly change: (text: string) => void;
  readonly purge: (soft?: boolean) => Promise<unknown>;
}

/** A service without any VCL of its own: one backend behind the same shield, pages that are fresh for an hour. */
async function startNaive(host: string, cacheControl: string): Promise<NaiveService> {
  let content = "old";
  const origin = await startOrigin((_request, response) => {
    response.writeHead(200, { "Cache-Control": cacheControl, "Surrogate-Key": "page" }).end(content);
  });
  const made = await api("POST", "/service", { name: host });
  const id = typeof made === "object" && made !== null && "id" in made ? String(made.id) : "";
  const version = `/service/${id}/version/1`;
  await api("POST", `${version}/domain`, { name: host });
  await api("POST", `${version}/backend`, {
    name: "origin",
    address: "127.0.0.1",
    port: String(origin.port),
    shield: "iad-va-us",
  });
  await api("PUT", `${version}/activate`);
  return {
    change: (text) => void (content = text),
    purge: (soft = false) => api("POST", `/service/${id}/purge/page`, soft ? { soft: "1" } : {}),
  };
}

/** Publishes our site; `meanwhile` runs between the two purges, at the time at which a command would wait. */
async function publishOurs(text: string, meanwhile: () => Promise<void>): Promise<number[]> {
  const slept: number[] = [];
  const waiting: Clock = {
    now: () => systemClock.now(),
    async sleep(ms) {
      slept.push(ms);
      await meanwhile();
    },
  };
  const dir = await tempDir();
  await writeFile(join(dir, "index.html"), text);
  const session = openPublishing(fleetOf(local().environment, { clock: waiting }));
  const wishes = { site: "shop", siteEnv: "production", dir, domains: [OURS], warm: false } as const;
  await publishFolder(session.deps, wishes);
  await session.close();
  return slept;
}

describe("the shield race: an edge is purged, and refills from the shield before the purge gets there", () => {
  test("the naive service shows the old page until it expires", async () => {
    const { change, purge } = await startNaive(NAIVE, "max-age=3600");
    expect(await read(NAIVE)).toBe("old");
    change("new");
    await purge();
    expect(await read(NAIVE)).toBe("old");
    await purgesArrive();
    expect(await read(NAIVE, "SYD")).toBe("new");
    expect(await read(NAIVE)).toBe("old");
  });

  test("ours refills from it as well, and the second purge ends it", async () => {
    await publishOurs("old", purgesArrive);
    await purgesArrive();
    expect(await read(OURS)).toBe("old");
    const between: string[] = [];
    const slept = await publishOurs("new", async () => {
      between.push(await read(OURS));
      await purgesArrive();
      between.push(await read(OURS));
    });
    expect(slept).toHaveLength(1);
    expect(slept[0]).toBeGreaterThan(10 * SHIELD_DELAY);
    expect(slept[0]).toBeLessThanOrEqual(SECOND_PURGE_MS);
    expect(between).toEqual(["old", "old"]);
    await purgesArrive();
    expect([await read(OURS), await read(OURS, "SYD")]).toEqual(["new", "new"]);
  });
});

describe("the soft-purge trap: the shield answers the edge with what it has, which the edge takes for fresh", () => {
  test("the naive service shows the old page until it expires", async () => {
    const { change, purge } = await startNaive(`soft.${NAIVE}`, "max-age=3600, stale-while-revalidate=600");
    const host = `soft.${NAIVE}`;
    expect(await read(host)).toBe("old");
    change("new");
    await purge(true);
    await purgesArrive();
    expect(await read(host)).toBe("old");
    // Its fetch in the background brought what the shield still had.
    await local().mirror.edge.idle();
    expect(await read(host)).toBe("old");
    expect(await read(host, "IAD")).toBe("new");
    expect(await read(host)).toBe("old");
  });

  test("ours asks the bucket", async () => {
    await publishOurs("first", purgesArrive);
    await purgesArrive();
    expect(await read(OURS)).toBe("first");
    // Its page may be stale for a while, as that of the naive service.
    await overwritePage("before");
    await purgeOurs({});
    await purgesArrive();
    expect(await read(OURS)).toBe("before");
    await overwritePage("after");
    await purgeOurs({ soft: "1" });
    await purgesArrive();
    const first = await read(OURS);
    await local().mirror.edge.idle();
    expect([first, await read(OURS), await read(OURS, "SYD")]).toEqual(["after", "after", "after"]);
  });
});

/** Purges all pages of our site. */
async function purgeOurs(how: { readonly soft?: string }): Promise<void> {
  const services = await request(`${local().mirror.file.api.url}/service`, {
    headers: { "fastly-key": local().mirror.file.api.token },
  });
  const found: unknown = await services.body.json();
  const ours = (Array.isArray(found) ? found : []).find(({ name }) => name === "sitefleet-local");
  await api("POST", `/service/${ours.id}/purge/s:shop`, how);
}

/** Another body under the key of the page that is shown, past all publishing. */
async function overwritePage(text: string): Promise<void> {
  const { url, region, accessKeyId, secretAccessKey } = local().mirror.file.s3;
  const client = new S3Client({
    endpoint: url,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  const page = local()
    .reads.findLast((line) => line.endsWith("/index.html"))
    ?.replace(/^GET \/[^/]+\//, "");
  const key = { Bucket: MIRROR_BUCKETS.hosting, Key: page };
  const { Metadata, ContentType } = await client.send(new GetObjectCommand(key));
  await client.send(
    new PutObjectCommand({
      ...key,
      Metadata,
      ContentType,
      CacheControl: "max-age=3600, stale-while-revalidate=600",
      Body: text,
    }),
  );
  client.destroy();
}
