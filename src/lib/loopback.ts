import { isIP } from "node:net";

/** Whether a host, as an URL has it, can only be reached on this machine. */
export function isLoopbackHost(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, "");
  if (isIP(name) !== 0) return name.startsWith("127.") || name === "::1";
  return name === "localhost" || name.endsWith(".localhost");
}
