import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketAclCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  RestoreObjectCommand,
} from "@aws-sdk/client-s3";
import type { BucketLocationConstraint, S3Client } from "@aws-sdk/client-s3";
import { expect, it } from "vitest";
import { isBucketName } from "../../../src/mirror/s3/buckets.ts";
import { BUCKET, READ, REGION, send, startServer } from "./s3-fixture.ts";
import { refusal, sdkClient } from "./sdk-fixture.ts";

it("makes, finds, lists and removes buckets", async () => {
  const server = await startServer();
  const client = sdkClient(server);
  await client.send(
    new CreateBucketCommand({
      Bucket: "a.second-1",
      CreateBucketConfiguration: { LocationConstraint: REGION },
    }),
  );
  expect((await client.send(new HeadBucketCommand({ Bucket: "a.second-1" }))).BucketRegion).toBe(REGION);
  expect((await client.send(new GetBucketLocationCommand({ Bucket: "a.second-1" }))).LocationConstraint).toBe(
    REGION,
  );
  expect(
    (await client.send(new GetBucketVersioningCommand({ Bucket: "a.second-1" }))).Status,
  ).toBeUndefined();
  const listed = await client.send(new ListBucketsCommand({}));
  expect(listed.Buckets?.map(({ Name }) => Name)).toEqual(["a.second-1", BUCKET]);
  const page = await client.send(new ListBucketsCommand({ MaxBuckets: 1 }));
  const rest = await client.send(new ListBucketsCommand({ ContinuationToken: page.ContinuationToken }));
  expect([page.Buckets?.length, rest.Buckets?.map(({ Name }) => Name)]).toEqual([1, [BUCKET]]);
  expect(await refusal(client.send(new CreateBucketCommand({ Bucket: BUCKET })))).toEqual({
    name: "BucketAlreadyOwnedByYou",
    status: 409,
  });
  await client.send(new PutObjectCommand({ Bucket: "a.second-1", Key: "k", Body: "x" }));
  expect(await refusal(client.send(new DeleteBucketCommand({ Bucket: "a.second-1" })))).toEqual({
    name: "BucketNotEmpty",
    status: 409,
  });
  await send(server, { method: "DELETE", path: "/a.second-1/k" });
  await client.send(new DeleteBucketCommand({ Bucket: "a.second-1" }));
  expect((await refusal(client.send(new HeadBucketCommand({ Bucket: "a.second-1" })))).status).toBe(404);
  expect(await refusal(client.send(new ListObjectsV2Command({ Bucket: "a.second-1" })))).toEqual({
    name: "NoSuchBucket",
    status: 404,
  });
  const other: BucketLocationConstraint = "us-west-2";
  const elsewhere = new CreateBucketCommand({
    Bucket: "third",
    CreateBucketConfiguration: { LocationConstraint: other },
  });
  expect(await refusal(client.send(elsewhere))).toEqual({
    name: "IllegalLocationConstraintException",
    status: 400,
  });
});

it("answers as the oldest region does where it stands in for it", async () => {
  const client = sdkClient(await startServer({ region: "us-east-1" }), { region: "us-east-1" });
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  expect(
    (await client.send(new GetBucketLocationCommand({ Bucket: BUCKET }))).LocationConstraint,
  ).toBeUndefined();
});

it("takes only names that S3 takes", async () => {
  const bad = [
    "ab",
    "a".repeat(64),
    "Abc",
    "a_b",
    "-abc",
    "abc-",
    "a..b",
    "192.168.0.1",
    "xn--abc",
    "a b",
    "ä-b",
  ];
  expect(bad.filter(isBucketName)).toEqual([]);
  const good = ["abc", "a".repeat(63), "a-b.c", "1.2.3.4.5", "000"];
  expect(good.filter(isBucketName)).toEqual(good);
  const server = await startServer();
  expect((await send(server, { method: "PUT", path: "/Bad_Name" })).code).toBe("InvalidBucketName");
});

it("says by name what it does not do, whatever the operation", async () => {
  const client = sdkClient(await startServer());
  const at = { Bucket: BUCKET, Key: "k" };
  const calls: readonly (() => Promise<unknown>)[] = [
    () => client.send(new GetBucketAclCommand({ Bucket: BUCKET })),
    () => client.send(new PutBucketPolicyCommand({ Bucket: BUCKET, Policy: "{}" })),
    () => client.send(new ListObjectVersionsCommand({ Bucket: BUCKET })),
    () => client.send(new GetObjectTaggingCommand(at)),
    () => client.send(new RestoreObjectCommand(at)),
  ];
  for (const call of calls) expect(await refusal(call())).toEqual({ name: "NotImplemented", status: 501 });
  const headers: readonly object[] = [
    { Tagging: "a=b" },
    { ServerSideEncryption: "aws:kms" },
    { ObjectLockMode: "GOVERNANCE" },
    { GrantRead: "id=x" },
  ];
  for (const header of headers) {
    expect(await refusal(client.send(new PutObjectCommand({ ...at, Body: "x", ...header })))).toEqual({
      name: "NotImplemented",
      status: 501,
    });
  }
  expect(
    await refusal(client.send(new PutObjectCommand({ ...at, Body: "x", StorageClass: "GLACIER" }))),
  ).toEqual({ name: "InvalidStorageClass", status: 400 });
  expect(await refusal(client.send(new PutObjectCommand({ ...at, Body: "x", ACL: "public-read" })))).toEqual({
    name: "AccessControlListNotSupported",
    status: 400,
  });
});

it("names the operation in a 501, refuses methods S3 has not, and counts what was asked", async () => {
  const server = await startServer();
  const acl = await send(server, { path: `/${BUCKET}?acl` });
  expect([acl.status, acl.code]).toEqual([501, "NotImplemented"]);
  expect(acl.body.toString()).toContain("<Operation>GetBucketAcl</Operation>");
  expect((await send(server, { method: "PATCH", path: `/${BUCKET}/k` })).code).toBe("MethodNotAllowed");
  expect((await send(server, { method: "POST", path: "/" })).code).toBe("MethodNotAllowed");
  expect((await send(server, { method: "OPTIONS", path: `/${BUCKET}/k` })).code).toBe("AccessForbidden");
  expect((await send(server, { method: "POST", path: `/${BUCKET}` })).code).toBe("NotImplemented");
  expect(Object.fromEntries(server.requests)).toEqual({ GetBucketAcl: 1, PostObject: 1 });
  const read = await send(server, { path: "/", credential: READ });
  expect([read.code, server.requests.get("ListBuckets")]).toEqual(["AccessDenied", 1]);
});

it("refuses a bucket of another owner where the client names one", async () => {
  const server = await startServer();
  const ask = async (owner: string): Promise<number> =>
    (await send(server, { path: `/${BUCKET}`, headers: { "x-amz-expected-bucket-owner": owner } })).status;
  expect([await ask("000000000000"), await ask("111111111111")]).toEqual([200, 403]);
});

async function fill(client: S3Client, keys: readonly string[]): Promise<void> {
  await Promise.all(keys.map((Key) => client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: Key }))));
}

it("pages through a listing with folders, each counted as one", async () => {
  const client = sdkClient(await startServer());
  await fill(client, ["a", "b/1", "b/2", "b/3", "c/1", "c/2", "d", "e/1"]);
  const pages: (readonly (string | undefined)[])[] = [];
  for (let token: string | undefined, more = true; more;) {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: BUCKET, Delimiter: "/", MaxKeys: 2, ContinuationToken: token }),
    );
    const prefixes = (page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix);
    pages.push([...(page.Contents ?? []).map(({ Key }) => Key), ...prefixes]);
    expect(page.KeyCount).toBe(pages.at(-1)?.length);
    token = page.NextContinuationToken;
    more = page.IsTruncated === true;
  }
  expect(pages).toEqual([["a", "b/"], ["d", "c/"], ["e/"]]);
  const inside = await client.send(
    new ListObjectsV2Command({ Bucket: BUCKET, Prefix: "b/", StartAfter: "b/1", FetchOwner: true }),
  );
  expect(inside.Contents?.map(({ Key, Size, Owner }) => [Key, Size, Owner?.DisplayName])).toEqual([
    ["b/2", 3, "sitefleet"],
    ["b/3", 3, "sitefleet"],
  ]);
  const none = await client.send(new ListObjectsV2Command({ Bucket: BUCKET, MaxKeys: 0 }));
  expect([none.KeyCount, none.IsTruncated]).toEqual([0, false]);
  const early = await client.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: "d", StartAfter: "a" }));
  expect(early.Contents?.map(({ Key }) => Key)).toEqual(["d"]);
});

it("pages through a listing of the first version with markers", async () => {
  const client = sdkClient(await startServer());
  await fill(client, ["a", "b/1", "b/2", "c", "d/1"]);
  const seen: (string | undefined)[] = [];
  for (let marker: string | undefined, more = true; more;) {
    const page = await client.send(
      new ListObjectsCommand({ Bucket: BUCKET, Delimiter: "/", MaxKeys: 1, Marker: marker }),
    );
    seen.push(
      ...(page.Contents ?? []).map(({ Key }) => Key),
      ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
    );
    marker = page.NextMarker;
    more = page.IsTruncated === true;
  }
  expect(seen).toEqual(["a", "b/", "c", "d/"]);
  const plain = await client.send(new ListObjectsCommand({ Bucket: BUCKET, MaxKeys: 2 }));
  expect([plain.NextMarker, plain.IsTruncated]).toEqual([undefined, true]);
});

it("refuses listing parameters that make no sense", async () => {
  const server = await startServer();
  for (const query of [
    "list-type=3",
    "list-type=2&max-keys=x",
    "list-type=2&max-keys=-1",
    "encoding-type=xml&list-type=2",
    "continuation-token=%21&list-type=2",
    "continuation-token=&list-type=2",
  ]) {
    expect([query, (await send(server, { path: `/${BUCKET}?${query}` })).code]).toEqual([
      query,
      "InvalidArgument",
    ]);
  }
});
