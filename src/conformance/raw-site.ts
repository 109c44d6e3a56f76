import type { RawObject, RawSite, Step } from "./case.ts";

/** The act that makes a site of raw objects. */
export function putSite(site: RawSite): Step {
  return { act: { do: "put-site", site } };
}

/** A page with its title as content, and its canonical path where that matters. */
export function rawPage(title: string, canonical?: string): RawObject {
  return {
    body: `<!doctype html><h1>${title}</h1>\n`,
    metadata: canonical === undefined ? {} : { p: canonical },
  };
}
