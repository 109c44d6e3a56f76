import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LOGGING_NAMES } from "../../../src/mirror/api/logging-names.ts";
import { runFastlyCli, runTogether, hasFastlyCli } from "../../support/fastly-cli.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { field, TOKEN } from "./api-fixture.ts";
import { addressOf, startWhole } from "./whole-fixture.ts";

const available = await hasFastlyCli();

/** Flags without which the CLI asks no API, by the name of its command. */
const LOGGING_FLAGS: Readonly<Record<string, readonly string[]>> = {
  syslog: ["--format", "%m %U %>s"],
  kinesis: ["--access-key", "k", "--secret-key", "s"],
  s3: ["--access-key", "k", "--secret-key", "s", "--bucket", "b"],
};

/** Kinds of logging endpoints as the CLI calls them; it has no command for the oldest. */
const LOGGING = LOGGING_NAMES.filter((name) => name !== "logentries").map((name) =>
  name === "pubsub" ? "googlepubsub" : name,
);

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
];

describe.skipIf(!available)("the official CLI, through the life of a service", () => {
  test("with objects of every sort, each of them at work at the edge", { timeout: 600_000 }, async () => {
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
    const condition = (name: string, statement: string) => async (): Promise<unknown> => {
      const flags = ["--name", name, "--statement", statement, "--type", "REQUEST", "--priority", "7"];
      return run("service", "vcl", "condition", "create", ...at, ...flags);
    };
    const snippet =
      (type: string, content: string, ...flags: string[]) =>
      async (): Promise<unknown> => {
        const named = ["--name", `${type} snippet`, "--type", type, "--priority", "50"];
        const path = await file(`${type}.vcl`, content);
        return run("service", "vcl", "snippet", "create", ...at, ...named, "--content", path, ...flags);
      };
    const made = await run("kv-store", "create", "--name", "store", "--json");
    const store = String(field(JSON.parse(made), "StoreID"));
    const { address, port } = addressOf(origin);
    const second = ["--name", "second", "--address", address, "--port", port, "--healthcheck", "up"];
    const probe = ["--name", "up", "--path", "/up", "--initial", "3", "--threshold", "3", "--window", "5"];
    const limit = ["--action", "response", "--client-key", "req.http.X-Client", "--http-methods", "GET,HEAD"];
    const tight = ["--penalty-box-dur", "1", "--rps-limit", "10", "--window-size", "1"];
    const slow = ["--response-status", "429", "--response-content", "slow", "--response-content-type", "a/b"];
    await runTogether([
      () => run("service", "domain", "create", ...at, "--name", "*.example.org"),
      () => run("service", "healthcheck", "create", ...at, ...probe),
      condition("is tea", 'req.url == "/tea"'),
      condition("second", 'req.url ~ "^/second"'),
      () => run("service", "backend", "create", ...at, ...second, "--request-condition", "second"),
      () => run("service", "acl", "create", ...at, "--name", "blocked"),
      () => run("service", "dictionary", "create", ...at, "--name", "words"),
      snippet(
        "recv",
        'if (req.http.X-Ip && std.ip(req.http.X-Ip, "192.0.2.1") ~ blocked) { error 403 "Blocked"; }',
      ),
      snippet("deliver", 'set resp.http.X-Word = table.lookup(words, "greeting", "none");'),
      snippet("error", 'set obj.http.X-Dynamic = "one";', "--dynamic"),
      snippet("log", 'log "syslog " req.service_id " cli-https :: by hand";'),
      ...LOGGING.map((kind) => async (): Promise<unknown> => {
        const flags = LOGGING_FLAGS[kind] ?? [];
        return run("service", "logging", kind, "create", ...at, "--name", `cli-${kind}`, ...flags);
      }),
      () => run("service", "rate-limit", "create", ...at, "--name", "slow down", ...limit, ...slow, ...tight),
      () => run("service", "resource-link", "create", ...at, "--resource-id", store, "--name", "store"),
      ...OTHER_OBJECTS.map(
        ([kind, form]) =>
          async () =>
            add(kind, form),
      ),
    ]);
    await add("director/pool/backend/second", {});

    await runTogether([
      async () =>
        expect(await run("service", "domain", "validate", ...at, "--all")).toContain("*.example.org"),
      async () => expect(await run("service", "vcl", "condition", "list", ...at)).toContain("is tea"),
      async () => expect(await run("service", "rate-limit", "list", ...at)).toContain("slow down"),
      async () => expect(await run("service", "resource-link", "list", ...at)).toContain(store),
      async () => {
        const described = await run(
          "service",
          "logging",
          "syslog",
          "describe",
          ...at,
          "--name",
          "cli-syslog",
        );
        expect(described).toContain("%m %U %>s");
      },
      async () => expect(await run("service", "version", "validate", ...at)).toContain("is valid"),
    ]);
    expect(await run("service", "version", "activate", ...at)).toContain("Activated");
    await runTogether([
      async () => expect(await run("service", "describe", ...one)).toMatch(/Active version:\s+Number: 1/),
      async () => expect(await run("service", "vcl", "describe", ...at)).toContain("director pool random"),
    ]);

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
    for (const kind of LOGGING) {
      const head = `syslog ${id} cli-${kind} :: `;
      expect(lines.find((line) => line.startsWith(head))?.length, kind).toBeGreaterThan(head.length);
    }

    for (let n = 0; n < 10; n += 1) await visit(`/often/${n}`, { "x-client": "often" });
    const often = await visit("/often", { "x-client": "often" });
    expect([often.status, often.text]).toEqual([429, "slow"]);

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
    expect((await visit("/shop", { host: "shop.example.net" })).status).toBe(200);
    await run("products", ...one, "--enable", "brotli_compression");
    await runTogether([
      async () => expect(await run("domain", "list")).toContain("shop.example.net"),
      async () => expect(await run("products", ...one)).toMatch(/brotli/i),
      async () => expect(await run("pops")).toContain("LHR"),
      async () => expect(await run("ip-list")).toContain("127.0.0.0/8"),
      async () => expect(await run("tls-config", "list")).toContain("sitefleet mirror"),
      async () => expect(await run("tls-subscription", "list")).not.toContain("rror"),
    ]);
    await run("service", "purge", ...one, "--all");
    await run("service", "version", "deactivate", ...at);
    expect((await visit("/a.txt")).status).toBe(500);
    await run("service", "delete", ...one, "--force");
    expect(await run("service", "list")).not.toContain(id);
  });
});
