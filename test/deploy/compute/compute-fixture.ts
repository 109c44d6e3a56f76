import { gzipSync } from "node:zlib";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { packTar } from "modern-tar";
import type { EdgeChecks } from "../../../src/deploy/apply/activation.ts";
import { applyDeploy } from "../../../src/deploy/apply/apply.ts";
import type { DeployResult } from "../../../src/deploy/apply/apply.ts";
import { mirrorPackage } from "../../../src/deploy/compute/own-package.ts";
import { readPackage } from "../../../src/deploy/compute/package-file.ts";
import type { PackageFile } from "../../../src/deploy/compute/package-file.ts";
import { readLive } from "../../../src/deploy/live/live.ts";
import type { DeployPlan, DriftChoice } from "../../../src/deploy/plan/deploy-plan.ts";
import { planDeploy } from "../../../src/deploy/plan/plan.ts";
import { desiredCompute } from "../../../src/deploy/service/desired-compute.ts";
import type { DesiredService } from "../../../src/deploy/service/desired.ts";
import { FastlyClient } from "../../../src/fastly/client.ts";
import { Secret } from "../../../src/lib/secret.ts";
import { environmentOf } from "../../../src/settings/environment.ts";
import type { Environment, Variables } from "../../../src/settings/environment.ts";
import { settingsSchema } from "../../../src/settings/schema.ts";
import type { SettingsInput } from "../../../src/settings/schema.ts";
import { TOKEN } from "../../mirror/api/api-fixture.ts";
import { InstantClock } from "../../support/instant-clock.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { GOOD_EDGE, VALID_ENVIRONMENT, VARIABLES } from "../deploy-fixture.ts";

type EnvironmentInput = SettingsInput["environments"][string];

/** The environment of the deploy tests as a Compute service. */
export function computeEnvironment(
  change: Partial<EnvironmentInput> = {},
  variables: Variables = VARIABLES,
): Environment {
  const { shield: _, ...fastly } = VALID_ENVIRONMENT.fastly;
  const input = { ...VALID_ENVIRONMENT, target: "compute" as const, fastly, ...change };
  return environmentOf(settingsSchema.parse({ environments: { test: input } }), "test", variables);
}

const WASM = Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

/** A package with a program that does nothing; `body` makes it another one. */
export async function packageWith(body: string, name = "sitefleet"): Promise<PackageFile> {
  const manifest = `manifest_version = 3\nname = ${JSON.stringify(name)}\nlanguage = "javascript"\n`;
  const files = { "bin/main.wasm": Buffer.concat([WASM, Buffer.from(body)]), "fastly.toml": manifest };
  const tar = await packTar([
    { header: { name: "sitefleet/", size: 0, type: "directory" } },
    ...Object.entries(files).map(([path, content]) => ({
      header: { name: `sitefleet/${path}`, size: Buffer.byteLength(content) },
      body: content,
    })),
  ]);
  const path = join(await tempDir(), "sitefleet.tar.gz");
  await writeFile(path, gzipSync(tar));
  return readPackage(path);
}

export async function wantedCompute(
  environment = computeEnvironment(),
  file?: PackageFile,
): Promise<DesiredService> {
  return desiredCompute(environment, file ?? (await mirrorPackage()));
}

export interface ComputeDeployer {
  readonly client: FastlyClient;
  readonly lines: string[];
  plan(desired: DesiredService, choice?: DriftChoice): Promise<DeployPlan>;
  apply(plan: DeployPlan, desired: DesiredService, checks?: EdgeChecks): Promise<DeployResult>;
  deploy(desired: DesiredService, checks?: EdgeChecks): Promise<DeployResult>;
}

/** A client of one API that deploys Compute services. */
export function computeDeployerAt(
  apiUrl: string,
  { attempts = 5 }: { readonly attempts?: number } = {},
): ComputeDeployer {
  const { signal } = new AbortController();
  const clock = new InstantClock();
  const lines: string[] = [];
  const client = new FastlyClient({ apiUrl, token: new Secret(TOKEN), clock, signal, limits: { attempts } });
  onTestFinished(() => client.close());
  const deployer: ComputeDeployer = {
    client,
    lines,
    plan: async (desired, choice) =>
      planDeploy(desired, await readLive(client, desired.service, desired), choice),
    apply: (plan, desired, checks = GOOD_EDGE) =>
      applyDeploy(plan, {
        client,
        checks,
        clock,
        signal,
        progress: (line) => lines.push(line),
        privateItems: desired.privateItems,
        variables: desired.variables,
        package: desired.package,
        by: null,
        create: true,
      }),
    async deploy(desired, checks) {
      return deployer.apply(await deployer.plan(desired), desired, checks);
    },
  };
  return deployer;
}
