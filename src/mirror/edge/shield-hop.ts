import type { DirectorSpec, RequestMessage } from "../../vcl/runtime.ts";
import { BackendFailure } from "./backend-failure.ts";
import { discard, lengthOf } from "./body.ts";
import type { ResponseBody } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import { popOfShield } from "../pops.ts";
import { hasVisited } from "./hop-chain.ts";
import { endToEndHeaders } from "./hop-by-hop.ts";
import type { HopResponse, RequestBody } from "./message.ts";
import type { BackendReply } from "./origin.ts";

/**
 * Sends a request to the shield POP that a director names and brings back its answer, as HTTP between two POPs
 * would: the shield finds the service by Host and runs all of its VCL again. Request and response pass as copies, so
 * nothing but header lines and bytes gets across.
 */
export async function fetchFromShield(
  x: Exchange,
  director: DirectorSpec,
  message: { bereq: RequestMessage; payload: RequestBody | null },
): Promise<BackendReply> {
  if (hasVisited(director, x.pop, x.chain)) throw new BackendFailure("Loop detected");
  const shield = x.parts.shieldPop(director.shield ?? director.name);
  const { bereq, payload } = message;
  const response = await x.parts.handleAt(shield, {
    method: bereq.method,
    url: bereq.url,
    proto: "HTTP/1.1",
    headers: endToEndHeaders(bereq.headers),
    body: payload,
    connection: {
      ip: x.pop.ip,
      port: 0,
      requests: 1,
      tls: { protocol: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", servername: bereq.headers.get("Host") },
      edgeIsTls: x.request.connection.edgeIsTls,
    },
    trustedPurge: false,
    ...(x.recorder === null ? {} : { tracedBy: x.recorder }),
  });
  return {
    status: response.status,
    reason: response.reason,
    headers: endToEndHeaders(response.headers),
    body: reported(response),
    backend: {
      name: `shield_${popOfShield(director.shield ?? director.name).toLowerCase()}`,
      ip: shield.ip,
      port: 443,
    },
  };
}

/** The response's body; its sender hears when it has been read or given up. */
function reported(response: HopResponse): ResponseBody {
  const { body, headers } = response;
  if (body.kind === "bytes") {
    response.sent({ headerBytes: headers.bytes, bodyBytes: body.bytes.length });
    return body;
  }
  let bodyBytes = 0;
  let done = false;
  const finish = (): void => {
    if (!done) response.sent({ headerBytes: headers.bytes, bodyBytes });
    done = true;
  };
  async function* counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of chunks) {
        bodyBytes += chunk.length;
        yield chunk;
      }
    } finally {
      finish();
    }
  }
  return {
    kind: "stream",
    length: lengthOf(body),
    chunks: counted(body.chunks),
    cancel: () => {
      discard(body);
      finish();
    },
  };
}
