import { onTestFinished } from "vitest";
import type { EdgeChecks } from "../../src/deploy/apply/activation.ts";
import { applyDeploy } from "../../src/deploy/apply/apply.ts";
import type { DeployResult } from "../../src/deploy/apply/apply.ts";
import { desiredService } from "../../src/deploy/service/desired.ts";
import type { DesiredService } from "../../src/deploy/service/desired.ts";
import { readLive } from "../../src/deploy/live/live.ts";
import type { LiveService } from "../../src/deploy/live/live.ts";
import type { PlanSeal } from "../../src/deploy/plan/plan-file.ts";
import { planDeploy } from "../../src/deploy/plan/plan.ts";
import type { DeployPlan, DriftChoice } from "../../src/deploy/plan/deploy-plan.ts";
import { FastlyClient } from "../../src/fastly/client.ts";
import type { RenderedService } from "../../src/render/render.ts";
import { SitefleetError } from "../../src/lib/errors.ts";
import { Secret } from "../../src/lib/secret.ts";
import { PRIVATE_DICTIONARY } from "../../src/render/constants.ts";
import { environmentOf } from "../../src/settings/environment.ts";
import type { Environment, Variables } from "../../src/settings/environment.ts";
import { settingsSchema } from "../../src/settings/schema.ts";
import type { SettingsInput } from "../../src/settings/schema.ts";
import { TOKEN } from "../mirror/api/api-fixture.ts";
import type { ApiFixture } from "../mirror/api/api-fixture.ts";
import { InstantClock } from "../support/instant-clock.ts";

type EnvironmentInput = SettingsInput["environments"][string];

export const VARIABLES: Variables = {
  FASTLY_API_TOKEN: TOKEN,
  SITEFLEET_EDGE_S3_KEY: "AKIAEDGEREADER:edge-s3-secret/with+signs",
  SITEFLEET_CONFIG_SEGMENT: "hidden-config-segment",
};

/** Every value that must not turn up anywhere. */
export const SECRET_VALUES = [TOKEN, "edge-s3-secret/with+signs", "hidden-config-segment"] as const;

export const VALID_ENVIRONMENT: EnvironmentInput = {
  fastly: { serviceName: "fleet-test", shield: "iad-va-us", domains: ["*.sites.example.net"] },
  s3: { region: "us-east-1", configBucket: "fleet-config", hostingBucket: "fleet-hosting" },
};

export function environmentWith(
  change: {
    readonly fastly?: Partial<EnvironmentInput["fastly"]>;
    readonly s3?: Partial<EnvironmentInput["s3"]>;
  } = {},
  variables: Variables = VARIABLES,
): Environment {
  const fastly = { ...VALID_ENVIRONMENT.fastly, ...change.fastly };
  const s3 = { ...VALID_ENVIRONMENT.s3, ...change.s3 };
  return environmentOf(settingsSchema.parse({ environments: { test: { fastly, s3 } } }), "test", variables);
}

export function renderedWith(body = "# one"): RenderedService {
  return {
    files: [
      { name: "main", content: `include "recv";\n${body}\n`, main: true, lines: [] },
      { name: "recv", content: "sub sitefleet_recv {\n}\n", main: false, lines: [] },
    ],
    snippets: [],
    revision: `hash-of-${body.replace(/[^0-9a-z]/gi, "-")}`,
  };
}

export function desiredWith(body?: string, environment = environmentWith()): DesiredService {
  return desiredService(environment, renderedWith(body));
}

/** What a plan file of this service is sealed with. */
export function sealFor(desired = desiredWith()): PlanSeal {
  return { desired, secrets: [new Secret(TOKEN)] };
}

/** What the edge reads of a private dictionary: the values of `ownItems`. */
export const PRIVATE_VALUES = [
  VARIABLES["SITEFLEET_EDGE_S3_KEY"],
  VARIABLES["SITEFLEET_EDGE_S3_KEY"],
  VARIABLES["SITEFLEET_CONFIG_SEGMENT"],
] as const;

/** The private items as the last compiled version has them. */
export function privateItemsAt(api: ApiFixture): readonly (string | undefined)[] {
  const table = api.compiler.last.tables.get(PRIVATE_DICTIONARY);
  return ["config_s3_key", "hosting_s3_key", "config_segment"].map((key) => table?.get(key));
}

export async function failureOf(promise: Promise<unknown>): Promise<SitefleetError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SitefleetError)) throw new Error("expected a SitefleetError", { cause: error });
  return error;
}

/** The service as it is; it must be there. */
export async function liveOf(deployer: Deployer, desired = desiredWith()): Promise<LiveService> {
  const live = await readLive(deployer.client, desired.service);
  if (!live) throw new Error("no service");
  return live;
}

/** Checks that find the new version wrong. */
export const BAD_EDGE: EdgeChecks = {
  probe: () => Promise.resolve(true),
  verify: ({ version }) => Promise.resolve({ ok: false, problems: [`version ${version} answers 500`] }),
};

/** Checks that find everything right. */
export const GOOD_EDGE: EdgeChecks = {
  probe: () => Promise.resolve(true),
  verify: () => Promise.resolve({ ok: true }),
};

export interface Deployer {
  readonly client: FastlyClient;
  readonly clock: InstantClock;
  readonly lines: string[];
  plan(desired: DesiredService, choice?: DriftChoice): Promise<DeployPlan>;
  apply(plan: DeployPlan, desired: DesiredService, checks?: EdgeChecks): Promise<DeployResult>;
  deploy(desired: DesiredService, checks?: EdgeChecks): Promise<DeployResult>;
}

/** A client of one API, with everything that a deploy says. */
export function deployerAt(
  apiUrl: string,
  options: {
    readonly attempts?: number;
    readonly create?: boolean;
    readonly signal?: AbortSignal;
  } = {},
): Deployer {
  const clock = new InstantClock();
  const lines: string[] = [];
  const signal = options.signal ?? new AbortController().signal;
  const client = new FastlyClient({
    apiUrl,
    token: new Secret(TOKEN),
    clock,
    signal,
    onWait: (line) => lines.push(line),
    limits: { attempts: options.attempts ?? 5 },
  });
  onTestFinished(() => client.close());
  const deployer: Deployer = {
    client,
    clock,
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
        files: desired.files,
        create: options.create ?? true,
      }),
    async deploy(desired, checks) {
      return deployer.apply(await deployer.plan(desired), desired, checks);
    },
  };
  return deployer;
}
