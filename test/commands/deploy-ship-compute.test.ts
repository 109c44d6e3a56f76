import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { startMirror } from "../../src/mirror/mirror.ts";
import type { Mirror } from "../../src/mirror/mirror.ts";
import { runHere } from "../support/command-line.ts";
import type { CommandEnd } from "../support/command-line.ts";

type TargetName = "vcl" | "compute";

/** One stage's settings, with what differs between stages on purpose. */
function stage(name: string, target: TargetName) {
  return {
    target,
    fastly: { domains: [`*.${name}.localhost`] },
    s3: {
      region: "eu-central-1",
      configBucket: `acme-${name}-config`,
      hostingBucket: `acme-${name}-hosting`,
    },
    hsts: name === "production",
    verify: { url: `https://verify.${name}.localhost`, hostSuffix: `verify.${name}.localhost` },
  };
}

/** The first stage runs every conformance case. */
const LONG = { timeout: 400_000 };

describe("deploy ship with two Compute services as its stages", LONG, () => {
  let dir = "";
  let mirrors: readonly Mirror[] = [];
  let variables: Readonly<Record<string, string>> = {};

  const type = (...words: readonly string[]): Promise<CommandEnd> =>
    runHere(words, { cwd: dir, clock: systemClock, variables: { PATH: "/nowhere", ...variables } });

  async function moveSettings(test: TargetName, production: TargetName): Promise<void> {
    const environments = { test: stage("test", test), production: stage("production", production) };
    await writeFile(join(dir, "sitefleet.config.json"), JSON.stringify({ environments }));
    const { out } = await type("mirror", "settings", "test=test", "production=production", "--force");
    await leaveUnlooked("production");
    variables = Object.fromEntries(
      [...out.matchAll(/^(\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]),
    );
  }

  /** The first stage is proven with every case; that each stage is proven is held with stages of VCL. */
  async function leaveUnlooked(name: string): Promise<void> {
    const path = join(dir, "sitefleet.mirrors.json");
    const settings = JSON.parse(await readFile(path, "utf8"));
    delete settings.environments[name].verify;
    await writeFile(path, JSON.stringify(settings));
  }

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "sitefleet-ship-compute-"));
    const start = (name: string) =>
      startMirror({
        stateDir: join(dir, name),
        ports: { edge: 0, edgeTls: 0, api: 0, s3: 0 },
        clock: systemClock,
        pid: process.pid,
      });
    mirrors = await Promise.all(["test", "production"].map(start));
  });

  afterAll(async () => {
    for (const mirror of mirrors) await mirror.close();
    await rm(dir, { recursive: true, force: true });
  });

  it("refuses stages of different targets before anything is touched, and says which has which", async () => {
    await moveSettings("vcl", "compute");
    for (const more of [[], ["--dry-run"]]) {
      const end = await type("deploy", "ship", "--create", "--config", "sitefleet.mirrors.json", ...more);
      expect(end.code).toBe(1);
      expect(end.err).toContain("test has vcl, production has compute");
      expect(end.err).toContain("[deploy/not-alike]");
    }
    for (const mirror of mirrors) expect(mirror.edge.caches().size).toBe(1);
    const status = await type(
      "deploy",
      "status",
      "--env",
      "test",
      "--config",
      "sitefleet.mirrors.json",
      "--json",
    );
    expect(JSON.parse(status.out)).toMatchObject({ service: null });
  });

  it("proves them alike but for what settings say, and takes one package through both", async () => {
    await moveSettings("compute", "compute");
    const flags = ["--config", "sitefleet.mirrors.json", "--json"];
    const planned = await type("deploy", "ship", "--create", "--dry-run", ...flags);
    expect(planned).toMatchObject({ code: 0 });
    const shipped = await type("deploy", "ship", "--create", ...flags);
    expect(shipped.err).not.toContain("error:");
    expect(shipped.code).toBe(0);
    const { stages, alike } = JSON.parse(shipped.out);
    expect(stages).toMatchObject([
      { environment: "test", state: "verified", live: 1 },
      { environment: "production", state: "verified", live: 1 },
    ]);
    const [{ differences }] = alike;
    expect(differences).not.toEqual([]);
    for (const one of differences) expect(one).toMatchObject({ unexplained: false });
    expect(differences).toContainEqual(
      expect.objectContaining({
        where: "app hsts",
        settings: ["environments.test.hsts"],
      }),
    );
    const packages = await Promise.all(
      ["test", "production"].map(async (name) => {
        const status = await type("deploy", "status", "--env", name, ...flags);
        return JSON.parse(status.out).package.filesHash;
      }),
    );
    expect(new Set(packages).size).toBe(1);
    // The settings file of the mirrors is what was read, and no variable was needed to trust their edges.
    expect(await readFile(join(dir, "sitefleet.mirrors.json"), "utf8")).toContain('"ca":"test/ca/ca.pem"');
  });
});
