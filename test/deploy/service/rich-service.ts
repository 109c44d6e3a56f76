import type { DesiredService } from "../../../src/deploy/service/desired.ts";
import { readLive } from "../../../src/deploy/live/live.ts";
import type { SettingsInput } from "../../../src/settings/schema.ts";
import { startApi } from "../../mirror/api/api-fixture.ts";
import { VARIABLES, deployerAt, desiredWith, environmentWith } from "../deploy-fixture.ts";
import type { Deployer } from "../deploy-fixture.ts";

type Fastly = SettingsInput["environments"][string]["fastly"];

/** Values that must not turn up anywhere. */
export const LOG_SECRET = "log-secret-of-forty-characters-or-more-42";
export const TOKEN_VALUE = "partner-token-1234567890";

export const SECRETS = { ...VARIABLES, LOG_KEY: "AKIALOGWRITER", LOG_SECRET, PARTNER_TOKEN: TOKEN_VALUE };

/** Settings with an object of every kind. */
export const RICH: Partial<Fastly> = {
  backends: { connectTimeout: 2_000, firstByteTimeout: 20_000, maxConnections: 500, minTlsVersion: "1.3" },
  settings: { defaultTtl: 60, defaultHost: "origin.example.net" },
  acls: {
    office: ["192.0.2.0/24", "!192.0.2.7", { entry: "2001:DB8::1", comment: "VPN" }],
    empty: [],
  },
  dictionaries: {
    flags: { items: { beta: "1", "a key/with=signs": "" } },
    tokens: { private: true, items: { partner: { env: "PARTNER_TOKEN" } } },
  },
  snippets: [{ name: "block office", type: "recv", priority: 10, content: "# one" }],
  logging: {
    kind: "s3",
    fields: {
      bucket_name: "logs",
      path: "/edge/",
      period: 60,
      access_key: { env: "LOG_KEY" },
      secret_key: { env: "LOG_SECRET" },
    },
  },
};

/** The service of these settings. */
export function richly(change: Partial<Fastly> = {}, variables = SECRETS): DesiredService {
  return desiredWith("# one", environmentWith({ fastly: { ...RICH, ...change } }, variables));
}

/** A service that is live, on an API of its own. */
export async function deployed(desired = richly()) {
  const api = await startApi();
  const deployer = deployerAt(api.api.url);
  const { serviceId } = await deployer.deploy(desired);
  return { api, deployer, id: serviceId ?? "" };
}

/** The version that is live; it must be there. */
export async function activeOf(deployer: Deployer, desired: DesiredService) {
  const live = await readLive(deployer.client, desired.service, desired);
  if (!live?.active) throw new Error("nothing is live");
  return live.active;
}
