import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadSettings } from "../../src/settings/load.ts";
import { exampleMirrorFile } from "../support/environments.ts";
import { runHere } from "../support/command-line.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { tempDir } from "../support/temp-dir.ts";

const ENVIRONMENT = {
  fastly: { domains: ["*.example.com"] },
  s3: { region: "us-east-1", configBucket: "a-config", hostingBucket: "a-hosting" },
};

it("Settings moved to a mirror verify a Compute service over TLS, with the mirror's authority", async () => {
  const cwd = await tempDir();
  const state = join(cwd, ".mirrors", "one");
  await mkdir(state, { recursive: true });
  const edge = { ...exampleMirrorFile.edge, ca: join(state, "ca", "ca.pem") };
  await writeFile(join(state, "mirror.json"), JSON.stringify({ ...exampleMirrorFile, edge }));
  const environments = { test: ENVIRONMENT, production: { ...ENVIRONMENT, target: "compute" } };
  await writeFile(join(cwd, "sitefleet.config.json"), JSON.stringify({ environments }));
  const places = ["test=.mirrors/one", "production=.mirrors/one"];
  const end = await runHere(["mirror", "settings", ...places, "--out", "moved.json"], {
    cwd,
    clock: new InstantClock(),
  });
  expect(end).toMatchObject({ code: 0 });
  const written: unknown = JSON.parse(await readFile(join(cwd, "moved.json"), "utf8"));
  const hostSuffix = "verify.example.com";
  expect(written).toMatchObject({
    environments: {
      test: { verify: { url: "http://127.0.0.1:8080", hostSuffix } },
      // From where the settings are, so that the folder may be moved as a whole.
      production: { verify: { url: "https://127.0.0.1:8443", hostSuffix, ca: ".mirrors/one/ca/ca.pem" } },
    },
  });
  const loaded = await loadSettings(join(cwd, "moved.json"));
  expect(loaded.environments["production"]?.verify?.ca).toBe(edge.ca);
});
