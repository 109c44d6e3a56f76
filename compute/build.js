// Builds the Compute app's package: `bin/main.wasm`, and the archive that Fastly takes, `compute/pkg/sitefleet.tar.gz`. The
// same sources give the same bytes in any folder: docs/decisions/0025-one-package-for-every-customer.md. Plain JavaScript,
// since Node 20 runs nothing else. Arguments: another entry than `compute/src/main.ts`, another root for what is written.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { packed } from "./build-package.js";
import { snapshot } from "./build-snapshot.js";

const here = import.meta.dirname;
const root = dirname(here);
const main = join(here, "src/main.ts");
const entry = resolve(process.argv[2] ?? main);
const target = resolve(process.argv[3] ?? root);

/** What the engine is told when it starts, as js-compute's options of these names do. */
const ENGINE_OPTIONS = {
  ENABLE_EXPERIMENTAL_HIGH_RESOLUTION_TIME_METHODS: "0",
  // `--enable-http-cache`: answers are signed for and looked at on their way into the cache.
  ENABLE_EXPERIMENTAL_HTTP_CACHE: "1",
};

install();
if (entry === main) checkTypes();
const sdk = join(here, "node_modules/@fastly/js-compute");
const program = snapshot(readFileSync(join(sdk, "fastly.wasm")), {
  script: await scriptOf(entry),
  env: ENGINE_OPTIONS,
  sdk: ["@fastly/js-compute (StarlingMonkey)", versionOf("@fastly/js-compute")],
});
const manifest = readFileSync(join(root, "fastly.toml"));
const archive = await packed("sitefleet", { "bin/main.wasm": program, "fastly.toml": manifest });
write("bin/main.wasm", program);
write("compute/pkg/sitefleet.tar.gz", archive);

/** Installs the toolchain, which is no part of the project's own packages, unless it is there as locked. */
function install() {
  const { dependencies } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
  if (Object.entries(dependencies).every(([name, version]) => versionOf(name) === version)) return;
  console.log("installing the toolchain of the Compute app");
  // The program that runs this script, where npm does.
  const npm = process.env["npm_execpath"];
  const command = npm === undefined ? ["npm"] : [process.execPath, npm];
  const args = [...command.slice(1), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", here];
  run(command[0], args, npm === undefined && process.platform === "win32");
}

/** @param {string} name @returns {string | undefined} Of a package of the toolchain; nothing where it is not installed. */
function versionOf(name) {
  const path = join(here, "node_modules", name, "package.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).version : undefined;
}

function checkTypes() {
  const compiler = createRequire(join(root, "package.json")).resolve("typescript/bin/tsc");
  run(process.execPath, [compiler, "-p", join(here, "tsconfig.build.json")], false);
}

/** The app as the one script that the engine reads: what the steps of js-compute make of it, without their random folder. */
async function scriptOf(entry) {
  const part = (name) => import(pathToFileURL(join(sdk, "dist", name)).href);
  const { build } = await import("esbuild");
  const { fastlyPlugin } = await part("esbuild-plugins/fastlyPlugin.js");
  const { CompilerContext } = await part("compilerPipeline.js");
  const { precompileRegexesStep } = await part("compiler-steps/precompileRegexes.js");
  const { addFastlyHelpersStep } = await part("compiler-steps/addFastlyHelpers.js");
  const folder = mkdtempSync(join(tmpdir(), "sitefleet-compute-"));
  try {
    const bundled = join(folder, "bundled.js");
    const { metafile } = await build({
      entryPoints: [entry],
      outfile: bundled,
      bundle: true,
      format: "iife",
      conditions: ["fastly"],
      // What paths in the script are relative to.
      absWorkingDir: root,
      plugins: [fastlyPlugin],
      tsconfigRaw: {},
      logLevel: "warning",
      metafile: true,
    });
    const foreign = Object.keys(metafile.inputs).filter((path) => path.includes("node_modules/"));
    if (foreign.length > 0) throw new Error(`the app takes in packages: ${foreign.join(", ")}`);
    const context = new CompilerContext(bundled, folder, undefined, false, false, true);
    context.addCompilerPipelineStep(precompileRegexesStep);
    context.addCompilerPipelineStep(addFastlyHelpersStep);
    await context.applyCompilerPipeline();
    return readFileSync(context.outFilepath);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param {string} path @param {Uint8Array} content */
function write(path, content) {
  const file = join(target, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  console.log(`${path} ${(content.length / 1e6).toFixed(1)} MB`);
}

/** @param {string} command @param {readonly string[]} args @param {boolean} shell */
function run(command, args, shell) {
  const { status, error } = spawnSync(command, args, { stdio: "inherit", shell });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
