import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { localEnvironment, readMirrorFile } from "../../src/settings/local.ts";
import { exampleMirrorFile } from "../support/environments.ts";
import { tempDir } from "../support/temp-dir.ts";

describe("the mirror's own description", () => {
  it("is read back as it was written and makes the environment `local`", async () => {
    const dir = await tempDir();
    await writeFile(join(dir, "mirror.json"), JSON.stringify(exampleMirrorFile));
    expect(await readMirrorFile(dir)).toEqual(exampleMirrorFile);
    expect(localEnvironment(exampleMirrorFile)).toMatchObject({
      name: "local",
      hsts: false,
      publicPorts: { http: 8080, https: 8443 },
      s3: { endpoint: "http://127.0.0.1:8082", pathStyle: true },
    });
  });

  it("is missing where no mirror was started", async () => {
    await expect(readMirrorFile(await tempDir())).rejects.toMatchObject({ code: "mirror/not-running" });
  });

  it.each(["", "{", "[]", JSON.stringify({ ...exampleMirrorFile, api: {} })])(
    "is refused with its path when it is not one: %j",
    async (text) => {
      const dir = await tempDir();
      await writeFile(join(dir, "mirror.json"), text);
      await expect(readMirrorFile(dir)).rejects.toMatchObject({
        code: "mirror/state-unreadable",
        message: expect.stringContaining(join(dir, "mirror.json")),
      });
    },
  );
});
