import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

const PEER = { name: "@fastly/compute-js-static-publish", version: "7.0.7" } as const;
const TEN_MINUTES_MS = 600_000;

/** A Compute app as Viceroy runs it. */
export interface ComputeApp {
  /** Path of the module. */
  readonly program: string;
  /** Path of a `fastly.toml`, in whose folder Viceroy runs. */
  readonly manifest: string;
  /** Bytes of the package's archive. */
  readonly packageBytes: number;
  readonly programBytes: number;
}

/**
 * Fastly's own publisher of static sites as its scaffold makes it, with a site in its KV store. It is installed and built
 * once, in a folder beside other temporary ones; an error tells why it could not be.
 */
export async function buildPeer(site: string): Promise<ComputeApp> {
  const folder = join(tmpdir(), `sitefleet-bench-peer-${PEER.version}`);
  const app = join(folder, "compute-js");
  const program = join(app, "bin/main.wasm");
  if (!existsSync(program)) await makePeer(folder);
  await rm(join(folder, "public"), { recursive: true, force: true });
  await cp(site, join(folder, "public"), { recursive: true });
  await rm(join(app, "static-publisher"), { recursive: true, force: true });
  await run(cliOf(app), ["publish-content", "--local"], app);
  // Fastly's CLI packs these two, as gzipped tar: the archive's own few kilobytes are left out.
  const [wasm, manifest] = await Promise.all([readFile(program), readFile(join(app, "fastly.toml"))]);
  return {
    program,
    manifest: join(app, "fastly.toml"),
    packageBytes: gzipSync(Buffer.concat([wasm, manifest])).length,
    programBytes: (await stat(program)).size,
  };
}

/** Made beside its place and moved there when it is whole. */
async function makePeer(folder: string): Promise<void> {
  const draft = `${folder}.${process.pid}`;
  await mkdir(join(draft, "public"), { recursive: true });
  try {
    await writeFile(join(draft, "public/index.html"), "");
    await writeFile(join(draft, "package.json"), '{"private":true}\n');
    await run("npm", ["install", "--no-audit", "--no-fund", `${PEER.name}@${PEER.version}`], draft);
    await run(cliOf(draft), ["--root-dir=./public", "--output=./compute-js", "--kv-store-name=bench"], draft);
    const app = join(draft, "compute-js");
    await run(join(app, "node_modules/.bin/js-compute-runtime"), ["src/index.js", "bin/main.wasm"], app);
    await rm(folder, { recursive: true, force: true });
    await rename(draft, folder);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

function cliOf(folder: string): string {
  return join(folder, "node_modules/.bin/compute-js-static-publish");
}

async function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  const PATH = [dirname(process.execPath), process.env["PATH"] ?? ""].join(":");
  const options = { cwd, timeout: TEN_MINUTES_MS, env: { ...process.env, PATH }, maxBuffer: 2 ** 26 };
  await promisify(execFile)(program, [...args], options);
}
