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
