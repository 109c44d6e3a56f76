import type { ConformanceCase } from "./case.ts";
import { hostCases } from "./cases/hosts.ts";
import { originCases } from "./cases/origins.ts";
import { pageCases } from "./cases/pages.ts";
import { redirectCases } from "./cases/redirects.ts";
import { requestCases } from "./cases/requests.ts";

/** Every conformance case, in the order in which they run. */
export const CASES: readonly ConformanceCase[] = [
  ...requestCases,
  ...hostCases,
  ...pageCases,
  ...redirectCases,
  ...originCases,
];
