import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { packageArchive } from "../../support/compute-package.ts";
import { hasFastlyCli, runFastlyCli } from "../../support/fastly-cli.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { field, startApi, TOKEN } from "./api-fixture.ts";
import type { ApiFixture } from "./api-fixture.ts";

const available = await hasFastlyCli();

interface Session extends ApiFixture {
  readonly home: string;
  readonly run: (...args: string[]) => Promise<string>;
}

async function session(): Promise<Session> {
  const fixture = await startApi();
  const home = await tempDir();
  return {
    ...fixture,
    home,
    async run(...args) {
      // Else it knows one key only that client keys are signed with: Fastly's.
      const variables = { FASTLY_USE_API_SIGNING_KEY: "1" };
      const place = { home, endpoint: fixture.api.url, token: TOKEN, variables };
      const { code, out } = await runFastlyCli(place, args);
      if (code !== 0) throw new Error(`fastly ${args.join(" ")}: exit ${code}\n${out}`);
      return out;
    },
  };
}

describe.skipIf(!available)("the official CLI", () => {
  test(
    "makes a Compute service with stores, uploads its package and runs it",
    { timeout: 180_000 },
    async () => {
      const { run, home, edge } = await session();
      const created = await run("service", "create", "--name", "app", "--type", "wasm");
      const id = /Created service ([A-Za-z0-9]{22})/.exec(created)?.[1] ?? "";
      const at = ["--service-id", id, "--version", "1"];
      await run("service", "domain", "create", ...at, "--name", "app.example.com");
      await run("service", "backend", "create", ...at, "--name", "origin", "--address", "127.0.0.1");
      const idOf = (out: string, name: string): string => String(field(JSON.parse(out), name));
      const config = idOf(await run("config-store", "create", "--name", "settings", "--json"), "id");
      const entry = ["config-store-entry", "create", "--store-id", config];
      await run(...entry, "--key", "mode", "--value", "on");
      const kv = idOf(await run("kv-store", "create", "--name", "values", "--json"), "StoreID");
      await run("kv-store-entry", "create", "--store-id", kv, "--key", "a/b", "--value", "first");
      const secret = idOf(await run("secret-store", "create", "--name", "secrets", "--json"), "id");
      for (const [name, store] of Object.entries({ config, kv, secret })) {
        await run(
          "service",
          "resource-link",
          "create",
          ...at,
          "--resource-id",
          store,
          "--name",
          `my-${name}`,
        );
      }
      const file = join(home, "app.tar.gz");
      const archive = await packageArchive();
      await writeFile(file, archive);
      expect(await run("compute", "update", ...at, "--package", file)).toContain("Updated package");
      const told = await run("compute", "hash-files", "--skip-build", "--package", file);
      const hash = /\b[0-9a-f]{128}\b/.exec(told)?.[0];
      expect(await run("service", "version", "validate", ...at)).toContain("is valid");
      await run("service", "version", "activate", ...at);
      const content = edge.compute.get(id)?.content;
      expect(content?.package).toMatchObject({ size: archive.length, filesHash: hash });
      expect(content?.configStores.get("my-config")?.get("mode")).toBe("on");
      const value = await content?.kvStores.get("my-kv")?.get("a/b");
      expect(Buffer.from(value?.value ?? []).toString()).toBe("first");
      expect(content?.secretStores.has("my-secret")).toBe(true);
    },
  );

  test(
    "deploys a package to a clone, and leaves one alone that has not changed",
    { timeout: 180_000 },
    async () => {
      const { run, home, edge, service, call } = await session();
      const id = await service("app", "wasm");
      await call("POST", `/service/${id}/version/1/domain`, { form: { name: "app.example.com" } });
      const file = join(home, "app.tar.gz");
      await writeFile(file, await packageArchive());
      const deploy = ["compute", "deploy", "--service-id", id, "--package", file, "--status-check-off"];
      expect(await run(...deploy)).toContain("Deployed package");
      expect(edge.compute.get(id)?.version).toBe(1);
      expect(await run(...deploy)).toContain("Skipping");
      await writeFile(file, await packageArchive({ manifest: 'manifest_version = 3\nname = "app"\n' }));
      await run(...deploy, "--comment", "second");
      expect(edge.compute.get(id)).toMatchObject({ version: 2, content: { package: { name: "app" } } });
      await run("service", "version", "clone", "--service-id", id, "--version", "2");
      const clone = await call("GET", `/service/${id}/version/3/package`);
      expect(clone.json).toMatchObject({ metadata: { name: "app" } });
      expect(await run("service", "describe", "--service-id", id)).toContain("wasm");
    },
  );

  test("makes the whole service that a manifest describes", { timeout: 180_000 }, async () => {
    const { run, home, edge } = await session();
    const manifest = [
      "manifest_version = 3",
      'name = "test-package"',
      'language = "other"',
      "[setup.backends.origin]",
      'address = "origin.example.com"',
      "port = 443",
      "[setup.config_stores.settings.items.mode]",
      'value = "on"',
      "[setup.kv_stores.values.items.greeting]",
      'value = "hello"',
      "[setup.secret_stores.secrets]",
      "",
    ].join("\n");
    const file = join(home, "app.tar.gz");
    await writeFile(join(home, "fastly.toml"), manifest);
    await writeFile(file, await packageArchive({ manifest }));
    const deploy = ["compute", "deploy", "--package", file, "--domain", "app.example.com"];
    await run(...deploy, "--status-check-off");
    const [service] = edge.compute.values();
    expect(service).toMatchObject({ version: 1, domains: ["app.example.com"] });
    const origin = { host: "origin.example.com", port: 443, ssl: true, hostHeader: "origin.example.com" };
    expect(service?.content.backends.get("origin")).toMatchObject(origin);
    expect(service?.content.configStores.get("settings")?.get("mode")).toBe("on");
    const greeting = await service?.content.kvStores.get("values")?.get("greeting");
    expect(Buffer.from(greeting?.value ?? []).toString()).toBe("hello");
    expect(service?.content.secretStores.has("secrets")).toBe(true);
  });

  test("reads, changes and removes what is in stores", { timeout: 180_000 }, async () => {
    const { run, call, home } = await session();
    const made = await call("POST", "/resources/stores/config", { form: { name: "settings" } });
    const config = ["--store-id", String(field(made.json, "id"))];
    const entry = ["config-store-entry"];
    await run(...entry, "update", ...config, "--key", "a", "--value", "1", "--upsert");
    expect(await run(...entry, "describe", ...config, "--key", "a")).toContain("1");
    expect(await run(...entry, "list", ...config)).toContain("a");
    await run(...entry, "delete", ...config, "--all", "--auto-yes");
    expect(await run("config-store", "describe", ...config, "--metadata")).toContain("0");
    await run("config-store", "update", ...config, "--name", "renamed");
    expect(await run("config-store", "list")).toContain("renamed");
    await run("config-store", "delete", ...config);
    const kv = await call("POST", "/resources/stores/kv", { json: { name: "values" } });
    const store = ["--store-id", String(field(kv.json, "id"))];
    await writeFile(
      join(home, "batch.json"),
      '{"key":"x","value":"VkFMVUU="}\n{"key":"y","value":"VkFMVUU="}\n',
    );
    await run("kv-store-entry", "create", ...store, "--file", join(home, "batch.json"));
    expect(await run("kv-store-entry", "list", ...store)).toMatch(/x[^]*y/);
    expect(await run("kv-store-entry", "get", ...store, "--key", "x")).toContain("VALUE");
    expect(await run("kv-store-entry", "describe", ...store, "--key", "x")).toContain("x");
    await run("kv-store-entry", "delete", ...store, "--all", "--auto-yes");
    expect(await run("kv-store", "list")).toContain("values");
    await run("kv-store", "delete", ...store);
    const secrets = await call("POST", "/resources/stores/secret", { json: { name: "secrets" } });
    const secret = ["--store-id", String(field(secrets.json, "id"))];
    await writeFile(join(home, "secret.txt"), "hush");
    await run("secret-store-entry", "create", ...secret, "--name", "key", "--file", join(home, "secret.txt"));
    expect(await run("secret-store-entry", "list", ...secret)).toContain("key");
    expect(await run("secret-store-entry", "describe", ...secret, "--name", "key")).toContain("Digest");
    await run("secret-store-entry", "delete", ...secret, "--name", "key");
    expect(await run("secret-store", "list")).toContain("secrets");
    await run("secret-store", "delete", ...secret);
  });
});
