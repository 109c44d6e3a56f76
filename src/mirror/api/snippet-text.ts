import { textOf } from "./state.ts";
import type { Collection, ResourceRecord } from "./state.ts";

/** Field and key under which a snippet's text is kept, in its record or in its collection. */
export const CONTENT = "content";

/** The text of a snippet, wherever it is kept. */
export function snippetText(record: ResourceRecord, dynamicContent: (id: string) => Collection): string {
  if (record["dynamic"] !== "1") return textOf(record, CONTENT);
  return textOf(dynamicContent(textOf(record, "id")).get(CONTENT) ?? {}, CONTENT);
}
