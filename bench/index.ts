/**
 * Measures what the project promises and prints one JSON document. Arguments choose sections; all without any.
 * Run it as `npm run bench -- edge publish`: it measures what the build makes, since a loader of TypeScript would
 * change the figures. Each section says how busy the machine was before and after (`load`, one-minute average).
 */
import { availableParallelism } from "node:os";
import { measureCache } from "./cache.ts";
import { measureChange } from "./change.ts";
import { measureCompute } from "./compute.ts";
import { measureDeploy } from "./deploy.ts";
import { measureEdge } from "./edge.ts";
import { measurePcre } from "./pcre.ts";
import { measurePeers } from "./peers.ts";
import { measurePublish } from "./publish.ts";
import { measureReplay } from "./replay.ts";
import { measureS3 } from "./s3.ts";
import { measureStart } from "./start.ts";
import { measureVcl } from "./vcl.ts";

const SECTIONS: Readonly<Record<string, () => Promise<object>>> = {
  edge: measureEdge,
  peers: measurePeers,
  cache: measureCache,
  change: measureChange,
  publish: measurePublish,
  s3: measureS3,
  vcl: measureVcl,
  pcre: measurePcre,
  replay: measureReplay,
  start: measureStart,
  deploy: measureDeploy,
  compute: measureCompute,
};

// The SDK is pinned; its advice about later versions does not belong among the figures.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(SECTIONS, name));
if (unknown.length > 0) {
  console.error(`no such section: ${unknown.join(", ")}; there are: ${Object.keys(SECTIONS).join(", ")}`);
  process.exitCode = 2;
} else {
  console.log(JSON.stringify(await runSections(wanted), null, 2));
}

async function runSections(names: readonly string[]): Promise<object> {
  const figures: Record<string, object> = {};
  for (const [name, measure] of Object.entries(SECTIONS)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const startedMs = performance.now();
    const section = await measure();
    figures[name] = { seconds: Math.round((performance.now() - startedMs) / 1000), ...section };
  }
  return { node: process.version, processors: availableParallelism(), ...figures };
}
