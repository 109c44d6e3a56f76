import { request as httpRequest } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { HeaderList } from "../../http/header-list.ts";
import { reasonOf } from "../../http/status-reasons.ts";
import type { BackendSpec, RequestMessage } from "../../vcl/runtime.ts";
import { BackendFailure, toBackendFailure } from "./backend-failure.ts";
import { EMPTY_BODY } from "./body.ts";
import type { ResponseBody } from "./body.ts";
import { endToEndResponseHeaders } from "./hop-by-hop.ts";
import type { Tunnel } from "./message.ts";
import { http1TlsOptions, requestHeaders } from "./origin-request.ts";

/** What a backend answered to a request for another protocol; `tunnel` is `null` where it stays with HTTP. */
export interface UpgradeReply {
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderList;
  readonly body: ResponseBody;
  readonly tunnel: Tunnel | null;
}

/**
 * Asks a backend for another protocol, on a connection of its own. No byte of the client's goes there before the
 * backend has agreed: behind any other answer it would be taken for a request that no VCL has seen. Every trouble is
 * a `BackendFailure`.
 */
export function askForUpgrade(
  spec: BackendSpec,
  bereq: RequestMessage,
  protocol: string,
): Promise<UpgradeReply> {
  return new Promise((resolve, reject) => {
    const sent = send(spec, bereq, protocol);
    const timer = setTimeout(
      () => sent.destroy(new BackendFailure("first byte timeout")),
      (spec.connectTimeout + spec.firstByteTimeout) * 1000,
    );
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      reject(toBackendFailure(error));
    };
    sent.on("error", fail);
    sent.on("upgrade", (response: IncomingMessage, socket: Duplex, head: Buffer) => {
      clearTimeout(timer);
      // Between here and the joining of both ends nobody listens; an error is told by the socket's end.
      socket.on("error", () => undefined);
      resolve({ ...headOf(response), body: EMPTY_BODY, tunnel: { socket, head } });
    });
    sent.on("response", (response: IncomingMessage) => {
      clearTimeout(timer);
      response.on("error", () => undefined);
      resolve({ ...headOf(response), body: bodyOf(response), tunnel: null });
    });
    sent.end();
  });
}

function send(spec: BackendSpec, bereq: RequestMessage, protocol: string): ClientRequest {
  const options = {
    host: spec.host,
    port: spec.port,
    method: bereq.method,
    path: bereq.url,
    headers: [...requestHeaders(spec, bereq.headers).toFlat(), "Connection", "Upgrade", "Upgrade", protocol],
    agent: false,
    maxHeaderSize: 256 * 1024,
  } as const;
  return spec.ssl ? httpsRequest({ ...options, ...http1TlsOptions(spec) }) : httpRequest(options);
}

function headOf(response: IncomingMessage): Pick<UpgradeReply, "status" | "reason" | "headers"> {
  const status = response.statusCode ?? 502;
  const given = HeaderList.fromFlat(response.rawHeaders);
  const headers = endToEndResponseHeaders(given);
  const protocol = given.get("Upgrade");
  if (status === 101) {
    headers.set("Connection", "Upgrade");
    if (protocol !== null) headers.set("Upgrade", protocol);
  }
  return { status, reason: response.statusMessage || reasonOf(status), headers };
}

function bodyOf(response: IncomingMessage): ResponseBody {
  const length = response.headers["content-length"];
  return {
    kind: "stream",
    length: length === undefined || !/^\d+$/.test(length) ? null : Number(length),
    chunks: response,
    cancel: () => void response.destroy(),
  };
}
