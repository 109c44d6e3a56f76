import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  DeletePublicAccessBlockCommand,
  PutBucketOwnershipControlsCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { onTestFinished } from "vitest";
import { issueKey } from "../../src/mirror/issued-keys.ts";
import { startMirror } from "../../src/mirror/mirror.ts";
import type { Mirror } from "../../src/mirror/mirror.ts";
import type { S3Call } from "../../src/mirror/s3/server.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { environmentOf } from "../../src/settings/environment.ts";
import type { Environment, EnvironmentSecrets } from "../../src/settings/environment.ts";
import { settingsSchema } from "../../src/settings/schema.ts";
import type { SettingsInput } from "../../src/settings/schema.ts";
import { policyFor } from "../../src/setup/s3-grants.ts";
import type { S3Role } from "../../src/setup/s3-grants.ts";
import { runHere } from "../support/command-line.ts";
import type { CommandEnd } from "../support/command-line.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { tempDir } from "../support/temp-dir.ts";

export const SEGMENT = "hidden-segment-of-a-test";

type EnvironmentInput = SettingsInput["environments"][string];

/** An account without anything in it, and somebody who has just installed the program. */
export interface FirstTime {
  readonly mirror: Mirror;
  readonly cwd: string;
  /** Every action at S3 so far, with the role whose key it was. */
  readonly calls: readonly (S3Call & { readonly role: S3Role | undefined })[];
  readonly environment: Environment;
  /** Runs a command for `production` with the keys of a role. */
  run(args: readonly string[], options?: RunOptions): Promise<CommandEnd>;
  /** Writes other settings, for what is to be wrong. */
  configure(change: (production: EnvironmentInput) => EnvironmentInput): Promise<void>;
  /** The secrets as `run` has them. */
  secretsOf(role: "publisher" | "deployer"): EnvironmentSecrets;
  /** Makes a bucket public and gives it ACLs, as its owner can. */
  loosen(bucket: string): Promise<void>;
}

export interface RunOptions {
  /** Whose S3 key; the deployer's unless given. */
  readonly role?: "publisher" | "deployer";
  readonly variables?: Readonly<Record<string, string>>;
}

/**
 * Starts an empty mirror with keys that are allowed what `deploy policies` says and nothing more.
 * @param at where the settings send their calls, when not to the mirror itself
 */
export async function startFirstTime(
  at: (mirror: Mirror) => Promise<{ readonly s3: string; readonly api: string }> = (mirror) =>
    Promise.resolve({ s3: mirror.s3.url, api: mirror.file.api.url }),
): Promise<FirstTime> {
  const cwd = await tempDir();
  const stateDir = join(cwd, "state");
  const roles = new Map<string, S3Role>();
  const calls: (S3Call & { readonly role: S3Role | undefined })[] = [];
  const mirror = await startMirror({
    stateDir,
    ports: { edge: 0, edgeTls: 0, api: 0, s3: 0 },
    clock: systemClock,
    pid: process.pid,
    onS3Call: (call) => calls.push({ ...call, role: roles.get(call.accessKeyId) }),
  });
  onTestFinished(() => mirror.close());
  const urls = await at(mirror);
  const production: EnvironmentInput = {
    fastly: {
      serviceName: "first-time",
      apiUrl: urls.api,
      shield: "iad-va-us",
      domains: ["*.sites.localhost"],
    },
    s3: {
      region: "us-east-1",
      endpoint: urls.s3,
      configBucket: "first-config",
      hostingBucket: "first-hosting",
      second: {
        region: "us-east-1",
        endpoint: urls.s3,
        configBucket: "second-config",
        hostingBucket: "second-hosting",
      },
    },
    previews: { domain: "preview.sites.localhost" },
  };
  const configure = (settings: EnvironmentInput): Promise<void> =>
    writeFile(join(cwd, "sitefleet.config.json"), JSON.stringify({ environments: { production: settings } }));
  await configure(production);
  const environment = environmentOf(settingsSchema.parse({ environments: { production } }), "production", {});
  const keys = new Map<S3Role, { readonly accessKeyId: string; readonly secretAccessKey: string }>();
  for (const role of ["edge-reader", "publisher", "deployer"] as const) {
    const key = await issueKey(stateDir, { name: role, policy: policyFor(role, environment) });
    keys.set(role, key);
    roles.set(key.accessKeyId, role);
  }
  const edge = keys.get("edge-reader");
  const variablesOf = (role: S3Role): Record<string, string> => ({
    FASTLY_API_TOKEN: mirror.file.api.token,
    AWS_ACCESS_KEY_ID: keys.get(role)?.accessKeyId ?? "",
    AWS_SECRET_ACCESS_KEY: keys.get(role)?.secretAccessKey ?? "",
    SITEFLEET_EDGE_S3_KEY: `${edge?.accessKeyId}:${edge?.secretAccessKey}`,
    SITEFLEET_CONFIG_SEGMENT: SEGMENT,
    SITEFLEET_STATE: join(cwd, "client-state"),
  });
  return {
    mirror,
    cwd,
    calls,
    environment,
    configure: (change) => configure(change(production)),
    secretsOf: (role) =>
      environmentOf(settingsSchema.parse({ environments: { production } }), "production", variablesOf(role))
        .secrets,
    async loosen(Bucket) {
      const { url, region, accessKeyId, secretAccessKey } = mirror.file.s3;
      const credentials = { accessKeyId, secretAccessKey };
      const owner = new S3Client({ endpoint: url, region, forcePathStyle: true, credentials });
      const OwnershipControls = { Rules: [{ ObjectOwnership: "ObjectWriter" as const }] };
      await owner.send(new DeletePublicAccessBlockCommand({ Bucket }));
      await owner.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }));
      owner.destroy();
    },
    run(args, { role = "deployer", variables = {} } = {}) {
      return runHere([...args, "--env", "production"], {
        cwd,
        clock: new InstantClock(systemClock.now()),
        variables: { ...variablesOf(role), ...variables },
      });
    },
  };
}

/** A folder with a few pages that say which edition they are of. */
export async function folderOf(cwd: string, edition: number): Promise<string> {
  const dir = join(cwd, `edition-${edition}`);
  await mkdir(dir, { recursive: true });
  const files = { "index.html": `home ${edition}`, "about.html": "about", "style.css": `/* ${edition} */` };
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  return dir;
}
