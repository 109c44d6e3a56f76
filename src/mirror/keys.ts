import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../lib/atomic-write.ts";
import { SitefleetError } from "../lib/errors.ts";
import { isErrno } from "../lib/caught.ts";

const keysSchema = z.object({
  apiToken: z.string().min(20),
  publisher: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
  edgeReader: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
  configSegment: z.string().min(16),
});

/** What opens this mirror; made once per state folder, in a file that only its owner reads. */
export type MirrorKeys = z.output<typeof keysSchema>;

/**
 * Reads `<state>/keys.json`, or makes it.
 * @throws SitefleetError `mirror/state-unreadable`
 */
export async function loadMirrorKeys(stateDir: string): Promise<MirrorKeys> {
  const path = join(stateDir, "keys.json");
  try {
    return keysSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    if (!isErrno(cause, "ENOENT")) {
      throw new SitefleetError("mirror/state-unreadable", `${path} does not hold the mirror's keys`, {
        cause,
        hint: "restore the file, or remove it: new keys are made at the next start",
      });
    }
  }
  const keys: MirrorKeys = {
    apiToken: token(24),
    publisher: { accessKeyId: `SFPUB${token(8).toUpperCase()}`, secretAccessKey: token(30) },
    edgeReader: { accessKeyId: `SFEDGE${token(8).toUpperCase()}`, secretAccessKey: token(30) },
    configSegment: token(16),
  };
  await writeFileAtomic(path, `${JSON.stringify(keys, null, 2)}\n`, 0o600);
  return keys;
}

function token(bytes: number): string {
  return randomBytes(bytes).toString("hex");
}
