import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { issueAuthority } from "../../src/mirror/edge/certificate-issuer.ts";
import { readEdgeAuthority } from "../../src/settings/edge-authority.ts";
import { tempDir } from "../support/temp-dir.ts";

async function read(content: string | undefined): Promise<() => string | undefined> {
  const ca = join(await tempDir(), "ca.pem");
  if (content !== undefined) await writeFile(ca, content);
  const verify = { url: "https://verify.example.net", hostSuffix: "verify.example.net", ca };
  return () => readEdgeAuthority({ name: "test", verify });
}

describe("the authority of an environment's edge", () => {
  it("is none where the settings name none", () => {
    expect(readEdgeAuthority({ name: "test", verify: undefined })).toBeUndefined();
    const verify = { url: "https://verify.example.net", hostSuffix: "verify.example.net" };
    expect(readEdgeAuthority({ name: "test", verify })).toBeUndefined();
  });

  it("is every certificate of the file, and nothing else that is in it", async () => {
    const [one, two] = [await issueAuthority(Date.now()), await issueAuthority(Date.now())];
    const text = `# ours\n${one.cert}\n${one.key}\n${two.cert}`;
    const found = (await read(text))() ?? "";
    expect(found.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(found).not.toContain("PRIVATE KEY");
    expect(found).not.toContain("# ours");
  });

  it.each([
    ["that is not there", undefined, /ca\.pem cannot be read: ENOENT/],
    ["that is empty", "", /ca\.pem holds no certificate/],
    ["of something else", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", /holds no cert/],
    [
      "with a damaged certificate",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
      /ca\.pem holds a certificate that cannot be read: /,
    ],
    ["that is larger than any", "x".repeat(1_048_577), /ca\.pem is no file of certificates/],
  ])("is the user's error for a file %s", async (_, content, message) => {
    const readIt = await read(content);
    expect(readIt).toThrow(message);
    expect(readIt).toThrow(expect.objectContaining({ code: "settings/invalid-ca", exitCode: 2 }));
  });

  it("is no folder, which would be read for ever if it were a pipe", async () => {
    const ca = join(await tempDir(), "ca.pem");
    await mkdir(ca);
    const verify = { url: "https://verify.example.net", hostSuffix: "verify.example.net", ca };
    expect(() => readEdgeAuthority({ name: "test", verify })).toThrow("is no file of certificates");
  });
});
