import { ApiError } from "./api-error.ts";
import { json } from "./exchange.ts";
import type { Route } from "./exchange.ts";
import { readVersion } from "./versions-access.ts";

/**
 * Kinds that the mirror cannot make: a version has none of them, and tools that read all of a version are told so. Making
 * one answers 501.
 */
const KINDS = ["pool"] as const;

export const EMPTY_LIST_ROUTES: readonly Route[] = [
  ...KINDS.map((kind): Route => ({
    method: "GET",
    path: `/service/{service}/version/{version}/${kind}`,
    operation: `list-${kind}`,
    handler: async (context, request) => {
      await readVersion(context, request);
      return json([]);
    },
  })),
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
