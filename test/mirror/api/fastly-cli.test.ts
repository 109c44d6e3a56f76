import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runFastlyCli, hasFastlyCli } from "../../support/fastly-cli.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { field, startApi, TOKEN } from "./api-fixture.ts";
import type { ApiFixture } from "./api-fixture.ts";

async function cli(home: string, endpoint: string, args: readonly string[]): ReturnType<typeof runFastlyCli> {
  return runFastlyCli({ home, endpoint, token: TOKEN }, args);
}

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
      const { code, out } = await cli(home, fixture.api.url, args);
      if (code !== 0) throw new Error(`fastly ${args.join(" ")}: exit ${code}\n${out}`);
      return out;
    },
  };
}

describe.skipIf(!available)("the official CLI", () => {
  test("creates a service, fills it, validates, activates and purges", { timeout: 120_000 }, async () => {
    const { run, call, edge, home } = await session();
    expect(await run("whoami")).toContain("sitefleet@localhost");
    const created = await run("service", "create", "--name", "from-cli");
    const id = /Created service ([A-Za-z0-9]{22})/.exec(created)?.[1] ?? "";
    const at = ["--service-id", id, "--version", "1"];
    await run("service", "domain", "create", ...at, "--name", "www.example.com");
    const backend = ["service", "backend", "create", ...at, "--name", "origin"];
    await run(...backend, "--address", "127.0.0.1");
    await writeFile(join(home, "main.vcl"), "sub vcl_recv {\n#FASTLY recv\n}\n");
    const upload = ["service", "vcl", "custom", "create", ...at, "--name", "main"];
    await run(...upload, "--content", join(home, "main.vcl"), "--main");
    await run("service", "dictionary", "create", ...at, "--name", "words");
    const dictionary = await call("GET", `/service/${id}/version/1/dictionary/words`);
    const dictionaryId = String(field(dictionary.json, "id"));
    const entry = [
      "service",
      "dictionary-entry",
      "create",
      "--service-id",
      id,
      "--dictionary-id",
      dictionaryId,
    ];
    await run(...entry, "--key", "greeting", "--value", "hello");
    expect(await run("service", "version", "validate", ...at)).toContain("is valid");
    expect(await run("service", "version", "activate", ...at)).toContain("Activated");
    expect(edge.active.get(id)).toMatchObject({ version: 1, domains: ["www.example.com"] });
    expect(await run("service", "purge", "--service-id", id, "--key", "s:shop")).toContain("Status: ok");
    expect(await run("service", "purge", "--service-id", id, "--all")).toContain("ok");
    await run("service", "purge", "--service-id", id, "--url", "https://www.example.com/a?b=1", "--soft");
    expect(edge.purges).toEqual([
      { serviceId: id, scope: { kind: "keys", keys: ["s:shop"] }, soft: false },
      { serviceId: id, scope: { kind: "all" }, soft: false },
      {
        serviceId: id,
        scope: { kind: "url", host: "www.example.com", pathAndQuery: "/a?b=1" },
        soft: true,
      },
    ]);
    const secure = ["service", "backend", "create", "--service-id", id, "--version", "active", "--autoclone"];
    await run(...secure, "--name", "tls", "--address", "example.com", "--use-ssl");
    const tls = await call("GET", `/service/${id}/version/2/backend/tls`);
    expect(tls.json).toMatchObject({ port: 443, use_ssl: true, ssl_sni_hostname: "example.com" });
    const stored = await call("GET", `/service/${id}/version/1/vcl/main/download`);
    expect(stored.text).toContain("#FASTLY recv");
  });

  test("clones, lists, describes and rolls back", { timeout: 120_000 }, async () => {
    const { run, edge, service, home } = await session();
    const id = await service("existing");
    const one = ["--service-id", id];
    await run("service", "version", "activate", ...one, "--version", "1");
    await run("service", "version", "clone", ...one, "--version", "active");
    await writeFile(join(home, "snippet.vcl"), 'set req.http.X = "1";');
    const snippet = ["service", "vcl", "snippet", "create", ...one, "--version", "latest", "--name", "s"];
    await run(...snippet, "--type", "recv", "--content", join(home, "snippet.vcl"));
    await run("service", "healthcheck", "create", ...one, "--version", "latest", "--name", "h");
    await run("service", "acl", "create", ...one, "--version", "latest", "--name", "friends");
    await run("service", "version", "activate", ...one, "--version", "2");
    expect(edge.active.get(id)?.version).toBe(2);
    await run("service", "version", "activate", ...one, "--version", "1");
    expect(edge.active.get(id)?.version).toBe(1);
    expect(await run("service", "list")).toContain("existing");
    expect(await run("service", "describe", ...one)).toContain(id);
    expect(await run("service", "version", "list", ...one)).toMatch(/2/);
  });

  test("shows the API's own words when something is wrong", { timeout: 60_000 }, async () => {
    const { api, home, service, call } = await session();
    const id = await service("broken");
    const form = { name: "main", content: "\n BROKEN", main: "1" };
    await call("POST", `/service/${id}/version/1/vcl`, { form });
    const at = ["--service-id", id, "--version", "1"];
    const invalid = await cli(home, api.url, ["service", "version", "validate", ...at]);
    expect(invalid.out).toContain("at: (main Line 2 Pos 2)");
    const refused = await cli(home, api.url, ["service", "version", "activate", ...at]);
    expect(refused.code).not.toBe(0);
    expect(refused.out).toContain("Unexpected BROKEN");
  });
});
