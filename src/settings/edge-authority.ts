import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { messageOf } from "../lib/caught.ts";
import { SitefleetError } from "../lib/errors.ts";
import type { Environment } from "./environment.ts";

/** Bytes of a file of certificates; the whole list that browsers trust has a quarter of it. */
const LARGEST = 1_048_576;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/**
 * The certificates of `verify.ca`, in PEM: whom requests to the edge of an environment trust besides the usual
 * authorities.
 * @throws SitefleetError `settings/invalid-ca` as `readAuthority`
 */
export function readEdgeAuthority({
  name,
  verify,
}: Pick<Environment, "name" | "verify">): string | undefined {
  const path = verify?.ca;
  return path === undefined ? undefined : readAuthority(path, `environments.${name}.verify.ca`);
}

/**
 * The certificates of a file, in PEM. Nothing else of the file is given on, be it a key that somebody left in it.
 * @param source what named the file, for messages
 * @throws SitefleetError `settings/invalid-ca` when the file is not there or holds no certificate
 */
export function readAuthority(path: string, source: string): string {
  const found = readText(path, source).match(CERTIFICATE) ?? [];
  if (found.length === 0) throw invalid(source, `${path} holds no certificate`);
  return found.map((certificate) => readCertificate(certificate, { path, source })).join("");
}

function readText(path: string, source: string): string {
  try {
    const found = statSync(path);
    // A pipe would be waited for, and a device never ends.
    if (found.isFile() && found.size <= LARGEST) return readFileSync(path, "utf8");
  } catch (cause) {
    throw invalid(source, `${path} cannot be read: ${messageOf(cause)}`, cause);
  }
  throw invalid(source, `${path} is no file of certificates`);
}

/** TLS would leave out what it cannot read, and then say only that nobody vouches for the edge. */
function readCertificate(pem: string, at: { readonly path: string; readonly source: string }): string {
  try {
    return new X509Certificate(pem).toString();
  } catch (cause) {
    const problem = `${at.path} holds a certificate that cannot be read: ${messageOf(cause)}`;
    throw invalid(at.source, problem, cause);
  }
}

function invalid(source: string, problem: string, cause?: unknown): SitefleetError {
  return new SitefleetError("settings/invalid-ca", `${source}: ${problem}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: "name a file of certificates in PEM (`-----BEGIN CERTIFICATE-----`); a mirror's is ca/ca.pem in its state folder",
  });
}
