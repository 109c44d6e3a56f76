import { describe, expect, it } from "vitest";
import { readCustomerTarget } from "../../src/setup/customer-target.ts";
import { accountWith } from "./doctor-fixture.ts";

describe("what customers point their domains to", () => {
  const record = (id: string, record_type: string): object => ({
    id,
    type: "dns_record",
    attributes: { record_type, region: "global" },
  });
  const configuration = (name: string, isDefault: boolean, ...ids: readonly string[]): object => ({
    id: name,
    type: "tls_configuration",
    attributes: { name, default: isDefault },
    relationships: { dns_records: { data: ids.map((id) => ({ id, type: "dns_record" })) } },
  });

  it("is the record of the account's default TLS configuration", async () => {
    const account = await accountWith({
      "/tls/configurations": {
        data: [
          configuration("old", false, "o.sni.global.fastly.net"),
          configuration("new", true, "n.sni.global.fastly.net", "151.101.2.132"),
        ],
        included: [
          record("o.sni.global.fastly.net", "CNAME"),
          record("n.sni.global.fastly.net", "CNAME"),
          record("151.101.2.132", "A"),
        ],
      },
    });
    expect(await readCustomerTarget(account)).toEqual({
      cname: "n.sni.global.fastly.net",
      addresses: ["151.101.2.132"],
      source: "new",
      note: undefined,
    });
  });

  it("is not guessed where the account has none, or the token may not look", async () => {
    const none = await readCustomerTarget(await accountWith({ "/tls/configurations": { data: [] } }));
    expect([none.cname, none.note]).toEqual([undefined, expect.stringContaining("no TLS configuration yet")]);
    const refused = await readCustomerTarget(await accountWith({}));
    expect([refused.cname, refused.note]).toEqual([
      undefined,
      expect.stringContaining("the token may not read"),
    ]);
  });
});
