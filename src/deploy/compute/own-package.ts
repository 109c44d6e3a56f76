import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { packTar } from "modern-tar";
import { SitefleetError } from "../../lib/errors.ts";
import { isLoopbackHost } from "../../lib/loopback.ts";
import { packagePath } from "../../lib/package-root.ts";
import type { Environment } from "../../settings/environment.ts";
import { OWN_PACKAGE, readPackage } from "./package-file.ts";
import type { PackageFile } from "./package-file.ts";

/**
 * The package that an environment gets: the one that was built. Where there is none, a mirror on this machine gets one
 * without a program, because it runs the app's source itself.
 * @throws SitefleetError `compute/not-built`, `deploy/invalid-package`
 */
export async function packageFor(
  { fastly }: Pick<Environment, "fastly">,
  path: string = packagePath(OWN_PACKAGE),
): Promise<PackageFile> {
  const isMirror = isLoopbackHost(new URL(fastly.apiUrl).hostname);
  if (isMirror && !existsSync(path)) return mirrorPackage();
  const file = await readPackage(path);
  refuseForeign(file);
  return file;
}

/** Name of the app's own package, in its manifest. */
const OWN_NAME = "sitefleet";

/** Another project's program may be a good package, and would answer none of the sites. */
function refuseForeign({ path, manifestName }: PackageFile): void {
  if (manifestName === OWN_NAME) return;
  const told = JSON.stringify(manifestName.slice(0, 100));
  throw new SitefleetError(
    "deploy/invalid-package",
    `the package ${path} is that of ${told}, not sitefleet's`,
    {
      hint: 'build it again with `npm run build:compute`, in a checkout whose fastly.toml says `name = "sitefleet"`',
    },
  );
}

/** docs/fastly-api.md, "A package for mirrors only". */
const MANIFEST = `# sitefleet's app, for a mirror: it has no program.
manifest_version = 3
name = "sitefleet"
language = "javascript"

[sitefleet]
mirror_only = true
`;

/** Offset of gzip's byte for the system, and what stands for none (RFC 1952 §2.3.1). */
const SYSTEM = 9;
const NO_SYSTEM = 255;

/** A package without a program, the same bytes each time. */
export async function mirrorPackage(): Promise<PackageFile> {
  const owner = { mtime: new Date(0), uid: 0, gid: 0, uname: "", gname: "" };
  const manifest = Buffer.from(MANIFEST);
  const tar = await packTar([
    { header: { name: "sitefleet/", size: 0, mode: 0o755, type: "directory", ...owner } },
    {
      header: { name: "sitefleet/fastly.toml", size: manifest.length, mode: 0o644, type: "file", ...owner },
      body: manifest,
    },
  ]);
  const bytes = gzipSync(tar, { level: 9 });
  bytes[SYSTEM] = NO_SYSTEM;
  const sha512 = (data: Uint8Array): string => createHash("sha512").update(data).digest("hex");
  return {
    path: "(for mirrors only)",
    bytes,
    size: bytes.length,
    hashsum: sha512(bytes),
    filesHash: sha512(manifest),
    manifestName: OWN_NAME,
  };
}
