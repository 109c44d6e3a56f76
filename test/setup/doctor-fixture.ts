import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { AccountClient } from "../../src/fastly/account-client.ts";
import { fleetOf } from "../../src/fleet/fleet.ts";
import { Secret } from "../../src/lib/secret.ts";
import { environmentOf } from "../../src/settings/environment.ts";
import type { Environment } from "../../src/settings/environment.ts";
import { settingsSchema } from "../../src/settings/schema.ts";
import type { CheckResult, DoctorJob } from "../../src/setup/doctor/check.ts";
import type { HostRecords } from "../../src/setup/doctor/dns-lookup.ts";
import { exampleSettings } from "../support/environments.ts";
import { FakeClock } from "../support/fake-clock.ts";

export const NOW = Date.UTC(2026, 5, 1);
export const DAY = 86_400_000;

/** An API that answers each path with one document and refuses all else. */
export async function apiWith(answers: Readonly<Record<string, unknown>>): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    const [path = ""] = (incoming.url ?? "").split("?");
    const found = answers[path];
    const status = found === undefined ? 403 : 200;
    outgoing.writeHead(status, { "content-type": "application/json", date: new Date(NOW).toUTCString() });
    outgoing.end(JSON.stringify(found ?? { msg: "You are not authorized to perform this action" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

/** A client of such an API. */
export async function accountWith(answers: Readonly<Record<string, unknown>>): Promise<AccountClient> {
  const client = new AccountClient({
    apiUrl: await apiWith(answers),
    token: new Secret("token-of-a-test"),
    clock: new FakeClock(NOW),
  });
  onTestFinished(() => client.close());
  return client;
}

/** A doctor's job in the example's production, with changes. */
export function jobWith(
  change: {
    readonly fastly?: Partial<Environment["fastly"]>;
    readonly s3?: Partial<Environment["s3"]>;
    readonly records?: HostRecords | undefined;
    readonly verify?: Environment["verify"];
    readonly tls?: DoctorJob["tls"];
  } = {},
): DoctorJob {
  const base = environmentOf(settingsSchema.parse(exampleSettings), "production", {});
  const environment = {
    ...base,
    fastly: { ...base.fastly, ...change.fastly },
    s3: { ...base.s3, ...change.s3 },
    verify: "verify" in change ? change.verify : base.verify,
  };
  return {
    fleet: fleetOf(environment, { clock: new FakeClock(NOW) }),
    dns: { lookUp: () => Promise.resolve(change.records) },
    tls: change.tls,
  };
}

/** A row as `state: found`. */
export function stateOf(results: readonly CheckResult[], id: string): string {
  const row = results.find((result) => result.id === id);
  return `${row?.state}: ${row?.found}`;
}
