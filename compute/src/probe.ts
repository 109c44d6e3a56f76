import { surrogateKeys } from "./surrogate-keys.ts";
import type { Stored } from "./read-through.ts";
import type { Answer, Visit } from "./visit.ts";

/** Keeps what the config's surrogate keys and cache state were, for who asks with the debug token. */
export async function noteConfig(visit: Visit, stored: Stored, site: string | undefined): Promise<void> {
  if (!visit.isTrusted) return;
  // Without the HTTP cache its site was not known when it was stored (read-through.ts).
  const known = visit.settings.httpCache ? site : undefined;
  // What gave no answer at all has no keys.
  const keys = stored.state === "ERROR" ? "" : await surrogateKeys(stored.place, known);
  visit.configSeen = { keys, state: stored.state };
}

/** Tells who knows the debug token which release is shown, and the keys and states of what was read. */
export async function tellProbe(visit: Visit, answer: Answer, headers: Headers): Promise<void> {
  if (!visit.isTrusted) return;
  const release = visit.release ?? visit.base;
  if (release !== undefined) headers.set("SF-Release", release);
  if (answer.place) headers.set("SF-Keys", await surrogateKeys(answer.place, visit.site));
  headers.set("SF-State", answer.state);
  if (!visit.configSeen) return;
  if (visit.configSeen.keys !== "") headers.set("SF-Config-Keys", visit.configSeen.keys);
  headers.set("SF-Config-State", visit.configSeen.state);
}
