import { describe, expect, it } from "vitest";
import { DeleteObjectsCommand } from "@aws-sdk/client-s3";
import type { S3Call, S3Credential } from "../../../src/mirror/s3/server.ts";
import { S3Policy } from "../../../src/mirror/s3/policy.ts";
import { BUCKET, FULL, send, startServer } from "./s3-fixture.ts";
import { sdkClient } from "./sdk-fixture.ts";

type Statement = Readonly<Record<string, unknown>>;

function policyWith(...statements: readonly Statement[]): S3Policy {
  return S3Policy.of({ Version: "2012-10-17", Statement: statements });
}

const allow = (Action: unknown, Resource: unknown): Statement => ({ Effect: "Allow", Action, Resource });
const deny = (Action: unknown, Resource: unknown): Statement => ({ Effect: "Deny", Action, Resource });
const OBJECT = "arn:aws:s3:::b/k/1";

describe("a policy", () => {
  it.each([
    ["nothing", [], false],
    ["the action on the object", [allow("s3:GetObject", OBJECT)], true],
    ["one of several", [allow(["s3:PutObject", "s3:GetObject"], ["arn:aws:s3:::c/*", OBJECT])], true],
    ["a name in another case", [allow("S3:getobject", OBJECT)], true],
    ["a resource in another case", [allow("s3:GetObject", "arn:aws:s3:::b/K/1")], false],
    ["a wildcard over slashes", [allow("s3:Get*", "arn:aws:s3:::b/*")], true],
    ["a mark for one letter", [allow("s3:GetObject", "arn:aws:s3:::b/k/?")], true],
    ["a dot that is a dot", [allow("s3.GetObject", OBJECT)], false],
    ["the bucket only", [allow("s3:*", "arn:aws:s3:::b")], false],
    ["another partition", [allow("s3:GetObject", "arn:aws-cn:s3:::b/*")], true],
    ["a denial beside an allowance", [allow("*", "*"), deny("s3:Get*", "*")], false],
    ["a denial of something else", [allow("*", "*"), deny("s3:PutObject", "*")], true],
  ] satisfies [string, readonly Statement[], boolean][])("that has %s", (_, statements, allowed) => {
    expect(policyWith(...statements).allows({ action: "s3:GetObject", resource: OBJECT })).toBe(allowed);
  });

  it.each([
    ["of another version", { Version: "2008-10-17", Statement: [] }],
    ["with a condition", { Version: "2012-10-17", Statement: [{ ...allow("*", "*"), Condition: {} }] }],
    ["without a resource", { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*" }] }],
    ["that is a text", "{}"],
  ])("%s is refused, not guessed at", (_, document) => {
    expect(() => S3Policy.of(document)).toThrowError(
      expect.objectContaining({ code: "mirror/invalid-policy" }),
    );
  });
});

describe("a key with a policy", () => {
  const credential: S3Credential = {
    accessKeyId: "AKIDLIMITED",
    secretAccessKey: "secret-limited",
    access: policyWith(
      allow(["s3:GetObject", "s3:PutObject"], `arn:aws:s3:::${BUCKET}/mine/*`),
      allow("s3:DeleteObject", `arn:aws:s3:::${BUCKET}/mine/old/*`),
    ),
  };

  async function startLimited(): Promise<{
    readonly calls: readonly S3Call[];
    readonly status: (method: string, key: string, headers?: Record<string, string>) => Promise<number>;
    readonly remove: (...keys: readonly string[]) => Promise<unknown>;
  }> {
    const calls: S3Call[] = [];
    const server = await startServer({
      credentials: [FULL, credential],
      onCall: (call) => calls.push(call),
    });
    const client = sdkClient(server, { credentials: credential });
    return {
      calls,
      async status(method, key, headers = {}) {
        const body = method === "PUT" && headers["x-amz-copy-source"] === undefined ? { body: "x" } : {};
        const path = key === "" ? `/${BUCKET}?list-type=2` : `/${BUCKET}/${key}`;
        return (await send(server, { method, path, headers, credential, ...body })).status;
      },
      async remove(...keys) {
        const Objects = keys.map((Key) => ({ Key }));
        const { Errors } = await client.send(
          new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects, Quiet: true } }),
        );
        return Errors?.map(({ Key, Code }) => [Key, Code]);
      },
    };
  }

  it("may do what its policy allows where it allows it", async () => {
    const { status } = await startLimited();
    expect(await status("PUT", "mine/a")).toBe(200);
    expect(await status("GET", "mine/a")).toBe(200);
    expect(await status("HEAD", "mine/a")).toBe(200);
    expect(await status("PUT", "other")).toBe(403);
    expect(await status("GET", "")).toBe(403);
    expect(await status("DELETE", "mine/a")).toBe(403);
  });

  it("does not learn whether a key is missing that it may not list", async () => {
    const { status } = await startLimited();
    expect(await status("GET", "mine/missing")).toBe(403);
  });

  it("needs to read what it copies", async () => {
    const { status } = await startLimited();
    await status("PUT", "mine/a");
    const copy = (key: string): Record<string, string> => ({ "x-amz-copy-source": `/${BUCKET}/${key}` });
    expect(await status("PUT", "mine/b", copy("mine/a"))).toBe(200);
    expect(await status("PUT", "mine/b", copy("other"))).toBe(403);
  });

  it("is refused the keys of a DeleteObjects that it may not delete, and no others", async () => {
    const { remove } = await startLimited();
    expect(await remove("mine/old/a", "mine/b", "other")).toEqual([
      ["mine/b", "AccessDenied"],
      ["other", "AccessDenied"],
    ]);
  });

  it("is told of with every action that it took or was refused", async () => {
    const { status, remove, calls } = await startLimited();
    await status("PUT", "mine/a");
    await remove("mine/old/b");
    await status("GET", "other");
    const at = (key: string): string => `arn:aws:s3:::${BUCKET}/${key}`;
    expect(calls).toEqual([
      { accessKeyId: "AKIDLIMITED", action: "s3:PutObject", resource: at("mine/a"), allowed: true },
      { accessKeyId: "AKIDLIMITED", action: "s3:DeleteObject", resource: at("mine/old/b"), allowed: true },
      { accessKeyId: "AKIDLIMITED", action: "s3:GetObject", resource: at("other"), allowed: false },
    ]);
  });
});

it("finds a key that was made while the server ran", async () => {
  const made = new Map<string, S3Credential>();
  const server = await startServer({ credentials: [], findCredential: (id) => made.get(id) });
  const ask = async (): Promise<string> => (await send(server, { path: `/${BUCKET}?list-type=2` })).code;
  expect(await ask()).toBe("InvalidAccessKeyId");
  made.set(FULL.accessKeyId, FULL);
  expect(await ask()).toBe("");
  made.set(FULL.accessKeyId, { ...FULL, secretAccessKey: "another" });
  expect(await ask()).toBe("SignatureDoesNotMatch");
});
