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
