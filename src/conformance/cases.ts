import type { ConformanceCase } from "./case.ts";
import { accessCases } from "./cases/access.ts";
import { hostCases } from "./cases/hosts.ts";
import { notFoundCases } from "./cases/not-found.ts";
import { originCases } from "./cases/origins.ts";
import { pageCases } from "./cases/pages.ts";
import { pathCases } from "./cases/paths.ts";
import { redirectCases } from "./cases/redirects.ts";
import { releaseCases } from "./cases/releases.ts";
import { requestCases } from "./cases/requests.ts";
import { ruleCases } from "./cases/rules.ts";

/** Every conformance case, in the order in which they run. */
export const CASES: readonly ConformanceCase[] = [
  ...requestCases,
  ...hostCases,
  ...accessCases,
  ...pageCases,
  ...pathCases,
  ...notFoundCases,
  ...redirectCases,
  ...ruleCases,
  ...releaseCases,
  ...originCases,
];
