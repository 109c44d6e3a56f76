import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { FastlyClient } from "../../src/fastly/client.ts";
import { BACKEND } from "../../src/fastly/objects.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Secret } from "../../src/lib/secret.ts";
import type { CheckResult } from "../../src/setup/doctor/check.ts";
import {
  EDGE_SETTINGS_FORMAT,
  EDGE_SETTINGS_ITEM,
  EDGE_SETTINGS_LIMIT,
  EDGE_STORES,
  edgeSettingsItem,
} from "../../src/site/edge-settings.ts";
import { CONFIG_METADATA } from "../../src/site/metadata.ts";
import { SEGMENT, startFirstTime } from "./first-time-fixture.ts";
import type { FirstTime } from "./first-time-fixture.ts";

/** A Compute service that is deployed, and the API to break it with. */
interface World extends FirstTime {
  readonly client: FastlyClient;
  readonly serviceId: string;
  /** The version that is active. */
  readonly version: number;
  storeId(kind: "config" | "secret", end: string): Promise<string>;
  /** Puts something in place of the active version's settings. */
  putSettings(value: string): Promise<void>;
  settings(): Promise<Record<string, unknown>>;
  /** Changes a copy of the active version by hand and makes it live. */
  byHand(change: (version: number) => Promise<void>): Promise<void>;
}

async function startCompute(change: Parameters<FirstTime["configure"]>[0] = (same) => same): Promise<World> {
  const world = await startFirstTime();
  const { api } = world.mirror.file;
  const configure: FirstTime["configure"] = (more) =>
    world.configure((production) => {
      const { shield: _, ...fastly } = production.fastly;
      return more({ ...production, target: "compute", fastly });
    });
  await configure(change);
  const { code, err } = await world.run(["deploy", "apply", "--create"]);
  if (code !== 0) throw new Error(err);
  const client = new FastlyClient({
    apiUrl: api.url,
    token: new Secret(api.token),
    clock: systemClock,
    signal: new AbortController().signal,
    userAgent: "sitefleet/test",
    onWait: () => undefined,
  });
  const service = await client.findService("first-time");
  const version = service?.versions.find(({ active }) => active)?.number ?? 0;
  const serviceId = service?.id ?? "";
  const storeId: World["storeId"] = async (kind, end) => {
    const name = `sitefleet_first-time_${end}`;
    const { stores } = client;
    const found = kind === "config" ? await stores.findConfigStore(name) : await stores.findSecretStore(name);
    return found?.id ?? "";
  };
  const key = edgeSettingsItem(version);
  return {
    ...world,
    configure,
    client,
    serviceId,
    version,
    storeId,
    async putSettings(value) {
      const put = [{ key, value }];
      await client.stores.changeConfigItems(await storeId("config", "settings"), { put, remove: [] });
    },
    async settings() {
      const text = await client.stores.readConfigItem(await storeId("config", "settings"), key);
      return JSON.parse(text ?? "") as Record<string, unknown>;
    },
    async byHand(edit) {
      const { number } = await client.cloneVersion({ serviceId, version });
      await edit(number);
      await client.activateVersion({ serviceId, version: number });
    },
  };
}

async function doctor(world: FirstTime): Promise<ReadonlyMap<string, CheckResult>> {
  const { out, err } = await world.run(["doctor", "--json"]);
  const { results } = JSON.parse(out) as { readonly results?: readonly CheckResult[] };
  if (results === undefined) throw new Error(`${out}${err}`);
  return new Map(results.map((row) => [row.id, row]));
}

function wrongOf(rows: ReadonlyMap<string, CheckResult>): readonly string[] {
  return [...rows.values()]
    .filter(({ state }) => state === "fail" || state === "warn")
    .map(({ id, state }) => `${state} ${id}`);
}

/** Runs the command that a row says mends it, as somebody would who reads it. */
async function carryOut(world: FirstTime, row: CheckResult | undefined): Promise<void> {
  const { fix = "" } = row?.state === "fail" ? row : {};
  expect(fix).toContain(": sitefleet deploy apply --env production");
  const flags = fix.slice(fix.indexOf(APPLY) + APPLY.length).trim();
  const { code, err } = await world.run(["deploy", "apply", ...(flags === "" ? [] : [flags])]);
  expect([code, err]).toEqual([0, err]);
}

const APPLY = "sitefleet deploy apply --env production";

/** Each of these deploys, and looks several times. */
const LONG = { timeout: 90_000 };

describe("doctor of a Compute service", LONG, () => {
  it("finds nothing wrong after a deploy, says of each part that it looked, and tells no secret", async () => {
    const world = await startCompute();
    const rows = await doctor(world);
    expect(wrongOf(rows)).toEqual([]);
    for (const part of ["package", "stores", "settings", "http-cache", "secrets", "backends"])
      expect([part, rows.get(`compute/${part}`)?.state]).toEqual([part, "ok"]);
    expect(rows.get("fastly/shield")).toMatchObject({
      state: "skipped",
      found: "a Compute service has none",
    });
    expect(rows.get("compute/settings")?.found).toMatch(/^format 1, \d+ of 8000 characters$/);
    expect(rows.get("compute/secrets")?.found).toContain("config_s3_key (");
    expect(JSON.stringify([...rows.values()])).not.toContain("hidden-segment");
  });

  it("names what cannot be read of the settings, or is nearly too long", async () => {
    const world = await startCompute();
    const settings = await world.settings();
    const room = EDGE_SETTINGS_LIMIT - JSON.stringify(settings).length;
    const look = async (id: string): Promise<CheckResult | undefined> => (await doctor(world)).get(id);

    await world.putSettings(JSON.stringify({ ...settings, format: EDGE_SETTINGS_FORMAT + 1 }));
    expect(await look("compute/settings")).toMatchObject({
      state: "fail",
      found: expect.stringContaining(
        `has the format ${EDGE_SETTINGS_FORMAT + 1}, and the app of this program reads ${EDGE_SETTINGS_FORMAT}`,
      ) as string,
      fix: expect.stringContaining(APPLY) as string,
    });
    await world.putSettings("no JSON");
    expect((await look("compute/settings"))?.found).toContain("is not what a deploy writes");
    const { hsts: _, ...rest } = settings;
    await world.putSettings(JSON.stringify(rest));
    expect((await look("compute/settings"))?.found).toContain("lacks hsts");
    await world.putSettings(JSON.stringify({ ...settings, segmentedExtensions: ["x".repeat(room - 200)] }));
    expect(await look("compute/settings")).toMatchObject({ state: "warn" });
    await world.putSettings(JSON.stringify({ ...settings, httpCache: false }));
    expect(await look("compute/http-cache")).toMatchObject({
      state: "fail",
      found: "the edge has false, the settings say true",
    });
  });

  it("names what is missing in the stores, and the deploy that mends all of it", async () => {
    const world = await startCompute();
    const remove = [edgeSettingsItem(world.version), EDGE_SETTINGS_ITEM];
    const store = await world.storeId("config", "settings");
    await world.client.stores.changeConfigItems(store, { put: [], remove });
    await world.client.stores.removeSecret(await world.storeId("secret", "private"), "config_segment");
    const rows = await doctor(world);
    expect(rows.get("compute/settings")).toMatchObject({
      state: "fail",
      fix: `write it: ${APPLY} --overwrite`,
    });
    expect(rows.get("compute/secrets")).toMatchObject({
      state: "fail",
      found: '"sitefleet_first-time_private" lacks config_segment',
      fix: `write them: ${APPLY}`,
    });

    const mended = await world.run(["deploy", "apply", "--overwrite"]);
    expect([mended.code, mended.err]).toEqual([0, mended.err]);
    expect(wrongOf(await doctor(world))).toEqual([]);
  });

  it("names settings that are empty, and the deploy that mends them", async () => {
    const world = await startCompute();
    await world.putSettings("");
    const row = (await doctor(world)).get("compute/settings");
    expect(row).toMatchObject({
      state: "fail",
      found: `the item "${edgeSettingsItem(world.version)}" is empty`,
    });
    await carryOut(world, row);
    expect(wrongOf(await doctor(world))).toEqual([]);
  });

  it.each([
    ["secret", "private", EDGE_STORES.secrets, "compute/secrets", "there is no Secret Store"],
    ["config", "settings", EDGE_STORES.settings, "compute/settings", "there is no Config Store"],
  ] as const)("names a %s store that was deleted, and the deploy that mends it", async (...row) => {
    const [kind, end, link, id, found] = row;
    const world = await startCompute();
    const storeId = await world.storeId(kind, end);
    const { url, token } = world.mirror.file.api;
    const path = `/resources/stores/${kind}/${storeId}`;
    const gone = await fetch(new URL(path, url), { method: "DELETE", headers: { "Fastly-Key": token } });
    expect(gone.ok).toBe(true);
    const rows = await doctor(world);
    expect(rows.get("compute/stores")).toMatchObject({
      state: "fail",
      found: `version ${world.version}: "${link}" is a store that is gone or not this service's (${storeId}), not "sitefleet_first-time_${end}"`,
    });
    expect(rows.get(id)).toMatchObject({ state: "fail", found });
    await carryOut(world, rows.get(id));
    expect(wrongOf(await doctor(world))).toEqual([]);
  });

  it("names a version that lacks a link, and the deploy that mends it", async () => {
    const world = await startCompute();
    await world.byHand((version) =>
      world.client.compute.dropLink({ serviceId: world.serviceId, version }, EDGE_STORES.settings),
    );
    const rows = await doctor(world);
    expect(rows.get("compute/settings")).toMatchObject({ state: "skipped" });
    await carryOut(world, rows.get("compute/stores"));
    expect(wrongOf(await doctor(world))).toEqual([]);
  });

  it("names a config of a codec version that nobody here knows, and what wrote it", async () => {
    const world = await startCompute();
    const { url, region, accessKeyId, secretAccessKey } = world.mirror.file.s3;
    const credentials = { accessKeyId, secretAccessKey };
    const owner = new S3Client({ endpoint: url, region, forcePathStyle: true, credentials });
    const Metadata = { [CONFIG_METADATA.version]: "99", [CONFIG_METADATA.site]: "acme" };
    for (const Bucket of ["first-config", "second-config"]) {
      const Key = `production/production/shop.sites.localhost/${SEGMENT}`;
      await owner.send(new PutObjectCommand({ Bucket, Key, Body: "{}", Metadata }));
    }
    owner.destroy();
    const rows = await doctor(world);
    expect(wrongOf(rows)).toEqual(["fail configs/codec"]);
    expect(rows.get("configs/codec")).toMatchObject({
      found: expect.stringContaining("shop.sites.localhost: codec version 99") as string,
      fix: expect.stringMatching(
        /^update sitefleet to what published them, .*deploy apply --env production$/,
      ) as string,
    });
  });

  it("sees versions changed by hand: a link and a backend that are gone, and a shield", async () => {
    const world = await startCompute();
    await world.byHand((version) =>
      world.client.compute.dropLink({ serviceId: world.serviceId, version }, EDGE_STORES.secrets),
    );
    expect((await doctor(world)).get("compute/stores")).toMatchObject({
      state: "fail",
      found: `version ${world.version + 1}: no store is linked as "${EDGE_STORES.secrets}"`,
      fix: `link them: ${APPLY} --overwrite`,
    });
    await world.byHand(async (version) => {
      const ref = { serviceId: world.serviceId, version };
      const [backend] = await world.client.list(BACKEND, ref);
      if (backend === undefined) throw new Error("there is no backend");
      await world.client.replace(BACKEND, ref, { ...backend, shield: "iad-va-us" });
    });
    expect((await doctor(world)).get("compute/backends")).toMatchObject({
      state: "warn",
      found: expect.stringContaining("(iad-va-us)") as string,
    });
    await world.byHand(async (version) => {
      const ref = { serviceId: world.serviceId, version };
      const [backend] = await world.client.list(BACKEND, ref);
      await world.client.drop(BACKEND, ref, backend?.name ?? "");
    });
    expect((await doctor(world)).get("compute/backends")).toMatchObject({
      state: "fail",
      found: expect.stringContaining("which the app asks") as string,
    });
  });

  it("says what of the settings only VCL does, that no HTTP cache is used, and which purged service is nobody's", async () => {
    const world = await startCompute();
    await world.configure((production) => ({
      ...production,
      compute: { httpCache: false },
      fastly: {
        ...production.fastly,
        shield: "iad-va-us",
        alsoPurge: ["NobodysService", world.serviceId],
      },
    }));
    const rows = await doctor(world);
    expect(rows.get("compute/without-effect")).toMatchObject({
      state: "warn",
      found: expect.stringContaining("`fastly.shield`") as string,
    });
    expect(rows.get("compute/http-cache")?.state).toBe("fail");
    expect(rows.get("fastly/also-purge/NobodysService")).toMatchObject({
      state: "fail",
      fix: "take it out of fastly.alsoPurge",
    });
    expect(rows.get(`fastly/also-purge/${world.serviceId}`)).toMatchObject({ state: "ok" });
    const { code, err } = await world.run(["deploy", "apply"]);
    expect([code, err]).toEqual([0, err]);
    expect((await doctor(world)).get("compute/http-cache")).toMatchObject({
      state: "warn",
      found: expect.stringContaining("one time to live for all answers") as string,
    });
  });
});
