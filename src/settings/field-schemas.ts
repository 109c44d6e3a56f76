import { z } from "zod";

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

function isHostName(name: string): boolean {
  return name.split(".").every((part) => label.test(part));
}

/** A host name in lower case. */
export const hostName = z.string().max(253).refine(isHostName, "must be a lower-case host name");

/** A host name in lower case, or `*.` and one. */
export const domain = z
  .string()
  .max(253)
  .refine((name) => isHostName(name.replace(/^\*\./, "")), {
    message: "must be a lower-case host name, optionally with a leading `*.`",
  });

export const httpUrl = z.url({ protocol: /^https?$/ });

/** A host as people give servers inside a network: with underscores too, and addresses, IPv6 in brackets. */
const SERVER =
  /^(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*|\[[0-9a-f:.]+\])$/;

/**
 * Scheme, host and port of a server, and nothing behind it: only these are used, in VCL and requests. A URL's host may
 * have quotes and braces (URL Standard, "forbidden domain code points"), which no server's name has.
 */
export const serverUrl = httpUrl.refine(isServerUrl, { error: ({ input }) => whatToWrite(input) });

function isServerUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { hostname, username, password, pathname, search, hash } = new URL(text);
  return (
    SERVER.test(hostname) &&
    [username, password, search, hash].every((part) => part === "") &&
    pathname === "/"
  );
}

/** Names no user and nothing of a path: there may be a password or a token in them. */
function whatToWrite(text: unknown): string {
  const rule = "must be scheme, host and port alone";
  const url = typeof text === "string" && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !SERVER.test(url.hostname)) {
    return `${rule}, such as \`https://s3.example.net:9000\``;
  }
  return `${rule}: write \`${url.origin}\`, for a path, a query or a user would not be sent`;
}

/** Text that can be written as UTF-8: half a surrogate pair would come back as another text, and be drift for ever. */
export const wellFormed = z
  .string()
  .regex(/^\P{Cs}*$/u, "has half of a surrogate pair, which no UTF-8 can hold");

/** A name on one line. */
export const objectName = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u, "must be without control characters");
