import { ApiError } from "./api-error.ts";
import type { Route } from "./exchange.ts";
import { readVersion } from "./versions-access.ts";

/** HTTP/3, which a version cannot switch on here: tools that read all of a version are told that it is off. */
export const HTTP3_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/service/{service}/version/{version}/http3",
    operation: "get-http3",
    handler: async (context, request) => {
      await readVersion(context, request);
      // Recorded for a version in which HTTP/3 is off.
      throw new ApiError(404, "Not found");
    },
  },
];
