import { fc, test } from "@fast-check/vitest";
import { describe, expect, it, onTestFinished } from "vitest";
import { FastlyClient, PURGE_BATCH } from "../../src/fastly/client.ts";
import { BACKEND, DICTIONARY, DOMAIN, SNIPPET, VCL } from "../../src/fastly/objects.ts";
import { RemoteError } from "../../src/fastly/remote-error.ts";
import { backend, serviceInfo, settings, validation, versionInfo } from "../../src/fastly/wire.ts";
import { Secret } from "../../src/lib/secret.ts";
import { TOKEN, startApi } from "../mirror/api/api-fixture.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { startScriptedServer } from "../support/scripted-server.ts";
import type { Reaction, SeenRequest } from "../support/scripted-server.ts";

function clientAt(apiUrl: string, attempts = 3): FastlyClient {
  const client = new FastlyClient({
    apiUrl,
    token: new Secret(TOKEN),
    clock: new InstantClock(),
    limits: { attempts },
  });
  onTestFinished(() => client.close());
  return client;
}

async function scripted(react: (request: SeenRequest, count: number) => Reaction) {
  const server = await startScriptedServer(react);
  return { server, client: clientAt(server.url) };
}

const REF = { serviceId: "svc", version: 3 } as const;

describe("FastlyClient against the mirror's API", () => {
  it("makes, finds and reads a service", async () => {
    const { client } = { client: clientAt((await startApi()).api.url) };
    expect(await client.findService("fleet")).toBeUndefined();
    const made = await client.createService("fleet");
    expect(made.versions).toMatchObject([{ number: 1, active: false, locked: false }]);
    expect(await client.findService("fleet")).toMatchObject({ id: made.id, type: "vcl" });
    expect(await client.readService(made.id)).toMatchObject({ name: "fleet" });
    expect(await client.readService("NoSuchServiceIsHere000")).toBeUndefined();
    expect(await client.readDetails(made.id)).toMatchObject({ name: "fleet" });
  });

  it("takes a version from clone over comment and activation to deactivation", async () => {
    const client = clientAt((await startApi()).api.url);
    const { id: serviceId } = await client.createService("fleet");
    const first = { serviceId, version: 1 };
    await client.create(DOMAIN, first, { name: "a.example.net", comment: "" });
    await client.create(BACKEND, first, backend.parse({ name: "origin", address: "192.0.2.1" }));
    expect(await client.validateVersion(first)).toMatchObject({ valid: true, problems: [] });
    expect(await client.activateVersion(first)).toMatchObject({ number: 1, active: true, locked: true });
    const second = await client.cloneVersion(first);
    expect(second).toMatchObject({ number: 2, active: false, locked: false });
    expect(await client.commentVersion({ serviceId, version: 2 }, "why")).toMatchObject({ comment: "why" });
    expect(await client.deactivateVersion(first)).toMatchObject({ active: false });
    expect((await client.listVersions(serviceId)).map(({ number }) => number)).toEqual([1, 2]);
  });

  it("reads back what it wrote, replaces and drops it", async () => {
    const client = clientAt((await startApi()).api.url);
    const { id: serviceId } = await client.createService("fleet");
    const ref = { serviceId, version: 1 };
    const wanted = backend.parse({ name: "o 1/ä", address: "192.0.2.1", use_ssl: true, shield: "iad-va-us" });
    await client.create(BACKEND, ref, wanted);
    expect(await client.list(BACKEND, ref)).toEqual([wanted]);
    await client.replace(BACKEND, ref, { ...wanted, use_ssl: false, shield: "", first_byte_timeout: 1 });
    expect(await client.list(BACKEND, ref)).toEqual([
      { ...wanted, use_ssl: false, shield: "", first_byte_timeout: 1 },
    ]);
    await client.drop(BACKEND, ref, wanted.name);
    expect(await client.list(BACKEND, ref)).toEqual([]);
    await client.create(VCL, ref, { name: "main", content: "# a\n" });
    await client.create(VCL, ref, { name: "other", content: "# b\n" });
    await client.setMainVcl(ref, "main");
    await client.setMainVcl(ref, "other");
    expect((await client.list(VCL, ref)).map(({ name, main }) => [name, main])).toEqual([
      ["main", false],
      ["other", true],
    ]);
    const changed = { "general.default_ttl": 60, "general.default_host": "", "general.stale_if_error": true };
    expect(await client.writeSettings(ref, changed)).toEqual(changed);
    expect(await client.readSettings(ref)).toEqual(changed);
    expect(await client.list(SNIPPET, ref)).toEqual([]);
  });

  it("writes dictionary items in batches and reads all pages", async () => {
    const client = clientAt((await startApi()).api.url);
    const { id: serviceId } = await client.createService("fleet");
    const version = { serviceId, version: 1 };
    const { id: dictionaryId } = await client.create(DICTIONARY, version, {
      name: "open",
      write_only: false,
    });
    const ref = { serviceId, dictionaryId };
    const entries = Array.from({ length: 1_000 }, (_, i) => ({ key: `k${i}`, value: `v${i}` }));
    await client.putItems(ref, entries);
    await client.putItems(ref, [{ key: "k1", value: new Secret("changed") }]);
    const items = await client.listItems(ref);
    expect(items).toHaveLength(1_000);
    expect(items.find(({ item_key }) => item_key === "k1")?.item_value).toBe("changed");
    expect((await client.readDictionaryInfo(version, dictionaryId)).item_count).toBe(1_000);
  });

  it("purges keys in batches, each once, and everything", async () => {
    const api = await startApi();
    const client = clientAt(api.api.url);
    const { id: serviceId } = await client.createService("fleet");
    const keys = Array.from({ length: PURGE_BATCH + 10 }, (_, i) => `s:site ${i}`.replace(" ", "-"));
    await client.purgeKeys({ serviceId, keys: [...keys, ...keys, "__proto__"], soft: true });
    await client.purgeAll({ serviceId });
    const seen = api.edge.purges.map(({ scope, soft }) => [
      scope.kind === "keys" ? scope.keys.length : scope.kind,
      soft,
    ]);
    expect(seen).toEqual([
      [PURGE_BATCH, true],
      [11, true],
      ["all", false],
    ]);
  });
});

describe("FastlyClient against recorded peculiarities", () => {
  it("replaces an object when the answer to its creation was lost", async () => {
    const { server, client } = await scripted((request) =>
      request.method === "POST" ? "reset" : { body: { name: "a", comment: "" } },
    );
    await client.create(DOMAIN, REF, { name: "a", comment: "" });
    expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "POST /service/svc/version/3/domain",
      "PUT /service/svc/version/3/domain/a",
    ]);
  });

  it("creates it again when the lost call had not landed", async () => {
    const { server, client } = await scripted((request, count) => {
      if (count === 1) return { status: 503 };
      return request.method === "PUT" ? { status: 404, body: {} } : { body: { name: "a" } };
    });
    await client.create(DOMAIN, REF, { name: "a", comment: "" });
    expect(server.seen.map(({ method }) => method)).toEqual(["POST", "PUT", "POST"]);
  });

  it.each([
    ["items", (client: FastlyClient) => client.listItems({ serviceId: "s", dictionaryId: "d" })],
    ["entries", (client: FastlyClient) => client.listEntries({ serviceId: "s", aclId: "a" })],
  ] as const)("reads all %s of a server whose pages are shorter than asked for", async (_, list) => {
    const { server, client } = await scripted((request) => {
      const page = Number(new URL(request.url, "http://api").searchParams.get("page"));
      const body = Array.from({ length: page === 3 ? 7 : 100 }, (_one, index) => ({
        id: `${page}-${index}`,
        ip: "192.0.2.1",
        item_key: `${page}-${index}`,
        item_value: "",
      }));
      const next = `<http://api${request.url}&page=${page + 1}>; rel="last", <http://api/?page=${page + 1}>; rel="next"`;
      const link = page === 3 ? '<http://api/?page=2>; rel="prev", <http://api/?page=1>; rel="first"' : next;
      return { body, headers: { link } };
    });
    expect(await list(client)).toHaveLength(207);
    expect(server.seen).toHaveLength(3);
  });

  it("takes a service that Fastly answers 400 about for one that is not there", async () => {
    const { client } = await scripted(() => ({ status: 400, body: { msg: "Bad request" } }));
    expect(await client.readService("gone")).toBeUndefined();
    expect(await client.findService("gone")).toBeUndefined();
  });

  it("spells out the one setting that is true or false", async () => {
    const written = {
      "general.default_ttl": 60,
      "general.default_host": "",
      "general.stale_if_error": false,
    };
    const { server, client } = await scripted(() => ({ body: written }));
    await client.writeSettings(REF, written);
    expect(new URLSearchParams(server.seen[0]?.body).get("general.stale_if_error")).toBe("false");
  });

  it("does not hide a refused creation", async () => {
    const { server, client } = await scripted(() => ({ status: 422, body: { msg: "Version locked" } }));
    await expect(client.create(DOMAIN, REF, { name: "a", comment: "" })).rejects.toThrow("Version locked");
    expect(server.seen).toHaveLength(1);
  });

  it("never repeats a clone whose fate is unknown", async () => {
    const { server, client } = await scripted(() => "reset");
    await expect(client.cloneVersion(REF)).rejects.toBeInstanceOf(RemoteError);
    expect(server.seen).toHaveLength(1);
  });

  it("refuses a purge answer that leaves a key out", async () => {
    const { client } = await scripted(() => ({ body: { a: "1-2-3" } }));
    await expect(client.purgeKeys({ serviceId: "svc", keys: ["a", "b"] })).rejects.toMatchObject({
      code: "fastly/bad-answer",
      details: expect.arrayContaining(["answer: does not name every key of the purge"]),
    });
  });

  it("sends items as one upsert batch", async () => {
    const { server, client } = await scripted(() => ({ body: { status: "ok" } }));
    await client.putItems({ serviceId: "s", dictionaryId: "d" }, [{ key: "k", value: new Secret("v") }]);
    expect(server.seen[0]).toMatchObject({ method: "PATCH", url: "/service/s/dictionary/d/items" });
    expect(JSON.parse(server.seen[0]?.body ?? "")).toEqual({
      items: [{ op: "upsert", item_key: "k", item_value: "v" }],
    });
  });
});

describe("answers", () => {
  it("are normalised: nulls, numbers as text, booleans as numbers", () => {
    const parsed = backend.parse({
      name: "b",
      address: "192.0.2.1",
      port: "443",
      use_ssl: 1,
      ssl_check_cert: "0",
      shield: null,
      healthcheck: null,
      connect_timeout: null,
      new_field: {},
    });
    expect(parsed).toMatchObject({
      port: 443,
      use_ssl: true,
      ssl_check_cert: false,
      shield: "",
      connect_timeout: 1000,
    });
    expect(backend.parse({ name: "b" })).toMatchObject({ port: 80, ssl_check_cert: true, max_conn: 200 });
    expect(settings.parse({ "general.default_ttl": 10, "general.stale_if_error": 0 })).toEqual({
      "general.default_ttl": 10,
      "general.default_host": "",
      "general.stale_if_error": false,
    });
  });

  it("of a validation say what is wrong in every form they come in", () => {
    expect(validation.parse({ status: "ok", msg: null })).toEqual({
      valid: true,
      problems: [],
      warnings: [],
    });
    expect(
      validation.parse({ status: "error", msg: "m", errors: ["e", { line: 1 }], warnings: ["w"] }),
    ).toEqual({
      valid: false,
      problems: ["m", "e", '{"line":1}'],
      warnings: ["w"],
    });
  });

  test.prop([fc.jsonValue()])("of any JSON are parsed or refused, never a crash", (value) => {
    for (const schema of [backend, serviceInfo, settings, validation, versionInfo]) {
      expect(typeof schema.safeParse(value).success).toBe("boolean");
    }
  });
});
