import type { Country } from "./countries.ts";

/**
 * `client.geo.*` of every visitor of the mirror, whose own address says nothing about a place: Berlin
 * (reference/vcl/variables/geolocation).
 */
export const DEFAULT_GEO: ReadonlyMap<string, string | number> = new Map<string, string | number>([
  ["area_code", 0],
  ["city", "berlin"],
  ["city.ascii", "berlin"],
  ["city.latin1", "berlin"],
  ["city.utf8", "berlin"],
  ["conn_speed", "broadband"],
  ["conn_type", "wired"],
  ["continent_code", "EU"],
  ["country_code", "DE"],
  ["country_code3", "DEU"],
  ["country_name", "germany"],
  ["country_name.ascii", "germany"],
  ["country_name.latin1", "germany"],
  ["country_name.utf8", "germany"],
  ["gmt_offset", 100],
  ["latitude", 52.52],
  ["longitude", 13.41],
  ["metro_code", 0],
  ["postal_code", "10115"],
  ["proxy_description", "?"],
  ["proxy_type", "?"],
  ["region", "BE"],
  ["region.ascii", "BE"],
  ["region.latin1", "BE"],
  ["region.utf8", "BE"],
  ["utc_offset", 100],
]);

/** The header by which a test on this machine says where its visitor is, unless the edge is told another name. */
export const TEST_COUNTRY_HEADER = "Fastly-Test-Country";

/** The header by which a test on this machine says which POP it reaches, by its code. */
export const TEST_POP_HEADER = "Fastly-Test-Pop";

/** The header by which a test on this machine says more of its visitor: JSON by variable name. */
export const TEST_FACTS_HEADER = "Fastly-Test-Facts";

/** Whether a connection comes from this machine. */
export function isLoopback(ip: string): boolean {
  return ip === "::1" || /^127\.\d+\.\d+\.\d+$/.test(ip);
}

/** `client.geo.*` of somebody in a country of whom nothing else is known: no city, no place on the map. */
export function geoOfCountry(
  country: Country,
  visitors: ReadonlyMap<string, string | number>,
): ReadonlyMap<string, string | number> {
  if (visitors.get("country_code") === country.code) return visitors;
  const geo = new Map(visitors);
  geo.set("country_code", country.code);
  geo.set("country_code3", country.code3);
  geo.set("continent_code", country.continent);
  for (const form of ["", ".ascii", ".latin1", ".utf8"]) {
    geo.set(`country_name${form}`, country.name);
    geo.set(`city${form}`, "?");
    geo.set(`region${form}`, "?");
  }
  geo.set("postal_code", "?");
  // No place: what Fastly gives for an address that it cannot find (variables/geolocation/client-geo-ip-override).
  for (const name of ["latitude", "longitude"]) geo.set(name, 999);
  for (const name of ["area_code", "gmt_offset", "metro_code", "utc_offset"]) geo.set(name, 0);
  return geo;
}
