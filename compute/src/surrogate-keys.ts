import { pageHash } from "../../src/site/page-key.ts";
import {
  ALL_KEY,
  domainKey,
  pageSurrogateKey,
  releaseKey,
  siteConfigKey,
  siteEnvKey,
  siteKey,
} from "../../src/site/surrogate-keys.ts";
import { sha256Hex } from "./lib/digests.ts";
import type { Place } from "./visit.ts";

/**
 * What a purge can name, from the key path of what S3 answered (also of its 404s), with a blank between two.
 *
 * @param site that a config object names
 */
export async function surrogateKeys({ bucket, url }: Place, site: string | undefined): Promise<string> {
  const parts = url.split("/");
  const siteEnv = parts[2] ?? "";
  const second = parts[3] ?? "";
  const third = parts[4] ?? "";
  const general = `${ALL_KEY} ${siteEnvKey(siteEnv)}`;
  if (bucket === "config") {
    const ofSite = site === undefined ? "" : ` ${siteConfigKey(site)} ${siteKey(site)}`;
    return `${general} ${domainKey(second)}${ofSite}`;
  }
  if (bucket === "rules") return `${general} ${siteConfigKey(third)} ${siteKey(third)}`;
  const encodedKey = parts.slice(5).join("/");
  const hash = await sha256Hex(`${second}/${encodedKey}`);
  const page = pageSurrogateKey(pageHash({ site: second, encodedKey }, () => hash));
  return `${general} ${siteKey(second)} ${releaseKey(second, third)} ${page}`;
}
