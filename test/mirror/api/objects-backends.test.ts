import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LogFiles } from "../../../src/mirror/edge/log-files.ts";
import { formattedLine } from "../../../src/mirror/edge/log-line.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import type { ScriptedServer } from "../../support/scripted-server.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { field, startApi } from "./api-fixture.ts";
import { addressOf, startWhole } from "./whole-fixture.ts";

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}

async function named(name: string): Promise<ScriptedServer> {
  return startScriptedServer(() => ({ body: name, headers: { "cache-control": "no-store" } }));
}

describe("directors", () => {
  test("of type hash send one URL to one backend, and every backend gets some", async () => {
    const whole = await startWhole();
    const { add, activate, visit } = whole;
    const servers = await Promise.all(["one", "two"].map(named));
    await add("director", { name: "my pool", type: "3", quorum: "0" });
    for (const [i, server] of servers.entries()) {
      await add("backend", { name: `b${i}`, ...addressOf(server), request_condition: "pool" });
      await add(`director/my%20pool/backend/b${i}`, {});
    }
    await add("condition", { name: "pool", type: "REQUEST", statement: 'req.url ~ "^/pool"' });
    await activate();
    const paths = Array.from({ length: 24 }, (_, i) => `/pool/${i}`);
    const first = await Promise.all(paths.map(async (path) => (await visit(path, {}, "POST")).text));
    const second = await Promise.all(paths.map(async (path) => (await visit(path, {}, "POST")).text));
    expect(second).toEqual(first);
    expect(new Set(first)).toEqual(new Set(["one", "two"]));
    expect((await visit("/else")).text).toBe("body of /else");
  });

  test("of type client send one identity to one backend, whatever the address", async () => {
    const { add, activate, visit } = await startWhole();
    const servers = await Promise.all(["one", "two"].map(named));
    await add("director", { name: "by client", type: "4", quorum: "0" });
    for (const [i, server] of servers.entries()) {
      await add("backend", { name: `b${i}`, ...addressOf(server), request_condition: "all" });
      await add(`director/by%20client/backend/b${i}`, {});
    }
    await add("condition", { name: "all", type: "REQUEST", statement: "true" });
    const content = "set client.identity = req.http.X-User;";
    await add("snippet", { name: "identity", type: "recv", content });
    await activate();
    const users = Array.from({ length: 16 }, (_, i) => ({ "x-user": `user ${i}` }));
    const ask = async (path: string): Promise<string[]> =>
      Promise.all(users.map(async (user) => (await visit(path, user)).text));
    const first = await ask("/first");
    expect(new Set(first)).toEqual(new Set(["one", "two"]));
    expect(await ask("/second")).toEqual(first);
    const nameless = await Promise.all(["/a", "/b", "/c"].map(async (path) => (await visit(path)).text));
    expect(new Set(nameless).size).toBe(1);
  });

  test("stand inside directors: the inner one is left when all of its own are sick", async () => {
    const { add, activate, visit } = await startWhole();
    const sick = await startScriptedServer(() => ({ status: 500, body: "sick" }));
    const check = {
      name: "up",
      path: "/up",
      initial: "0",
      threshold: "1",
      window: "1",
      check_interval: "60000",
    };
    await add("healthcheck", check);
    for (const name of ["i1", "i2"]) await add("backend", { name, ...addressOf(sick), healthcheck: "up" });
    const content = `director inner random { { .backend = F_i1; .weight = 1; } { .backend = F_i2; .weight = 1; } }
director outer fallback { { .backend = inner; } { .backend = F_origin; } }`;
    await add("snippet", { name: "directors", type: "init", content });
    await add("snippet", {
      name: "choice",
      type: "recv",
      priority: "200",
      content: "set req.backend = outer;",
    });
    await activate();
    const main = await visit("/page");
    expect([main.status, main.text]).toEqual([200, "body of /page"]);
  });

  test("go on with another backend when one refuses, until the quorum is lost", async () => {
    const { add, activate, visit, call, id } = await startWhole();
    await add("backend", { name: "closed", address: "127.0.0.1", port: "1" });
    await add("director", { name: "d", type: "1", quorum: "0", retries: "5" });
    for (const name of ["origin", "closed"]) await add(`director/d/backend/${name}`, {});
    await activate();
    for (let i = 0; i < 6; i += 1) expect((await visit(`/${i}`)).status).toBe(200);
    const { text } = await call("GET", `/service/${id}/version/1/generated_vcl`);
    expect(text).toContain("director d random {");
    expect(text).toContain("set req.backend = d;");
  });

  test("list their backends, and lose those that are deleted", async () => {
    const { add, call, id } = await startWhole();
    const version = `/service/${id}/version/1`;
    expect((await add("director", { name: "d" })).json).toMatchObject({
      type: 1,
      quorum: 75,
      retries: 5,
      capacity: 100,
      shield: null,
      backends: [],
    });
    const link = await add("director/d/backend/origin", {});
    expect(link.json).toMatchObject({ director_name: "d", backend_name: "origin", version: 1 });
    expect((await call("POST", `${version}/director/d/backend/origin`)).status).toBe(409);
    expect((await call("POST", `${version}/director/d/backend/none`)).status).toBe(404);
    const renamed = await call("PUT", `${version}/backend/origin`, { form: { name: "renamed" } });
    expect(renamed.status).toBe(200);
    const listed = await call("GET", `${version}/director`);
    expect(listed.json).toMatchObject([{ backends: ["renamed"] }]);
    await call("DELETE", `${version}/backend/renamed`);
    const gone = await call("GET", `${version}/director/d/backend/renamed`);
    expect(gone.json).toEqual({
      msg: "Record not found",
      detail: `Couldn't find DirectorBackend '{ backend => renamed, deleted => 0000-00-00 00:00:00, director => d, service => ${id}, version => 1 }'`,
    });
    expect((await call("GET", `${version}/director/d`)).json).toMatchObject({ backends: [] });
  });
});

describe("health checks", () => {
  test("probe as they say, make a backend sick, and stay known over a changed ACL", async () => {
    let healthy = true;
    const whole = await startWhole({
      answer: ({ url }) => (url === "/up" ? { status: healthy ? 204 : 500 } : { body: "page" }),
    });
    const { add, activate, visit, clock, origin, call, id } = whole;
    const times = { check_interval: "1000", timeout: "500", window: "4", threshold: "3", initial: "3" };
    const probe = { method: "GET", path: "/up", host: "probe.example", expected_response: "204" };
    await add("healthcheck", { name: "check", ...probe, ...times, headers: '["X-Probe: 1"]' });
    const form = { healthcheck: "check" };
    await call("PUT", `/service/${id}/version/1/backend/origin`, { form });
    const acl = await add("acl", { name: "friends" });
    await activate();
    const probes = (): number => origin.seen.filter((seen) => seen.url === "/up").length;
    const pass = async (): Promise<void> => {
      const before = probes();
      clock.advance(1000);
      await until(() => Promise.resolve(probes() > before && clock.sleeping > 0));
    };
    await until(() => Promise.resolve(probes() > 0 && clock.sleeping > 0));
    expect(origin.seen[0]).toMatchObject({
      method: "GET",
      headers: { host: "probe.example", "x-probe": "1" },
    });
    expect((await visit("/a")).status).toBe(200);
    healthy = false;
    for (let i = 0; i < 4; i += 1) await pass();
    const sick = await visit("/b");
    expect([sick.status, sick.text.includes("All backends failed or unhealthy")]).toEqual([503, true]);
    const entry = `/service/${id}/acl/${String(field(acl.json, "id"))}/entry`;
    expect((await call("POST", entry, { form: { ip: "192.0.2.1" } })).status).toBe(200);
    expect((await visit("/c")).status).toBe(503);
    healthy = true;
    for (let i = 0; i < 4; i += 1) await pass();
    await until(async () => (await visit("/d")).status === 200);
  });

  test("are refused when their request would be more than one", async () => {
    const { call, id } = await startWhole();
    const path = `/service/${id}/version/1/healthcheck`;
    const wrong = [
      { name: "h", path: "/a HTTP/1.1" },
      { name: "h", method: "get it" },
      { name: "h", headers: '["no colon"]' },
    ];
    for (const form of wrong) expect((await call("POST", path, { form })).status).toBe(400);
  });
});

describe("logging endpoints", () => {
  const FORMAT = '%h %l %u %t "%r" %>s %b "%{Referer}i" %{resp.http.Content-Type}V %{X-None}o 100%%';

  test("of every kind get their formatted line into their own file", async () => {
    const { add, activate, visit, logged, dir, id, clock } = await startWhole();
    await add("logging/s3", { name: "access log", format: FORMAT, bucket_name: "b" });
    await add("condition", { name: "errors", type: "RESPONSE", statement: "resp.status >= 400" });
    await add("logging/syslog", { name: "errors", address: "127.0.0.1", response_condition: "errors" });
    await add("logging/kafka", { name: "silent", placement: "none", topic: "t", brokers: "b" });
    await add("logging/splunk", { name: "old", url: "https://x", format: "%m %U", format_version: "1" });
    const own =
      'log "syslog " req.service_id " silent :: by hand " req.url;\nlog "syslog " req.service_id " nobody :: x";';
    await add("snippet", { name: "own", type: "log", content: own });
    await activate();
    await visit("/a?b", { referer: "https://r.example/" });
    const files = new LogFiles({ dir: join(dir, "logs"), onFault: (error) => expect(error).toBeUndefined() });
    files.open(id, [
      { name: "access log", format: "classic" },
      { name: "errors", format: "blank" },
      { name: "silent", format: "blank" },
      { name: "old", format: "blank" },
    ]);
    for (const line of logged) files.write(line);
    await files.flush();
    const read = (name: string): Promise<string> => readFile(join(dir, "logs", id, name), "utf8");
    const day = new Date(clock.now()).toUTCString().slice(5, 16).replaceAll(" ", "/");
    const line = `127.0.0.1 - - [${day}:00:00:00 +0000] "GET /a?b HTTP/1.1" 200 12 "https://r.example/" text/plain (null) 100%\n`;
    const names = logged.map((entry) => entry.line.split(" :: ")[0]);
    expect(names).toEqual([
      `syslog ${id} old`,
      `syslog ${id} silent`,
      `syslog ${id} nobody`,
      `syslog ${id} access log`,
    ]);
    expect(await read("silent.log")).toBe("by hand /a?b\n");
    expect(await read("old.log")).toBe("GET /a\n");
    await expect(read("nobody.log")).rejects.toThrow("ENOENT");
    await expect(read("errors.log")).rejects.toThrow("ENOENT");
    expect(logged.at(-1)?.line).toBe(`syslog ${id} access log :: ${line.trimEnd()}`);
  });

  test("say how their lines begin, and the files have them so", async () => {
    const { call, service, edge } = await startApi();
    const id = await service();
    const kinds = [
      ["syslog", { name: "by default", address: "a.example" }],
      ["https", { name: "plain", url: "https://a.example" }],
      ["sumologic", { name: "structured", url: "https://a.example", message_type: "loggly" }],
      ["s3", { name: "counted", bucket_name: "b", message_type: "logplex" }],
      ["kafka", { name: "no choice", topic: "t", brokers: "b" }],
    ] as const;
    for (const [kind, form] of kinds) {
      const made = await call("POST", `/service/${id}/version/1/logging/${kind}`, { form });
      expect(made.status).toBe(200);
    }
    await call("PUT", `/service/${id}/version/1/activate`);
    const endpoints = edge.active.get(id)?.logEndpoints ?? [];
    const at = Date.UTC(2016, 6, 4, 22, 37, 26);
    const lines = endpoints.map(({ name, format }) => {
      const line = formattedLine(format, "text", { at, pop: "SJC", endpoint: name });
      return [name, line];
    });
    expect(Object.fromEntries(lines)).toEqual({
      "by default": "<134>2016-07-04T22:37:26Z cache-sjc by_default[1]: text",
      plain: "text",
      structured: '<134>1 2016-07-04T22:37:26Z cache-sjc structured 1 - [tag="fastly"] text',
      counted: "54 <134>1 2016-07-04T22:37:26Z cache-sjc counted 1 - text",
      "no choice": "text",
    });
    const dir = await tempDir();
    const files = new LogFiles({ dir, onFault: (error) => expect(error).toBeUndefined() });
    files.open(id, endpoints);
    files.write({ service: id, pop: "SJC", at, line: `syslog ${id} counted :: text` });
    await files.flush();
    expect(await readFile(join(dir, id, "counted.log"), "utf8")).toBe(
      "54 <134>1 2016-07-04T22:37:26Z cache-sjc counted 1 - text\n",
    );
  });

  test("a format that is none keeps a version from being activated", async () => {
    const { add, call, id } = await startWhole();
    await add("logging/datadog", { name: "dd", token: "t", format: "%h %Z" });
    const { text } = await call("PUT", `/service/${id}/version/1/activate`);
    expect(text).toContain("syslog 'dd': '%Z' at 3 of the format is no directive");
  });

  test("files are set aside at their bound, and only so many are kept", async () => {
    const dir = await tempDir();
    const faults: unknown[] = [];
    const files = new LogFiles({ dir, maxFileBytes: 100, onFault: (error) => void faults.push(error) });
    files.open("S", [{ name: "e", format: "blank" }]);
    for (let i = 0; i < 40; i += 1) {
      files.write({
        service: "S",
        pop: "LHR",
        at: 0,
        line: `syslog S e :: line ${i} ${"x".repeat(20)}\nsecond`,
      });
      await files.flush();
    }
    const last = await readFile(join(dir, "S", "e.log"), "utf8");
    expect(last).toContain("line 39");
    expect(last.split("\n").every((line) => line === "" || line.startsWith("line "))).toBe(true);
    for (const n of [1, 2, 3])
      expect((await readFile(join(dir, "S", `e.log.${n}`))).length).toBeLessThan(140);
    await expect(readFile(join(dir, "S", "e.log.4"))).rejects.toThrow("ENOENT");
    expect(faults).toEqual([]);
  });
});
