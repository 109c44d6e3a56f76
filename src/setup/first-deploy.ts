import { findService } from "../deploy/live/live.ts";
import { connectFastly } from "../fleet/fastly-connection.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { accessSheet } from "./access-sheet.ts";
import type { AccessSheet } from "./access-sheet.ts";
import { connectAccount } from "../fleet/fastly-connection.ts";
import { formatTarget, readCustomerTarget } from "./customer-target.ts";
import type { CustomerTarget } from "./customer-target.ts";

/** What a first deploy tells besides what it did. */
export interface SetupSheet {
  readonly access: AccessSheet;
  readonly customers: CustomerTarget;
}

/** Reads what keys and tokens must be allowed, and where customers point their domains. */
export async function readSetupSheet(fleet: Fleet): Promise<SetupSheet> {
  const account = await connectAccount(fleet);
  try {
    const [serviceId, customers] = await Promise.all([findServiceId(fleet), readCustomerTarget(account)]);
    return { access: accessSheet(fleet.environment, serviceId), customers };
  } finally {
    await account.close();
  }
}

async function findServiceId(fleet: Fleet): Promise<string | undefined> {
  const { name, fastly } = fleet.environment;
  if (fastly.serviceId !== undefined) return fastly.serviceId;
  const client = await connectFastly(fleet);
  try {
    const found = await findService(client, {
      id: undefined,
      name: fastly.serviceName ?? `sitefleet-${name}`,
    });
    return found?.id;
  } finally {
    await client.close();
  }
}

/** For people: what to allow as JSON that can be used as it stands, and the customers' record. */
export function formatSetupSheet({ access, customers }: SetupSheet): string {
  return [
    `what keys and tokens of ${access.environment} must be allowed (again: sitefleet deploy policies --env ${access.environment}):`,
    JSON.stringify({ s3: access.s3, fastly: access.fastly }, null, 2),
    ...access.notes.map((note) => `note: ${note}`),
    formatTarget(customers),
  ].join("\n");
}
