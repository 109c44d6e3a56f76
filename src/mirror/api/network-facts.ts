import { json } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";

/** Facts of the network that tools ask for (reference/api/utils). */
export const NETWORK_ROUTES: readonly Route[] = [
  { method: "GET", path: "/public-ip-list", operation: "list-fastly-ips", handler: publicIps, open: true },
  { method: "GET", path: "/datacenters", operation: "list-datacenters", handler: datacenters },
];

/** A POP: code, name, group, latitude, longitude, shield code. */
type PopRow = readonly [string, string, string, number, number, string];

/** A choice of real POPs on every continent: names and shield codes as Fastly lists them. */
const POPS: readonly PopRow[] = [
  ["AMS", "Amsterdam", "Europe", 52.308613, 4.763889, "amsterdam-nl"],
  ["BWI", "Ashburn - BWI", "United States", 38.944533, -77.455811, "bwi-va-us"],
  ["IAD", "Ashburn - IAD", "United States", 38.944533, -77.455811, "iad-va-us"],
  ["BOG", "Bogota", "South America", 4.711, -74.072, "bog-bogota-co"],
  ["BNE", "Brisbane", "Asia/Pacific", -27.384167, 153.1175, "brisbane-au"],
  ["CHI", "Chicago - CHI", "United States", 41.9742, -87.9073, "chi-il-us"],
  ["DUB", "Dublin", "Europe", 53.35, -6.26, "dub-dublin-ie"],
  ["FRA", "Frankfurt", "Europe", 50.026421, 8.543125, "frankfurt-de"],
  ["HKG", "Hong Kong", "Asia/Pacific", 22.308919, 113.914603, "hongkong-hk"],
  ["JNB", "Johannesburg", "Africa", -26.13778, 28.19756, "jnb-johannesburg-za"],
  ["LCY", "London - LCY", "Europe", 51.505278, 0.055278, "london_city-uk"],
  ["LHR", "London - LHR", "Europe", 51.4775, -0.461389, "london-uk"],
];

function publicIps(): ApiResponse {
  return json({ addresses: ["127.0.0.0/8"], ipv6_addresses: ["::1/128"] });
}

function datacenters(_context: ApiContext, _request: ApiRequest): ApiResponse {
  return json(
    POPS.map(([code, name, group, latitude, longitude, shield]) => ({
      code,
      name,
      group,
      coordinates: { x: 0, y: 0, latitude, longitude },
      shield,
    })),
  );
}
