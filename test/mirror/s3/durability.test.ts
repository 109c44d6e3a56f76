import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { startS3Server } from "../../../src/mirror/s3/server.ts";
import type { S3Server } from "../../../src/mirror/s3/server.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { BUCKET, FULL, REGION, send, startServer } from "./s3-fixture.ts";

/** What a key held when it was last acknowledged, and what was on its way when the server died. */
interface KeyHistory {
  acknowledged: string | undefined;
  pending: string | undefined;
  hasPending: boolean;
}

async function startProcess(
  dir: string,
): Promise<{ readonly child: ChildProcess; readonly server: S3Server }> {
  const runner = join(
    dirname(createRequire(import.meta.url).resolve("jiti/package.json")),
    "lib/jiti-cli.mjs",
  );
  const script = fileURLToPath(new URL("server-process.ts", import.meta.url));
  const child = fork(runner, [script, dir, FULL.accessKeyId, FULL.secretAccessKey, REGION, BUCKET], {
    silent: false,
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.once("message", (message) => resolve(Number(message)));
    child.once("exit", () => reject(new Error("the server process ended before it was ready")));
  });
  const server = {
    url: `http://127.0.0.1:${port}`,
    port,
    requests: new Map(),
    close: () => Promise.resolve(),
  };
  return { child, server };
}

/** One writer per key: puts of changing sizes and deletes, one after the other, until the server is gone. */
async function writeUntilGone(
  server: S3Server,
  { key, history, onAck }: { readonly key: string; readonly history: KeyHistory; readonly onAck: () => void },
): Promise<void> {
  for (let round = 0; ; round++) {
    const body = round % 5 === 4 ? undefined : randomBytes(round % 3 === 2 ? 9000 : 200).toString("hex");
    history.pending = body;
    history.hasPending = true;
    try {
      const path = `/${BUCKET}/${key}`;
      const answer = await send(
        server,
        body === undefined ? { method: "DELETE", path } : { method: "PUT", path, body },
      );
      expect([200, 204]).toContain(answer.status);
    } catch (error) {
      if (error instanceof Error && "code" in error) return;
      throw error;
    }
    history.acknowledged = body;
    history.hasPending = false;
    onAck();
  }
}

it("loses nothing it acknowledged when it is killed under load, again and again", async () => {
  const dir = await tempDir();
  const histories = new Map<string, KeyHistory>();
  for (let index = 0; index < 16; index++)
    histories.set(`k${index}`, { acknowledged: undefined, pending: undefined, hasPending: false });
  for (const limit of [150, 333, 517]) {
    const { child, server } = await startProcess(dir);
    const exited = new Promise((resolve) => child.once("exit", resolve));
    let acks = 0;
    const onAck = (): void => void (++acks === limit && child.kill("SIGKILL"));
    await Promise.all(
      [...histories].map(([key, history]) => writeUntilGone(server, { key, history, onAck })),
    );
    await exited;
    expect(acks).toBeGreaterThanOrEqual(limit);
    const again = await startS3Server({
      dir,
      port: 0,
      region: REGION,
      credentials: [FULL],
      clock: systemClock,
    });
    for (const [key, history] of histories) {
      const got = await send(again, { path: `/${BUCKET}/${key}` });
      const found = got.status === 404 ? undefined : got.body.toString();
      const allowed = [history.acknowledged, ...(history.hasPending ? [history.pending] : [])];
      expect(allowed.includes(found), `${key} after ${acks} acknowledged writes`).toBe(true);
      history.acknowledged = found;
    }
    await again.close();
    const held = [...histories.values()].filter(({ acknowledged = "" }) => acknowledged.length > 4096).length;
    expect((await readdir(join(dir, "blobs"))).length).toBe(held);
  }
}, 60_000);

async function put(server: S3Server, key: string, body: Buffer | string): Promise<number> {
  return (await send(server, { method: "PUT", path: `/${BUCKET}/${key}`, body })).status;
}

async function get(server: S3Server, key: string): Promise<string> {
  const answer = await send(server, { path: `/${BUCKET}/${key}` });
  return answer.code === "" ? answer.body.toString() : answer.code;
}

it("cuts off a line that a crash tore, wherever it tore, and goes on behind the last sound one", async () => {
  const dir = await tempDir();
  const journal = join(dir, "journal");
  const first = await startServer({ dir });
  await put(first, "a", "one");
  const sound = (await stat(journal)).size;
  await put(first, "b", "two\n\t");
  await first.close();
  const whole = await readFile(journal);
  for (const cut of [1, 9, 30, whole.length - sound - 1]) {
    await writeFile(journal, whole.subarray(0, sound + cut));
    const server = await startServer({ dir });
    expect([await get(server, "a"), await get(server, "b")]).toEqual(["one", "NoSuchKey"]);
    await put(server, "c", String(cut));
    await server.close();
    const again = await startServer({ dir });
    expect([await get(again, "a"), await get(again, "c")]).toEqual(["one", String(cut)]);
    await again.close();
  }
});

it("refuses to start on a journal that is damaged in the middle or of another version", async () => {
  const dir = await tempDir();
  const journal = join(dir, "journal");
  const first = await startServer({ dir });
  await put(first, "a", "one");
  await put(first, "b", "two");
  await first.close();
  const whole = await readFile(journal);
  const spoiled = Buffer.from(whole);
  const at = whole.indexOf('"k":"a"') + 5;
  spoiled[at] = 0x62;
  await writeFile(journal, spoiled);
  await expect(startServer({ dir })).rejects.toMatchObject({
    code: "mirror/s3-damaged",
    message: expect.stringContaining("byte"),
  });
  const format = '{"op":"format","version":9}	null	';
  await writeFile(
    journal,
    `${crc32(format).toString(16).padStart(8, "0")}	${format}
`,
  );
  await expect(startServer({ dir })).rejects.toMatchObject({ code: "mirror/s3-damaged" });
});

it("drops dead lines at start and keeps every object, upload and setting", async () => {
  const dir = await tempDir();
  const first = await startServer({ dir });
  for (let round = 0; round < 400; round++) await put(first, `k${round % 4}`, `${round} ${"x".repeat(4000)}`);
  await put(first, "large", "y".repeat(50_000));
  const created = await send(first, {
    method: "POST",
    path: `/${BUCKET}/up?uploads`,
    headers: { "x-amz-meta-a": "1" },
  });
  const uploadId = /<UploadId>(.*?)</.exec(created.body.toString())?.[1] ?? "";
  await send(first, { method: "PUT", path: `/${BUCKET}/up?partNumber=1&uploadId=${uploadId}`, body: "part" });
  await first.close();
  const before = (await stat(join(dir, "journal"))).size;
  await writeFile(join(dir, "journal.compact"), "left by a crash");
  const second = await startServer({ dir });
  const after = (await stat(join(dir, "journal"))).size;
  expect([before > 2_000_000, after < 30_000]).toEqual([true, true]);
  const bodies = await Promise.all(["k0", "k1", "k2", "k3"].map((key) => get(second, key)));
  expect(bodies.map((body) => body.split(" ")[0])).toEqual(["396", "397", "398", "399"]);
  expect((await get(second, "large")).length).toBe(50_000);
  const listed = await send(second, { path: `/${BUCKET}/up?uploadId=${uploadId}` });
  expect(listed.body.toString()).toContain("<Size>4</Size>");
  await put(second, "new", "later");
  await second.close();
  const third = await startServer({ dir });
  expect([await get(third, "new"), (await get(third, "k3")).length]).toEqual(["later", 4004]);
  expect((await readdir(dir)).sort()).toEqual(["blobs", "journal"]);
});

it("sweeps files that no object owns", async () => {
  const dir = await tempDir();
  const first = await startServer({ dir });
  await put(first, "large", "y".repeat(50_000));
  await first.close();
  await writeFile(join(dir, "blobs", "00ff"), "stray");
  const second = await startServer({ dir });
  expect((await readdir(join(dir, "blobs"))).length).toBe(1);
  expect((await get(second, "large")).length).toBe(50_000);
});

it("tells of its own faults, and gives a client no body that is not whole", async () => {
  const dir = await tempDir();
  const faults: unknown[] = [];
  const server = await startServer({ dir, onFault: (error) => faults.push(error) });
  await put(server, "large", "y".repeat(50_000));
  for (const name of await readdir(join(dir, "blobs"))) await rm(join(dir, "blobs", name));
  await expect(get(server, "large")).rejects.toThrow();
  await truncate(join(dir, "journal"), 0);
  expect(await get(server, "large")).toBe("InternalError");
  expect(faults).toMatchObject([{ code: "ENOENT" }, { code: "mirror/s3-damaged" }]);
});

it("keeps its promises with fsync on, many writers at a time", async () => {
  const dir = await tempDir();
  const first = await startServer({ dir, fsync: true });
  const keys = Array.from({ length: 40 }, (_, index) => `k${index}`);
  expect(
    new Set(
      await Promise.all(keys.map((key, index) => put(first, key, key.repeat(index % 2 === 0 ? 1 : 4000)))),
    ),
  ).toEqual(new Set([200]));
  await put(first, "k1", "replaced");
  await first.close();
  const second = await startServer({ dir, fsync: true });
  expect([await get(second, "k0"), await get(second, "k1"), (await get(second, "k3")).length]).toEqual([
    "k0",
    "replaced",
    8000,
  ]);
  expect((await readdir(join(dir, "blobs"))).length).toBe(19);
});
