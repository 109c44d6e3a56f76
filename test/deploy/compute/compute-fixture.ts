import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mirrorPackage } from "../../../src/deploy/compute/own-package.ts";
import { readPackage } from "../../../src/deploy/compute/package-file.ts";
import type { PackageFile } from "../../../src/deploy/compute/package-file.ts";
import { desiredCompute } from "../../../src/deploy/service/desired-compute.ts";
import type { DesiredService } from "../../../src/deploy/service/desired.ts";
import { environmentOf } from "../../../src/settings/environment.ts";
import type { Environment, Variables } from "../../../src/settings/environment.ts";
import { settingsSchema } from "../../../src/settings/schema.ts";
import type { SettingsInput } from "../../../src/settings/schema.ts";
import { packageArchive, SMALLEST_WASM } from "../../support/compute-package.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { VALID_ENVIRONMENT, VARIABLES } from "../deploy-fixture.ts";

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

/** A package with a program that does nothing; `body` makes it another one. */
export async function packageWith(body: string, name = "sitefleet"): Promise<PackageFile> {
  const manifest = `manifest_version = 3\nname = ${JSON.stringify(name)}\nlanguage = "javascript"\n`;
  const wasm = Buffer.concat([SMALLEST_WASM, Buffer.from(body)]);
  const path = join(await tempDir(), "sitefleet.tar.gz");
  await writeFile(path, await packageArchive({ manifest, wasm }));
  return readPackage(path);
}

export async function wantedCompute(
  environment = computeEnvironment(),
  file?: PackageFile,
): Promise<DesiredService> {
  return desiredCompute(environment, file ?? (await mirrorPackage()));
}
