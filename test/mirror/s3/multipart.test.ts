import { createHash, randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import type { ChecksumAlgorithm, ChecksumType, CompletedPart, S3Client } from "@aws-sdk/client-s3";
import { expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { startS3Server } from "../../../src/mirror/s3/server.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { BUCKET, FULL, REGION, startServer } from "./s3-fixture.ts";
import { bytesOf, refusal, sdkClient } from "./sdk-fixture.ts";

const MIB = 1024 * 1024;
const AT = { Bucket: BUCKET, Key: "big file" };
const PARTS = [randomBytes(5 * MIB), randomBytes(5 * MIB + 1), randomBytes(100)];
const WHOLE = Buffer.concat(PARTS);
const [FIRST = Buffer.alloc(0), , LAST = Buffer.alloc(0)] = PARTS;
const FEW = [FIRST, LAST];
const WHOLE_OF_FEW = Buffer.concat(FEW);

function multipartEtag(parts: readonly Buffer[]): string {
  const digests = parts.map((part) => createHash("md5").update(part).digest());
  return `"${createHash("md5").update(Buffer.concat(digests)).digest("hex")}-${parts.length}"`;
}

async function create(client: S3Client, input: object = {}): Promise<{ readonly UploadId: string }> {
  const { UploadId = "" } = await client.send(new CreateMultipartUploadCommand({ ...AT, ...input }));
  return { UploadId };
}

async function uploadAll(
  client: S3Client,
  upload: { readonly UploadId: string },
  {
    bodies = PARTS,
    ...input
  }: { readonly bodies?: readonly Buffer[]; readonly ChecksumAlgorithm?: ChecksumAlgorithm } = {},
): Promise<CompletedPart[]> {
  return Promise.all(
    bodies.map(async (Body, index) => {
      const part = await client.send(
        new UploadPartCommand({ ...AT, ...upload, PartNumber: index + 1, Body, ...input }),
      );
      return { ...part, PartNumber: index + 1 };
    }),
  );
}

function complete(
  client: S3Client,
  upload: { readonly UploadId: string },
  Parts: CompletedPart[],
  input: object = {},
) {
  return client.send(
    new CompleteMultipartUploadCommand({ ...AT, ...upload, MultipartUpload: { Parts }, ...input }),
  );
}

it("joins parts into an object with the headers named at the start", async () => {
  const client = sdkClient(await startServer());
  const upload = await create(client, { ContentType: "video/mp4", Metadata: { a: "1" } });
  const parts = await uploadAll(client, upload);
  expect(
    (await client.send(new ListPartsCommand({ ...AT, ...upload, MaxParts: 2 }))).Parts?.map(
      ({ Size }) => Size,
    ),
  ).toEqual([5 * MIB, 5 * MIB + 1]);
  const rest = await client.send(new ListPartsCommand({ ...AT, ...upload, PartNumberMarker: "2" }));
  expect([rest.IsTruncated, rest.Parts?.map(({ PartNumber }) => PartNumber)]).toEqual([false, [3]]);
  expect(await refusal(client.send(new GetObjectCommand(AT)))).toEqual({ name: "NoSuchKey", status: 404 });
  const done = await complete(client, upload, parts);
  expect(done.ETag).toBe(multipartEtag(PARTS));
  const got = await client.send(new GetObjectCommand(AT));
  expect(got).toMatchObject({
    ContentType: "video/mp4",
    Metadata: { a: "1" },
    ETag: multipartEtag(PARTS),
    ContentLength: WHOLE.length,
  });
  expect((await bytesOf(got)).equals(WHOLE)).toBe(true);
  const across = await client.send(
    new GetObjectCommand({ ...AT, Range: `bytes=${5 * MIB - 10}-${10 * MIB + 20}` }),
  );
  expect((await bytesOf(across)).equals(WHOLE.subarray(5 * MIB - 10, 10 * MIB + 21))).toBe(true);
  const second = await client.send(new GetObjectCommand({ ...AT, PartNumber: 2 }));
  expect([(await bytesOf(second)).equals(PARTS[1] ?? Buffer.alloc(0)), second.PartsCount]).toEqual([true, 3]);
  expect((await refusal(client.send(new HeadObjectCommand({ ...AT, PartNumber: 4 })))).status).toBe(416);
  expect(await refusal(client.send(new ListPartsCommand({ ...AT, ...upload })))).toEqual({
    name: "NoSuchUpload",
    status: 404,
  });
});

it.each<[ChecksumAlgorithm, ChecksumType]>([
  ["CRC32", "FULL_OBJECT"],
  ["CRC32", "COMPOSITE"],
  ["CRC32C", "FULL_OBJECT"],
  ["CRC64NVME", "FULL_OBJECT"],
  ["SHA1", "COMPOSITE"],
  ["SHA256", "COMPOSITE"],
])("makes a %s checksum of type %s out of those of the parts", async (ChecksumAlgorithm, ChecksumType) => {
  const client = sdkClient(await startServer());
  const upload = await create(client, { ChecksumAlgorithm, ChecksumType });
  const parts = await uploadAll(client, upload, { ChecksumAlgorithm, bodies: FEW });
  const done = await complete(client, upload, parts);
  // The SDK verifies a full-object checksum of what it downloads and throws when it differs.
  const got = await client.send(new GetObjectCommand({ ...AT, ChecksumMode: "ENABLED" }));
  expect((await bytesOf(got)).equals(WHOLE_OF_FEW)).toBe(true);
  const name = `Checksum${ChecksumAlgorithm}` as const;
  expect([got[name], got.ChecksumType]).toEqual([done[name], ChecksumType]);
  expect(got[name]).toMatch(ChecksumType === "COMPOSITE" ? /=-2$/ : /=$/);
  const copied = await client.send(
    new CopyObjectCommand({ Bucket: BUCKET, Key: "copy", CopySource: `${BUCKET}/big%20file` }),
  );
  expect(copied.CopyObjectResult?.ETag).toBe(`"${createHash("md5").update(WHOLE_OF_FEW).digest("hex")}"`);
  await bytesOf(
    await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: "copy", ChecksumMode: "ENABLED" })),
  );
});

it("refuses to complete with parts that are wrong, missing, out of order or too small", async () => {
  const client = sdkClient(await startServer());
  const upload = await create(client);
  const parts = await uploadAll(client, upload);
  const [one = {}, two = {}, three = {}] = parts;
  expect(await refusal(complete(client, upload, [two, one]))).toEqual({
    name: "InvalidPartOrder",
    status: 400,
  });
  expect(await refusal(complete(client, upload, [one, one]))).toEqual({
    name: "InvalidPartOrder",
    status: 400,
  });
  expect(await refusal(complete(client, upload, [one, { ...two, ETag: '"other"' }]))).toEqual({
    name: "InvalidPart",
    status: 400,
  });
  expect(await refusal(complete(client, upload, [one, { ...two, PartNumber: 7 }]))).toEqual({
    name: "InvalidPart",
    status: 400,
  });
  expect(await refusal(complete(client, upload, [{ ...one, ChecksumCRC32: "AAAAAA==" }, two]))).toEqual({
    name: "InvalidPart",
    status: 400,
  });
  const { PartNumber: _, ...last } = await client
    .send(new UploadPartCommand({ ...AT, ...upload, PartNumber: 4, Body: "x" }))
    .then((part) => ({ ...part, PartNumber: 4 }));
  expect(await refusal(complete(client, upload, [one, three, { ...last, PartNumber: 4 }]))).toEqual({
    name: "EntityTooSmall",
    status: 400,
  });
  expect(await refusal(complete(client, upload, []))).toEqual({ name: "MalformedXML", status: 400 });
  expect(await refusal(complete(client, upload, parts, { MpuObjectSize: 1 }))).toEqual({
    name: "InvalidRequest",
    status: 400,
  });
  expect((await complete(client, upload, parts, { MpuObjectSize: WHOLE.length })).ETag).toBe(
    multipartEtag(PARTS),
  );
});

it("knows no upload by another id, for another key, or after it was aborted", async () => {
  const client = sdkClient(await startServer());
  const upload = await create(client);
  const none = { name: "NoSuchUpload", status: 404 };
  const put = (input: object): Promise<unknown> =>
    client.send(new UploadPartCommand({ ...AT, ...upload, PartNumber: 1, Body: "x", ...input }));
  expect(await refusal(put({ UploadId: "no" }))).toEqual(none);
  expect(await refusal(put({ Key: "other" }))).toEqual(none);
  expect(await refusal(put({ PartNumber: 10_001 }))).toEqual({ name: "InvalidArgument", status: 400 });
  expect(await refusal(create(client, { ChecksumAlgorithm: "SHA256", ChecksumType: "FULL_OBJECT" }))).toEqual(
    { name: "InvalidRequest", status: 400 },
  );
  const hashed = await create(client, { ChecksumAlgorithm: "SHA256" });
  expect(await refusal(put({ ...hashed, ChecksumAlgorithm: "CRC32" }))).toEqual({
    name: "InvalidRequest",
    status: 400,
  });
  await put({});
  await client.send(new AbortMultipartUploadCommand({ ...AT, ...upload }));
  expect(await refusal(put({}))).toEqual(none);
});

it("lists unfinished uploads by key and time, page by page", async () => {
  const client = sdkClient(await startServer());
  const ids: string[] = [];
  for (const Key of ["a/1", "a/2", "a/2", "b"]) ids.push((await create(client, { Key })).UploadId);
  const all = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
  expect(all.Uploads?.map(({ Key }) => Key)).toEqual(["a/1", "a/2", "a/2", "b"]);
  expect(all.Uploads?.map(({ UploadId = "" }) => UploadId).sort()).toEqual([...ids].sort());
  const grouped = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET, Delimiter: "/" }));
  expect([
    grouped.Uploads?.map(({ Key }) => Key),
    grouped.CommonPrefixes?.map(({ Prefix }) => Prefix),
  ]).toEqual([["b"], ["a/"]]);
  const seen: (string | undefined)[] = [];
  let marker: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
  for (let more = true; more;) {
    const page = await client.send(
      new ListMultipartUploadsCommand({ Bucket: BUCKET, MaxUploads: 1, ...marker }),
    );
    seen.push(...(page.Uploads ?? []).map(({ UploadId }) => UploadId));
    marker = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
    more = page.IsTruncated === true;
  }
  expect([seen.length, new Set(seen)]).toEqual([4, new Set(ids)]);
});

it("holds the conditions of a write when it completes", async () => {
  const client = sdkClient(await startServer());
  const upload = await create(client);
  const parts = await uploadAll(client, upload);
  await client.send(new PutObjectCommand({ ...AT, Body: "in between" }));
  expect(await refusal(complete(client, upload, parts, { IfNoneMatch: "*" }))).toEqual({
    name: "PreconditionFailed",
    status: 412,
  });
  await client.send(new DeleteObjectCommand(AT));
  await complete(client, upload, parts, { IfNoneMatch: "*" });
});

it("copies parts out of other objects", async () => {
  const client = sdkClient(await startServer());
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: "source", Body: WHOLE }));
  const upload = await create(client, { ChecksumAlgorithm: "CRC32" });
  const copyPart = (PartNumber: number, range?: string) =>
    client.send(
      new UploadPartCopyCommand({
        ...AT,
        ...upload,
        PartNumber,
        CopySource: `${BUCKET}/source`,
        CopySourceRange: range,
      }),
    );
  expect(await refusal(copyPart(1, `bytes=0-${WHOLE.length}`))).toEqual({
    name: "InvalidArgument",
    status: 400,
  });
  const parts: CompletedPart[] = [];
  for (const [index, range] of [`bytes=0-${6 * MIB - 1}`, undefined].entries()) {
    const { CopyPartResult: part } = await copyPart(index + 1, range);
    parts.push({ ...part, PartNumber: index + 1 });
  }
  await complete(client, upload, parts);
  const got = await bytesOf(await client.send(new GetObjectCommand(AT)));
  expect(got.equals(Buffer.concat([WHOLE.subarray(0, 6 * MIB), WHOLE]))).toBe(true);
});

it("goes on with an upload after a restart, and leaves no file behind", async () => {
  const dir = await tempDir();
  const start = (): ReturnType<typeof startS3Server> =>
    startS3Server({
      dir,
      port: 0,
      region: REGION,
      credentials: [FULL],
      clock: systemClock,
      buckets: [BUCKET],
    });
  const first = await start();
  const before = sdkClient(first);
  const upload = await create(before, { Metadata: { a: "1" } });
  const parts = await uploadAll(before, upload);
  await before.send(new UploadPartCommand({ ...AT, ...upload, PartNumber: 9, Body: "not used" }));
  await first.close();
  const second = await start();
  const after = sdkClient(second);
  const [replaced, ...rest] = parts;
  await after.send(new UploadPartCommand({ ...AT, ...upload, PartNumber: 1, Body: "other" }));
  const again = await after.send(new UploadPartCommand({ ...AT, ...upload, PartNumber: 1, Body: FIRST }));
  expect(again.ETag).toBe(replaced?.ETag);
  await complete(after, upload, [{ ...again, PartNumber: 1 }, ...rest]);
  const got = await after.send(new GetObjectCommand(AT));
  expect([(await bytesOf(got)).equals(WHOLE), got.Metadata]).toEqual([true, { a: "1" }]);
  await second.close();
  expect((await readdir(join(dir, "blobs"))).length).toBe(3);
  const third = await start();
  await sdkClient(third).send(new DeleteObjectCommand(AT));
  await third.close();
  expect(await readdir(join(dir, "blobs"))).toEqual([]);
});
