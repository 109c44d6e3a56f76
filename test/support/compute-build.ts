import { execFile } from "node:child_process";
import { cp, mkdir, symlink } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { packagePath } from "../../src/lib/package-root.ts";

/** What the Compute app's package is made of, apart from installed packages. */
const SOURCES = ["fastly.toml", "package.json", "tsconfig.json", "src/site", "src/lib"];
const COMPUTE = [
  "src",
  "build.js",
  "build-package.js",
  "build-snapshot.js",
  "build-wasi.js",
  "package.json",
  "tsconfig.build.json",
];

/** Whether the toolchain is installed; says on stderr why what needs it is skipped. */
export function hasComputeToolchain(): boolean {
  if (existsSync(packagePath("compute/node_modules/@fastly/js-compute/package.json"))) return true;
  process.stderr.write(
    "skipped: the toolchain of the Compute app is not installed (npm run build:compute)\n",
  );
  return false;
}

/** Copies a checkout, as far as building the package reads it, to a folder that need not exist. */
export async function copyCheckout(to: string): Promise<void> {
  await mkdir(join(to, "compute"), { recursive: true });
  for (const path of [...SOURCES, ...COMPUTE.map((name) => `compute/${name}`)])
    await cp(packagePath(path), join(to, path), { recursive: true });
  for (const packages of ["node_modules", "compute/node_modules"])
    await symlink(packagePath(packages), join(to, packages), "dir");
}

/** `npm run build:compute` in a checkout: `bin/main.wasm` and `compute/pkg/sitefleet.tar.gz`, there or below another root. */
export async function buildCompute(
  checkout: string,
  args: readonly string[] = [],
): Promise<{ readonly code: number; readonly out: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(checkout, "compute/build.js"), ...args],
      { timeout: 240_000 },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), out: `${stdout}${stderr}` }),
    );
  });
}

/** Paths of the files that npm would publish of a checkout as it is, without building anything. */
export async function publishedFiles(checkout: string): Promise<readonly string[]> {
  const { npm_execpath: npm } = process.env;
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const [command, rest] = npm === undefined ? ["npm", args] : [process.execPath, [npm, ...args]];
  const out = await promisify(execFile)(command, rest, { cwd: checkout, timeout: 120_000 });
  const packed = z.array(z.object({ files: z.array(z.object({ path: z.string() })) }));
  return packed.parse(JSON.parse(out.stdout)).flatMap(({ files }) => files.map(({ path }) => path));
}
