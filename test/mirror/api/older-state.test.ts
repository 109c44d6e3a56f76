import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { tempDir } from "../../support/temp-dir.ts";
import { startIn } from "./api-fixture.ts";

const ID = "SU1Z0isxPaozGVKXdv0eY0";
const TIMES = { createdAt: "2026-01-01T00:00:00Z", updatedAt: "2026-01-02T00:00:00Z" };
const STAMPS = { created_at: TIMES.createdAt, updated_at: TIMES.updatedAt };

/** Version 1 as the release wrote it that knew seven kinds of objects; the backend lacks fields of its own, too. */
const OBJECTS = {
  settings: {
    defaultHost: "",
    defaultTtl: 3600,
    defaultPci: 0,
    staleIfError: false,
    staleIfErrorTtl: 43_200,
  },
  resources: {
    domain: [{ name: "www.example.com", comment: "", ...STAMPS }],
    backend: [{ name: "origin", address: "127.0.0.1", port: 8082, comment: "", weight: 7, ...STAMPS }],
    healthcheck: [],
    vcl: [{ name: "main", content: "sub vcl_recv {\n#FASTLY recv\n}", main: true, ...STAMPS }],
    snippet: [],
    dictionary: [{ id: "4WzOLM0i2NUIhSoCkZhJAt", name: "hosts", write_only: false, ...STAMPS }],
    acl: [],
  },
};

const FILES: Readonly<Record<string, unknown>> = {
  "account.json": { customerId: "c", userId: "u", tokenId: "t", createdAt: TIMES.createdAt },
  [`services/${ID}/service.json`]: {
    id: ID,
    name: "older",
    type: "vcl",
    comment: "",
    ...TIMES,
    deletedAt: null,
    activeVersion: 1,
    versions: [{ number: 1, comment: "", locked: true, ...TIMES }],
  },
  [`services/${ID}/versions/1.json`]: OBJECTS,
  [`services/${ID}/collections/4WzOLM0i2NUIhSoCkZhJAt.json`]: [
    ["a.example.com", { item_key: "a.example.com", item_value: "b", ...STAMPS }],
  ],
};

async function olderFolder(): Promise<string> {
  const dir = await tempDir();
  for (const [name, document] of Object.entries(FILES)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), JSON.stringify(document));
  }
  return dir;
}

test("the API starts on a folder of an earlier release, with its service active and its content there", async () => {
  const { call, edge } = await startIn(await olderFolder());
  expect([...edge.active.keys()]).toEqual([ID]);
  const version = `/service/${ID}/version/1`;
  expect((await call("GET", `${version}/domain`)).json).toMatchObject([{ name: "www.example.com" }]);
  expect((await call("GET", `/service/${ID}/dictionary/4WzOLM0i2NUIhSoCkZhJAt/items`)).json).toMatchObject([
    { item_key: "a.example.com", item_value: "b" },
  ]);
  const details = await call("GET", `/service/${ID}/details`);
  expect(details.json).toMatchObject({
    active_version: { number: 1, vcls: [{ name: "main" }], headers: [] },
  });
});

test("kinds of objects that the earlier release did not know are none, and fields that it did not know say nothing", async () => {
  const { call } = await startIn(await olderFolder());
  const version = `/service/${ID}/version/1`;
  for (const kind of ["header", "condition", "director", "request_settings", "logging/s3"]) {
    expect(await call("GET", `${version}/${kind}`)).toMatchObject({ status: 200, json: [] });
  }
  expect((await call("GET", `${version}/backend/origin`)).json).toMatchObject({
    address: "127.0.0.1",
    port: 8082,
    weight: 7,
    first_byte_timeout: 15_000,
    max_conn: 200,
    healthcheck: null,
  });
});

test("a version of an earlier release can be cloned, changed and activated, and stays as it was", async () => {
  const dir = await olderFolder();
  const { call } = await startIn(dir);
  expect((await call("PUT", `/service/${ID}/version/1/clone`)).json).toMatchObject({ number: 2 });
  const added = { name: "h", dst: "http.X-New", src: '"1"', type: "response", action: "set" };
  expect((await call("POST", `/service/${ID}/version/2/header`, { form: added })).status).toBe(200);
  expect((await call("PUT", `/service/${ID}/version/2/activate`)).status).toBe(200);
  const first: unknown = JSON.parse(await readFile(join(dir, "services", ID, "versions", "1.json"), "utf8"));
  expect(first).toEqual(OBJECTS);
});
