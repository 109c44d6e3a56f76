import { SitefleetError } from "../lib/errors.ts";
import { Secret } from "../lib/secret.ts";
import type { Variables } from "../settings/environment.ts";

/** A secret that callers sign with, by the id that they name it with. Several at a time let a team change them. */
export interface HookKey {
  readonly id: string;
  readonly secret: Secret;
}

/** Shortest secret: 128 bits as hex (RFC 2104 section 3 asks for as many bits as the digest has where they are random). */
const SHORTEST = 32;
const KEY = /^([A-Za-z0-9_-]{1,64}):([\u0021-\u002b\u002d-\u007e]+)$/;

/**
 * The keys of an environment: `SITEFLEET_HOOK_SECRET_<ENVIRONMENT>`, else `SITEFLEET_HOOK_SECRET`, as `id:secret` pairs
 * with commas between them.
 * @throws SitefleetError `settings/missing-secret`, `hook/invalid-secret`
 */
export function readHookKeys(variables: Variables, environment: string): readonly HookKey[] {
  const suffix = environment.toUpperCase().replaceAll("-", "_");
  const names = [`SITEFLEET_HOOK_SECRET_${suffix}`, "SITEFLEET_HOOK_SECRET"];
  const name = names.find((candidate) => variables[candidate]);
  const text = name === undefined ? undefined : variables[name];
  if (name === undefined || text === undefined) {
    throw new SitefleetError(
      "settings/missing-secret",
      `no secret for webhooks of environment "${environment}" is set`,
      { hint: `set ${names.join(" or ")} to id:secret, for instance main:$(openssl rand -hex 32)` },
    );
  }
  const keys = text.split(",").map((part, index) => parseKey(part.trim(), `${name}, pair ${index + 1}`));
  const ids = new Set(keys.map(({ id }) => id));
  if (ids.size === keys.length) return keys;
  throw invalidSecret(`${name} has the same id twice`);
}

function parseKey(text: string, where: string): HookKey {
  const [, id, secret] = KEY.exec(text) ?? [];
  if (id === undefined || secret === undefined) throw invalidSecret(`${where}, is not id:secret`);
  if (secret.length < SHORTEST) {
    throw invalidSecret(`${where}, has a secret of ${secret.length} characters; ${SHORTEST} is the least`);
  }
  return { id, secret: new Secret(secret) };
}

function invalidSecret(message: string): SitefleetError {
  return new SitefleetError("hook/invalid-secret", message, {
    hint: "write it as id:secret,id:secret with secrets such as `openssl rand -hex 32` makes; no spaces or commas in them",
  });
}
