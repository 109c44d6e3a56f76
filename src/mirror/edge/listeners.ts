import { startFront } from "./front.ts";
import type { Front, FrontOptions } from "./front.ts";

/** The two ports of a front; where one is asked for, 0 = any free one. */
export interface PortPair {
  readonly http: number;
  readonly https: number;
}

/** All listeners of an edge. */
export interface Listeners extends Front {
  /** Of POPs with ports of their own, by code. */
  readonly popPorts: ReadonlyMap<string, PortPair>;
}

/**
 * Starts the front that clients reach unasked, and one for each POP that is to have ports of its own: there a client
 * reaches that POP unless it asks for another. `mirror/port-in-use` when a port is taken, and then none stays open.
 */
export async function startListeners(
  options: FrontOptions,
  wanted: ReadonlyMap<string, PortPair>,
): Promise<Listeners> {
  const main = await startFront(options);
  const fronts = [main];
  const close = async (): Promise<void> => {
    await Promise.all(fronts.map((front) => front.close()));
  };
  const popPorts = new Map<string, PortPair>();
  try {
    for (const [pop, { http, https }] of wanted) {
      const front = await startFront({
        ...options,
        httpPort: http,
        httpsPort: https,
        named: { what: `the POP ${pop}`, flag: "--pop-ports" },
        popOf: (code) => options.popOf(code ?? pop),
      });
      fronts.push(front);
      popPorts.set(pop, { http: front.httpPort, https: front.httpsPort });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { httpPort: main.httpPort, httpsPort: main.httpsPort, popPorts, close };
}
