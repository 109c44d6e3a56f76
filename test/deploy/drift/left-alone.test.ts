import { describe, expect, it } from "vitest";
import { startApi } from "../../mirror/api/api-fixture.ts";
import { deployerAt, desiredWith, environmentWith } from "../deploy-fixture.ts";

/** Fields of a backend that sitefleet does not decide; docs/settings.md lists those that it does. */
const BY_HAND = {
  weight: "42",
  ssl_ciphers: "ECDHE-RSA-AES128-GCM-SHA256",
  ssl_ca_cert: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
  max_tls_version: "1.3",
  error_threshold: "3",
  comment: "ask the network team first",
};

async function withFieldsByHand() {
  const api = await startApi();
  const deployer = deployerAt(api.api.url);
  const { serviceId } = await deployer.deploy(desiredWith());
  const path = `/service/${serviceId}/version`;
  await api.call("PUT", `${path}/1/clone`);
  await api.call("PUT", `${path}/2/backend/config`, { form: BY_HAND });
  await api.call("PUT", `${path}/2/activate`);
  const fieldsAt = async (version: number): Promise<unknown> =>
    (await api.call("GET", `${path}/${version}/backend/config`)).json;
  return { deployer, fieldsAt };
}

const KEPT = { ...BY_HAND, weight: 42, error_threshold: 3 };

describe("fields of a backend that sitefleet does not decide", () => {
  it("are no drift and nothing to deploy when somebody sets them", async () => {
    const { deployer, fieldsAt } = await withFieldsByHand();
    expect(await fieldsAt(2)).toMatchObject(KEPT);
    expect(await deployer.plan(desiredWith())).toMatchObject({ steps: [], drift: [], baseVersion: 2 });
  });

  it("stay as they are through a deploy of something else", async () => {
    const { deployer, fieldsAt } = await withFieldsByHand();
    expect(await deployer.deploy(desiredWith("# two"))).toMatchObject({ version: 3, former: 2 });
    expect(await fieldsAt(3)).toMatchObject(KEPT);
  });

  it("stay as they are where a deploy changes the backend itself", async () => {
    const { deployer, fieldsAt } = await withFieldsByHand();
    const desired = desiredWith(
      "# one",
      environmentWith({ fastly: { backends: { connectTimeout: 4_321 } } }),
    );
    expect(await deployer.deploy(desired)).toMatchObject({ version: 3, former: 2 });
    expect(await fieldsAt(3)).toMatchObject({ ...KEPT, connect_timeout: 4_321 });
  });
});
