import { createHash } from "node:crypto";

/**
 * SHA-512 of what is in a Compute package's files, by path, in the order of the paths' bytes as Go sorts them, hexadecimal:
 * `files_hash` of Fastly's answers (github.com/fastly/cli, pkg/commands/compute/hashfiles.go).
 */
export function filesHashOf(files: ReadonlyMap<string, Buffer>): string {
  const hash = createHash("sha512");
  const sorted = [...files].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const [, content] of sorted) hash.update(content);
  return hash.digest("hex");
}
