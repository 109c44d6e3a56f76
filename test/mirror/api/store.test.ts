import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SitefleetError } from "../../../src/lib/errors.ts";
import { newAccount } from "../../../src/mirror/api/account.ts";
import { newId } from "../../../src/mirror/api/ids.ts";
import { EMPTY_VERSION } from "../../../src/mirror/api/state.ts";
import type { ServiceRecord } from "../../../src/mirror/api/state.ts";
import { ServiceStore } from "../../../src/mirror/api/store.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { startApi, startIn } from "./api-fixture.ts";

const open = (dir: string): Promise<ServiceStore> => ServiceStore.open(dir, () => newAccount(0));

function record(id: string): ServiceRecord {
  const times = { createdAt: "2026-01-01T00:00:00Z", updatedAt: "2026-01-01T00:00:00Z" };
  return {
    id,
    name: `name of ${id}`,
    type: "vcl",
    comment: "",
    ...times,
    deletedAt: null,
    activeVersion: null,
    versions: [{ number: 1, comment: "", locked: false, ...times }],
  };
}

test("a version that an older release wrote has none of the kinds it did not know", async () => {
  const dir = await tempDir();
  const store = await open(dir);
  const id = newId();
  await store.create(record(id), EMPTY_VERSION);
  const path = join(dir, "services", id, "versions", "1.json");
  const old = { settings: EMPTY_VERSION.settings, resources: { domain: [{ name: "old.example" }] } };
  await writeFile(path, JSON.stringify(old));
  const { resources } = await (await open(dir)).objects(id, 1);
  expect(resources.domain).toMatchObject([{ name: "old.example" }]);
  expect([resources.condition, resources["logging/s3"]]).toEqual([[], []]);
});

describe("a crash", () => {
  test("while a service is created leaves none, and its folder is swept", async () => {
    const dir = await tempDir();
    const store = await open(dir);
    const id = newId();
    await store.create(record(id), EMPTY_VERSION);
    await rm(join(dir, "services", id, "service.json"));
    const again = await open(dir);
    expect(again.list()).toEqual([]);
    expect(await readdir(join(dir, "services"))).toEqual([]);
  });

  test("while a version is cloned leaves the old versions, and the number is used again", async () => {
    const before = await startApi();
    const id = await before.service();
    await before.call("POST", `/service/${id}/version/1/domain`, { form: { name: "a.example" } });
    await before.api.close();
    const versions = join(before.dir, "services", id, "versions");
    await writeFile(join(versions, "2.json"), await readFile(join(versions, "1.json")));
    const after = await startIn(before.dir);
    expect((await after.call("GET", `/service/${id}/version`)).json).toHaveLength(1);
    expect((await after.call("POST", `/service/${id}/version`)).json).toMatchObject({ number: 2 });
    expect((await after.call("GET", `/service/${id}/version/2/domain`)).json).toEqual([]);
  });

  test("while a file is replaced leaves the old one; what was half written is swept", async () => {
    const dir = await tempDir();
    const store = await open(dir);
    const id = newId();
    await store.create(record(id), EMPTY_VERSION);
    await store.saveCollection(id, "C1", new Map([["k", { item_value: "v" }]]));
    for (const folder of ["", "versions", "collections"]) {
      await writeFile(join(dir, "services", id, folder, ".0a1b2c.tmp"), '{"half');
    }
    const again = await open(dir);
    expect(again.find(id)).toEqual(record(id));
    expect(again.collection(id, "C1").get("k")).toEqual({ item_value: "v" });
    const left = await readdir(join(dir, "services", id), { recursive: true });
    expect(left.filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("while a service is deleted leaves it deleted", async () => {
    const dir = await tempDir();
    const store = await open(dir);
    const id = newId();
    await store.create(record(id), EMPTY_VERSION);
    await store.saveService({ ...record(id), versions: [], deletedAt: "2026-01-01T00:00:00Z" });
    const again = await open(dir);
    expect(again.list()).toEqual([]);
    expect(again.find(id)?.deletedAt).toBe("2026-01-01T00:00:00Z");
  });
});

describe("a state file that is not what was written", () => {
  test.each(["", "{", "[]", '{"id":1}'])("(%j) stops the start with its path", async (content) => {
    const dir = await tempDir();
    const store = await open(dir);
    const id = newId();
    await store.create(record(id), EMPTY_VERSION);
    const path = join(dir, "services", id, "service.json");
    await writeFile(path, content);
    const again = open(dir);
    await expect(again).rejects.toThrow(SitefleetError);
    await expect(again).rejects.toMatchObject({ code: "mirror/state-unreadable" });
    await expect(again).rejects.toThrow(path);
  });

  test("a folder that is no service's is left alone", async () => {
    const dir = await tempDir();
    await mkdir(join(dir, "services", "lost+found"), { recursive: true });
    expect((await open(dir)).list()).toEqual([]);
    expect(await readdir(join(dir, "services"))).toEqual(["lost+found"]);
  });
});

describe("the store", () => {
  test("keeps one account over restarts", async () => {
    const dir = await tempDir();
    expect((await open(dir)).account).toEqual((await open(dir)).account);
  });

  test("goes on after a writer failed, and runs writers of one key in order", async () => {
    const store = await open(await tempDir());
    const order: number[] = [];
    const work = (n: number) => async (): Promise<void> => {
      await Promise.resolve();
      order.push(n);
      if (n === 1) throw new Error("first");
    };
    const results = await Promise.allSettled([1, 2, 3].map((n) => store.exclusive("k", work(n))));
    expect(order).toEqual([1, 2, 3]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    await store.idle();
  });

  test("reads versions again that it no longer holds in memory", async () => {
    const store = await open(await tempDir());
    const id = newId();
    const times = { createdAt: "2026-01-01T00:00:00Z", updatedAt: "2026-01-01T00:00:00Z" };
    const versions = Array.from({ length: 80 }, (_, i) => ({
      number: i + 1,
      comment: "",
      locked: false,
      ...times,
    }));
    await store.create({ ...record(id), versions }, EMPTY_VERSION);
    const domain = [{ name: "first.example" }];
    await store.saveObjects(id, 1, { ...EMPTY_VERSION, resources: { ...EMPTY_VERSION.resources, domain } });
    for (const { number } of versions.slice(1)) await store.objects(id, number);
    expect((await store.objects(id, 1)).resources.domain).toMatchObject(domain);
  });
});
