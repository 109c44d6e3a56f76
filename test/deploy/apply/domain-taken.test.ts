import { describe, expect, it } from "vitest";
import { sayDomainTaken } from "../../../src/deploy/apply/domain-taken.ts";
import { refusedError } from "../../../src/fastly/remote-error.ts";
import { startApi } from "../../mirror/api/api-fixture.ts";
import type { ApiFixture } from "../../mirror/api/api-fixture.ts";
import type { Fault } from "../../support/fault-proxy.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { deployerAt, desiredWith, failureOf } from "../deploy-fixture.ts";

const DOMAIN = "*.sites.example.net";

/** A live service of the same account that has the domain; resolves to its id. */
async function rival(api: ApiFixture): Promise<string> {
  const id = await api.service("rival");
  await api.call("POST", `/service/${id}/version/1/domain`, { form: { name: DOMAIN } });
  await api.call("POST", `/service/${id}/version/1/vcl`, {
    form: { name: "main", content: "# rival", main: "1" },
  });
  expect((await api.call("PUT", `/service/${id}/version/1/activate`)).status).toBe(200);
  return id;
}

/** Makes the rival's domain nobody's again. */
async function letGo(api: ApiFixture, id: string): Promise<void> {
  expect((await api.call("PUT", `/service/${id}/version/1/deactivate`)).status).toBe(200);
}

describe("a domain that another service has", () => {
  it("ends a deploy at its first write, names domain and service, and leaves a draft that is used again", async () => {
    const api = await startApi();
    const id = await rival(api);
    const proxy = await startFaultProxy(api.api.url, () => "pass");
    const deployer = deployerAt(proxy.url);
    const error = await failureOf(deployer.deploy(desiredWith()));
    expect(error).toMatchObject({
      code: "deploy/domain-taken",
      message: `Fastly gives "${DOMAIN}" to one service at a time, and service 'rival' has it`,
      hint: expect.stringContaining("take the domain out of that service") as string,
    });
    expect(error.details).toContain("nothing was activated");
    // The service, the stamp of its first version and the domain itself: nothing else was tried.
    expect(proxy.writes().map((call) => call.replace(/[A-Za-z0-9]{22}/, "ID"))).toEqual([
      "POST /service",
      "PUT /service/ID/version/1",
      "POST /service/ID/version/1/domain",
    ]);
    await letGo(api, id);
    expect(await deployer.deploy(desiredWith())).toMatchObject({ outcome: "deployed", version: 1 });
  });

  it("that went live with it only after the draft was written ends the activation with the same words", async () => {
    const api = await startApi();
    const id = await rival(api);
    await letGo(api, id);
    const { url } = await startFaultProxy(api.api.url, async ({ method, url: path }): Promise<Fault> => {
      if (method === "PUT" && path.endsWith("/version/1/activate"))
        await api.call("PUT", `/service/${id}/version/1/activate`);
      return "pass";
    });
    const deployer = deployerAt(url);
    const error = await failureOf(deployer.deploy(desiredWith()));
    expect(error.code).toBe("deploy/domain-taken");
    expect(error.message).toContain(`"${DOMAIN}"`);
    expect(error.details).toContain("version 1 was not made live: nothing is live, as before");
    await letGo(api, id);
    const direct = deployerAt(api.api.url);
    expect(await direct.deploy(desiredWith())).toMatchObject({ outcome: "deployed", version: 1 });
  });
});

describe("what Fastly says of a domain", () => {
  const said = (detail: string, status = 400): unknown =>
    sayDomainTaken(
      refusedError({
        call: "POST /service/ID/version/1/domain",
        status,
        body: JSON.stringify({ msg: "Bad request", detail }),
        requestId: "1",
        secrets: [],
        landed: "no",
      }),
    );

  it.each([
    ["Domain 'a.example' is already taken by another customer", "another customer"],
    ["Domain 'a.example' is owned by another customer", "another customer"],
    ["Domain a.example is taken by another customer.", "another customer"],
    ["Domain 'a.example' is already taken by service 'shop'", "service 'shop'"],
  ])("is understood: %s", (detail, owner) => {
    expect(said(detail)).toMatchObject({
      code: "deploy/domain-taken",
      landed: "no",
      message: `Fastly gives "a.example" to one service at a time, and ${owner} has it`,
    });
  });

  it.each([
    ["Exceeding max number of domains: 10", 400],
    ["Domain 'a.example' is already taken by another customer", 500],
  ])("stays as it is where it is another thing: %s, %i", (detail, status) => {
    expect(said(detail, status)).not.toMatchObject({ code: "deploy/domain-taken" });
  });
});
