// Makes `dist/` of the sources, without their types: docs/decisions/0014-bundled-build.md. Plain JavaScript, since Node 20
// runs nothing else. Argument: another folder than `dist`.
import { readFileSync, readdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { rolldown } from "rolldown";

/**
 * Packages that nearly every command starts with; as a hundred files they take longer to find and read than to run. All
 * others stay packages and are loaded by the commands that need them.
 */
const BUNDLED = ["commander", "ignore", "smol-toml", "zod"];

/** @param {string} id @returns {boolean} */
function isExternal(id) {
  return (
    !id.startsWith(".") &&
    !isAbsolute(id) &&
    !BUNDLED.some((name) => id === name || id.startsWith(`${name}/`))
  );
}

/** What is bundled is handed on with the package, and so is its licence. */
const licences = {
  name: "licences",
  /** @this {import("rolldown").PluginContext} @param {unknown} _ @param {import("rolldown").OutputBundle} bundle */
  generateBundle(_, bundle) {
    const chunks = Object.values(bundle).flatMap((file) => (file.type === "chunk" ? [file] : []));
    const modules = chunks.flatMap(({ moduleIds }) => moduleIds);
    const folders = modules.flatMap(
      (id) => /^.*[/\\]node_modules[/\\](?:@[^/\\]+[/\\])?[^/\\]+/.exec(id) ?? [],
    );
    const source = [...new Set(folders)].sort().map(noticeOf).join("\n");
    this.emitFile({ type: "asset", fileName: "licences.txt", source });
  },
};

/** @param {string} folder @returns {string} */
function noticeOf(folder) {
  const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const files = readdirSync(folder).filter((file) => /^licen[cs]e/i.test(file));
  if (files.length === 0) throw new Error(`${name} comes without a licence`);
  const texts = files.map((file) => readFileSync(join(folder, file), "utf8").trim());
  return `${name} ${version}\n\n${texts.join("\n\n")}\n`;
}

const bundle = await rolldown({
  input: { cli: "src/cli.ts", index: "src/index.ts" },
  platform: "node",
  transform: { target: "node20.19" },
  external: isExternal,
  plugins: [licences],
});
await bundle.write({
  dir: process.argv[2] ?? "dist",
  sourcemap: true,
  // Names that stay from build to build: one replaces the other even under a program that runs.
  chunkFileNames: "chunks/[name].js",
});
await bundle.close();
