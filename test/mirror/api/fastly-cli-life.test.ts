import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LOGGING_NAMES } from "../../../src/mirror/api/logging-names.ts";
import { runFastlyCli, whyNoFastlyCli } from "../../support/fastly-cli.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { field, TOKEN } from "./api-fixture.ts";
import { addressOf, startWhole } from "./whole-fixture.ts";

async function whyNot(): Promise<string | undefined> {
  const home = await mkdtemp(join(tmpdir(), "sitefleet-"));
  try {
    return await whyNoFastlyCli(home);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

const unavailable = await whyNot();
if (unavailable !== undefined)
  process.stderr.write(`skipped: the Fastly CLI does not run here: ${unavailable}\n`);

/** What the CLI calls kinds that have another name in the API, and those it has no command for. */
const CLI_NAMES: Readonly<Record<string, string>> = { pubsub: "googlepubsub" };
const NOT_IN_CLI = new Set<string>(["logentries"]);
/** Flags without which the CLI asks no API. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  kinesis: ["--access-key", "k", "--secret-key", "s"],
  s3: ["--access-key", "k", "--secret-key", "s", "--bucket", "b"],
};

/** Objects that the CLI has no commands for, as go-fastly and so Terraform's provider send them. */
const OTHER_OBJECTS: readonly (readonly [kind: string, form: Readonly<Record<string, string>>])[] = [
  [
    "header",
    { name: "hsts", type: "response", action: "set", dst: "http.X-Made", src: '"by header"', priority: "10" },
  ],
  ["request_settings", { name: "xff", xff: "append", max_stale_age: "60" }],
  ["cache_settings", { name: "long", ttl: "900", cache_condition: "" }],
  ["gzip", { name: "text", content_types: "text/plain", extensions: "txt" }],
  ["response_object", { name: "teapot", status: "418", content: "short", request_condition: "is tea" }],
  ["director", { name: "pool", type: "1", quorum: "0" }],
  ["director/pool/backend/second", {}],
];

describe.skipIf(unavailable !== undefined)("the official CLI, through the life of a service", () => {
  test("with every kind of object, each of them at work at the edge", { timeout: 600_000 }, async () => {
    const { api, add, call, id, visit, origin, logged } = await startWhole();
    const home = await tempDir();
    const run = async (...args: string[]): Promise<string> => {
      const { code, out } = await runFastlyCli({ home, endpoint: api.url, token: TOKEN }, args);
      if (code !== 0) throw new Error(`fastly ${args.join(" ")}: exit ${code}\n${out}`);
      return out;
    };
    const one = ["--service-id", id];
    const at = [...one, "--version", "1"];
    const file = async (name: string, content: string): Promise<string> => {
      await writeFile(join(home, name), content);
      return join(home, name);
    };

    expect(await run("service", "search", "--name", "whole")).toContain(id);
    await run("service", "domain", "create", ...at, "--name", "*.example.org");
    expect(await run("service", "domain", "validate", ...at, "--all")).toContain("*.example.org");
    const probe = ["--name", "up", "--path", "/up", "--initial", "3", "--threshold", "3"];
    await run("service", "healthcheck", "create", ...at, ...probe, "--window", "5");
    const condition = ["service", "vcl", "condition", "create", ...at];
    await run(...condition, "--name", "is tea", "--statement", 'req.url == "/tea"', "--type", "REQUEST");
    await run(
      ...condition,
      "--name",
      "second",
      "--statement",
      'req.url ~ "^/second"',
      "--type",
      "REQUEST",
      "--priority",
      "7",
    );
    expect(await run("service", "vcl", "condition", "list", ...at)).toContain("is tea");
    const { address, port } = addressOf(origin);
    const backend = [
      "--name",
      "second",
      "--address",
      address,
      "--port",
      port,
      "--request-condition",
      "second",
    ];
    await run("service", "backend", "create", ...at, ...backend, "--healthcheck", "up");
    await run("service", "acl", "create", ...at, "--name", "blocked");
    await run("service", "dictionary", "create", ...at, "--name", "words");
    const snippets: readonly (readonly [type: string, content: string, dynamic: boolean])[] = [
      [
        "recv",
        'if (req.http.X-Ip && std.ip(req.http.X-Ip, "192.0.2.1") ~ blocked) { error 403 "Blocked"; }',
        false,
      ],
      ["deliver", 'set resp.http.X-Word = table.lookup(words, "greeting", "none");', false],
      ["error", 'set obj.http.X-Dynamic = "one";', true],
      ["log", 'log "syslog " req.service_id " cli-https :: by hand";', false],
    ];
    for (const [type, content, dynamic] of snippets) {
      const path = await file(`${type}.vcl`, content);
      const flags = ["--name", `${type} snippet`, "--type", type, "--content", path, "--priority", "50"];
      await run("service", "vcl", "snippet", "create", ...at, ...flags, ...(dynamic ? ["--dynamic"] : []));
    }
    for (const name of LOGGING_NAMES.filter((kind) => !NOT_IN_CLI.has(kind))) {
      const command = ["service", "logging", CLI_NAMES[name] ?? name];
      await run(...command, "create", ...at, "--name", `cli-${name}`, ...(NEEDED[name] ?? []));
      if (name === "syslog") {
        await run(...command, "update", ...at, "--name", `cli-${name}`, "--format", "%m %U %>s");
        expect(await run(...command, "list", ...at)).toContain("cli-syslog");
        expect(await run(...command, "describe", ...at, "--name", "cli-syslog")).toContain("%m %U %>s");
      }
    }
    for (const [kind, form] of OTHER_OBJECTS) await add(kind, form);

    expect(await run("service", "version", "validate", ...at)).toContain("is valid");
    expect(await run("service", "version", "activate", ...at)).toContain("Activated");
    expect(await run("service", "describe", ...one)).toMatch(/Active version:\s+Number: 1/);
    expect(await run("service", "vcl", "describe", ...at)).toContain("director pool random");

    const page = await visit("/a.txt", { "accept-encoding": "gzip" });
    expect(page.headers).toMatchObject({
      "x-made": "by header",
      "x-word": "none",
      "content-encoding": "gzip",
    });
    expect((await visit("/tea")).status).toBe(418);
    expect((await visit("/second", { host: "any.example.org" })).text).toBe("body of /second");
    expect(origin.seen.some((seen) => seen.url === "/up")).toBe(true);
    expect(origin.seen.find((seen) => seen.url === "/a.txt")?.headers["x-forwarded-for"]).toBe("127.0.0.1");
    const lines = logged.map(({ line }) => line);
    expect(lines).toContain(`syslog ${id} cli-https :: by hand`);
    expect(lines).toContain(`syslog ${id} cli-syslog :: GET /a.txt 200`);

    const dictionary = await call("GET", `/service/${id}/version/1/dictionary/words`);
    const entries = ["service", "dictionary-entry"];
    const inDictionary = [...one, "--dictionary-id", String(field(dictionary.json, "id"))];
    const batch = { items: [{ op: "upsert", item_key: "greeting", item_value: "hello" }] };
    await run(
      ...entries,
      "update",
      ...inDictionary,
      "--file",
      await file("items.json", JSON.stringify(batch)),
    );
    expect((await visit("/a.txt")).headers["x-word"]).toBe("hello");
    const acl = await call("GET", `/service/${id}/version/1/acl/blocked`);
    const inAcl = [...one, "--acl-id", String(field(acl.json, "id"))];
    await run("service", "acl-entry", "create", ...inAcl, "--ip", "198.51.100.0", "--subnet", "24");
    const blocked = await visit("/b", { "x-ip": "198.51.100.9" });
    expect([blocked.status, blocked.headers["x-dynamic"]]).toEqual([403, "one"]);
    const changed = await file("dynamic.vcl", 'set obj.http.X-Dynamic = "two";');
    const dynamic = await call("GET", `/service/${id}/version/1/snippet/error%20snippet`);
    const content = ["--snippet-id", String(field(dynamic.json, "id")), "--dynamic", "--content", changed];
    await run("service", "vcl", "snippet", "update", ...at, ...content);
    expect((await visit("/b", { "x-ip": "198.51.100.9" })).headers["x-dynamic"]).toBe("two");

    await run("service", "version", "clone", ...at);
    await run(
      "service",
      "vcl",
      "condition",
      "update",
      ...one,
      "--version",
      "2",
      "--name",
      "is tea",
      "--statement",
      'req.url == "/coffee"',
    );
    await run("service", "version", "activate", ...one, "--version", "2");
    expect([(await visit("/tea")).status, (await visit("/coffee")).status]).toEqual([200, 418]);
    await run("service", "version", "activate", ...at);
    expect((await visit("/tea")).status).toBe(418);

    await run("domain", "create", "--fqdn", "shop.example.net", "--service-id", id);
    expect(await run("domain", "list")).toContain("shop.example.net");
    expect((await visit("/shop", { host: "shop.example.net" })).status).toBe(200);
    await run("products", ...one, "--enable", "brotli_compression");
    expect(await run("products", ...one)).toMatch(/brotli/i);
    expect(await run("pops")).toContain("LHR");
    expect(await run("ip-list")).toContain("127.0.0.0/8");
    expect(await run("tls-config", "list")).toContain("sitefleet mirror");
    expect(await run("tls-subscription", "list")).not.toContain("rror");
    await run("service", "purge", ...one, "--all");
    await run("service", "version", "deactivate", ...at);
    expect((await visit("/a.txt")).status).toBe(500);
    await run("service", "delete", ...one, "--force");
    expect(await run("service", "list")).not.toContain(id);
  });
});
