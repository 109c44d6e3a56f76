import type { Backend, Healthcheck, ServiceSettings, VclFile } from "../fastly/wire.ts";
import { SitefleetError } from "../lib/errors.ts";
import type { Secret } from "../lib/secret.ts";
import { PRIVATE_DICTIONARY } from "../render/constants.ts";
import type { RenderedService } from "../render/render.ts";
import type { Environment } from "../settings/environment.ts";
import { backendsOf } from "./backends.ts";

/** The part of a service version that sitefleet decides, live or wanted; lists are sorted by name. */
export interface ServiceContent {
  readonly vcls: readonly VclFile[];
  readonly backends: readonly Backend[];
  readonly healthchecks: readonly Healthcheck[];
  readonly domains: readonly string[];
  readonly dictionaries: readonly { readonly name: string; readonly write_only: boolean }[];
  readonly settings: ServiceSettings;
}

/** A value that only the edge may read. */
export interface PrivateItem {
  readonly key: string;
  readonly value: Secret;
}

/** What a server environment's Fastly service has to be. */
export interface DesiredService {
  readonly environment: string;
  /** Without an id the service is found by its name. */
  readonly service: { readonly id: string | undefined; readonly name: string };
  readonly revision: string;
  readonly content: ServiceContent;
  readonly privateItems: readonly PrivateItem[];
}

/** Readable dictionary with what the deployer must remember beside versions: digest of the secrets, journal. */
export const STATE_DICTIONARY = "sitefleet_state";

const SETTINGS: ServiceSettings = {
  "general.default_ttl": 3_600,
  "general.default_host": "",
  // With it the fetch macro restarts on errors by itself, which would spend the restart budget.
  "general.stale_if_error": false,
};

/**
 * Settings and rendered files to the wanted service.
 * @throws SitefleetError `deploy/secret-in-vcl` when a file holds the value of a secret
 */
export function desiredService(environment: Environment, rendered: RenderedService): DesiredService {
  const { backends, healthchecks } = backendsOf(environment);
  const privateItems = privateItemsOf(environment);
  refuseSecrets(rendered, privateItems);
  return {
    environment: environment.name,
    service: {
      id: environment.fastly.serviceId,
      name: environment.fastly.serviceName ?? `sitefleet-${environment.name}`,
    },
    revision: rendered.revision,
    content: sortContent({
      vcls: rendered.files.map(({ name, content, main }) => ({ name, content, main })),
      backends,
      healthchecks,
      domains: environment.fastly.domains,
      dictionaries: [
        { name: PRIVATE_DICTIONARY, write_only: true },
        { name: STATE_DICTIONARY, write_only: false },
      ],
      settings: SETTINGS,
    }),
    privateItems,
  };
}

/** The same content with every list in the order of names, and no name twice. */
export function sortContent(content: ServiceContent): ServiceContent {
  return {
    vcls: byName(content.vcls),
    backends: byName(content.backends),
    healthchecks: byName(content.healthchecks),
    domains: [...new Set(content.domains)].sort(),
    dictionaries: byName(content.dictionaries),
    settings: content.settings,
  };
}

function byName<T extends { readonly name: string }>(list: readonly T[]): readonly T[] {
  return [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function privateItemsOf(environment: Environment): readonly PrivateItem[] {
  const { secrets } = environment;
  return [
    { key: "config_s3_key", value: secrets.edgeStoreKey() },
    { key: "config_segment", value: secrets.configSegment() },
    { key: "hosting_s3_key", value: secrets.edgeStoreKey() },
  ];
}

/** Shorter values turn up by chance. */
const SHORTEST_SECRET = 8;

function refuseSecrets(rendered: RenderedService, items: readonly PrivateItem[]): void {
  for (const { key, value } of items) {
    const parts = [value.reveal(), ...value.reveal().split(":")].filter(
      (part) => part.length >= SHORTEST_SECRET,
    );
    const file = rendered.files.find(({ content }) => parts.some((part) => content.includes(part)));
    if (file) {
      throw new SitefleetError("deploy/secret-in-vcl", `"${file.name}" contains the value of ${key}`, {
        hint: `read it from the dictionary ${PRIVATE_DICTIONARY} at the edge instead`,
      });
    }
  }
}
