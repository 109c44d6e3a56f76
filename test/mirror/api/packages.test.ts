import { readdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { formOf, MANIFEST, packageArchive } from "../../support/compute-package.ts";
import { field, keysOf, startApi, TOKEN } from "./api-fixture.ts";
import type { ApiFixture } from "./api-fixture.ts";

async function upload(
  fixture: ApiFixture,
  path: string,
  archive: Uint8Array,
): ReturnType<ApiFixture["call"]> {
  return fixture.call("PUT", `${path}/package`, formOf(archive));
}

function hashOf(answer: { readonly json: unknown }): string {
  return String(field(field(answer.json, "metadata"), "hashsum"));
}

async function stored({ dir }: ApiFixture): Promise<string[]> {
  return readdir(join(dir, "packages"));
}

describe("a package", () => {
  test("is stored in a version and read again, as recorded", async () => {
    const fixture = await startApi();
    const id = await fixture.service("app", "wasm");
    const path = `/service/${id}/version/1`;
    const archive = await packageArchive();
    const put = await upload(fixture, path, archive);
    expect(put.status).toBe(200);
    const got = await fixture.call("GET", `${path}/package`);
    expect(got.json).toEqual(put.json);
    // The keys of go-fastly's recording.
    expect(keysOf(got.json)).toEqual([
      "created_at",
      "deleted_at",
      "id",
      "metadata",
      "service_id",
      "updated_at",
      "version",
    ]);
    expect(field(got.json, "metadata")).toMatchObject({
      name: "test-package",
      description: "A program for tests.",
      authors: ["<oss@example.com>"],
      language: "javascript",
      size: archive.length,
      cloned_from: "https://example.com/starter",
    });
    expect(got.json).toMatchObject({ service_id: id, version: 1, deleted_at: null });
    expect(await stored(fixture)).toEqual([`${hashOf(got)}.tar.gz`]);
  });

  test("that is none is refused in Fastly's words, with the reason beside them, and nothing is kept", async () => {
    const fixture = await startApi();
    const id = await fixture.service("app", "wasm");
    const answer = await upload(fixture, `/service/${id}/version/1`, Buffer.from("no archive"));
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual({
      msg: "Bad request",
      detail: "Failed to extract metadata from package",
      reason: expect.stringContaining("header"),
    });
    expect(await stored(fixture)).toEqual([]);
    expect((await fixture.call("GET", `/service/${id}/version/1/package`)).status).toBe(404);
  });

  test("needs a form, a file in it, a Compute service and a version that is not locked", async () => {
    const fixture = await startApi();
    const { call, service } = fixture;
    const id = await service("app", "wasm");
    const path = `/service/${id}/version/1`;
    const archive = await packageArchive();
    const bare = await call("PUT", `${path}/package`, { bytes: archive });
    expect([bare.status, field(bare.json, "detail")]).toEqual([400, "the body is not multipart/form-data"]);
    const other = await call("PUT", `${path}/package`, formOf(archive, "file"));
    expect([other.status, field(other.json, "detail")]).toEqual([
      400,
      "No value for required field 'package'",
    ]);
    const broken = { ...formOf(archive), bytes: formOf(archive).bytes.subarray(0, -40) };
    expect((await call("PUT", `${path}/package`, broken)).status).toBe(400);
    const vcl = await service("site");
    expect((await upload(fixture, `/service/${vcl}/version/1`, archive)).status).toBe(400);
    await call("PUT", `${path}/lock`);
    expect((await upload(fixture, path, archive)).status).toBe(422);
    expect(await stored(fixture)).toEqual([]);
  });

  test("goes with its version into a clone, and its file goes when no version has it any more", async () => {
    const fixture = await startApi();
    const { call, service } = fixture;
    const id = await service("app", "wasm");
    const [first, second] = [
      await packageArchive(),
      await packageArchive({ manifest: MANIFEST.replace("A program", "Another program") }),
    ];
    const one = hashOf(await upload(fixture, `/service/${id}/version/1`, first));
    await call("PUT", `/service/${id}/version/1/clone`);
    expect(hashOf(await call("GET", `/service/${id}/version/2/package`))).toBe(one);
    const two = hashOf(await upload(fixture, `/service/${id}/version/1`, second));
    expect((await stored(fixture)).sort()).toEqual([`${one}.tar.gz`, `${two}.tar.gz`].sort());
    await upload(fixture, `/service/${id}/version/2`, second);
    expect(await stored(fixture)).toEqual([`${two}.tar.gz`]);
    await call("DELETE", `/service/${id}`);
    expect(await stored(fixture)).toEqual([]);
  });

  test("survives a restart, which removes what no version refers to", async () => {
    const fixture = await startApi();
    const id = await fixture.service("app", "wasm");
    const put = await upload(fixture, `/service/${id}/version/1`, await packageArchive());
    await writeFile(join(fixture.dir, "packages", `${"0".repeat(128)}.tar.gz`), "left over");
    const again = await fixture.restart();
    expect((await again.call("GET", `/service/${id}/version/1/package`)).json).toEqual(put.json);
    expect(await stored(again)).toEqual([`${hashOf(put)}.tar.gz`]);
  });
});

describe("a request that waits for `100 Continue`", () => {
  async function head(port: number, lines: readonly string[]): Promise<string> {
    const socket = connect(port, "127.0.0.1");
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    return new Promise((resolve, reject) => {
      socket.once("data", (bytes: Buffer) => {
        socket.destroy();
        resolve(bytes.toString("latin1").split("\r\n", 1)[0] ?? "");
      });
      socket.once("error", reject);
    });
  }
  const waiting = (path: string, token: string, size: number): string[] => [
    `PUT ${path} HTTP/1.1`,
    "Host: 127.0.0.1",
    `Fastly-Key: ${token}`,
    "Content-Type: multipart/form-data; boundary=x",
    `Content-Length: ${size}`,
    "Expect: 100-continue",
  ];

  test("is told to go on where its head is good, and is refused unsent where it is not", async () => {
    const { api, service } = await startApi();
    const path = `/service/${await service("app", "wasm")}/version/1/package`;
    expect(await head(api.port, waiting(path, TOKEN, 1000))).toBe("HTTP/1.1 100 Continue");
    expect(await head(api.port, waiting(path, "wrong", 1000))).toBe("HTTP/1.1 401 Unauthorized");
    expect(await head(api.port, waiting("/nowhere", TOKEN, 1000))).toBe("HTTP/1.1 404 Not Found");
    expect(await head(api.port, waiting(path, TOKEN, 200_000_000))).toBe("HTTP/1.1 413 Payload Too Large");
  });
});
