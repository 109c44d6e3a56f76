import type { ObjectHeaders } from "../../store/object-store.ts";

/** Headers that a redirect's object is stored with; the edge answers with its own. */
export const REDIRECT_HEADERS: ObjectHeaders = {
  contentType: "text/plain; charset=utf-8",
  cacheControl: "public, max-age=0, must-revalidate",
};

/** Body of a redirect's object: the rule's text, for people who look at the bucket. */
export function redirectBody(text: string): string {
  return `${text}\n`;
}
