import { describe, expect, test } from "vitest";
import { field, keysOf, startApi } from "./api-fixture.ts";

/** Fields of a backend in recorded traffic of 2026. */
const BACKEND_KEYS = [
  ..."address auto_loadbalance between_bytes_timeout client_cert comment connect_timeout created_at".split(
    " ",
  ),
  ..."deleted_at error_threshold first_byte_timeout healthcheck hostname ipv4 ipv6 keepalive_time".split(" "),
  ..."max_conn max_lifetime max_tls_version max_use min_tls_version name override_host port".split(" "),
  ..."prefer_ipv6 request_condition service_id share_key shield ssl_ca_cert ssl_cert_hostname".split(" "),
  ..."ssl_check_cert ssl_ciphers ssl_client_cert ssl_client_key ssl_hostname ssl_sni_hostname".split(" "),
  ..."tcp_keepalive_enable tcp_keepalive_interval tcp_keepalive_probes tcp_keepalive_time".split(" "),
  ..."updated_at use_ssl version weight".split(" "),
].sort();

describe("backends", () => {
  test("a form with 1 and 0 makes a backend with Fastly's fields and defaults", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const form = {
      name: "test-backend",
      address: "integ-test.go-fastly.com",
      connect_timeout: "1500",
      ssl_check_cert: "0",
      override_host: "origin.example.com",
      unknown_field: "is ignored",
    };
    const { status, json } = await call("POST", `/service/${id}/version/1/backend`, { form });
    expect(status).toBe(200);
    expect(keysOf(json)).toEqual(BACKEND_KEYS);
    expect(json).toMatchObject({
      name: "test-backend",
      connect_timeout: 1500,
      ssl_check_cert: false,
      use_ssl: false,
      port: 80,
      first_byte_timeout: 15_000,
      between_bytes_timeout: 10_000,
      max_conn: 200,
      weight: 100,
      shield: null,
      hostname: "integ-test.go-fastly.com",
      ipv4: null,
      override_host: "origin.example.com",
      service_id: id,
      version: 1,
      deleted_at: null,
      request_condition: "",
    });
  });

  test("port 443 means TLS unless the request says otherwise", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const list = `/service/${id}/version/1/backend`;
    const form = { name: "a", address: "example.com", port: "443" };
    expect((await call("POST", list, { form })).json).toMatchObject({ use_ssl: true });
    const plain = await call("POST", list, { form: { ...form, name: "b", use_ssl: "0" } });
    expect(plain.json).toMatchObject({ use_ssl: false });
    expect((await call("PUT", `${list}/b`, { form: { comment: "c" } })).json).toMatchObject({
      use_ssl: false,
    });
    expect((await call("PUT", `${list}/b`, { form: { port: "443" } })).json).toMatchObject({ use_ssl: true });
  });

  test("an update changes what it names, takes empty values, and may rename", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const list = `/service/${id}/version/1/backend`;
    await call("POST", list, {
      form: { name: "a", address: "127.0.0.1", override_host: "x.example", port: "8080" },
    });
    const renamed = await call("PUT", `${list}/a`, { form: { name: "b", override_host: "", port: "0" } });
    expect(renamed.json).toMatchObject({
      name: "b",
      override_host: null,
      port: 0,
      ipv4: "127.0.0.1",
      hostname: null,
    });
    expect((await call("GET", `${list}/a`)).status).toBe(404);
    expect((await call("PUT", `${list}/b`, { json: { use_ssl: true, port: 443 } })).json).toMatchObject({
      use_ssl: true,
      port: 443,
    });
  });

  test.each([
    [{ name: "a" }, "Address can't be blank"],
    [{ address: "example.com" }, "Name can't be blank"],
    [{ name: "a", address: 'x"; } sub evil {' }, "is not a valid IPv4, IPv6 or hostname"],
    [{ name: "a", address: "example.com", port: "many" }, "'port' must be an integer"],
    [{ name: "a", address: "example.com", use_ssl: "maybe" }, "'use_ssl' must be 1 or 0"],
    [{ name: "a", address: "example.com", shield: "x y" }, "not a valid POP code"],
  ])("%j is refused", async (form, problem) => {
    const { call, service } = await startApi();
    const id = await service();
    const answer = await call("POST", `/service/${id}/version/1/backend`, { form: { ...form } });
    expect(answer.status).toBe(400);
    expect(field(answer.json, "msg")).toBe("Bad request");
    expect(field(answer.json, "detail")).toContain(problem);
  });
});

describe("every kind of object", () => {
  const samples = [
    ["domain", { name: "www.example.com" }, "Domain", "domain"],
    ["backend", { name: "a/b c", address: "example.com" }, "Backend", "backend"],
    ["healthcheck", { name: "h%20", path: "/up" }, "Healthcheck", "healthcheck"],
    ["vcl", { name: "main", content: "sub vcl_recv {}", main: "true" }, "VCL", "vcl"],
    ["snippet", { name: "s", type: "recv", content: "# hi" }, "Snippet", "snippet"],
    ["dictionary", { name: "words" }, "Dictionary", "dictionary"],
    ["acl", { name: "friends" }, "ACL", "acl"],
  ] as const;

  test.each(samples)(
    "%s: create, list, get, delete, and Fastly's 409 and 404",
    async (kind, form, label, lower) => {
      const { call, service } = await startApi();
      const id = await service();
      const list = `/service/${id}/version/1/${kind}`;
      const one = `${list}/${encodeURIComponent(form.name)}`;
      const created = await call("POST", list, { form });
      expect(created.status).toBe(200);
      expect((await call("GET", list)).json).toEqual([created.json]);
      expect((await call("GET", one)).json).toEqual(created.json);
      const duplicate = await call("POST", list, { form });
      expect(duplicate.status).toBe(409);
      expect(duplicate.json).toEqual({
        msg: "Duplicate record",
        detail: `Duplicate ${lower}: '${form.name}'`,
      });
      expect((await call("DELETE", one)).json).toEqual({ status: "ok" });
      const missing = await call("DELETE", one);
      expect(missing.status).toBe(404);
      expect(missing.json).toEqual({
        msg: "Record not found",
        detail: `Couldn't find ${label} '{ deleted => 0000-00-00 00:00:00, name => ${form.name}, service => ${id}, version => 1 }'`,
      });
    },
  );

  test.each(samples)("%s: nothing of a locked version changes", async (kind, form) => {
    const { call, service } = await startApi();
    const id = await service();
    const list = `/service/${id}/version/1/${kind}`;
    const one = `${list}/${encodeURIComponent(form.name)}`;
    await call("POST", list, { form });
    const before = await call("GET", list);
    await call("PUT", `/service/${id}/version/1/lock`);
    const writes = [
      await call("POST", list, { form: { ...form, name: "other" } }),
      await call("PUT", one, { form: { name: "other" } }),
      await call("DELETE", one),
    ];
    for (const { status, json } of writes) {
      expect(status).toBe(422);
      expect(json).toEqual({ msg: "Version locked", detail: `Version '1' for service '${id}' is locked` });
    }
    expect((await call("GET", list)).json).toEqual(before.json);
  });
});

describe("domains", () => {
  test.each(["-a.example", "a..b", "a b", "exa$mple.com", `${"a".repeat(64)}.example`, "*.*.example"])(
    "%s is no domain name",
    async (name) => {
      const { call, service } = await startApi();
      const id = await service();
      expect((await call("POST", `/service/${id}/version/1/domain`, { form: { name } })).status).toBe(400);
    },
  );

  test("differ in more than case", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const list = `/service/${id}/version/1/domain`;
    await call("POST", list, { form: { name: "www.example.com" } });
    expect((await call("POST", list, { form: { name: "WWW.Example.com" } })).status).toBe(409);
    const renamed = await call("PUT", `${list}/www.example.com`, { form: { name: "WWW.example.com" } });
    expect(renamed.json).toMatchObject({ name: "WWW.example.com" });
  });

  test("checks answer triples of domain, CNAME and verdict", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const list = `/service/${id}/version/1/domain`;
    const { json: domain } = await call("POST", list, { form: { name: "*.example.com", comment: "all" } });
    expect((await call("GET", `${list}/*.example.com/check`)).json).toEqual([domain, null, false]);
    expect((await call("GET", `${list}/check_all`)).json).toEqual([[domain, null, false]]);
  });
});

describe("VCL files", () => {
  test("only one is main, and download is the bare text", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const list = `/service/${id}/version/1/vcl`;
    await call("POST", list, { form: { name: "a", content: "# ä\n", main: "1" } });
    await call("POST", list, { form: { name: "b", content: "# b" } });
    expect((await call("PUT", `${list}/b/main`)).json).toMatchObject({ name: "b", main: true });
    expect((await call("GET", `${list}/a`)).json).toMatchObject({ main: false });
    await call("PUT", `${list}/a`, { form: { main: "true" } });
    expect((await call("GET", `${list}/b`)).json).toMatchObject({ main: false });
    const download = await call("GET", `${list}/a/download`);
    expect(download.headers["content-type"]).toContain("text/plain");
    expect(download.text).toBe("# ä\n");
  });

  test("more than 1 MB is refused", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const form = { name: "a", content: "#".repeat(1024 * 1024 + 1) };
    expect((await call("POST", `/service/${id}/version/1/vcl`, { form })).status).toBe(400);
  });
});

describe("snippets", () => {
  test("numbers come back as strings, and dynamic content only from its own endpoint", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const list = `/service/${id}/version/1/snippet`;
    const form = { name: "snipdyn", type: "fetch", dynamic: "1", priority: "123", content: "#vcl" };
    const { json } = await call("POST", list, { form });
    expect(json).toMatchObject({ content: null, dynamic: "1", priority: "123", version: "1" });
    const content = `/service/${id}/snippet/${String(field(json, "id"))}`;
    expect((await call("GET", content)).json).toMatchObject({ content: "#vcl", service_id: id });
    const updated = await call("PUT", content, { form: { content: "#vclUpdated" } });
    expect(updated.json).toMatchObject({ content: "#vclUpdated", snippet_id: field(json, "id") });
    await call("PUT", `${list}/snipdyn`, { form: { content: "ignored", priority: "7" } });
    expect((await call("GET", content)).json).toMatchObject({ content: "#vclUpdated" });
    expect((await call("GET", `${list}/snipdyn`)).json).toMatchObject({ priority: "7", content: null });
  });

  test("a type that does not exist is refused", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const form = { name: "s", type: "pipe", content: "" };
    expect((await call("POST", `/service/${id}/version/1/snippet`, { form })).status).toBe(400);
  });
});

describe("health checks", () => {
  test("headers come as a list in a form field, and go sorted and with one blank", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const form = { name: "h", headers: '["Foo:Bar","Baz: Qux"]', check_interval: "2500" };
    const { json } = await call("POST", `/service/${id}/version/1/healthcheck`, { form });
    expect(json).toMatchObject({ headers: ["Baz: Qux", "Foo: Bar"], check_interval: 2500, method: "HEAD" });
  });
});

describe("ACL names", () => {
  test("an empty one gets Fastly's sentence", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const answer = await call("POST", `/service/${id}/version/1/acl`);
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual({
      msg: "Bad request",
      detail: "Name must start with alphabetical and contain only alphanumeric, underscore, and whitespace",
    });
  });
});

describe("settings", () => {
  test("have Fastly's defaults and change by their dotted names", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const path = `/service/${id}/version/1/settings`;
    expect((await call("GET", path)).json).toEqual({
      "general.default_host": "",
      "general.default_pci": 0,
      "general.default_ttl": 3600,
      "general.stale_if_error": false,
      "general.stale_if_error_ttl": 43_200,
      service_id: id,
      version: 1,
    });
    const form = { "general.default_ttl": "1800", "general.stale_if_error": "true" };
    expect((await call("PUT", path, { form })).json).toMatchObject({
      "general.default_ttl": 1800,
      "general.stale_if_error": true,
      "general.stale_if_error_ttl": 43_200,
    });
  });
});

describe("two writers on one version", () => {
  test("lose nothing of each other, and only one can take a name", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const list = `/service/${id}/version/1/backend`;
    const names = Array.from({ length: 40 }, (_, i) => `b${i % 30}`);
    const answers = await Promise.all(
      names.map((name) => call("POST", list, { form: { name, address: "example.com" } })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(30);
    expect(statuses.filter((status) => status === 409)).toHaveLength(10);
    const { json } = await call("GET", list);
    expect(json).toHaveLength(30);
  });

  test("a lock and writes at once: what was answered 200 is there, nothing after the lock is", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const list = `/service/${id}/version/1/domain`;
    const writes = Array.from({ length: 20 }, (_, i) =>
      call("POST", list, { form: { name: `d${i}.example` } }),
    );
    const lock = call("PUT", `/service/${id}/version/1/lock`);
    const done = (await Promise.all(writes)).filter(({ status }) => status === 200);
    expect((await lock).json).toMatchObject({ locked: true });
    const { json } = await call("GET", list);
    expect(json).toHaveLength(done.length);
  });
});
