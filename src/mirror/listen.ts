import type { Server } from "node:net";
import { listenAt } from "../lib/listen.ts";
import type { ListenAt } from "../lib/listen.ts";

/**
 * Binds a server of the mirror.
 * @returns the port it has
 * @throws SitefleetError `mirror/port-in-use` when the port is taken or may not be opened
 */
export function listenOn(server: Server, at: Omit<ListenAt, "code">): Promise<number> {
  return listenAt(server, { ...at, code: "mirror/port-in-use" });
}
