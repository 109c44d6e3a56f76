import { RemoteError } from "../../fastly/remote-error.ts";

/**
 * Fastly's words for a domain that another service or customer has; told when a domain is put into a version, and when a
 * version goes live that has one (docs.fastly.com/en/guides/common-service-and-domain-errors).
 */
const TAKEN =
  /\bDomain '?([^\s']{1,253})'? is (?:already )?(?:taken|owned) by (another customer|service\b[^\n]*)/i;

/** A refused call as what it means for a domain, where Fastly says that somebody else has it; else as it is. */
export function sayDomainTaken(error: unknown): unknown {
  if (!(error instanceof RemoteError) || error.landed !== "no" || error.status !== 400) return error;
  const [, domain = "", owner = ""] = TAKEN.exec(error.message) ?? [];
  if (domain === "") return error;
  const isOurs = owner.toLowerCase().startsWith("service");
  return new RemoteError(
    "deploy/domain-taken",
    `Fastly gives "${domain}" to one service at a time, and ${isOurs ? owner : "another customer"} has it`,
    {
      status: error.status,
      landed: error.landed,
      hint: isOurs
        ? "take the domain out of that service and make this live there, then deploy again: the draft is used again"
        : "is it yours, have Fastly's support give it to this account; else take it out of the settings; the draft is used again",
      details: [error.message, ...error.details],
      cause: error,
    },
  );
}
