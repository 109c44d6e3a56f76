import type { Server } from "node:net";
import { errnoOf } from "../lib/caught.ts";
import { SitefleetError } from "../lib/errors.ts";

/** Where a part of the mirror listens. */
export interface ListenAt {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** What listens there, for the error: `the Fastly API`. */
  readonly what: string;
  /** The flag that chooses another port: `--api-port`. */
  readonly flag: string;
}

/**
 * Binds a server.
 * @returns the port it has
 * @throws SitefleetError `mirror/port-in-use` when the port is taken or may not be opened
 */
export async function listenOn(server: Server, at: ListenAt): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error): void => reject(portError(error, at));
    server.once("error", fail);
    server.listen(at.port, at.host, () => {
      server.off("error", fail);
      resolve();
    });
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : at.port;
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ["EADDRINUSE", "is in use by another program"],
  ["EACCES", "may not be opened by this user"],
]);

function portError(error: Error, { host, port, what, flag }: ListenAt): Error {
  const reason = REASONS.get(errnoOf(error) ?? "");
  if (reason === undefined) return error;
  return new SitefleetError("mirror/port-in-use", `port ${port} of ${host} for ${what} ${reason}`, {
    cause: error,
    hint: `stop that program, or choose another port with ${flag} (0 = any free one)`,
  });
}
