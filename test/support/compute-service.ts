import { backendsOf } from "../../src/deploy/service/backends.ts";
import { edgeSecretsOf, edgeSettingsOf } from "../../src/render/edge-settings.ts";
import type { Environment } from "../../src/settings/environment.ts";
import { EDGE_SETTINGS_ITEM, EDGE_STORES } from "../../src/site/edge-settings.ts";
import { archiveOf, formOf } from "./compute-package.ts";

/** Manifest of the package that stands for the app's own source on a mirror. */
const MIRROR_ONLY = `manifest_version = 3
name = "sitefleet"
description = "The app's own source, on a mirror."
authors = ["<oss@example.com>"]
language = "javascript"

[sitefleet]
mirror_only = true
`;

export interface ComputeServiceOptions {
  /** Whether the service has Fastly's HTTP cache. */
  readonly httpCache: boolean;
}

/**
 * Makes a Compute service that runs the app as an environment has it, by the calls of Fastly's API and no code of ours
 * that deploys: package, backends with their checks, both stores and their links. Resolves with its id when it is active.
 */
export async function makeComputeService(
  environment: Environment,
  { httpCache }: ComputeServiceOptions,
): Promise<string> {
  const api = new Api(environment);
  const id = await api.post("/service", {
    form: { name: environment.fastly.serviceName ?? "", type: "wasm" },
  });
  const at = `/service/${id}/version/1`;
  await api.send(
    "PUT",
    `${at}/package`,
    formOf(await archiveOf([{ name: "sitefleet/fastly.toml", body: MIRROR_ONLY }])),
  );
  for (const name of environment.fastly.domains) await api.post(`${at}/domain`, { form: { name } });
  const { backends, healthchecks } = backendsOf(environment);
  for (const check of healthchecks) await api.post(`${at}/healthcheck`, { json: check });
  for (const backend of backends) await api.post(`${at}/backend`, { json: { ...backend, shield: "" } });
  const settings = await api.post("/resources/stores/config", { form: { name: EDGE_STORES.settings } });
  const value = JSON.stringify(edgeSettingsOf(environment, { revision: "0123456789abcdef", httpCache }));
  await api.post(`/resources/stores/config/${settings}/item`, {
    form: { item_key: EDGE_SETTINGS_ITEM, item_value: value },
  });
  const secrets = await api.post("/resources/stores/secret", { json: { name: EDGE_STORES.secrets } });
  for (const [name, secret] of Object.entries(edgeSecretsOf(environment))) {
    const json = { name, secret: Buffer.from(secret).toString("base64") };
    await api.post(`/resources/stores/secret/${secrets}/secrets`, { json });
  }
  await api.post(`${at}/resource`, { form: { name: EDGE_STORES.settings, resource_id: settings } });
  await api.post(`${at}/resource`, { form: { name: EDGE_STORES.secrets, resource_id: secrets } });
  await api.send("PUT", `${at}/activate`);
  return id;
}

interface Sent {
  readonly form?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly bytes?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

class Api {
  readonly #url: string;
  readonly #token: string;

  constructor({ fastly, secrets }: Environment) {
    this.#url = fastly.apiUrl;
    this.#token = secrets.apiToken().reveal();
  }

  /** Makes something; resolves with its id, or with nothing where it has none. */
  async post(path: string, sent: Sent): Promise<string> {
    const made: unknown = JSON.parse(await this.send("POST", path, sent));
    return typeof made === "object" && made !== null && "id" in made ? String(made.id) : "";
  }

  async send(
    method: "POST" | "PUT",
    path: string,
    { form, json, bytes, headers }: Sent = {},
  ): Promise<string> {
    const body =
      json !== undefined ? JSON.stringify(json) : form === undefined ? bytes : new URLSearchParams(form);
    const type = json === undefined ? {} : { "content-type": "application/json" };
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: { "fastly-key": this.#token, ...type, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text;
  }
}
