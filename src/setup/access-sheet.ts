import type { Environment } from "../settings/environment.ts";
import { S3_ROLES, policyFor } from "./s3-grants.ts";
import type { PolicyDocument, S3Role } from "./s3-grants.ts";

/** What to ask Fastly's `POST /tokens` for (reference/api/auth-tokens/user). */
export interface TokenRequest {
  readonly name: string;
  /** Separated by blanks. */
  readonly scope: string;
  /** Ids of the services that it is for; none = every service of the account. */
  readonly services: readonly string[];
}

/** Everything that an environment's keys and tokens must be allowed, and no more. */
export interface AccessSheet {
  readonly environment: string;
  readonly s3: Readonly<Record<S3Role, PolicyDocument>>;
  /** The edge has no token. */
  readonly fastly: { readonly publisher: TokenRequest; readonly deployer: TokenRequest };
  readonly notes: readonly string[];
}

/** @param serviceId of the settings, or found by name; absent = not known, or there is no service yet */
export function accessSheet(environment: Environment, serviceId: string | undefined): AccessSheet {
  const { name, fastly } = environment;
  const services = serviceId === undefined ? [] : [serviceId, ...(fastly.alsoPurge ?? [])];
  // A purge names the service by its id; finding the id by the service's name is a read.
  const isFound = fastly.serviceId === undefined;
  return {
    environment: name,
    s3: {
      "edge-reader": policyFor("edge-reader", environment),
      publisher: policyFor("publisher", environment),
      deployer: policyFor("deployer", environment),
    },
    fastly: {
      publisher: {
        name: `sitefleet ${name} publisher`,
        scope: isFound ? "purge_select global:read" : "purge_select",
        services,
      },
      deployer: { name: `sitefleet ${name} deployer`, scope: "global", services },
    },
    notes: notesOf({ isFound, hasService: serviceId !== undefined }),
  };
}

function notesOf({
  isFound,
  hasService,
}: {
  readonly isFound: boolean;
  readonly hasService: boolean;
}): string[] {
  return [
    ...(hasService
      ? []
      : [
          "the settings have no `fastly.serviceId`, and Fastly was not asked: to make the service the deployer's token must be for all services; exchange it for one of that service afterwards",
        ]),
    ...(isFound
      ? ["with `fastly.serviceId` in the settings the publisher's token needs `purge_select` alone"]
      : []),
    "`sitefleet purge --all` needs `purge_all` besides",
  ];
}

/** A role's S3 policy by the name that a command line has for it. */
export function isS3Role(text: string): text is S3Role {
  return S3_ROLES.some((role) => role === text);
}
