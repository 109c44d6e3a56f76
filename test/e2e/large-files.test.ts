import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { publishFolder } from "../../src/publish/publish.ts";
import type { PublishReport, PublishRequest } from "../../src/publish/publish.ts";
import { siteKey } from "../../src/site/surrogate-keys.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

const HOST = "films.localhost";
const BLOCK = 1024 * 1024;
/** Far over what Fastly caches in one piece; the last block is not full. */
const SIZE = 30 * BLOCK - 1_000;
const BLOCKS = 30;

/** Bytes that tell in which film they are, and where. */
function filmOf(edition: number): Buffer {
  const film = Buffer.alloc(SIZE, edition);
  for (let at = 0; at + 4 <= SIZE; at += 1_000) film.writeUInt32BE(at, at);
  return film;
}

let root = "";
let fleet: Fleet | undefined;

function running(): Fleet {
  if (fleet === undefined) throw new Error("the fleet does not run");
  return fleet;
}

async function publish(
  files: Readonly<Record<string, string | Buffer>>,
  more: Partial<PublishRequest> = {},
): Promise<PublishReport> {
  const dir = await mkdtemp(join(root, "site-"));
  for (const [path, content] of Object.entries(files)) await writeFile(join(dir, path), content);
  return publishFolder(running().deps, {
    site: "films",
    siteEnv: "production",
    dir,
    domains: [HOST],
    ...more,
  });
}

interface Visit {
  readonly status: number;
  readonly range: unknown;
  readonly length: unknown;
  readonly body: Buffer;
  /** Ranges that the edge read of the film for it. */
  readonly reads: readonly string[];
}

async function visit(
  method: "GET" | "HEAD",
  headers: Readonly<Record<string, string>> = {},
  path = "/film.mp4",
): Promise<Visit> {
  const { originCalls, mirror } = running();
  const before = originCalls.length;
  const answer = await request(`${mirror.file.edge.http}${path}`, {
    method,
    headers: { host: HOST, ...headers },
  });
  const body = Buffer.from(await answer.body.arrayBuffer());
  const reads = originCalls
    .slice(before)
    .flatMap((call) => (call.includes("/film.mp4") ? [call.replace(/^.* /, "")] : []));
  const { "content-range": range, "content-length": length } = answer.headers;
  return { status: answer.statusCode, range, length, body, reads };
}

function blockRange(number: number): string {
  return `bytes=${number * BLOCK}-${(number + 1) * BLOCK - 1}`;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sitefleet-films-"));
  fleet = await startFleet();
  await fleet.deploy();
}, 120_000);

afterAll(async () => {
  await fleet?.close();
  await rm(root, { recursive: true, force: true });
});

test("a film is read in pieces, kept in pieces, and replaced as a whole", { timeout: 120_000 }, async () => {
  const first = filmOf(1);
  await publish({ "index.html": "films", "film.mp4": first });

  const seek = { range: "bytes=15000000-16000000" };
  const middle = await visit("GET", seek);
  expect(middle).toMatchObject({ status: 206, range: `bytes 15000000-16000000/${SIZE}` });
  expect(middle.body.equals(first.subarray(15_000_000, 16_000_001))).toBe(true);
  expect(middle.reads).toEqual([blockRange(14), blockRange(15)]);
  expect((await visit("GET", seek)).reads, "from the cache").toEqual([]);

  const end = await visit("GET", { range: `bytes=${SIZE - 5_000}-` });
  expect(end).toMatchObject({
    status: 206,
    range: `bytes ${SIZE - 5_000}-${SIZE - 1}/${SIZE}`,
    length: "5000",
  });
  expect(end.body.equals(first.subarray(SIZE - 5_000))).toBe(true);
  expect(end.reads).toEqual([blockRange(BLOCKS - 1)]);

  const head = await visit("HEAD");
  expect(head).toMatchObject({ status: 200, length: String(SIZE), reads: [blockRange(0)] });

  const whole = await visit("GET");
  expect(whole).toMatchObject({ status: 200, range: undefined });
  expect(whole.body.equals(first)).toBe(true);
  expect(whole.reads, "what was not read before").toHaveLength(BLOCKS - 4);
  expect((await visit("GET")).reads, "all of it is cached").toEqual([]);

  const { deps } = running();
  await deps.purge.purgeKeys({ serviceId: await deps.serviceId(), keys: [siteKey("films")], soft: false });
  expect((await visit("GET")).reads, "a purge reaches every piece").toHaveLength(BLOCKS);

  const second = filmOf(2);
  await publish({ "index.html": "films", "film.mp4": second }, { inPlace: true });
  const replaced = await visit("GET", seek);
  expect(replaced.body.equals(second.subarray(15_000_000, 16_000_001))).toBe(true);
  expect((await visit("GET")).body.equals(second), "no piece of the film before").toBe(true);
});

test.for([
  // Asked for, the part of a film in pieces, the part of a page; the whole has no part.
  { range: "bytes=0-9", film: `bytes 0-9/${SIZE}`, page: "bytes 0-9/20" },
  { range: "bytes=15-", film: `bytes 15-${SIZE - 1}/${SIZE}`, page: "bytes 15-19/20" },
  { range: "bytes=-10", film: undefined, page: "bytes 10-19/20" },
  { range: "bytes=0-0,5-9", film: undefined, page: undefined },
  { range: "bytes=9-5", film: undefined, page: undefined },
])("$range is the part of a file that docs/publishing.md says", async ({ range, film, page }) => {
  await publish({ "film.mp4": filmOf(2), "page.txt": "01234567890123456789" });
  expect(await visit("GET", { range })).toMatchObject({
    status: film === undefined ? 200 : 206,
    range: film,
  });
  expect(await visit("GET", { range }, "/page.txt")).toMatchObject({
    status: page === undefined ? 200 : 206,
    range: page,
  });
});

test("a range behind the end is 416, in pieces and as a whole", async () => {
  for (const path of ["/film.mp4", "/page.txt"]) {
    expect((await visit("GET", { range: "bytes=99999999-" }, path)).status).toBe(416);
  }
});

test("each request leaves one line in the log, however many pieces its answer has", async () => {
  const { log } = running();
  const lines = (): number => log.filter((line) => line.includes('"path":"/film.mp4"')).length;
  const before = lines();
  await visit("GET", { range: "bytes=0-5000000" });
  await visit("GET", { range: "bytes=0-1" });
  await expect.poll(lines).toBe(before + 2);
});

test("a file over the limit whose extension is not cached in pieces is refused, by name", async () => {
  await expect(publish({ "index.html": "films", "film.avi": filmOf(3) })).rejects.toMatchObject({
    code: "publish/invalid-folder",
    message: expect.stringMatching(/film\.avi: has \d+ bytes, the limit is 20000000/),
  });
});
