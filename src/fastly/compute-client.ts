import { z } from "zod";
import { versionPath } from "./api-paths.ts";
import type { VersionRef } from "./api-paths.ts";
import { RemoteError, isNotFound } from "./remote-error.ts";
import type { FastlyTransport } from "./transport.ts";
import * as wire from "./wire.ts";

/** Fields that Fastly read from the archive; older packages lack the hash of the files. */
const packageInfo = z.object({
  metadata: z.object({
    name: z.string().nullish(),
    size: z.number().nullish(),
    hashsum: z.string().nullish(),
    files_hash: z.string().nullish(),
  }),
});

/** A version's package as Fastly tells it (reference/api/services/package). */
export interface PackageInfo {
  /** Of its manifest. */
  readonly name: string;
  /** Bytes of the archive. */
  readonly size: number;
  /** SHA-512 of the archive, hexadecimal. */
  readonly hashsum: string;
  /** SHA-512 of the contents of its files, hexadecimal; empty where Fastly does not say. */
  readonly filesHash: string;
}

const resourceLink = z
  .object({ id: z.string().min(1), name: z.string(), resource_id: z.string() })
  .transform(({ id, name, resource_id }) => ({ id, name, storeId: resource_id }));

/** A store as a version's program opens it (reference/api/services/resource). */
export type ResourceLink = Readonly<z.output<typeof resourceLink>>;

/** What only versions of Compute services have. Every method throws `RemoteError`. */
export class ComputeClient {
  readonly #transport: FastlyTransport;

  constructor(transport: FastlyTransport) {
    this.#transport = transport;
  }

  /** `undefined` where the version has none. */
  async readPackage(ref: VersionRef): Promise<PackageInfo | undefined> {
    try {
      const { metadata } = await this.#transport.send({
        method: "GET",
        path: versionPath(ref, "package"),
        answer: packageInfo,
      });
      const { name, size, hashsum, files_hash: filesHash } = metadata;
      return { name: name ?? "", size: size ?? 0, hashsum: hashsum ?? "", filesHash: filesHash ?? "" };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Puts an archive in place of the version's package. */
  async uploadPackage(ref: VersionRef, bytes: Uint8Array): Promise<void> {
    await this.#transport.send({
      method: "PUT",
      path: versionPath(ref, "package"),
      file: { field: "package", fileName: "package.tar.gz", bytes },
      queue: ref.serviceId,
      answer: packageInfo,
    });
  }

  listLinks(ref: VersionRef): Promise<readonly ResourceLink[]> {
    return this.#transport.send({
      method: "GET",
      path: versionPath(ref, "resource"),
      answer: z.array(resourceLink),
    });
  }

  /** Makes a link, in place of one of that name to another store; however often it is called there is one. */
  async putLink(ref: VersionRef, link: { readonly name: string; readonly storeId: string }): Promise<void> {
    const found = (await this.listLinks(ref)).find(({ name }) => name === link.name);
    if (found?.storeId === link.storeId) return;
    // Which store a link is to cannot be changed.
    if (found) await this.#drop(ref, found.id);
    try {
      await this.#post(ref, link);
    } catch (error) {
      if (!(error instanceof RemoteError) || (error.landed === "no" && error.status !== 409)) throw error;
      const now = (await this.listLinks(ref)).find(({ name }) => name === link.name);
      if (now === undefined) await this.#post(ref, link);
      else if (now.storeId !== link.storeId) throw error;
    }
  }

  /** Removes the link of a name; one that is not there is no error. */
  async dropLink(ref: VersionRef, name: string): Promise<void> {
    const found = (await this.listLinks(ref)).find((link) => link.name === name);
    if (found) await this.#drop(ref, found.id);
  }

  async #post(ref: VersionRef, link: { readonly name: string; readonly storeId: string }): Promise<void> {
    await this.#transport.send({
      method: "POST",
      path: versionPath(ref, "resource"),
      form: { name: link.name, resource_id: link.storeId },
      queue: ref.serviceId,
      answer: resourceLink,
    });
  }

  async #drop(ref: VersionRef, id: string): Promise<void> {
    await this.#transport.send({
      method: "DELETE",
      path: versionPath(ref, "resource", id),
      queue: ref.serviceId,
      answer: wire.statusAnswer,
    });
  }
}
