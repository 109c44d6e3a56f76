import { Readable } from "node:stream";
import { Pool } from "undici";
import { HeaderList } from "../../http/header-list.ts";
import { reasonOf } from "../../http/status-reasons.ts";
import type { BackendSpec, RequestMessage } from "../../vcl/runtime.ts";
import { BackendFailure, toBackendFailure } from "./backend-failure.ts";
import { discard } from "./body.ts";
import type { ResponseBody } from "./body.ts";
import type { RequestBody } from "./message.ts";
import { OriginConnector } from "./origin-continue.ts";
import { isIp, requestHeaders, tlsOptions } from "./origin-request.ts";
import { askVerbatim, isUsualTarget } from "./origin-target.ts";
import type { OriginAnswer, OriginBody, TimedBackend } from "./origin-target.ts";
import { endToEndResponseHeaders } from "./hop-by-hop.ts";

/** What an origin or a shield answered. */
export interface BackendReply {
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderList;
  readonly body: ResponseBody;
  /** `beresp.backend.*`. */
  readonly backend: { readonly name: string; readonly ip: string | null; readonly port: number | null };
}

interface BackendPool {
  readonly pool: Pool;
  inFlight: number;
}

/** Whom the edge asks for what it has not got: servers behind sockets, or what stands in for them. */
export interface Origins {
  /** Sends one request. Every trouble is a `BackendFailure`. */
  fetch(spec: TimedBackend, bereq: RequestMessage, payload: RequestBody | null): Promise<BackendReply>;
  /** Connections to a backend: all that are open, and those with a request on them. */
  connectionsTo(spec: BackendSpec): { readonly open: number; readonly used: number };
}

/**
 * Connections to origins, one pool per distinct backend, kept alive between requests. URL and header lines reach
 * the origin as VCL left them.
 */
export class OriginPools implements Origins {
  readonly #pools = new Map<string, BackendPool>();
  readonly #connector = new OriginConnector();

  async fetch(spec: TimedBackend, bereq: RequestMessage, payload: RequestBody | null): Promise<BackendReply> {
    const pool = this.#poolOf(spec);
    if (pool.inFlight >= spec.maxConnections) throw new BackendFailure("Backend.max_conn reached");
    pool.inFlight += 1;
    let ended = false;
    const end = (): void => {
      if (!ended) pool.inFlight -= 1;
      ended = true;
    };
    try {
      const ask = isUsualTarget(bereq.url) ? askPool(pool.pool) : askVerbatim;
      const { status, reason, headers, body: source } = await ask(spec, bereq, payload);
      const body = streamOf(source, contentLength(headers), end);
      if (!isPlainlyFramed(headers)) {
        discard(body);
        throw new BackendFailure("backend read error");
      }
      return {
        status,
        reason: reason === "" ? reasonOf(status) : reason,
        headers: endToEndResponseHeaders(headers),
        body,
        backend: { name: spec.name, ip: isIp(spec.host) ? spec.host : null, port: spec.port },
      };
    } catch (error) {
      end();
      throw toBackendFailure(error);
    }
  }

  connectionsTo(spec: BackendSpec): { readonly open: number; readonly used: number } {
    const known = this.#pools.get(poolKey(spec));
    return { open: known?.pool.stats.connected ?? 0, used: known?.inFlight ?? 0 };
  }

  /** Closes the pools that no backend of `inUse` needs; requests under way finish. */
  async retain(inUse: Iterable<BackendSpec>): Promise<void> {
    const wanted = new Set([...inUse].map(poolKey));
    const closing: Promise<void>[] = [];
    for (const [key, { pool }] of this.#pools) {
      if (wanted.has(key)) continue;
      this.#pools.delete(key);
      closing.push(pool.close());
    }
    await Promise.all(closing);
  }

  /** Cuts every connection. */
  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    this.#connector.close();
    await Promise.all(pools.map(({ pool }) => pool.destroy()));
  }

  #poolOf(spec: BackendSpec): BackendPool {
    const key = poolKey(spec);
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const origin = `${spec.ssl ? "https" : "http"}://${spec.host.includes(":") ? `[${spec.host}]` : spec.host}:${spec.port}`;
    const pool = new Pool(origin, {
      connections: spec.maxConnections,
      pipelining: 1,
      maxHeaderSize: 256 * 1024,
      connect: this.#connector.connectorOf({
        timeout: spec.connectTimeout * 1000,
        ...(spec.ssl ? tlsOptions(spec) : {}),
      }),
    });
    const made = { pool, inFlight: 0 };
    this.#pools.set(key, made);
    return made;
  }
}

function poolKey(spec: BackendSpec): string {
  return JSON.stringify([
    spec.host,
    spec.port,
    spec.ssl,
    spec.sslCheckCert,
    spec.sslCertHostname,
    spec.sslSniHostname,
    spec.connectTimeout,
    spec.maxConnections,
    spec.shareKey,
  ]);
}

/** Asks on a connection of the pool. */
function askPool(pool: Pool): typeof askVerbatim {
  return async (spec, bereq, payload): Promise<OriginAnswer> => {
    const response = await pool.request({
      path: bereq.url,
      method: bereq.method,
      headers: requestHeaders(spec, bereq.headers).toFlat(),
      body:
        payload === null ? null : payload.kind === "bytes" ? payload.bytes : Readable.from(payload.chunks),
      headersTimeout: spec.firstByteTimeout * 1000,
      bodyTimeout: spec.betweenBytesTimeout * 1000,
      responseHeaders: "raw",
      ...(spec.fetchTimeout === undefined ? {} : { signal: AbortSignal.timeout(spec.fetchTimeout * 1000) }),
    });
    const { statusCode, statusText, body } = response;
    return { status: statusCode, reason: statusText, headers: rawHeaders(response.headers), body };
  };
}

/** undici gives raw headers as a flat array; its type says record. */
function rawHeaders(headers: unknown): HeaderList {
  const flat = Array.isArray(headers) ? headers : [];
  return HeaderList.fromFlat(
    flat.map((part) => (Buffer.isBuffer(part) ? part.toString("latin1") : String(part))),
  );
}

/** Only `chunked` is undone here: where the body of another transfer coding ends, nobody can tell. */
function isPlainlyFramed(headers: HeaderList): boolean {
  return headers.getAll("Transfer-Encoding").every((coding) => coding.trim().toLowerCase() === "chunked");
}

function contentLength(headers: HeaderList): number | null {
  const value = headers.get("Content-Length");
  return value !== null && /^\d+$/.test(value) ? Number(value) : null;
}

function streamOf(source: OriginBody, length: number | null, end: () => void): ResponseBody {
  // A body nobody iterates yet may fail: without a listener that would end the process. Readers still see the error.
  source.on("error", end);
  return {
    kind: "stream",
    length,
    chunks: readChunks(source, end),
    cancel: () => {
      source.destroy();
      end();
    },
  };
}

async function* readChunks(source: AsyncIterable<Uint8Array>, end: () => void): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of source) yield chunk;
  } catch (error) {
    throw new BackendFailure("backend read error", error);
  } finally {
    end();
  }
}
