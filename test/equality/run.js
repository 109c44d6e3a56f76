// Makes `build/equality.js` of the search that compares VCL with the Compute app, and runs it: `npm run equality`. Plain
// JavaScript, since Node 20 runs nothing else.
import { isAbsolute, join } from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const file = join(import.meta.dirname, "../../build/equality.js");
const bundle = await rolldown({
  input: join(import.meta.dirname, "main.ts"),
  platform: "node",
  transform: { target: "node20.19" },
  external: (id) => !id.startsWith(".") && !isAbsolute(id),
  checks: { ineffectiveDynamicImport: false },
});
await bundle.write({ file, sourcemap: true, codeSplitting: false });
await bundle.close();
await import(pathToFileURL(file).href);
