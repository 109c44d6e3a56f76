// Makes `dist/` of the sources, without their types: docs/decisions/0014-bundled-build.md. Plain JavaScript, since Node 20
// runs nothing else. Argument: another folder than `dist`.
import { createHash } from "node:crypto";
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

/**
 * Names that stay from build to build: one replaces the other even under a program that runs.
 * @param {import("rolldown").InputOptions} input
 * @param {import("rolldown").OutputOptions} output
 */
async function write(input, output) {
  const bundle = await rolldown({
    platform: "node",
    transform: { target: "node20.19" },
    external: isExternal,
    // What the library takes in at once, the program may still load late.
    checks: { ineffectiveDynamicImport: false },
    ...input,
  });
  const written = await bundle.write({ dir, sourcemap: true, ...output });
  await bundle.close();
  return written.output;
}

const dir = process.argv[2] ?? "dist";

// The library, an ES module as its users' code is.
await write({ input: { index: "src/index.ts" } }, { chunkFileNames: "chunks/[name].js" });

// The program: CommonJS is what V8 takes compiled code for.
const program = await write(
  { input: { cli: "src/cli.ts" }, plugins: [licences] },
  {
    format: "cjs",
    dynamicImportInCjs: false,
    entryFileNames: "program/[name].cjs",
    chunkFileNames: "program/[name].cjs",
  },
);

// What starts it knows which build the compiled code must be of.
const code = createHash("sha256");
for (const file of program) if (file.type === "chunk") code.update(`${file.fileName}\0${file.code}\0`);
const define = { BUILD_ID: JSON.stringify(code.digest("hex").slice(0, 32)) };
await write(
  { input: { start: "src/start/start.ts" }, transform: { target: "node20.19", define } },
  { format: "cjs", entryFileNames: "program/[name].cjs" },
);
await write({ input: { cli: "src/start/entry.ts" } }, {});
