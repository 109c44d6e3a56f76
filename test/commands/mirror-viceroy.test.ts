import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { parse as parseToml } from "smol-toml";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { parseSettings } from "../../compute/src/settings.ts";
import { writeViceroyStores } from "../../src/commands/mirror-viceroy.ts";
import { packagePath } from "../../src/lib/package-root.ts";
import { EDGE_SETTINGS_ITEM, EDGE_STORES } from "../../src/site/edge-settings.ts";
import type { MirrorFile } from "../../src/settings/local.ts";
import { tempDir } from "../support/temp-dir.ts";

const MIRROR: MirrorFile = {
  pid: 1,
  edge: { http: "http://127.0.0.1:8080", https: "https://127.0.0.1:8443", ca: "/ca.pem" },
  api: { url: "http://127.0.0.1:8081", token: "token" },
  s3: {
    url: "http://127.0.0.1:8082",
    region: "us-east-1",
    accessKeyId: "PUBLISHER",
    secretAccessKey: "publisher's secret",
    edgeKey: "EDGE:its secret",
  },
  configSegment: "segment",
};

const storeSchema = z.object({ format: z.literal("json"), file: z.string() });
const projectSchema = z.object({
  local_server: z.object({
    backends: z.record(z.string(), z.object({ url: z.url() })),
    config_stores: z.record(z.string(), storeSchema),
    secret_stores: z.record(z.string(), storeSchema),
  }),
});

async function readStore(path: string): Promise<Record<string, string>> {
  return z.record(z.string(), z.string()).parse(JSON.parse(await readFile(path, "utf8")));
}

describe("the stores of `mirror up` for Viceroy", () => {
  test("are where fastly.toml looks for them, by the names that the app opens", async () => {
    const project = projectSchema.parse(parseToml(await readFile(packagePath("fastly.toml"), "utf8")));
    const { config_stores, secret_stores, backends } = project.local_server;
    expect(config_stores).toEqual({
      [EDGE_STORES.settings]: { format: "json", file: ".sitefleet/viceroy/settings.json" },
    });
    expect(secret_stores).toEqual({
      [EDGE_STORES.secrets]: { format: "json", file: ".sitefleet/viceroy/secrets.json" },
    });
    const stateDir = join(await tempDir(), ".sitefleet");
    await writeViceroyStores(stateDir, MIRROR);
    const settings = await readStore(join(stateDir, "viceroy", "settings.json"));
    const read = parseSettings(settings[EDGE_SETTINGS_ITEM] ?? "");
    expect(Object.keys(backends)).toEqual(read?.origins.map(({ backend }) => backend));
    expect(Object.values(backends).map(({ url }) => url)).toEqual(
      read?.origins.map(({ host }) => `http://${host}`),
    );
  });

  test("hold settings that the app reads, and the keys that it reads with, for their owner only", async () => {
    const stateDir = await tempDir();
    await writeViceroyStores(stateDir, MIRROR);
    await writeViceroyStores(stateDir, MIRROR);
    const paths = ["settings.json", "secrets.json"].map((name) => join(stateDir, "viceroy", name));
    for (const path of paths) expect((await stat(path)).mode & 0o777).toBe(0o600);
    const [settings, secrets] = await Promise.all(paths.map(readStore));
    expect(parseSettings(settings?.[EDGE_SETTINGS_ITEM] ?? "")).toMatchObject({
      environment: "local",
      httpCache: false,
      hostSuffixes: [{ suffix: ".staging.localhost", siteEnv: "staging" }],
      origins: [
        {
          backend: "config",
          isSecond: false,
          host: "127.0.0.1:8082",
          prefix: "/sitefleet-config",
          tls: false,
        },
        { backend: "hosting", isSecond: false, prefix: "/sitefleet-hosting" },
      ],
    });
    expect(secrets).toEqual({
      config_s3_key: "EDGE:its secret",
      hosting_s3_key: "EDGE:its secret",
      config_segment: "segment",
    });
  });
});
