import type { Server } from "node:net";
import { errnoOf } from "./caught.ts";
import type { ErrorCode } from "./error-codes.ts";
import { SitefleetError } from "./errors.ts";

/** Where a server listens. */
export interface ListenAt {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** What listens there, for the error: `the Fastly API`. */
  readonly what: string;
  /** The flag that chooses another port: `--api-port`. */
  readonly flag: string;
  /** Code of the error when the port cannot be had. */
  readonly code: ErrorCode;
}

/**
 * Binds a server.
 * @returns the port it has
 * @throws SitefleetError of the code given when the port is taken, may not be opened or the host is not one of this machine
 */
export async function listenAt(server: Server, at: ListenAt): Promise<number> {
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
  ["EADDRNOTAVAIL", "cannot be opened: the host is no address of this machine"],
  ["ENOTFOUND", "cannot be opened: the host has no address"],
]);

function portError(error: Error, { host, port, what, flag, code }: ListenAt): Error {
  const reason = REASONS.get(errnoOf(error) ?? "");
  if (reason === undefined) return error;
  return new SitefleetError(code, `port ${port} of ${host} for ${what} ${reason}`, {
    cause: error,
    hint: `stop that program, or choose another port with ${flag} (0 = any free one)`,
  });
}
