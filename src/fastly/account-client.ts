import { z } from "zod";
import { FastlyTransport } from "./transport.ts";
import type { TransportOptions } from "./transport.ts";

/** The token of the calls (reference/api/auth-tokens/user, `GET /tokens/self`); unknown fields are Fastly's own. */
const token = z.object({
  name: z.string().nullish(),
  scope: z.string().default(""),
  expires_at: z.string().nullish(),
  services: z.array(z.string()).nullish(),
});

const pop = z.object({
  code: z.string(),
  name: z.string().default(""),
  shield: z.string().nullish(),
  coordinates: z.object({ latitude: z.number(), longitude: z.number() }),
});

const addressList = z.object({
  addresses: z.array(z.string()),
  ipv6_addresses: z.array(z.string()).default([]),
});

/** JSON:API (reference/api/tls/custom-certs/configurations, `include=dns_records`). */
const tlsConfigurations = z.object({
  data: z.array(
    z.object({
      attributes: z.object({ name: z.string().default(""), default: z.boolean().default(false) }),
      relationships: z
        .object({ dns_records: z.object({ data: z.array(z.object({ id: z.string() })) }).optional() })
        .optional(),
    }),
  ),
  included: z
    .array(
      z.object({
        id: z.string(),
        type: z.string(),
        attributes: z.object({ record_type: z.string().optional() }).default({}),
      }),
    )
    .default([]),
});

/** What the token of the calls may do. */
export interface TokenInfo {
  readonly name: string;
  readonly scopes: readonly string[];
  /** Ids of the services that it is limited to; empty = all. */
  readonly services: readonly string[];
  /** Milliseconds since the epoch; `undefined` = never. */
  readonly expiresAt: number | undefined;
}

export interface PopInfo {
  readonly code: string;
  readonly name: string;
  /** Code to name it by as a shield; `undefined` when it cannot be one. */
  readonly shield: string | undefined;
  readonly latitude: number;
  readonly longitude: number;
}

/** Where domains with TLS are to point: records of one TLS configuration. */
export interface TlsTarget {
  readonly name: string;
  readonly isDefault: boolean;
  readonly records: readonly { readonly type: string; readonly value: string }[];
}

/** What the API tells of an account and of Fastly's network, beside services; all reads. Throws `fastly/…`. */
export class AccountClient {
  readonly #transport: FastlyTransport;

  constructor(options: TransportOptions) {
    this.#transport = new FastlyTransport(options);
  }

  /** Fastly's clock less ours in milliseconds by its last answer, to the second. */
  get clockOffset(): number | undefined {
    return this.#transport.serverOffset;
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  async readToken(): Promise<TokenInfo> {
    const found = await this.#transport.send({ method: "GET", path: ["tokens", "self"], answer: token });
    const expiresAt = Date.parse(found.expires_at ?? "");
    return {
      name: found.name ?? "",
      scopes: found.scope.split(" ").filter((scope) => scope !== ""),
      services: found.services ?? [],
      expiresAt: Number.isNaN(expiresAt) ? undefined : expiresAt,
    };
  }

  async listPops(): Promise<readonly PopInfo[]> {
    const pops = await this.#transport.send({
      method: "GET",
      path: ["datacenters"],
      answer: z.array(pop),
    });
    return pops.map(({ code, name, shield, coordinates }) => ({
      code,
      name,
      shield: shield ?? undefined,
      latitude: coordinates.latitude,
      longitude: coordinates.longitude,
    }));
  }

  /** Networks that Fastly's addresses are in, in CIDR form. */
  async listAddresses(): Promise<readonly string[]> {
    const list = await this.#transport.send({
      method: "GET",
      path: ["public-ip-list"],
      answer: addressList,
    });
    return [...list.addresses, ...list.ipv6_addresses];
  }

  /** The default one first. */
  async listTlsTargets(): Promise<readonly TlsTarget[]> {
    const { data, included } = await this.#transport.send({
      method: "GET",
      path: ["tls", "configurations"],
      query: { include: "dns_records" },
      answer: tlsConfigurations,
    });
    const types = new Map(
      included.flatMap(({ id, type, attributes }) =>
        type === "dns_record" ? [[id, attributes.record_type ?? ""] as const] : [],
      ),
    );
    return data
      .map(({ attributes, relationships }) => ({
        name: attributes.name,
        isDefault: attributes.default,
        records: (relationships?.dns_records?.data ?? []).flatMap(({ id }) => {
          const type = types.get(id);
          return type === undefined ? [] : [{ type, value: id }];
        }),
      }))
      .sort((a, b) => Number(b.isDefault) - Number(a.isDefault));
  }
}
