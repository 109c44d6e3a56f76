import { randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../lib/atomic-write.ts";
import { isErrno } from "../lib/caught.ts";
import { SitefleetError } from "../lib/errors.ts";
import { S3Policy } from "./s3/policy.ts";
import type { S3Credential } from "./s3/signature.ts";

const fileSchema = z.array(
  z.object({
    name: z.string().min(1),
    accessKeyId: z.string().min(8),
    secretAccessKey: z.string().min(16),
    policy: z.unknown(),
  }),
);

type IssuedKey = z.output<typeof fileSchema>[number];

/** A key as it is handed out. */
export interface NewKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

function pathIn(stateDir: string): string {
  return join(stateDir, "s3-keys.json");
}

/**
 * Makes a key for the mirror's S3 that may do what a policy says, as IAM would. A name that has a key keeps it, under the
 * new policy; a mirror that runs knows it at once.
 * @throws SitefleetError `mirror/invalid-policy`, `mirror/state-unreadable`
 */
export async function issueKey(
  stateDir: string,
  { name, policy }: { readonly name: string; readonly policy: unknown },
): Promise<NewKey> {
  S3Policy.of(policy);
  const path = pathIn(stateDir);
  const known = readIssued(path);
  const { accessKeyId, secretAccessKey } = known.find((key) => key.name === name) ?? {
    accessKeyId: `SFKEY${randomBytes(8).toString("hex").toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString("hex"),
  };
  const key: IssuedKey = { name, accessKeyId, secretAccessKey, policy };
  const keys = [...known.filter((other) => other.name !== name), key];
  await writeFileAtomic(path, `${JSON.stringify(keys, null, 2)}\n`, 0o600);
  return { accessKeyId, secretAccessKey };
}

/** Finds issued keys for the S3 server; the file is read again when it has changed. */
export function findIssuedKey(stateDir: string): (accessKeyId: string) => S3Credential | undefined {
  const path = pathIn(stateDir);
  let read: { readonly version: string; readonly keys: ReadonlyMap<string, S3Credential> } | undefined;
  return (accessKeyId) => {
    const version = versionOf(path);
    if (read?.version !== version) {
      const credentials = readIssued(path).map(({ policy, ...key }) => ({
        ...key,
        access: S3Policy.of(policy),
      }));
      read = { version, keys: new Map(credentials.map((key) => [key.accessKeyId, key])) };
    }
    return read.keys.get(accessKeyId);
  };
}

/** Changes with every write: each makes a new file. Empty when there is none. */
function versionOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.ino} ${stat.mtimeNs}`;
}

function readIssued(path: string): readonly IssuedKey[] {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    if (isErrno(cause, "ENOENT")) return [];
    throw new SitefleetError("mirror/state-unreadable", `${path} does not hold keys of the mirror`, {
      cause,
      hint: "restore the file, or remove it and make the keys again",
    });
  }
}
