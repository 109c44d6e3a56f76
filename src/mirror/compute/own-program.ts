import { answerVisitor } from "../../../compute/src/app.ts";
import { EDGE_SETTINGS_ITEM, EDGE_STORES, edgeSettingsItem } from "../../site/edge-settings.ts";
import type { ComputeContent } from "../compute-content.ts";
import type { ActiveComputeService } from "../service.ts";
import type { ComputeProgram } from "./serve.ts";

/** Name of sitefleet's own package, in its fastly.toml. */
const OWN_PACKAGE = "sitefleet";

/** What the app's own package was built from; `null` for any other package. */
export function ownProgram(content: ComputeContent): ComputeProgram | null {
  return content.package.name === OWN_PACKAGE ? answerVisitor : null;
}

/**
 * Whether the service has Fastly's HTTP cache, which is Fastly's to switch on: the mirror believes what the program's own
 * settings say of it. Settings that are missing or unreadable are the program's trouble to tell of, and change nothing.
 */
export function httpCacheOf({
  version,
  content: { configStores },
}: Pick<ActiveComputeService, "version" | "content">): () => boolean {
  let known = { text: "", hasHttpCache: true };
  return () => {
    const store = configStores.get(EDGE_STORES.settings);
    // As the app chooses: the version's own, else those of all.
    const text = store?.get(edgeSettingsItem(version)) || store?.get(EDGE_SETTINGS_ITEM) || "";
    if (text !== known.text) known = { text, hasHttpCache: !isSwitchedOff(text) };
    return known.hasHttpCache;
  };
}

function isSwitchedOff(text: string): boolean {
  try {
    const settings: unknown = JSON.parse(text);
    return (
      typeof settings === "object" &&
      settings !== null &&
      "httpCache" in settings &&
      settings.httpCache === false
    );
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
