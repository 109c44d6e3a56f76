import type { FaultPoint } from "../support/fault-point.ts";
import { newWorld, openDeps, publish } from "./publish-fixture.ts";
import type { World } from "./publish-fixture.ts";

export const WWW = "www.example.com";
export const SHOP = "shop.example.com";
/** A site as it is published first, and with one page changed. */
export const V1 = {
  "index.html": "one",
  "about.html": "about",
  "news.html": "news",
  "app.css": "p{}",
  "404.html": "not here",
};
export const V2 = { ...V1, "index.html": "two" };

/** A world in which the site is published on two domains, and nothing happened since. */
export async function published(files: Readonly<Record<string, string>> = V1): Promise<World> {
  const world = newWorld();
  await publish(openDeps(world), files, [WWW, SHOP]);
  world.events.length = 0;
  return world;
}

/** Calls of the store by what they did, in order; purges left out. */
export function requestsOf(deps: { readonly faults: FaultPoint }): readonly string[] {
  return deps.faults.calls
    .filter((call) => !call.startsWith("purge"))
    .map((call) => call.replace("test/production/", ""));
}

export function hostingWrites(deps: { readonly faults: FaultPoint }): readonly string[] {
  return requestsOf(deps).filter((call) => /^(put|copy|delete) acme\//.test(call));
}
