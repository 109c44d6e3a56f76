/** Surrogate keys by what they cover; one change purges the narrowest that covers it. */

/** The config of one host, and the answer "unknown domain" for it. */
export function domainKey(domain: string): string {
  return `d:${domain}`;
}

/** All config responses of a site. */
export function siteConfigKey(site: string): string {
  return `c:${site}`;
}

/** All that belongs to a site: pages, redirects, 404s, configs. */
export function siteKey(site: string): string {
  return `s:${site}`;
}

/** All objects of one release. */
export function releaseKey(site: string, release: string): string {
  return `r:${site}/${release}`;
}

/** One page in whatever release; `hash` is that of `pageHash`. */
export function pageSurrogateKey(hash: string): string {
  return `p:${hash}`;
}

/** A whole website environment. */
export function siteEnvKey(siteEnv: string): string {
  return `env:${siteEnv}`;
}

/** Everything the service has cached. */
export const ALL_KEY = "all";

/** Longest key that a purge call takes, in bytes (Fastly: /guides/full-site-delivery/purging/working-with-surrogate-keys). */
export const SURROGATE_KEY_LIMIT = 1_024;

/** Why `text` cannot be purged as one key, or `undefined`. */
export function surrogateKeyProblem(text: string): string | undefined {
  if (text === "") return "is empty";
  if (!/^[\u0021-\u007e]+$/.test(text)) return "holds white space or characters outside printable ASCII";
  if (text.length > SURROGATE_KEY_LIMIT)
    return `has ${text.length} bytes, the limit is ${SURROGATE_KEY_LIMIT}`;
  return undefined;
}
