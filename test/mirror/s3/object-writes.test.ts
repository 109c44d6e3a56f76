import { createHash, randomBytes } from "node:crypto";
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { BUCKET, startServer } from "./s3-fixture.ts";
import { bytesOf, refusal, sdkClient } from "./sdk-fixture.ts";

function md5(body: Buffer | string): string {
  return `"${createHash("md5").update(body).digest("hex")}"`;
}

describe("a conditional write", () => {
  it("creates only what is not there and replaces only what was seen", async () => {
    const client = sdkClient(await startServer());
    const put = (input: object): Promise<{ ETag?: string | undefined }> =>
      client.send(new PutObjectCommand({ Bucket: BUCKET, Key: "k", Body: "x", ...input }));
    expect(await refusal(put({ IfMatch: '"any"' }))).toEqual({ name: "NoSuchKey", status: 404 });
    const first = await put({ IfNoneMatch: "*" });
    expect(await refusal(put({ IfNoneMatch: "*" }))).toEqual({ name: "PreconditionFailed", status: 412 });
    expect(await refusal(put({ IfMatch: '"other"' }))).toEqual({ name: "PreconditionFailed", status: 412 });
    await put({ IfMatch: first.ETag, Body: "y" });
    expect(await refusal(put({ IfMatch: first.ETag, Body: "z" }))).toEqual({
      name: "PreconditionFailed",
      status: 412,
    });
    expect(await refusal(put({ IfNoneMatch: '"tag"' }))).toEqual({ name: "NotImplemented", status: 501 });
    const remove = (etag: string): Promise<unknown> =>
      client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: "k", IfMatch: etag }));
    expect(await refusal(remove('"other"'))).toEqual({ name: "PreconditionFailed", status: 412 });
    await remove(md5("y"));
  });

  it.each([10, 9000])("has one winner out of thirty that race with %i bytes", async (size) => {
    const client = sdkClient(await startServer());
    const race = async (input: object): Promise<Buffer[]> => {
      const bodies = Array.from({ length: 30 }, () => randomBytes(size));
      const outcomes = await Promise.allSettled(
        bodies.map((body) =>
          client.send(new PutObjectCommand({ Bucket: BUCKET, Key: "k", Body: body, ...input })),
        ),
      );
      for (const outcome of outcomes) {
        if (outcome.status === "rejected")
          expect(outcome.reason).toMatchObject({ name: "PreconditionFailed" });
      }
      return bodies.filter((_, index) => outcomes[index]?.status === "fulfilled");
    };
    let winners = await race({ IfNoneMatch: "*" });
    for (let round = 0; round < 3; round++) {
      expect(winners.length).toBe(1);
      const got = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: "k" }));
      expect((await bytesOf(got)).equals(winners[0] ?? Buffer.alloc(0))).toBe(true);
      winners = await race({ IfMatch: got.ETag });
    }
    expect(winners.length).toBe(1);
  });

  it("is never read half: a body always belongs to its ETag while writers race", async () => {
    const client = sdkClient(await startServer());
    const at = { Bucket: BUCKET, Key: "k" };
    const bodies = Array.from({ length: 12 }, (_, index) => Buffer.alloc(300_000, index));
    await client.send(new PutObjectCommand({ ...at, Body: Buffer.alloc(300_000) }));
    const writes = bodies.map((body) => client.send(new PutObjectCommand({ ...at, Body: body })));
    const reads = Array.from({ length: 24 }, async () => {
      const got = await client.send(new GetObjectCommand(at));
      expect(md5(await bytesOf(got))).toBe(got.ETag);
    });
    await Promise.all([...writes, ...reads]);
  });
});

describe("deleting many", () => {
  it("gives each key its own verdict", async () => {
    const client = sdkClient(await startServer());
    for (const key of ["a", " b ", "c&d", "e"])
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: key }));
    const remove = (
      Objects: { Key: string; ETag?: string; VersionId?: string }[],
      Quiet = false,
    ): ReturnType<typeof sendDelete> => sendDelete(Objects, Quiet);
    const sendDelete = (Objects: { Key: string; ETag?: string; VersionId?: string }[], Quiet: boolean) =>
      client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects, Quiet } }));
    const result = await remove([
      { Key: " b " },
      { Key: "c&d" },
      { Key: "missing" },
      { Key: "a", ETag: '"other"' },
      { Key: "e", VersionId: "v1" },
    ]);
    expect(result.Deleted?.map(({ Key }) => Key)).toEqual([" b ", "c&d", "missing"]);
    expect(result.Errors?.map(({ Key, Code }) => [Key, Code])).toEqual([
      ["a", "PreconditionFailed"],
      ["e", "InvalidArgument"],
    ]);
    const quiet = await remove([{ Key: "e" }], true);
    expect([quiet.Deleted, quiet.Errors]).toEqual([undefined, undefined]);
    const left = await client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
    expect(left.Contents?.map(({ Key }) => Key)).toEqual(["a"]);
    const tooMany = Array.from({ length: 1001 }, (_, index) => ({ Key: `k${index}` }));
    expect(await refusal(remove(tooMany))).toEqual({ name: "MalformedXML", status: 400 });
  });
});
