import { createHash } from "node:crypto";
import type { TableDigest } from "./declarations.ts";
import { textOf } from "./state.ts";
import type { Collection } from "./state.ts";

/** SHA-256 over the sorted items, their number and the last change, as `/info` and redacted tables show them. */
export function dictionaryDigest(items: Collection): TableDigest {
  const hash = createHash("sha256");
  let lastUpdated = "";
  for (const key of [...items.keys()].sort()) {
    const item = items.get(key) ?? {};
    hash.update(JSON.stringify([key, textOf(item, "item_value")]));
    const updated = textOf(item, "updated_at");
    if (updated > lastUpdated) lastUpdated = updated;
  }
  return {
    digest: hash.digest("hex"),
    itemCount: items.size,
    lastUpdated: lastUpdated.replace("T", " ").replace("Z", ""),
  };
}
