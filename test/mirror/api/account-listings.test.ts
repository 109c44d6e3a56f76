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

  test("and those of versions are nobody's twice, however close together they are claimed", async () => {
    const { call, service, edge } = await startApi();
    const classic = await service("classic");
    const versionless = await service("versionless");
    await call("POST", `/service/${classic}/version/1/domain`, { form: { name: "x.example" } });
    await call("PUT", `/service/${versionless}/version/1/activate`);
    const answers = await Promise.all([
      call("POST", PATH, { json: { fqdn: "x.example", service_id: versionless } }),
      call("PUT", `/service/${classic}/version/1/activate`),
    ]);
    expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
    const claimed = [...edge.active.values()].flatMap(({ domains }) => domains);
    expect(claimed).toEqual(["x.example"]);
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

  test("that act on visitors are kept with their configuration, and a version says what the mirror makes of them", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const one = `/enabled-products/v1/ddos_protection/services/${id}`;
    const configuration = `${one}/configuration`;
    const none = { title: "no product on service", status: 400 };
    expect((await call("GET", configuration)).json).toMatchObject(none);
    expect((await call("PATCH", configuration, { json: { mode: "block" } })).json).toMatchObject(none);
    expect((await call("PUT", one, { json: { mode: "sometimes" } })).status).toBe(400);
    expect((await call("PUT", one, { json: { mode: "block" } })).status).toBe(200);
    const configured = await call("PATCH", configuration, { json: { mode: "off" } });
    expect(configured.json).toMatchObject({
      product: { id: "ddos_protection" },
      configuration: { mode: "off" },
    });
    expect((await call("GET", configuration)).json).toEqual(configured.json);
    const validated = await call("GET", `/service/${id}/version/1/validate`);
    expect(validated.json).toMatchObject({
      status: "ok",
      msg: "Warning: Product 'ddos_protection': the mirror's edge blocks no attacks",
    });
    await call("DELETE", one);
    expect((await call("GET", `/service/${id}/version/1/validate`)).json).toMatchObject({ msg: null });
  });

  test("say which services have them", async () => {
    const { call, service } = await startApi();
    const [first] = [await service("first"), await service("second")];
    await call("PUT", `/enabled-products/v1/websockets/services/${first}`);
    const listed = await call("GET", "/enabled-products/v1/websockets/services");
    expect(listed.json).toMatchObject({ product: { id: "websockets" }, services: [first] });
  });

  test("that lack what they need, that Compute has, and that there are not, are refused", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const put = async (product: string, json: unknown): Promise<unknown> => {
      const answer = await call("PUT", `/enabled-products/v1/${product}/services/${id}`, { json });
      return [answer.status, field(answer.json, "detail")];
    };
    expect(await put("ngwaf", {})).toEqual([400, "workspace_id is required"]);
    expect(await put("ngwaf", { workspace_id: "w", traffic_ramp: "101" })).toEqual([
      400,
      "traffic_ramp is not between 0 and 100",
    ]);
    expect(await put("ngwaf", { workspace_id: "w" })).toEqual([200, undefined]);
    expect(await put("bot_management", { contentguard: "maybe" })).toEqual([
      400,
      "contentguard 'maybe' is not one of off, on",
    ]);
    expect(await put("fanout", {})).toEqual([
      501,
      "the product fanout is not part of the mirror's Fastly API",
    ]);
    // The CLI lists every product that it knows.
    expect((await call("GET", `/enabled-products/v1/fanout/services/${id}`)).status).toBe(400);
    expect(await put("nonsense", {})).toEqual([404, "there is no product 'nonsense'"]);
    const plain = `/enabled-products/v1/websockets/services/${id}`;
    await call("PUT", plain);
    expect((await call("GET", `${plain}/configuration`)).status).toBe(404);
  });

  test("decide at once whether return(upgrade) joins a visitor with the backend", async () => {
    const { call, add, activate, id, visit } = await startWhole();
    await add("snippet", { name: "up", type: "recv", content: "return(upgrade);" });
    await activate();
    const path = `/enabled-products/v1/websockets/services/${id}`;
    expect((await visit("/chat")).status).toBe(503);
    await call("PUT", path, { json: {} });
    expect((await visit("/chat")).text).toBe("body of /chat");
    await call("DELETE", path);
    expect((await visit("/chat")).status).toBe(503);
  });
});

describe("Image Optimizer's settings", () => {
  test("are there where the product is, change one by one, and go with the version", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const path = `/service/${id}/version/1/image_optimizer_default_settings`;
    const change = (json: unknown): ReturnType<typeof call> => call("PATCH", path, { json });
    expect((await call("GET", path)).status).toBe(404);
    // Terraform's provider looks for this sentence.
    expect((await change({ webp: true })).json).toMatchObject({
      errors: [{ detail: "Image Optimizer is not enabled on this service" }],
    });
    await call("PUT", `/enabled-products/v1/image_optimizer/services/${id}`, { json: {} });
    const initial = {
      resize_filter: "lanczos3",
      webp: false,
      webp_quality: 85,
      jpeg_type: "auto",
      jpeg_quality: 85,
      upscale: false,
      allow_video: false,
    };
    expect((await call("GET", path)).json).toEqual(initial);
    expect((await change({ webp: true, webp_quality: 30 })).json).toEqual({
      ...initial,
      webp: true,
      webp_quality: 30,
    });
    expect((await change({ jpeg_quality: 101 })).status).toBe(400);
    expect((await change({ resize_filter: "blur" })).status).toBe(400);
    await call("PUT", `/service/${id}/version/1/clone`);
    expect((await call("GET", path.replace("/1/", "/2/"))).json).toMatchObject({
      webp: true,
      jpeg_quality: 85,
    });
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
    const asked = await call("GET", "/tls/configurations?include=dns_records");
    expect(asked.json).toMatchObject({
      data: [{ relationships: { dns_records: { data: [{ id: "127.0.0.1" }, { id: "edge.localhost" }] } } }],
      included: [
        { id: "127.0.0.1", type: "dns_record", attributes: { record_type: "A" } },
        { id: "edge.localhost", type: "dns_record", attributes: { record_type: "CNAME" } },
      ],
    });
    expect(configurations.json).not.toHaveProperty("included");
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
  const store = await call("POST", "/resources/stores/kv", { json: { name: "objects" } });
  const form = { name: "my store", resource_id: String(field(store.json, "id")) };
  const made = await call("POST", list, { form });
  const shape = { ...form, service_id: id, version: 1, resource_type: "kv-store", href: null };
  expect(made.json).toMatchObject({ ...shape, deleted_at: null });
  const link = String(field(made.json, "id"));
  expect((await call("GET", `${list}/${link}`)).json).toEqual(made.json);
  expect((await call("GET", `${list}/my%20store`)).json).toMatchObject({ msg: "Record not found" });
  expect((await call("POST", list, { form })).status).toBe(409);
  expect((await call("POST", list, { form: { name: "x", resource_id: "../y" } })).status).toBe(400);
  const unknown = await call("POST", list, { form: { name: "x", resource_id: "nowhere" } });
  expect(unknown.status).toBe(404);
  const renamed = await call("PUT", `${list}/${link}`, { form: { name: "alias", resource_id: "other" } });
  expect(renamed.json).toMatchObject({ ...shape, name: "alias" });
  await call("PUT", `/service/${id}/version/1/clone`);
  expect((await call("DELETE", `${list}/${link}`)).json).toEqual({ status: "ok" });
  expect((await call("GET", list)).json).toEqual([]);
  expect((await call("GET", list.replace("/1/", "/2/"))).json).toMatchObject([{ id: link, name: "alias" }]);
});

test("HTTP/3 is switched on and off in a version, in the recorded words", async () => {
  const { call, service } = await startApi();
  const id = await service();
  const path = `/service/${id}/version/1/http3`;
  const off = await call("GET", path);
  expect([off.status, off.json]).toEqual([404, { msg: "Not found" }]);
  // Terraform's provider switches it off in every service that it makes.
  expect((await call("DELETE", path)).json).toEqual({ status: "ok" });
  const on = await call("POST", path, { form: { feature_revision: "1" } });
  expect(on.json).toMatchObject({
    feature_revision: 1,
    feature_update_available: false,
    service_id: id,
    version: 1,
  });
  expect((await call("GET", path)).json).toEqual(on.json);
  expect((await call("POST", path, { form: { feature_revision: "1" } })).status).toBe(400);
  expect((await call("GET", `/service/${id}/version/1/validate`)).json).toMatchObject({
    msg: "Warning: HTTP/3: the mirror's edge speaks HTTP/2 and HTTP/1.1",
  });
  await call("PUT", `/service/${id}/version/1/clone`);
  expect((await call("DELETE", path)).json).toEqual({ status: "ok" });
  expect((await call("GET", path)).status).toBe(404);
  expect((await call("GET", path.replace("/1/", "/2/"))).status).toBe(200);
  await call("PUT", `/service/${id}/version/1/lock`);
  expect((await call("POST", path)).status).toBe(422);
});
