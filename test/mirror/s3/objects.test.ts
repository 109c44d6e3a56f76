import { Readable } from "node:stream";
import { randomBytes, createHash } from "node:crypto";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { expect, it } from "vitest";
import { BUCKET, sdkClient, startServer } from "./s3-fixture.ts";

it("stores a body with its headers and metadata and gives both back as they were", async () => {
  const client = sdkClient(await startServer());
  const body = randomBytes(2048);
  const put = await client.send(
    new PutObjectCommand({
      Bucket: BUCKET,
      Key: "dir/a b+ü.html",
      Body: body,
      ContentType: "text/html; charset=utf-8",
      CacheControl: "max-age=60",
      ContentEncoding: "gzip",
      ContentDisposition: "inline",
      ContentLanguage: "de",
      Metadata: { a: "1", "two-words": "x  y" },
    }),
  );
  const etag = `"${createHash("md5").update(body).digest("hex")}"`;
  expect(put.ETag).toBe(etag);
  const got = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: "dir/a b+ü.html" }));
  expect(Buffer.from((await got.Body?.transformToByteArray()) ?? [])).toEqual(body);
  expect(got).toMatchObject({
    ETag: etag,
    ContentType: "text/html; charset=utf-8",
    CacheControl: "max-age=60",
    ContentEncoding: "gzip",
    ContentDisposition: "inline",
    ContentLanguage: "de",
    ContentLength: 2048,
    Metadata: { a: "1", "two-words": "x  y" },
  });
  const head = await client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: "dir/a b+ü.html" }));
  expect(head).toMatchObject({ ETag: etag, ContentLength: 2048, Metadata: { a: "1", "two-words": "x  y" } });
  await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: "dir/a b+ü.html" }));
  const list = await client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
  expect(list.KeyCount).toBe(0);
});

it("takes streams, which the SDK sends in chunks with a checksum behind them", async () => {
  const client = sdkClient(await startServer(), { requestStreamBufferSize: 65_536 });
  const body = randomBytes(3_000_000);
  await client.send(
    new PutObjectCommand({
      Bucket: BUCKET,
      Key: "big",
      Body: Readable.from(chunksOf(body, 70_000)),
      ContentLength: body.length,
    }),
  );
  const got = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: "big" }));
  expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
  expect(got.ContentEncoding).toBeUndefined();
});

function chunksOf(data: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(data.length / size) }, (_, index) =>
    data.subarray(index * size, (index + 1) * size),
  );
}
