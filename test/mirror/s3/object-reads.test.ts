import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { ChecksumAlgorithm } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { BUCKET, NO_LIST, READ, startServer } from "./s3-fixture.ts";
import { bytesOf, refusal, sdkClient } from "./sdk-fixture.ts";

function md5(body: Buffer | string): string {
  return `"${createHash("md5").update(body).digest("hex")}"`;
}

describe("a stored object", () => {
  it("gives its body, headers and metadata back as they were", async () => {
    const client = sdkClient(await startServer());
    const body = randomBytes(2048);
    const at = { Bucket: BUCKET, Key: "dir/a b+ü.html" };
    const headers = {
      ContentType: "text/html; charset=utf-8",
      CacheControl: "max-age=60",
      ContentEncoding: "gzip",
      ContentDisposition: "inline",
      ContentLanguage: "de",
      Metadata: { a: "1", "two-words": "x  y", __proto__x: "z" },
    };
    const put = await client.send(new PutObjectCommand({ ...at, ...headers, Body: body }));
    expect(put.ETag).toBe(md5(body));
    const got = await client.send(new GetObjectCommand(at));
    expect(await bytesOf(got)).toEqual(body);
    expect(got).toMatchObject({
      ...headers,
      ETag: md5(body),
      ContentLength: 2048,
      ChecksumType: "FULL_OBJECT",
    });
    expect(await client.send(new HeadObjectCommand(at))).toMatchObject({
      ...headers,
      ETag: md5(body),
      ContentLength: 2048,
    });
    await client.send(new DeleteObjectCommand(at));
    expect((await client.send(new ListObjectsV2Command({ Bucket: BUCKET }))).KeyCount).toBe(0);
    expect(await refusal(client.send(new GetObjectCommand(at)))).toEqual({ name: "NoSuchKey", status: 404 });
    expect(await refusal(client.send(new HeadObjectCommand(at)))).toEqual({ name: "NotFound", status: 404 });
  });

  it.each([0, 1, 4096, 4097, 300_000])("of %i bytes comes back byte for byte", async (size) => {
    const client = sdkClient(await startServer());
    const body = randomBytes(size);
    await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: "k", Body: body }));
    expect(
      (await bytesOf(await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: "k" })))).equals(body),
    ).toBe(true);
  });

  it("can come as a stream, which the SDK sends in chunks with a checksum behind them", async () => {
    const client = sdkClient(await startServer(), { requestStreamBufferSize: 65_536 });
    const body = randomBytes(3_000_000);
    const pieces = Array.from({ length: 43 }, (_, index) =>
      body.subarray(index * 70_000, (index + 1) * 70_000),
    );
    const put = new PutObjectCommand({
      Bucket: BUCKET,
      Key: "k",
      Body: Readable.from(pieces),
      ContentLength: body.length,
      ContentEncoding: "br",
    });
    await client.send(put);
    const got = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: "k" }));
    expect((await bytesOf(got)).equals(body)).toBe(true);
    expect(got.ContentEncoding).toBe("br");
  });

  it.each<ChecksumAlgorithm>(["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])(
    "is held against the SDK's %s",
    async (algorithm) => {
      const client = sdkClient(await startServer());
      for (const body of [Buffer.from("hello"), Readable.from([randomBytes(9000)])]) {
        const length = body instanceof Readable ? { ContentLength: 9000 } : {};
        const put = await client.send(
          new PutObjectCommand({
            Bucket: BUCKET,
            Key: "k",
            Body: body,
            ...length,
            ChecksumAlgorithm: algorithm,
          }),
        );
        expect(put[`Checksum${algorithm}`]).toMatch(/=$/);
        // The SDK verifies the checksum of what it downloads and throws when it differs.
        const got = await client.send(
          new GetObjectCommand({ Bucket: BUCKET, Key: "k", ChecksumMode: "ENABLED" }),
        );
        await bytesOf(got);
        expect(got[`Checksum${algorithm}`]).toBe(put[`Checksum${algorithm}`]);
      }
    },
  );

  it("is listed by one credential, read by another, and its absence hidden from a third", async () => {
    const server = await startServer();
    const [full, read, noList] = [
      sdkClient(server),
      sdkClient(server, { credentials: READ }),
      sdkClient(server, { credentials: NO_LIST }),
    ];
    await full.send(new PutObjectCommand({ Bucket: BUCKET, Key: "k", Body: "x" }));
    for (const client of [read, noList]) {
      expect(
        (await bytesOf(await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: "k" })))).toString(),
      ).toBe("x");
      expect(
        await refusal(client.send(new PutObjectCommand({ Bucket: BUCKET, Key: "k", Body: "y" }))),
      ).toEqual({ name: "AccessDenied", status: 403 });
      expect(await refusal(client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: "k" })))).toEqual({
        name: "AccessDenied",
        status: 403,
      });
    }
    expect((await read.send(new ListObjectsV2Command({ Bucket: BUCKET }))).KeyCount).toBe(1);
    expect(await refusal(noList.send(new ListObjectsV2Command({ Bucket: BUCKET })))).toEqual({
      name: "AccessDenied",
      status: 403,
    });
    const missing = { Bucket: BUCKET, Key: "missing" };
    expect(await refusal(read.send(new GetObjectCommand(missing)))).toEqual({
      name: "NoSuchKey",
      status: 404,
    });
    expect(await refusal(noList.send(new GetObjectCommand(missing)))).toEqual({
      name: "AccessDenied",
      status: 403,
    });
    expect((await refusal(noList.send(new HeadObjectCommand(missing)))).status).toBe(403);
  });

  it("may carry 2,048 bytes of metadata and not one more", async () => {
    const client = sdkClient(await startServer());
    const put = (length: number): Promise<unknown> =>
      client.send(
        new PutObjectCommand({
          Bucket: BUCKET,
          Key: "k",
          Body: "",
          Metadata: { ab: "x".repeat(1000), cd: "y".repeat(length) },
        }),
      );
    await put(1044);
    expect(await refusal(put(1045))).toEqual({ name: "MetadataTooLarge", status: 400 });
  });

  it("may have any key that is text of at most 1,024 bytes; nothing in it is a path", async () => {
    const client = sdkClient(await startServer());
    const keys = [
      "..",
      "../../etc/passwd",
      "a",
      "a/",
      "a/b",
      "a//b",
      "/lead",
      "ä".repeat(512),
      "a\u0001b",
      "日本語",
      "😀/\u{10ffff}",
      " sp ",
      "a%2Fb",
      "a+b",
      "a?b#c",
      "x&y<z>'\"",
    ];
    for (const key of keys)
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: `body of ${key}` }));
    for (const key of keys) {
      expect(
        (await bytesOf(await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key })))).toString(),
      ).toBe(`body of ${key}`);
    }
    const listed = await client.send(new ListObjectsV2Command({ Bucket: BUCKET, EncodingType: "url" }));
    const decoded = listed.Contents?.map(({ Key = "" }) => decodeURIComponent(Key.replaceAll("+", "%20")));
    expect(decoded).toEqual(
      [...keys].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right))),
    );
    expect(
      await refusal(client.send(new PutObjectCommand({ Bucket: BUCKET, Key: "ä".repeat(513), Body: "x" }))),
    ).toEqual({ name: "KeyTooLongError", status: 400 });
  });

  it("answers with other headers where the query says so", async () => {
    const client = sdkClient(await startServer());
    await client.send(
      new PutObjectCommand({ Bucket: BUCKET, Key: "k", Body: "x", ContentType: "text/plain" }),
    );
    const overrides = {
      ResponseContentType: "text/html",
      ResponseCacheControl: "no-store",
      ResponseContentDisposition: 'attachment; filename="ä"',
    };
    const got = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: "k", ...overrides }));
    expect(got).toMatchObject({ ContentType: "text/html", CacheControl: "no-store" });
    expect(Buffer.from(got.ContentDisposition ?? "", "latin1").toString()).toBe('attachment; filename="ä"');
    const split = new GetObjectCommand({ Bucket: BUCKET, Key: "k", ResponseContentType: "a\r\nx-evil: 1" });
    expect(await refusal(client.send(split))).toEqual({ name: "InvalidArgument", status: 400 });
  });
});

describe("a range", () => {
  const body = Buffer.from("0123456789");
  const cases: readonly [range: string, content: string, contentRange: string | undefined][] = [
    ["bytes=0-3", "0123", "bytes 0-3/10"],
    ["bytes=5-", "56789", "bytes 5-9/10"],
    ["bytes=-3", "789", "bytes 7-9/10"],
    ["bytes=-30", "0123456789", "bytes 0-9/10"],
    ["bytes=8-99", "89", "bytes 8-9/10"],
    ["bytes=3-1", "0123456789", undefined],
    ["bytes=0-1,4-5", "0123456789", undefined],
    ["lines=1-2", "0123456789", undefined],
  ];

  it.each(cases)("of %s is %s", async (range, content, contentRange) => {
    const client = sdkClient(await startServer());
    for (const repeat of [1, 1000]) {
      const whole = Buffer.concat(Array.from({ length: repeat }, () => body));
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: "k", Body: whole }));
      const got = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: "k", Range: range }));
      const received = await bytesOf(got);
      if (repeat > 1) {
        expect(received.length).toBe(got.ContentLength);
        continue;
      }
      expect([received.toString(), got.ContentRange]).toEqual([content, contentRange]);
      expect(got.$metadata.httpStatusCode).toBe(contentRange === undefined ? 200 : 206);
      const head = await client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: "k", Range: range }));
      expect([head.ContentLength, head.ContentRange]).toEqual([content.length, contentRange]);
    }
  });

  it("behind the end is 416", async () => {
    const client = sdkClient(await startServer());
    await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: "k", Body: body }));
    for (const range of ["bytes=10-", "bytes=-0"]) {
      expect(
        await refusal(client.send(new GetObjectCommand({ Bucket: BUCKET, Key: "k", Range: range }))),
      ).toEqual({ name: "InvalidRange", status: 416 });
    }
  });

  it("is right across the reads of a large file", async () => {
    const client = sdkClient(await startServer());
    const large = randomBytes(700_000);
    await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: "k", Body: large }));
    for (const [from, to] of [
      [0, 0],
      [262_143, 262_144],
      [100, 699_999],
      [524_288, 600_000],
    ] as const) {
      const got = await client.send(
        new GetObjectCommand({ Bucket: BUCKET, Key: "k", Range: `bytes=${from}-${to}` }),
      );
      expect((await bytesOf(got)).equals(large.subarray(from, to + 1))).toBe(true);
    }
  });
});

describe("a conditional read", () => {
  it("follows ETags and dates", async () => {
    const client = sdkClient(await startServer());
    const at = { Bucket: BUCKET, Key: "k" };
    const { ETag: etag = "" } = await client.send(
      new PutObjectCommand({ ...at, Body: "x", CacheControl: "max-age=5" }),
    );
    const { LastModified: modified = new Date(0) } = await client.send(new HeadObjectCommand(at));
    const earlier = new Date(modified.getTime() - 5000);
    const statusOf = async (conditions: object): Promise<number> => {
      const call = client.send(new GetObjectCommand({ ...at, ...conditions }));
      return call.then(
        ({ $metadata }) => $metadata.httpStatusCode ?? 0,
        async () => (await refusal(call)).status,
      );
    };
    expect(await statusOf({ IfNoneMatch: etag })).toBe(304);
    expect(await statusOf({ IfNoneMatch: `"other", W/${etag}` })).toBe(304);
    expect(await statusOf({ IfNoneMatch: '"other"' })).toBe(200);
    expect(await statusOf({ IfMatch: etag })).toBe(200);
    expect(await statusOf({ IfMatch: '"other"' })).toBe(412);
    expect(await statusOf({ IfModifiedSince: modified })).toBe(304);
    expect(await statusOf({ IfModifiedSince: earlier })).toBe(200);
    expect(await statusOf({ IfUnmodifiedSince: earlier })).toBe(412);
    expect(await statusOf({ IfUnmodifiedSince: modified })).toBe(200);
    expect(await statusOf({ IfNoneMatch: '"other"', IfModifiedSince: modified })).toBe(200);
    expect(await statusOf({ IfMatch: etag, IfUnmodifiedSince: earlier })).toBe(200);
  });
});
