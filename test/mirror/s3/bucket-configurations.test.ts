import {
  CreateMultipartUploadCommand,
  DeleteBucketLifecycleCommand,
  DeleteBucketOwnershipControlsCommand,
  DeletePublicAccessBlockCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetPublicAccessBlockCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutPublicAccessBlockCommand,
} from "@aws-sdk/client-s3";
import type { LifecycleRule } from "@aws-sdk/client-s3";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { FakeClock } from "../../support/fake-clock.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { BUCKET, READ, send, startServer } from "./s3-fixture.ts";
import { refusal, sdkClient } from "./sdk-fixture.ts";

const ON = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

const RULE: LifecycleRule = {
  ID: "abort",
  Status: "Enabled",
  Filter: { Prefix: "up/" },
  AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
};

describe("the public access block", () => {
  it("is on for every new bucket, can be set, taken away and set again", async () => {
    const client = sdkClient(await startServer());
    const read = async (): Promise<unknown> =>
      (await client.send(new GetPublicAccessBlockCommand({ Bucket: BUCKET }))).PublicAccessBlockConfiguration;
    expect(await read()).toEqual(ON);
    const off = { ...ON, BlockPublicPolicy: false };
    await client.send(
      new PutPublicAccessBlockCommand({ Bucket: BUCKET, PublicAccessBlockConfiguration: off }),
    );
    expect(await read()).toEqual(off);
    await client.send(new DeletePublicAccessBlockCommand({ Bucket: BUCKET }));
    expect(await refusal(read())).toEqual({ name: "NoSuchPublicAccessBlockConfiguration", status: 404 });
  });

  it("is off in every part that its document does not name, and takes only truth values", async () => {
    const server = await startServer();
    const put = (inside: string): Promise<{ readonly code: string }> => {
      const body = `<PublicAccessBlockConfiguration>${inside}</PublicAccessBlockConfiguration>`;
      return send(server, {
        method: "PUT",
        path: `/${BUCKET}?publicAccessBlock=`,
        body,
        headers: { "x-amz-checksum-crc32": checksum(body) },
      });
    };
    expect((await put("<BlockPublicAcls>TRUE</BlockPublicAcls>")).code).toBe("");
    const client = sdkClient(server);
    const { PublicAccessBlockConfiguration } = await client.send(
      new GetPublicAccessBlockCommand({ Bucket: BUCKET }),
    );
    expect(PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      IgnorePublicAcls: false,
      BlockPublicPolicy: false,
      RestrictPublicBuckets: false,
    });
    expect((await put("<BlockPublicAcls>maybe</BlockPublicAcls>")).code).toBe("MalformedXML");
    const bare = await send(server, {
      method: "PUT",
      path: `/${BUCKET}?publicAccessBlock=`,
      body: "<PublicAccessBlockConfiguration/>",
    });
    expect(bare.code).toBe("InvalidRequest");
  });
});

describe("object ownership", () => {
  it("is the owner's alone until it is set otherwise", async () => {
    const client = sdkClient(await startServer());
    const read = async (): Promise<unknown> =>
      (await client.send(new GetBucketOwnershipControlsCommand({ Bucket: BUCKET }))).OwnershipControls?.Rules;
    expect(await read()).toEqual([{ ObjectOwnership: "BucketOwnerEnforced" }]);
    const put = (ObjectOwnership: "ObjectWriter"): Promise<unknown> =>
      client.send(
        new PutBucketOwnershipControlsCommand({
          Bucket: BUCKET,
          OwnershipControls: { Rules: [{ ObjectOwnership }] },
        }),
      );
    await put("ObjectWriter");
    expect(await read()).toEqual([{ ObjectOwnership: "ObjectWriter" }]);
    expect(await refusal(put("Nobody" as "ObjectWriter"))).toEqual({ name: "MalformedXML", status: 400 });
    await client.send(new DeleteBucketOwnershipControlsCommand({ Bucket: BUCKET }));
    expect(await refusal(read())).toEqual({ name: "OwnershipControlsNotFoundError", status: 404 });
  });
});

describe("the lifecycle", () => {
  it("is none until it is set, and survives a restart and its own removal", async () => {
    const dir = await tempDir();
    const first = await startServer({ dir });
    const client = sdkClient(first);
    const read = new GetBucketLifecycleConfigurationCommand({ Bucket: BUCKET });
    const none = { name: "NoSuchLifecycleConfiguration", status: 404 };
    expect(await refusal(client.send(read))).toEqual(none);
    await client.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket: BUCKET,
        LifecycleConfiguration: { Rules: [RULE] },
      }),
    );
    await first.close();
    const again = sdkClient(await startServer({ dir }));
    expect((await again.send(read)).Rules).toEqual([RULE]);
    await again.send(new DeleteBucketLifecycleCommand({ Bucket: BUCKET }));
    expect(await refusal(again.send(read))).toEqual(none);
  });

  it("ends uploads that nobody completed, of the keys and after the days that a rule says", async () => {
    const clock = new FakeClock(Date.now());
    const server = await startServer({ clock });
    const client = sdkClient(server);
    await client.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket: BUCKET,
        LifecycleConfiguration: {
          Rules: [RULE, { ...RULE, ID: "off", Status: "Disabled", Filter: { Prefix: "" } }],
        },
      }),
    );
    const begin = async (Key: string): Promise<string> =>
      (await client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key }))).UploadId ?? "";
    const listed = async (): Promise<readonly string[]> => {
      const { body } = await send(server, { path: `/${BUCKET}?uploads=`, clock });
      return [...body.toString().matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key = ""]) => key);
    };
    const id = await begin("up/a");
    await begin("other");
    clock.advance(7 * 86_400_000 - 1_000);
    expect(await listed()).toEqual(["other", "up/a"]);
    clock.advance(1_000);
    const path = `/${BUCKET}/up/a?partNumber=1&uploadId=${id}`;
    expect((await send(server, { method: "PUT", path, body: "x", clock })).code).toBe("NoSuchUpload");
    expect(await listed()).toEqual(["other"]);
  });

  it.each([
    [
      "a rule that it would not carry out",
      { Status: "Enabled", Filter: { Prefix: "" }, Expiration: { Days: 1 } },
      "NotImplemented",
    ],
    ["a rule without days", { ...RULE, AbortIncompleteMultipartUpload: {} }, "MalformedXML"],
    ["a filter by tag", { ...RULE, Filter: { Tag: { Key: "a", Value: "b" } } }, "NotImplemented"],
    ["an id of 256 letters", { ...RULE, ID: "a".repeat(256) }, "InvalidArgument"],
  ] satisfies [string, LifecycleRule, string][])("refuses %s", async (_, rule, code) => {
    const client = sdkClient(await startServer());
    const put = new PutBucketLifecycleConfigurationCommand({
      Bucket: BUCKET,
      LifecycleConfiguration: { Rules: [rule] },
    });
    expect((await refusal(client.send(put))).name).toBe(code);
  });

  it("refuses two rules of one id", async () => {
    const client = sdkClient(await startServer());
    const put = new PutBucketLifecycleConfigurationCommand({
      Bucket: BUCKET,
      LifecycleConfiguration: { Rules: [RULE, RULE] },
    });
    expect((await refusal(client.send(put))).name).toBe("InvalidArgument");
  });
});

describe("what a bucket here cannot have", () => {
  it("is answered as S3 answers for a bucket that nobody touched", async () => {
    const client = sdkClient(await startServer());
    const at = { Bucket: BUCKET };
    const { ServerSideEncryptionConfiguration } = await client.send(new GetBucketEncryptionCommand(at));
    expect(
      ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm,
    ).toBe("AES256");
    expect((await refusal(client.send(new GetBucketPolicyCommand(at)))).name).toBe("NoSuchBucketPolicy");
    expect((await refusal(client.send(new GetBucketPolicyStatusCommand(at)))).name).toBe(
      "NoSuchBucketPolicy",
    );
    expect((await refusal(client.send(new GetBucketCorsCommand(at)))).name).toBe("NoSuchCORSConfiguration");
  });

  it("is not told to a key that may only read objects, and nothing is told of no bucket", async () => {
    const server = await startServer();
    const asReader = await send(server, { path: `/${BUCKET}?lifecycle=`, credential: READ });
    expect(asReader.code).toBe("AccessDenied");
    expect((await send(server, { path: "/nowhere?publicAccessBlock=" })).code).toBe("NoSuchBucket");
  });
});

/** CRC-32 in base64, as `x-amz-checksum-crc32` has it. */
function checksum(text: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return bytes.toString("base64");
}
