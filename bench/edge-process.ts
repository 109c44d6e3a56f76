/** An edge with one service and nothing around it: arguments = folder, VCL file; answers every message with a report. */
import { readFile } from "node:fs/promises";
import { systemClock } from "../src/lib/clock.ts";
import { startEdge } from "../src/mirror/edge/edge.ts";
import { compileService } from "../src/vcl/compile-service.ts";
import { readUsage } from "./usage.ts";
import type { Usage } from "./usage.ts";

export interface EdgeReport extends Usage {
  readonly port: number;
}

async function serve(stateDir: string, file: string): Promise<void> {
  const program = compileService(
    {
      main: { name: file, text: await readFile(file, "utf8") },
      includes: new Map(),
      prelude: [],
      macros: new Map(),
    },
    { tables: new Map() },
  );
  const edge = await startEdge({
    stateDir,
    httpPort: 0,
    httpsPort: 0,
    clock: systemClock,
    onLog: () => undefined,
  });
  edge.activate({ id: "bench", name: "bench", version: 1, domains: [], program });
  edge.pin("bench");
  const report = (): EdgeReport => ({ ...readUsage(), port: edge.httpPort });
  process.on("message", () => process.send?.(report()));
  process.send?.(report());
}

const [stateDir = "", file = ""] = process.argv.slice(2);
await serve(stateDir, file);
