import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";

import { manifestBody, readManifestBody } from "../../../src/publish/release/manifest.ts";
import type { LocatedObject, Manifest, SourceFile } from "../../../src/publish/release/release-object.ts";

const HASH = "0123456789abcdef".repeat(4);

function manifestOf(count: number): Manifest {
  const headers = [{ contentType: "text/html" }, { contentType: "text/css", cacheControl: "no-store" }];
  const names = Array.from({ length: count }, (_, index) => `part/${index}.html`);
  const objects = names.map((key, index): [string, LocatedObject] => [
    key,
    { key, at: "2", size: index, hash: HASH, headers: headers[index % 2] ?? {}, metadata: { p: `/${key}` } },
  ]);
  const files = names.map((key, index): SourceFile => {
    return { key, path: key, size: index, hash: HASH, contentType: "text/html" };
  });
  return {
    release: "3",
    base: "2",
    control: new Map([["_redirects", "/a /b\n"]]),
    objects: new Map(objects),
    files: [
      ...files,
      { key: "hidden.html", path: "hidden.html", size: 1, hash: HASH, contentType: "text/html" },
    ],
    ghosts: [{ key: "gone.html", at: "2" }],
  };
}

function unpacks(body: Uint8Array): boolean {
  try {
    gunzipSync(body);
    return true;
  } catch {
    return false;
  }
}

describe("the stored form of a manifest", () => {
  it.each([0, 1, 6_000])("gives back what it was made from, with %i objects", (count) => {
    const manifest = manifestOf(count);
    expect(readManifestBody(manifestBody(manifest))).toEqual(manifest);
  });

  it("is one text for every program that unpacks gzip, the head in its first line", () => {
    const [head = "", ...lines] = gunzipSync(manifestBody(manifestOf(6_000)))
      .toString("utf8")
      .split("\n");
    expect(JSON.parse(head)).toMatchObject({ format: 2, release: "3", headers: [{}, {}] });
    expect(lines).toHaveLength(6_000 + 2 + 1);
  });

  it("is read whether its lines are in one piece or in many, with or without an end", () => {
    const manifest = manifestOf(6_000);
    const text = gunzipSync(manifestBody(manifest));
    expect(readManifestBody(gzipSync(text))).toEqual(manifest);
    expect(readManifestBody(text.subarray(0, -1))).toEqual(manifest);
  });

  it("is refused when a part of it is damaged or missing", () => {
    const body = Buffer.from(manifestBody(manifestOf(6_000)));
    expect(readManifestBody(body.subarray(0, -9))).toBeUndefined();
    const damaged = Buffer.from(body);
    damaged.writeUInt8(damaged.readUInt8(body.length - 7) ^ 1, body.length - 7);
    expect(readManifestBody(damaged)).toBeUndefined();
    expect(readManifestBody(new Uint8Array())).toBeUndefined();
  });

  it("is refused when it is cut where one of its parts ends, though that unpacks", () => {
    const body = Buffer.from(manifestBody(manifestOf(6_000)));
    const member = Buffer.from([0x1f, 0x8b, 8]);
    const ends: number[] = [];
    for (let at = body.indexOf(member, 1); at !== -1; at = body.indexOf(member, at + 1)) {
      if (unpacks(body.subarray(0, at))) ends.push(at);
    }
    expect(ends.length).toBeGreaterThan(1);
    for (const end of ends) expect(readManifestBody(body.subarray(0, end))).toBeUndefined();
  });

  it("is measured by the record where it was written before its lines were counted", () => {
    const manifest = manifestOf(20);
    const lines = gunzipSync(manifestBody(manifest)).toString("utf8").trimEnd().split("\n");
    const old = lines.map((line, index) => (index === 0 ? line.replace(/"lines":\d+,/, "") : line));
    expect(old[0]).not.toBe(lines[0]);
    const counts = { files: 20, redirects: 0 };
    expect(readManifestBody(gzipSync(old.join("\n")), counts)).toEqual(manifest);
    expect(readManifestBody(gzipSync(old.slice(0, 15).join("\n")), counts)).toBeUndefined();
    expect(readManifestBody(gzipSync(old.join("\n")))).toEqual(manifest);
  });
});
