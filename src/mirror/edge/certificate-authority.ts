import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import type { SecureContext } from "node:tls";
import * as x509 from "@peculiar/x509";
import { writeFileAtomic } from "../../lib/atomic-write.ts";
import type { Clock } from "../../lib/clock.ts";
import { SitefleetError } from "../../lib/errors.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY = 24 * 60 * 60 * 1000;

/** Contexts kept ready, and leaf files kept on disk: names come from clients, so both are bounded. */
const MAX_CONTEXTS = 500;
const MAX_LEAF_FILES = 2_000;

interface Signer {
  readonly certificate: x509.X509Certificate;
  readonly privateKey: webcrypto.CryptoKey;
}

interface PemPair {
  readonly cert: string;
  readonly key: string;
}

/** What the connection of a client that names no host gets. */
const FALLBACK_NAMES = ["localhost", "127.0.0.1", "::1"] as const;

/**
 * The mirror's own certificate authority: made on the first start, kept in a folder, and the maker of one
 * certificate per host name on demand. Trust `caPath` to browse without warnings.
 */
export class CertificateAuthority {
  readonly caPath: string;
  readonly #folder: string;
  readonly #signer: Signer;
  readonly #clock: Clock;
  readonly #contexts = new Map<string, Promise<SecureContext>>();
  readonly #fallback: PemPair;
  #leafFiles = 0;

  private constructor(parts: { folder: string; signer: Signer; clock: Clock; fallback: PemPair }) {
    this.#folder = parts.folder;
    this.#signer = parts.signer;
    this.#clock = parts.clock;
    this.#fallback = parts.fallback;
    this.caPath = join(parts.folder, "ca.pem");
  }

  /** Opens the authority in a folder, making it when there is none. */
  static async open(folder: string, clock: Clock): Promise<CertificateAuthority> {
    await mkdir(join(folder, "leaves"), { recursive: true, mode: 0o700 });
    const signer = (await keptSigner(folder, clock)) ?? (await createSigner(folder, clock));
    const fallback = await issueLeaf(signer, FALLBACK_NAMES, clock);
    return new CertificateAuthority({ folder, signer, clock, fallback });
  }

  /** Certificate and key for `localhost` and the loopback addresses. */
  fallback(): PemPair {
    return this.#fallback;
  }

  /** The context for a server name; rejects a name that no certificate could be for. */
  contextFor(servername: string): Promise<SecureContext> {
    const name = servername.toLowerCase().replace(/\.$/, "");
    if (!isCertificateName(name))
      return Promise.reject(new Error(`"${name.slice(0, 80)}" is not a host name`));
    const known = this.#contexts.get(name);
    if (known !== undefined) return known;
    const [oldest] = this.#contexts.keys();
    if (this.#contexts.size >= MAX_CONTEXTS && oldest !== undefined) this.#contexts.delete(oldest);
    const context = this.#leaf(name).then((pair) => createSecureContext(pair));
    this.#contexts.set(name, context);
    context.catch(() => this.#contexts.delete(name));
    return context;
  }

  async #leaf(name: string): Promise<PemPair> {
    const path = join(this.#folder, "leaves", `${name.replace("*", "_")}.pem`);
    const kept = await readPem(path);
    if (kept !== null && this.#isCurrent(kept)) return kept;
    const pair = await issueLeaf(this.#signer, [name], this.#clock);
    if (kept !== null || this.#leafFiles < MAX_LEAF_FILES) {
      this.#leafFiles += 1;
      await writeFileAtomic(path, pair.cert + pair.key, 0o600);
    }
    return pair;
  }

  /** Ours, and good for another week. */
  #isCurrent(pair: PemPair): boolean {
    const leaf = new x509.X509Certificate(pair.cert);
    const ours = leaf.issuer === this.#signer.certificate.subject;
    const keyId = leaf.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId;
    const caKeyId = this.#signer.certificate.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId;
    return ours && keyId === caKeyId && leaf.notAfter.getTime() > this.#clock.now() + 7 * DAY;
  }
}

/** Whether a certificate may be made for it: an IP address or a host name of valid labels, at most 253 characters. */
export function isCertificateName(name: string): boolean {
  if (isIP(name) !== 0) return true;
  if (name.length === 0 || name.length > 253) return false;
  return name.split(".").every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
}

/** The authority in the folder, `null` when there is none or it is about to expire. */
async function keptSigner(folder: string, clock: Clock): Promise<Signer | null> {
  try {
    return await readSigner(folder, clock);
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

async function readSigner(folder: string, clock: Clock): Promise<Signer | null> {
  const cert = await readText(join(folder, "ca.pem"));
  const key = await readText(join(folder, "ca-key.pem"));
  if (cert === null || key === null) return null;
  const certificate = new x509.X509Certificate(cert);
  if (certificate.notAfter.getTime() < clock.now() + 30 * DAY) return null;
  const der = x509.PemConverter.decodeFirst(key);
  const privateKey = await webcrypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
  return { certificate, privateKey };
}

async function createSigner(folder: string, clock: Clock): Promise<Signer> {
  const keys = await newKeys();
  const now = clock.now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      // The random part keeps two authorities of one machine apart in a trust store.
      name: `CN=sitefleet mirror CA ${randomBytes(4).toString("hex")}, O=sitefleet`,
      notBefore: new Date(now - DAY),
      notAfter: new Date(now + 3650 * DAY),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto,
  );
  await writeFileAtomic(join(folder, "ca-key.pem"), await exportKey(keys.privateKey), 0o600);
  await writeFileAtomic(join(folder, "ca.pem"), `${certificate.toString("pem")}\n`);
  return { certificate, privateKey: keys.privateKey };
}

/** A server certificate, valid for 820 days at most (browsers refuse more than 825 from a local root). */
async function issueLeaf(signer: Signer, names: readonly string[], clock: Clock): Promise<PemPair> {
  const keys = await newKeys();
  const now = clock.now();
  const alternatives = names.map((name) => ({
    type: isIP(name) === 0 ? ("dns" as const) : ("ip" as const),
    value: name,
  }));
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: `CN=${(names[0] ?? "").slice(0, 64)}`,
      issuer: signer.certificate.subject,
      notBefore: new Date(now - DAY),
      notAfter: new Date(now + 820 * DAY),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: signer.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(alternatives),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        await x509.AuthorityKeyIdentifierExtension.create(signer.certificate),
      ],
    },
    webcrypto,
  );
  return { cert: `${certificate.toString("pem")}\n`, key: await exportKey(keys.privateKey) };
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}

/** 16 random bytes, positive (RFC 5280 §4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}

async function readPem(path: string): Promise<PemPair | null> {
  const text = await readText(path);
  const match =
    /^(-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----\s*)(-----BEGIN PRIVATE KEY-----[^]+)$/.exec(
      text ?? "",
    );
  return match?.[1] === undefined || match[2] === undefined ? null : { cert: match[1], key: match[2] };
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
