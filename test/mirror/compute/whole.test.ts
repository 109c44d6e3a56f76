import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Agent, request } from "undici";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { startMirror } from "../../../src/mirror/mirror.ts";
import type { Mirror } from "../../../src/mirror/mirror.ts";
import { EDGE_SETTINGS_FORMAT, EDGE_SETTINGS_ITEM, EDGE_STORES } from "../../../src/site/edge-settings.ts";
import { archiveOf, formOf, packageArchive } from "../../support/compute-package.ts";
import { tempDir } from "../../support/temp-dir.ts";

interface Whole {
  readonly stateDir: string;
  readonly mirror: Mirror;
  readonly call: (method: "POST" | "PUT", path: string, body: Body) => Promise<string>;
  readonly ask: (path: string) => Promise<{ readonly status: number; readonly text: string }>;
}

type Body = Readonly<Record<string, string>> | { readonly json: unknown } | ReturnType<typeof formOf>;

/** A mirror as people run it, with a client of its API and a visitor over TLS. */
async function startWhole(): Promise<Whole> {
  const stateDir = await tempDir();
  const ports = { edge: 0, edgeTls: 0, api: 0, s3: 0 };
  const mirror = await startMirror({ stateDir, ports, clock: systemClock, pid: process.pid });
  const { api, edge } = mirror.file;
  const ca = await readFile(edge.ca, "utf8");
  const dispatcher = new Agent({ connect: { ca, servername: "www.example.com" } });
  onTestFinished(async () => {
    await dispatcher.close();
    await mirror.close();
  });
  return {
    stateDir,
    mirror,
    async call(method, path, given) {
      const { type, body } = encoded(given);
      const headers = { "fastly-key": api.token, "content-type": type };
      const answer = await request(`${api.url}${path}`, { method, headers, body });
      const text = await answer.body.text();
      expect([200, 201], `${path}: ${text}`).toContain(answer.statusCode);
      const json: unknown = JSON.parse(text);
      return typeof json === "object" && json !== null && "id" in json ? String(json.id) : "";
    },
    async ask(path) {
      const headers = { host: "www.example.com" };
      const answer = await request(`${edge.https}${path}`, { dispatcher, headers });
      return { status: answer.statusCode, text: await answer.body.text() };
    },
  };
}

function encoded(given: Body): { readonly type: string; readonly body: string | Buffer } {
  if ("bytes" in given && Buffer.isBuffer(given.bytes)) {
    const type = formOf(Buffer.alloc(0)).headers["content-type"];
    return { type, body: given.bytes };
  }
  if ("json" in given && typeof given.json === "object") {
    return { type: "application/json", body: JSON.stringify(given.json) };
  }
  return {
    type: "application/x-www-form-urlencoded",
    body: new URLSearchParams({ ...Object(given) }).toString(),
  };
}

async function ownPackage(): Promise<Buffer> {
  const manifest = [
    "manifest_version = 3",
    'name = "sitefleet"',
    'language = "javascript"',
    "[sitefleet]",
    "mirror_only = true",
    "",
  ].join("\n");
  return archiveOf([
    { name: "sitefleet/", type: "directory" },
    { name: "sitefleet/fastly.toml", body: manifest },
  ]);
}

test("A Compute service that the API was given answers with the app, by its linked stores, and logs to its endpoint's file", async () => {
  const { call, ask, mirror, stateDir } = await startWhole();
  const id = await call("POST", "/service", { name: "app", type: "wasm" });
  const at = `/service/${id}/version/1`;
  await call("POST", `${at}/domain`, { name: "www.example.com" });
  await call("PUT", `${at}/package`, formOf(await ownPackage()));
  await call("POST", `${at}/logging/https`, { name: "visits", url: "https://logs.example.com" });
  for (const name of ["config", "hosting"]) {
    await call("POST", `${at}/backend`, {
      name,
      address: "127.0.0.1",
      port: mirror.file.s3.url.split(":")[2] ?? "",
    });
  }
  const config = await call("POST", "/resources/stores/config", { name: "settings of app" });
  const secret = await call("POST", "/resources/stores/secret", { json: { name: "secrets-of-app" } });
  await call("POST", `${at}/resource`, { resource_id: config, name: EDGE_STORES.settings });
  await call("POST", `${at}/resource`, { resource_id: secret, name: EDGE_STORES.secrets });
  await call("PUT", `${at}/activate`, {});
  const refused = await ask("/");
  expect(refused.status).toBeGreaterThanOrEqual(500);
  const { edgeKey } = mirror.file.s3;
  const secrets = { config_s3_key: edgeKey, hosting_s3_key: edgeKey, config_segment: "segment" };
  for (const [name, value] of Object.entries(secrets)) {
    const json = { name, secret: Buffer.from(value).toString("base64") };
    await call("POST", `/resources/stores/secret/${secret}/secrets`, { json });
  }
  const item_value = JSON.stringify(settingsFor(mirror));
  await call("POST", `/resources/stores/config/${config}/item`, { item_key: EDGE_SETTINGS_ITEM, item_value });
  // From the next request on: nothing was deployed again.
  const unknown = await ask("/");
  expect(unknown.status).toBe(404);
  await mirror.close();
  expect(await readFile(join(stateDir, "logs", id, "visits.log"), "utf8")).toContain("www.example.com");
});

function settingsFor({ file }: Mirror): object {
  const origin = {
    isSecond: false,
    region: file.s3.region,
    tls: false,
    host: file.s3.url.replace("http://", ""),
  };
  return {
    format: EDGE_SETTINGS_FORMAT,
    environment: "local",
    revision: "r1",
    hostSuffixes: [],
    publicPorts: { http: 80, https: 443 },
    hsts: false,
    tlsRedirectStatus: 308,
    ttl: { config: 60, unknownDomain: 10, page: 60, notFound: 10, staleIfError: 600 },
    segmentedExtensions: [],
    rateLimiting: false,
    logEndpoint: "visits",
    httpCache: true,
    origins: [
      { ...origin, backend: "config", bucket: "config", prefix: "/sitefleet-config" },
      { ...origin, backend: "hosting", bucket: "hosting", prefix: "/sitefleet-hosting" },
    ],
  };
}

test("A Compute service of another program is answered by the mirror itself", async () => {
  const { call, ask } = await startWhole();
  const id = await call("POST", "/service", { name: "app", type: "wasm" });
  const at = `/service/${id}/version/1`;
  await call("POST", `${at}/domain`, { name: "www.example.com" });
  await call("PUT", `${at}/package`, formOf(await packageArchive()));
  await call("PUT", `${at}/activate`, {});
  const answer = await ask("/");
  expect([answer.status, answer.text]).toEqual([501, expect.stringContaining("fastly compute serve")]);
});
