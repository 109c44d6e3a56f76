import type { ConformanceCase } from "./case.ts";
import { accessCases } from "./cases/access.ts";
import { headerCases } from "./cases/headers.ts";
import { hostCases } from "./cases/hosts.ts";
import { largeFileCases } from "./cases/large-files.ts";
import { notFoundCases } from "./cases/not-found.ts";
import { originCases } from "./cases/origins.ts";
import { pageCases } from "./cases/pages.ts";
import { passwordCases } from "./cases/passwords.ts";
import { pathCases } from "./cases/paths.ts";
import { probeCases } from "./cases/probes.ts";
import { redirectCases } from "./cases/redirects.ts";
import { releaseCases } from "./cases/releases.ts";
import { requestCases } from "./cases/requests.ts";
import { ruleCases } from "./cases/rules.ts";

/** Every conformance case, in the order in which they run. */
export const CASES: readonly ConformanceCase[] = [
  ...requestCases,
  ...hostCases,
  ...accessCases,
  ...passwordCases,
  ...pageCases,
  ...headerCases,
  ...largeFileCases,
  ...probeCases,
  ...pathCases,
  ...notFoundCases,
  ...redirectCases,
  ...ruleCases,
  ...releaseCases,
  ...originCases,
];
