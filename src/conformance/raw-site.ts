import type { RawObject, RawSite, Step } from "./case.ts";

/** The act that makes a site of raw objects. */
export function putSite(site: RawSite): Step {
  return { act: { do: "put-site", site } };
}

/** What a browser sends for a user name and password (RFC 7617). */
export function basic(password: string, user = "anyone"): string {
  return `Basic ${Buffer.from(`${user}:${password}`, "utf8").toString("base64")}`;
}

/** A page with its title as content, and its canonical path where that matters. */
export function rawPage(title: string, canonical?: string): RawObject {
  return {
    body: `<!doctype html><h1>${title}</h1>\n`,
    metadata: canonical === undefined ? {} : { p: canonical },
  };
}
