import { POPS } from "../pops.ts";
import { json } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";

/** Facts of the network that tools ask for (reference/api/utils). */
export const NETWORK_ROUTES: readonly Route[] = [
  { method: "GET", path: "/public-ip-list", operation: "list-fastly-ips", handler: publicIps, open: true },
  { method: "GET", path: "/datacenters", operation: "list-datacenters", handler: datacenters },
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
      ...(shield === null ? {} : { shield }),
    })),
  );
}
