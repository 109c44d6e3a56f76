import { createServer } from "node:https";
import type { RequestListener } from "node:http";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { issueAuthority, issueLeaf } from "../../src/mirror/edge/certificate-issuer.ts";
import { tempDir } from "./temp-dir.ts";
import { listenOnLoopback, shut } from "./loopback-server.ts";

export interface TlsEdge {
  readonly url: string;
  /** File with the certificate of the authority that vouches for it. */
  readonly ca: string;
  /** Hosts that were asked for, in the order in which they came. */
  readonly hosts: readonly string[];
}

/** A server on loopback with a certificate for `*.<suffix>` by an authority that nobody knows; it closes with the test. */
export async function startTlsEdge(suffix: string, answer: RequestListener): Promise<TlsEdge> {
  const now = Date.now();
  const authority = await issueAuthority(now);
  const leaf = await issueLeaf(authority, [`*.${suffix}`], now);
  const ca = join(await tempDir(), "ca.pem");
  await writeFile(ca, authority.cert);
  const hosts: string[] = [];
  const server = createServer({ key: leaf.key, cert: leaf.cert }, (request, response) => {
    hosts.push(request.headers.host ?? "");
    answer(request, response);
  });
  const port = await listenOnLoopback(server);
  onTestFinished(() => shut(server));
  return { url: `https://127.0.0.1:${port}`, ca, hosts };
}
