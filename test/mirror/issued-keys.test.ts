import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findIssuedKey, issueKey } from "../../src/mirror/issued-keys.ts";
import { tempDir } from "../support/temp-dir.ts";

const policyOn = (Action: string): unknown => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action, Resource: "*" }],
});

describe("an issued key", () => {
  it("is found at once, with its policy, and nobody else can read it", async () => {
    const dir = await tempDir();
    const find = findIssuedKey(dir);
    expect(find("SFKEY")).toBeUndefined();
    const { accessKeyId, secretAccessKey } = await issueKey(dir, {
      name: "one",
      policy: policyOn("s3:GetObject"),
    });
    const found = find(accessKeyId);
    expect(found?.secretAccessKey).toBe(secretAccessKey);
    const may = (action: string): boolean =>
      typeof found?.access === "object" && found.access.allows({ action, resource: "arn:aws:s3:::b/k" });
    expect([may("s3:GetObject"), may("s3:PutObject")]).toEqual([true, false]);
    expect((await stat(join(dir, "s3-keys.json"))).mode & 0o777).toBe(0o600);
  });

  it("stays the same when its name gets another policy, and differs from those of other names", async () => {
    const dir = await tempDir();
    const find = findIssuedKey(dir);
    const first = await issueKey(dir, { name: "one", policy: policyOn("s3:GetObject") });
    const other = await issueKey(dir, { name: "two", policy: policyOn("s3:*") });
    expect(await issueKey(dir, { name: "one", policy: policyOn("s3:PutObject") })).toEqual(first);
    expect(other.accessKeyId).not.toBe(first.accessKeyId);
    const access = find(first.accessKeyId)?.access;
    const allows = (action: string): boolean =>
      typeof access === "object" && access.allows({ action, resource: "arn:aws:s3:::b/k" });
    expect([allows("s3:GetObject"), allows("s3:PutObject")]).toEqual([false, true]);
  });

  it("is not made of a policy that would not be kept to, nor beside a damaged file", async () => {
    const dir = await tempDir();
    await expect(issueKey(dir, { name: "one", policy: { Statement: [] } })).rejects.toMatchObject({
      code: "mirror/invalid-policy",
    });
    await writeFile(join(dir, "s3-keys.json"), "[{}]");
    await expect(issueKey(dir, { name: "one", policy: policyOn("*") })).rejects.toMatchObject({
      code: "mirror/state-unreadable",
    });
  });
});
