import { describe, expect, test } from "vitest";
import type { ActiveComputeService } from "../../../src/mirror/service.ts";
import { formOf, packageArchive } from "../../support/compute-package.ts";
import { field, keysOf, startApi } from "./api-fixture.ts";
import type { ApiFixture } from "./api-fixture.ts";

async function made(
  fixture: ApiFixture,
  path: string,
  options: Parameters<ApiFixture["call"]>[2],
): Promise<string> {
  const answer = await fixture.call("POST", path, options);
  expect([200, 201], `${path}: ${answer.text}`).toContain(answer.status);
  return String(field(answer.json, "id"));
}

/** A Compute service with a package and a domain, its version 1 not active yet. */
async function app(fixture: ApiFixture): Promise<{ readonly id: string; readonly at: string }> {
  const id = await fixture.service("app", "wasm");
  const at = `/service/${id}/version/1`;
  await fixture.call("POST", `${at}/domain`, { form: { name: "App.example.com" } });
  await fixture.call("PUT", `${at}/package`, formOf(await packageArchive()));
  return { id, at };
}

function running({ edge }: ApiFixture, id: string): ActiveComputeService {
  const service = edge.compute.get(id);
  if (service === undefined) throw new Error("the service is not running");
  return service;
}

describe("a Compute service", () => {
  test("is created, described and listed as recorded", async () => {
    const fixture = await startApi();
    const id = await fixture.service("app", "wasm");
    const service = await fixture.call("GET", `/service/${id}`);
    expect(service.json).toMatchObject({ type: "wasm", versions: [{ number: 1, locked: false }] });
    const details = await fixture.call("GET", `/service/${id}/details`);
    const version = keysOf(field(details.json, "version"));
    expect(version).toEqual(expect.arrayContaining(["backends", "domains", "healthchecks"]));
    expect(version).not.toContain("snippets");
    const backend = { name: "origin", address: "origin.example.com" };
    const kept = await fixture.call("POST", `/service/${id}/version/1/backend`, { form: backend });
    expect(kept.json).toMatchObject({ prefer_ipv6: true, port: 80 });
    const odd = await fixture.call("POST", "/service", { form: { name: "odd", type: "lua" } });
    expect(odd.status).toBe(400);
  });

  test("is not valid without a package, and is refused its activation", async () => {
    const fixture = await startApi();
    const id = await fixture.service("app", "wasm");
    const at = `/service/${id}/version/1`;
    const msg = "Version has no associated package";
    expect((await fixture.call("GET", `${at}/validate`)).json).toMatchObject({ status: "error", msg });
    const refused = await fixture.call("PUT", `${at}/activate`);
    expect([refused.status, field(refused.json, "detail")]).toEqual([400, msg]);
    await fixture.call("PUT", `${at}/package`, formOf(await packageArchive()));
    const backend = { name: "b", address: "b.example.com", healthcheck: "none" };
    await fixture.call("POST", `${at}/backend`, { form: backend });
    const verdict = await fixture.call("GET", `${at}/validate`);
    expect(verdict.json).toMatchObject({ status: "error", msg: "Backend 'b': no healthcheck 'none'" });
  });

  test("runs at the edge once it is active, with what its version has, and stops with it", async () => {
    const fixture = await startApi();
    const { id, at } = await app(fixture);
    const { call } = fixture;
    const check = { name: "up", host: "probe.example.com", path: "/up", headers: '["X-A: b"]' };
    await call("POST", `${at}/healthcheck`, { form: check });
    const backend = { name: "S3 bucket", address: "s3.example.com", port: "443", healthcheck: "up" };
    await call("POST", `${at}/backend`, { form: { ...backend, override_host: "bucket.s3.example.com" } });
    await call("POST", `${at}/logging/https`, { form: { name: "access", url: "https://logs.example.com" } });
    const answer = await call("PUT", `${at}/activate`);
    expect(answer.json).toMatchObject({ active: true, locked: true, msg: null });
    const { content, ...service } = running(fixture, id);
    expect(service).toEqual({
      id,
      name: "app",
      version: 1,
      domains: ["app.example.com"],
      logEndpoints: [{ name: "access", format: "blank" }],
    });
    expect(content.package).toMatchObject({ name: "test-package", mirrorOnly: false });
    expect(Buffer.from(await content.package.read())).toEqual(await packageArchive());
    expect([...content.backends]).toMatchObject([
      [
        "S3 bucket",
        {
          name: "S3 bucket",
          host: "s3.example.com",
          port: 443,
          ssl: true,
          hostHeader: "bucket.s3.example.com",
          alwaysUseHostHeader: true,
          connectTimeout: 1,
          firstByteTimeout: 15,
          betweenBytesTimeout: 10,
          probe: {
            request: expect.stringMatching(
              /^HEAD \/up HTTP\/1\.1\r\nHost: probe\.example\.com\r\n[^]*\r\nX-A: b$/,
            ),
            interval: 5,
          },
        },
      ],
    ]);
    await call("PUT", `${at}/deactivate`);
    expect(fixture.edge.compute.size).toBe(0);
  });

  test("is warned of what does nothing in it", async () => {
    const fixture = await startApi();
    const { at } = await app(fixture);
    const { call } = fixture;
    await call("POST", `${at}/vcl`, { form: { name: "main", content: "sub vcl_recv {", main: "1" } });
    await call("POST", `${at}/header`, {
      form: { name: "h", action: "set", dst: "http.X", src: '"1"', type: "request" },
    });
    const store = await made(fixture, "/resources/stores/config", { form: { name: "gone" } });
    await call("POST", `${at}/resource`, { form: { name: "settings", resource_id: store } });
    await call("DELETE", `/resources/stores/config/${store}`);
    expect(field((await call("GET", `${at}/validate`)).json, "warnings")).toEqual([
      "Warning: header objects do nothing in a Compute service",
      "Warning: VCL files do nothing in a Compute service",
      `Warning: Link 'settings': no store '${store}'`,
    ]);
    expect((await call("PUT", `${at}/activate`)).status).toBe(200);
    expect((await call("GET", `${at}/generated_vcl`)).status).toBe(400);
  });

  test("has the domains of no other service, and takes versionless ones at once", async () => {
    const fixture = await startApi();
    const { id, at } = await app(fixture);
    const { call, service } = fixture;
    const vcl = await service("site");
    await call("POST", `/service/${vcl}/version/1/domain`, { form: { name: "app.example.com" } });
    await call("PUT", `/service/${vcl}/version/1/activate`);
    expect((await call("PUT", `${at}/activate`)).status).toBe(400);
    await call("PUT", `/service/${vcl}/version/1/deactivate`);
    expect((await call("PUT", `${at}/activate`)).status).toBe(200);
    const json = { fqdn: "shop.example.net", service_id: id };
    expect((await call("POST", "/domain-management/v1/domains", { json })).status).toBe(201);
    expect(running(fixture, id).domains).toEqual(["app.example.com", "shop.example.net"]);
  });

  test("is purged like any other", async () => {
    const fixture = await startApi();
    const { id, at } = await app(fixture);
    await fixture.call("PUT", `${at}/activate`);
    expect((await fixture.call("POST", `/service/${id}/purge/s:shop`)).status).toBe(200);
    expect((await fixture.call("POST", "/purge/app.example.com/a")).status).toBe(200);
    expect(fixture.edge.purges).toEqual([
      { serviceId: id, scope: { kind: "keys", keys: ["s:shop"] }, soft: false },
      { serviceId: id, scope: { kind: "url", host: "app.example.com", pathAndQuery: "/a" }, soft: false },
    ]);
  });
});

describe("what a Compute service's program reads", () => {
  interface Linked extends ApiFixture {
    readonly id: string;
    readonly stores: Readonly<Record<"config" | "secret" | "kv", string>>;
  }

  async function linked(): Promise<Linked> {
    const fixture = await startApi();
    const { id, at } = await app(fixture);
    const stores = {
      config: await made(fixture, "/resources/stores/config", { form: { name: "settings of all" } }),
      secret: await made(fixture, "/resources/stores/secret", { json: { name: "secrets" } }),
      kv: await made(fixture, "/resources/stores/kv", { json: { name: "values" } }),
    };
    for (const [name, resource] of Object.entries(stores)) {
      await made(fixture, `${at}/resource`, { form: { name: `my ${name}`, resource_id: resource } });
    }
    await fixture.call("PUT", `${at}/activate`);
    return { ...fixture, id, stores };
  }

  test("are the stores under the names of their links, as they are at that moment", async () => {
    const { edge, call, id, stores } = await linked();
    const { content } = edge.compute.get(id) ?? {};
    const item = { item_key: "mode", item_value: "on" };
    expect(content?.configStores.get("my config")?.get("mode")).toBeUndefined();
    await call("POST", `/resources/stores/config/${stores.config}/item`, { form: item });
    expect(content?.configStores.get("my config")?.get("mode")).toBe("on");
    await call("DELETE", `/resources/stores/config/${stores.config}/item/mode`);
    expect(content?.configStores.get("my config")?.get("mode")).toBeUndefined();
    const secret = { name: "key", secret: Buffer.from([0, 255, 1]).toString("base64") };
    await call("POST", `/resources/stores/secret/${stores.secret}/secrets`, { json: secret });
    expect(content?.secretStores.get("my secret")?.get("key")).toEqual(Buffer.from([0, 255, 1]));
    expect(content?.secretStores.get("my secret")?.get("other")).toBeUndefined();
    await call("PUT", `/resources/stores/kv/${stores.kv}/keys/a`, { bytes: Buffer.from("first") });
    const kv = content?.kvStores.get("my kv");
    expect((await kv?.get("a"))?.value).toEqual(Buffer.from("first"));
    expect(await kv?.put("b", Buffer.from("second"), { metadata: "m", ttlSeconds: 60 })).toBe("stored");
    expect((await call("GET", `/resources/stores/kv/${stores.kv}/keys/b`)).text).toBe("second");
    expect(await kv?.list({ prefix: "b" })).toEqual({ keys: ["b"], cursor: null });
    expect([await kv?.delete("b"), await kv?.delete("b"), await kv?.get("b")]).toEqual([
      true,
      false,
      undefined,
    ]);
    expect([content?.configStores.size, content?.secretStores.size, content?.kvStores.size]).toEqual([
      1, 1, 1,
    ]);
  });

  test("cannot be opened once they are deleted, also over a restart", async () => {
    const fixture = await linked();
    const { call, id, stores } = fixture;
    for (const [kind, store] of Object.entries(stores)) {
      expect((await call("DELETE", `/resources/stores/${kind}/${store}`)).status).toBeLessThan(300);
    }
    const sizes = ({ content }: ActiveComputeService): readonly number[] =>
      [content.configStores, content.secretStores, content.kvStores].map(({ size }) => size);
    expect(sizes(running(fixture, id))).toEqual([0, 0, 0]);
    expect(sizes(running(await fixture.restart(), id))).toEqual([0, 0, 0]);
  });

  test("are its dictionaries too, and the secrets are told to whoever covers them", async () => {
    const fixture = await startApi();
    const { id, at } = await app(fixture);
    const dictionary = await made(fixture, `${at}/dictionary`, { form: { name: "words" } });
    const store = await made(fixture, "/resources/stores/secret", { json: { name: "secrets" } });
    await made(fixture, `${at}/resource`, { form: { name: "s", resource_id: store } });
    await fixture.call("PUT", `${at}/activate`);
    const form = { item_key: "hello", item_value: "wörld" };
    await fixture.call("POST", `/service/${id}/dictionary/${dictionary}/item`, { form });
    const { content } = running(fixture, id);
    expect(content.configStores.get("words")?.get("hello")).toBe("wörld");
    expect(content.secrets()).toEqual([]);
    const json = { name: "key", secret: Buffer.from("hush").toString("base64") };
    await fixture.call("POST", `/resources/stores/secret/${store}/secrets`, { json });
    expect(content.secrets()).toEqual(["hush"]);
  });

  test("is all there after a restart, and links go into clones", async () => {
    const fixture = await linked();
    const { call, id, stores } = fixture;
    const item = { item_key: "mode", item_value: "on" };
    await call("POST", `/resources/stores/config/${stores.config}/item`, { form: item });
    await call("PUT", `/resources/stores/kv/${stores.kv}/keys/a%2Fb`, { bytes: Buffer.from("first") });
    const secret = { name: "key", secret: "aHVzaA==" };
    await call("POST", `/resources/stores/secret/${stores.secret}/secrets`, { json: secret });
    await call("PUT", `/service/${id}/version/1/clone`);
    const links = (await call("GET", `/service/${id}/version/2/resource`)).json;
    expect(links).toMatchObject([
      { name: "my config", resource_type: "config" },
      { name: "my secret", resource_type: "secret-store" },
      { name: "my kv", resource_type: "kv-store" },
    ]);
    const again = await fixture.restart();
    expect(again.api.problems).toEqual([]);
    const { content, version } = running(again, id);
    expect(version).toBe(1);
    expect(content.configStores.get("my config")?.get("mode")).toBe("on");
    expect(content.secrets()).toEqual(["hush"]);
    expect((await content.kvStores.get("my kv")?.get("a/b"))?.value).toEqual(Buffer.from("first"));
    expect((await content.package.read()).length).toBe(content.package.size);
    const services = await again.call("GET", `/resources/stores/config/${stores.config}/services`);
    expect(services.json).toMatchObject([{ id, type: "wasm" }]);
  });
});
