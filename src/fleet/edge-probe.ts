import { createHash } from "node:crypto";
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

import { trusting } from "../lib/tls-trust.ts";
import type { EdgePage, EdgeProbe, EdgeSighting, EdgeVisit, ProbeHop } from "../publish/live/edge-probe.ts";
import { DEBUG_HEADER, PROBE_HEADER } from "../site/edge-names.ts";
import { readEdgeAuthority } from "../settings/edge-authority.ts";
import { readMirrorFile } from "../settings/local.ts";
import { debugToken } from "./edge-checks.ts";
import type { Fleet } from "./fleet.ts";

/** Connections at a time; kept open, because most requests go to one place. */
const CONNECTIONS = 16;
/** A request without a byte for so long has failed. */
const TIMEOUT_MS = 20_000;
/** Bodies up to this are hashed, larger ones only read. */
const HASHED_BYTES = 8 * 1024 * 1024;

/** In Fastly's own page for a host that no service has, with status 500. */
const UNKNOWN_DOMAIN = "Fastly error: unknown domain";
/** Characters of a page in which that must stand. */
const PAGE_BEGINNING = 4_096;

interface Target {
  readonly hostname: string;
  readonly port: number;
}

/** The edge of an environment as publishing looks at it; `close` when done. */
export interface OpenEdgeProbe extends EdgeProbe {
  close(): void;
}

/**
 * How the edge of a fleet is asked: at the URL of the settings' `verify`, with the wanted host in the Host header. The
 * mirror is also asked over TLS.
 * @throws SitefleetError `settings/invalid-ca`, before anything is published
 * @returns `undefined` when the settings do not say where the edge is
 */
export function openEdgeProbe(fleet: Fleet): OpenEdgeProbe | undefined {
  const { environment } = fleet;
  if (!environment.verify) return undefined;
  return new HttpEdgeProbe(fleet, new URL(environment.verify.url));
}

class HttpEdgeProbe implements OpenEdgeProbe {
  readonly hops: readonly ProbeHop[];
  readonly schemes: { readonly http: boolean; readonly https: boolean };
  readonly #fleet: Fleet;
  readonly #base: URL;
  readonly #plain = new HttpAgent({ keepAlive: true, maxSockets: CONNECTIONS });
  readonly #secure: HttpsAgent;
  #tls: Promise<Target> | undefined;

  constructor(fleet: Fleet, base: URL) {
    this.#fleet = fleet;
    this.#base = base;
    const isTls = base.protocol === "https:";
    const trust = trusting(readEdgeAuthority(fleet.environment));
    this.#secure = new HttpsAgent({ keepAlive: true, maxSockets: CONNECTIONS, ...trust });
    this.hops = fleet.environment.fastly.shield === undefined ? ["edge"] : ["edge", "shield"];
    this.schemes = { http: !isTls, https: isTls || fleet.stateDir !== undefined };
  }

  async look(page: EdgePage & { readonly hop: ProbeHop }): Promise<EdgeSighting> {
    const token = debugToken(this.#fleet.environment.secrets.configSegment());
    const probe = page.hop === "shield" ? { [PROBE_HEADER]: "shield" } : {};
    const response = await this.#get(page, { [DEBUG_HEADER]: token, ...probe });
    const { headers, statusCode = 0 } = response;
    const bodyHash = await bodyHashOf(response);
    return {
      status: statusCode,
      release: textOf(headers["sf-release"]),
      keys: wordsOf(headers["sf-keys"]),
      configKeys: wordsOf(headers["sf-config-keys"]),
      bodyHash: headers["content-encoding"] === undefined ? bodyHash : undefined,
    };
  }

  async visit(page: EdgePage & { readonly encoding: "br" | "gzip" }): Promise<EdgeVisit> {
    // What browsers send; the edge makes one token of it.
    const accepted = page.encoding === "br" ? "gzip, deflate, br" : "gzip";
    const response = await this.#get(page, { "Accept-Encoding": accepted, Accept: "*/*" });
    const { statusCode = 0 } = response;
    let beginning = "";
    await readAll(response, (chunk) => {
      if (statusCode === 500 && beginning.length < PAGE_BEGINNING) beginning += chunk.toString("latin1");
    });
    return { status: statusCode, unknownDomain: beginning.includes(UNKNOWN_DOMAIN) };
  }

  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }

  async #get(page: EdgePage, headers: Readonly<Record<string, string>>): Promise<IncomingMessage> {
    const { host, path, tls, signal } = page;
    const target = tls ? await (this.#tls ??= this.#tlsTarget()) : targetOf(this.#base);
    const options = { ...target, path, headers: { Host: host, ...headers }, setHost: false, signal };
    return new Promise((resolve, reject) => {
      const request = tls
        ? httpsRequest({ ...options, agent: this.#secure, servername: host, timeout: TIMEOUT_MS })
        : httpRequest({ ...options, agent: this.#plain, timeout: TIMEOUT_MS });
      request.on("response", resolve);
      request.on("timeout", () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`)));
      request.on("error", reject);
      request.end();
    });
  }

  async #tlsTarget(): Promise<Target> {
    const { stateDir } = this.#fleet;
    if (this.#base.protocol === "https:" || stateDir === undefined) return targetOf(this.#base);
    const { edge } = await readMirrorFile(stateDir);
    return targetOf(new URL(edge.https));
  }
}

function targetOf({ hostname, port, protocol }: URL): Target {
  return { hostname, port: Number(port) || (protocol === "https:" ? 443 : 80) };
}

/** The hash of the whole body, unless it is too large to be worth it. */
async function bodyHashOf(response: IncomingMessage): Promise<string | undefined> {
  const hash = createHash("sha256");
  const size = await readAll(response, (chunk) => hash.update(chunk));
  return size > HASHED_BYTES ? undefined : hash.digest("hex");
}

/** Reads to the end: a connection is used again only then, and caches may drop what is broken off. */
async function readAll(
  response: IncomingMessage,
  each: (chunk: Buffer) => void = () => undefined,
): Promise<number> {
  let size = 0;
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size <= HASHED_BYTES) each(bytes);
  }
  return size;
}

function textOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.join(" ");
}

function wordsOf(value: string | readonly string[] | undefined): readonly string[] {
  return (textOf(value) ?? "").split(" ").filter((word) => word !== "");
}
