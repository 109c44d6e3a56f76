import { createHash, X509Certificate } from "node:crypto";
import { mkdir, readFile, readdir } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import type { SecureContext } from "node:tls";
import { writeFileAtomic } from "../../lib/atomic-write.ts";
import { isErrno } from "../../lib/caught.ts";
import type { Clock } from "../../lib/clock.ts";
import { SitefleetError } from "../../lib/errors.ts";
import type { PemPair } from "./certificate-issuer.ts";

const DAY = 24 * 60 * 60 * 1000;

/** Contexts kept ready, and leaf files kept on disk: names come from clients, so both are bounded. */
const MAX_CONTEXTS = 500;
const MAX_LEAF_FILES = 2_000;

/** The hosts of the certificate that a client gets who names none in its handshake, as they stand in `Host`. */
export const LOCAL_NAMES = ["localhost", "127.0.0.1", "[::1]"] as const;

const FALLBACK = { file: "fallback", names: ["localhost", "127.0.0.1", "::1"] } as const;

/**
 * The mirror's own certificate authority: made on the first start, kept in a folder, and the maker of one
 * certificate per host name on demand. Trust `caPath` to browse without warnings. The library that makes
 * certificates is loaded only when one has to be made.
 */
export class CertificateAuthority {
  readonly caPath: string;
  readonly #folder: string;
  readonly #pair: PemPair;
  readonly #clock: Clock;
  readonly #contexts = new Map<string, Promise<SecureContext>>();
  #leafFiles: number;

  private constructor(parts: { folder: string; pair: PemPair; clock: Clock; leafFiles: number }) {
    this.#folder = parts.folder;
    this.#pair = parts.pair;
    this.#clock = parts.clock;
    this.#leafFiles = parts.leafFiles;
    this.caPath = join(parts.folder, "ca.pem");
  }

  /** Opens the authority in a folder, making it when there is none. `mirror/state-unreadable` when it is damaged. */
  static async open(folder: string, clock: Clock): Promise<CertificateAuthority> {
    const leaves = join(folder, "leaves");
    await mkdir(leaves, { recursive: true, mode: 0o700 });
    const pair = (await readAuthority(folder, clock)) ?? (await createAuthority(folder, clock));
    const files = await readdir(leaves);
    return new CertificateAuthority({ folder, pair, clock, leafFiles: files.length });
  }

  /** Certificate and key for `localhost` and the loopback addresses. */
  fallback(): Promise<PemPair> {
    return this.#leaf(FALLBACK.file, FALLBACK.names);
  }

  /** The context for a server name; rejects a name that no certificate could be for. */
  contextFor(servername: string): Promise<SecureContext> {
    const name = servername.toLowerCase().replace(/\.$/, "");
    if (!isCertificateName(name)) {
      return Promise.reject(new Error(`"${name.slice(0, 80)}" is not a host name`));
    }
    const known = this.#contexts.get(name);
    if (known !== undefined) return known;
    const [oldest] = this.#contexts.keys();
    if (this.#contexts.size >= MAX_CONTEXTS && oldest !== undefined) this.#contexts.delete(oldest);
    const context = this.#leaf(leafFile(name), [name]).then((pair) => createSecureContext(pair));
    this.#contexts.set(name, context);
    // Whoever asked hears of the failure; the next one tries again.
    context.catch(() => this.#contexts.delete(name));
    return context;
  }

  async #leaf(file: string, names: readonly string[]): Promise<PemPair> {
    const path = join(this.#folder, "leaves", `${file}.pem`);
    const kept = splitPem(await readText(path));
    if (kept !== null && this.#isCurrent(kept)) return kept;
    const { issueLeaf } = await import("./certificate-issuer.ts");
    const pair = await issueLeaf(this.#pair, names, this.#clock.now());
    if (kept !== null || this.#leafFiles < MAX_LEAF_FILES) {
      this.#leafFiles += 1;
      await writeFileAtomic(path, pair.cert + pair.key, 0o600);
    }
    return pair;
  }

  /** Signed by this authority, and good for another week; a damaged file is neither. */
  #isCurrent(pair: PemPair): boolean {
    try {
      const leaf = new X509Certificate(pair.cert);
      const signed = leaf.verify(new X509Certificate(this.#pair.cert).publicKey);
      return signed && Date.parse(leaf.validTo) > this.#clock.now() + 7 * DAY;
    } catch {
      return false;
    }
  }
}

/** File name of a host's certificate; file systems end names at 255 bytes, DNS at 253. */
function leafFile(name: string): string {
  if (name.length <= 200) return `host ${name}`;
  return `long ${createHash("sha256").update(name).digest("hex")}`;
}

/** Whether a certificate may be made for it: an IP address or a host name of valid labels, at most 253 characters. */
export function isCertificateName(name: string): boolean {
  if (isIP(name) !== 0) return true;
  if (name.length === 0 || name.length > 253) return false;
  return name.split(".").every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
}

/** The authority in the folder, `null` when there is none or it is about to expire. */
async function readAuthority(folder: string, clock: Clock): Promise<PemPair | null> {
  const cert = await readText(join(folder, "ca.pem"));
  const key = await readText(join(folder, "ca-key.pem"));
  if (cert === null || key === null) return null;
  try {
    const { validTo } = new X509Certificate(cert);
    return Date.parse(validTo) < clock.now() + 30 * DAY ? null : { cert, key };
  } catch (error) {
    throw new SitefleetError(
      "mirror/state-unreadable",
      `the certificate authority in ${folder} cannot be read`,
      {
        hint: "remove the folder: a new authority is made at the next start, to be trusted anew",
        cause: error,
      },
    );
  }
}

async function createAuthority(folder: string, clock: Clock): Promise<PemPair> {
  const { issueAuthority } = await import("./certificate-issuer.ts");
  const pair = await issueAuthority(clock.now());
  await writeFileAtomic(join(folder, "ca-key.pem"), pair.key, 0o600);
  await writeFileAtomic(join(folder, "ca.pem"), pair.cert);
  return pair;
}

function splitPem(text: string | null): PemPair | null {
  const at = text?.indexOf("-----BEGIN PRIVATE KEY-----") ?? -1;
  return text === null || at <= 0 ? null : { cert: text.slice(0, at), key: text.slice(at) };
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw error;
  }
}
