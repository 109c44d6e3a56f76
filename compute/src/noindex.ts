import type { Answer, Visit } from "./visit.ts";

/** Previews and staging stay out of search engines. */
export function addNoindex({ config }: Visit, { headers }: Answer): void {
  if (config.noindex === "1") headers.set("X-Robots-Tag", "noindex");
}
