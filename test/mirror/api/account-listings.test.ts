import { describe, expect, test } from "vitest";
import { field, startApi } from "./api-fixture.ts";
import { startWhole } from "./whole-fixture.ts";

describe("versionless domains", () => {
  const PATH = "/domain-management/v1/domains";

  test("lead to a service at once, without a new version, and survive a restart", async () => {
    const { call, id, activate, visit } = await startWhole();
    await activate();
    const host = { host: "shop.example.net" };
    expect((await visit("/a", host)).status).toBe(500);
    const made = await call("POST", PATH, { json: { fqdn: "Shop.example.net", service_id: id } });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({ fqdn: "shop.example.net", service_id: id, activated: false });
    expect((await visit("/a", host)).text).toBe("body of /a");
    const one = `${PATH}/${String(field(made.json, "id"))}`;
    await call("PATCH", one, { json: { service_id: null, description: "parked" } });
    expect((await visit("/a", host)).status).toBe(500);
    expect((await call("GET", one)).json).toMatchObject({ service_id: null, description: "parked" });
    expect((await call("DELETE", one)).status).toBe(204);
    expect((await call("GET", one)).json).toEqual({
      errors: [{ title: "Not found", detail: "The domain you requested was not found" }],
    });
  });

  test("are unique among all, and refused in Fastly's words", async () => {
    const { call, service, restart } = await startApi();
    const id = await service();
    await call("POST", `/service/${id}/version/1/domain`, { form: { name: "classic.example" } });
    await call("PUT", `/service/${id}/version/1/activate`);
    const refused = async (json: unknown): Promise<unknown> => (await call("POST", PATH, { json })).json;
    const taken = { errors: [{ title: "Invalid value for fqdn", detail: "fqdn has already been taken" }] };
    expect((await call("POST", PATH, { json: { fqdn: "new.example" } })).status).toBe(201);
    expect(await refused({ fqdn: "new.example" })).toEqual(taken);
    expect(await refused({ fqdn: "classic.example" })).toEqual(taken);
    expect(await refused({ fqdn: "no domain" })).toMatchObject({
      errors: [{ title: "Invalid value for fqdn" }],
    });
    expect(await refused({ fqdn: "a.example", service_id: "nobody" })).toMatchObject({
      errors: [{ title: "Invalid value for service_id" }],
    });
    const again = await restart();
    const { json } = await again.call("GET", `${PATH}?fqdn=new`);
    expect(json).toMatchObject({ data: [{ fqdn: "new.example" }], meta: { total: 1, limit: 20 } });
  });

  test("outlive the service they lead to", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const made = await call("POST", PATH, { json: { fqdn: "left.example", service_id: id } });
    expect((await call("DELETE", `/service/${id}`)).status).toBe(200);
    const one = await call("GET", `${PATH}/${String(field(made.json, "id"))}`);
    expect(one.json).toMatchObject({ fqdn: "left.example", service_id: null });
  });

  test("are listed in pages, sorted and filtered", async () => {
    const { call } = await startApi();
    for (const name of ["b", "a", "c"]) await call("POST", PATH, { json: { fqdn: `${name}.example` } });
    const first = await call("GET", `${PATH}?sort=fqdn&limit=2`);
    expect(first.json).toMatchObject({ data: [{ fqdn: "a.example" }, { fqdn: "b.example" }] });
    const cursor = String(field(field(first.json, "meta"), "next_cursor"));
    const second = await call("GET", `${PATH}?sort=fqdn&limit=2&cursor=${cursor}`);
    expect(second.json).toMatchObject({ data: [{ fqdn: "c.example" }], meta: { total: 3 } });
    const exact = await call("GET", `${PATH}?fqdn=b.example&fqdn_match=exact`);
    expect(field(field(exact.json, "meta"), "total")).toBe(1);
    expect((await call("GET", `${PATH}?sort=color`)).status).toBe(400);
  });
});

describe("products", () => {
  test("are enabled and disabled as recorded, by both spellings of the path", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const path = `/enabled-products/v1/brotli_compression/services/${id}`;
    const none = { type: "", title: "no product on service", status: 400, errors: null, detail: "" };
    expect((await call("GET", path)).json).toEqual(none);
    const enabled = {
      product: { id: "brotli_compression", object: "product" },
      service: { id, object: "service" },
      _links: { self: path },
    };
    expect((await call("PUT", path, { json: {} })).json).toEqual(enabled);
    expect((await call("GET", path)).json).toEqual(enabled);
    expect((await call("GET", path.replace("/v1", ""))).status).toBe(200);
    expect((await call("DELETE", path)).status).toBe(204);
    expect((await call("GET", path)).status).toBe(400);
  });

  test("that would change what visitors get, and that there are not, are refused by name", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const optimizer = await call("PUT", `/enabled-products/v1/image_optimizer/services/${id}`);
    expect([optimizer.status, optimizer.text.includes("image_optimizer")]).toEqual([501, true]);
    expect((await call("PUT", `/enabled-products/v1/nonsense/services/${id}`)).status).toBe(404);
  });
});

describe("TLS", () => {
  test("lists the domains that are served and one configuration, and no certificate of anybody", async () => {
    const { call, activate } = await startWhole();
    await activate();
    const domains = await call("GET", "/tls/domains?page%5Bsize%5D=10");
    expect(domains.headers["content-type"]).toBe("application/vnd.api+json");
    expect(domains.json).toMatchObject({
      data: [{ id: "www.example.com", type: "tls_domain" }],
      meta: { per_page: 10, record_count: 1, current_page: 1, total_pages: 1 },
    });
    const configurations = await call("GET", "/tls/configurations");
    const [only] = [field(configurations.json, "data")].flat();
    expect((await call("GET", `/tls/configurations/${String(field(only, "id"))}`)).status).toBe(200);
    for (const name of [
      "certificates",
      "private_keys",
      "activations",
      "subscriptions",
      "bulk/certificates",
    ]) {
      expect((await call("GET", `/tls/${name}`)).json).toMatchObject({ data: [] });
    }
    expect((await call("GET", "/tls/subscriptions/none")).json).toEqual({
      errors: [{ title: "Not found", detail: "The subscription you requested was not found" }],
    });
    expect((await call("POST", "/tls/subscriptions", { json: {} })).status).toBe(501);
  });
});

test("resource links are kept by their id, listed and cloned, as recorded", async () => {
  const { call, service } = await startApi();
  const id = await service();
  const list = `/service/${id}/version/1/resource`;
  const form = { name: "my store", resource_id: "2dem3bjbpie7k1vyy70fh5" };
  const made = await call("POST", list, { form });
  const shape = { ...form, service_id: id, version: 1, resource_type: "object-store", href: null };
  expect(made.json).toMatchObject({ ...shape, deleted_at: null });
  const link = String(field(made.json, "id"));
  expect((await call("GET", `${list}/${link}`)).json).toEqual(made.json);
  expect((await call("GET", `${list}/my%20store`)).json).toMatchObject({ msg: "Record not found" });
  expect((await call("POST", list, { form })).status).toBe(409);
  expect((await call("POST", list, { form: { name: "x", resource_id: "../y" } })).status).toBe(400);
  const renamed = await call("PUT", `${list}/${link}`, { form: { name: "alias", resource_id: "other" } });
  expect(renamed.json).toMatchObject({ ...shape, name: "alias" });
  await call("PUT", `/service/${id}/version/1/clone`);
  expect((await call("DELETE", `${list}/${link}`)).json).toEqual({ status: "ok" });
  expect((await call("GET", list)).json).toEqual([]);
  expect((await call("GET", list.replace("/1/", "/2/"))).json).toMatchObject([{ id: link, name: "alias" }]);
});

test("HTTP/3 is off, in the recorded words", async () => {
  const { call, service } = await startApi();
  const http3 = await call("GET", `/service/${await service()}/version/1/http3`);
  expect([http3.status, http3.json]).toEqual([404, { msg: "Not found" }]);
});
