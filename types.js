// Writes the types beside what bundle.js made: docs/decisions/0014-bundled-build.md. The mirror runs the Compute app, whose
// sources lie beside `src/` and not in it; in `dist/` they are one folder among the others. Plain JavaScript, since Node 20
// runs nothing else. Argument: another folder than `dist`.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import ts from "typescript";

const root = import.meta.dirname;
const dir = resolve(process.argv[2] ?? "dist");

/** Folders of sources, and where below `dist/` their types go. */
const PLACES = [
  ["src", "."],
  ["compute/src", "compute"],
];

/** @param {string} path Of a source or its declaration, from the root. @returns {string} Path below `dist/`. */
function placeOf(path) {
  const place = PLACES.find(([from]) => !relative(from, path).startsWith(".."));
  if (place === undefined) throw new Error(`${path} is in none of the folders whose types are built`);
  return join(place[1], relative(place[0], path));
}

/** @param {string} path As the compiler names it in `outDir`. @param {string} text */
function move(path, text) {
  const from = relative(outDir, path);
  const to = placeOf(from);
  // Between the two folders the way is another one than in the sources.
  const moved = text.replace(/(from |import\()"(\.[^"]*)"/g, (_, before, specifier) => {
    const target = placeOf(join(dirname(from), specifier));
    asked.add(target.replace(/\.ts$/, ".d.ts"));
    const way = relative(dirname(to), target).replaceAll("\\", "/");
    return `${before}"${way.startsWith(".") ? way : `./${way}`}"`;
  });
  written.set(to, moved);
}

const { options, fileNames, errors } = ts.getParsedCommandLineOfConfigFile(
  join(root, "tsconfig.build.json"),
  {},
  { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (diagnostic) => fail([diagnostic]) },
);
const { outDir } = options;
/** Text by path below `dist/`, and what those texts import. */
const written = new Map();
const asked = new Set();
const program = ts.createProgram({ rootNames: fileNames, options });
const { diagnostics } = program.emit(undefined, move);
fail([...errors, ...ts.getPreEmitDiagnostics(program), ...diagnostics]);

for (const path of asked) {
  if (!written.has(path)) throw new Error(`the types import ${path}, which is not among them`);
}
for (const [path, text] of written) {
  mkdirSync(join(dir, dirname(path)), { recursive: true });
  writeFileSync(join(dir, path), text);
}

/** @param {import("typescript").Diagnostic[]} diagnostics Ends the build where there are any. */
function fail(diagnostics) {
  if (diagnostics.length === 0) return;
  const host = { getCanonicalFileName: String, getCurrentDirectory: () => root, getNewLine: () => "\n" };
  process.stderr.write(ts.formatDiagnostics(diagnostics, host));
  process.exit(1);
}
