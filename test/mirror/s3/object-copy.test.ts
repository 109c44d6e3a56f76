import { createHash, randomBytes } from "node:crypto";
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { BUCKET, startServer } from "./s3-fixture.ts";
import { bytesOf, refusal, sdkClient } from "./sdk-fixture.ts";

function md5(body: Buffer | string): string {
  return `"${createHash("md5").update(body).digest("hex")}"`;
}

describe("a copy", () => {
  it.each([10, 9000])("of %i bytes keeps or replaces what describes the object", async (size) => {
    const client = sdkClient(await startServer());
    const body = randomBytes(size);
    const source = { Bucket: BUCKET, Key: "a b/ü+?" };
    await client.send(
      new PutObjectCommand({
        ...source,
        Body: body,
        ContentType: "text/css",
        CacheControl: "no-cache",
        Metadata: { a: "1" },
      }),
    );
    const copySource = `${BUCKET}/${encodeURIComponent(source.Key)}`;
    const copied = await client.send(
      new CopyObjectCommand({
        Bucket: BUCKET,
        Key: "copy",
        CopySource: copySource,
        ContentType: "ignored/type",
      }),
    );
    expect(copied.CopyObjectResult?.ETag).toBe(md5(body));
    const replaced = new CopyObjectCommand({
      Bucket: BUCKET,
      Key: "new",
      CopySource: copySource,
      MetadataDirective: "REPLACE",
      ContentType: "text/html",
      Metadata: { b: "2" },
    });
    await client.send(replaced);
    await client.send(new DeleteObjectCommand(source));
    const copy = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: "copy" }));
    expect(copy).toMatchObject({ ContentType: "text/css", CacheControl: "no-cache", Metadata: { a: "1" } });
    expect((await bytesOf(copy)).equals(body)).toBe(true);
    const other = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: "new" }));
    expect(other).toMatchObject({ ContentType: "text/html", Metadata: { b: "2" } });
    expect(other.CacheControl).toBeUndefined();
    expect((await bytesOf(other)).equals(body)).toBe(true);
  });

  it("onto itself must change something", async () => {
    const client = sdkClient(await startServer());
    const at = { Bucket: BUCKET, Key: "k" };
    await client.send(new PutObjectCommand({ ...at, Body: randomBytes(9000) }));
    expect(await refusal(client.send(new CopyObjectCommand({ ...at, CopySource: `${BUCKET}/k` })))).toEqual({
      name: "InvalidRequest",
      status: 400,
    });
    await client.send(
      new CopyObjectCommand({
        ...at,
        CopySource: `${BUCKET}/k`,
        MetadataDirective: "REPLACE",
        Metadata: { n: "1" },
      }),
    );
    const got = await client.send(new GetObjectCommand(at));
    expect(got.Metadata).toEqual({ n: "1" });
    expect((await bytesOf(got)).length).toBe(9000);
  });

  it("holds conditions against its source and its destination", async () => {
    const client = sdkClient(await startServer());
    const { ETag: etag } = await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: "s", Body: "x" }));
    const copy = (input: object): Promise<unknown> =>
      client.send(new CopyObjectCommand({ Bucket: BUCKET, Key: "d", CopySource: `/${BUCKET}/s`, ...input }));
    const failed = { name: "PreconditionFailed", status: 412 };
    expect(await refusal(copy({ CopySourceIfMatch: '"other"' }))).toEqual(failed);
    expect(await refusal(copy({ CopySourceIfNoneMatch: etag }))).toEqual(failed);
    expect(await refusal(copy({ CopySourceIfModifiedSince: new Date(Date.UTC(2100, 0)) }))).toEqual(failed);
    expect(await refusal(copy({ CopySourceIfUnmodifiedSince: new Date(0) }))).toEqual(failed);
    await copy({ CopySourceIfMatch: etag, IfNoneMatch: "*" });
    expect(await refusal(copy({ IfNoneMatch: "*" }))).toEqual(failed);
    expect(await refusal(copy({ CopySource: `${BUCKET}/none` }))).toEqual({ name: "NoSuchKey", status: 404 });
    expect(await refusal(copy({ CopySource: "no-bucket-here/s" }))).toEqual({
      name: "NoSuchBucket",
      status: 404,
    });
  });

  it("can take on a checksum that its source has not", async () => {
    const client = sdkClient(await startServer());
    const put = await client.send(
      new PutObjectCommand({ Bucket: BUCKET, Key: "s", Body: randomBytes(9000) }),
    );
    const copied = await client.send(
      new CopyObjectCommand({
        Bucket: BUCKET,
        Key: "d",
        CopySource: `${BUCKET}/s`,
        ChecksumAlgorithm: "SHA256",
      }),
    );
    expect(copied.CopyObjectResult?.ETag).toBe(put.ETag);
    const got = await client.send(
      new GetObjectCommand({ Bucket: BUCKET, Key: "d", ChecksumMode: "ENABLED" }),
    );
    await bytesOf(got);
    expect(got.ChecksumSHA256).toBe(copied.CopyObjectResult?.ChecksumSHA256);
  });
});
