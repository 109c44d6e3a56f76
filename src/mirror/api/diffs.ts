import { diffLines } from "diff";
import { ApiError, badRequest } from "./api-error.ts";
import { json } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { generatedVcl } from "./generated-vcl.ts";
import { fullVersion } from "./services.ts";
import type { ServiceRecord, VersionMeta } from "./state.ts";
import { param, requireService, requireVersion } from "./versions-access.ts";
import { toYaml } from "./yaml-text.ts";

/** After this long two texts are simply called different: wholly unlike ones take quadratic time. */
const DIFF_TIMEOUT_MS = 2000;
/** Fields that differ between any two versions and say nothing (recorded diffs leave them out). */
const IDENTITY = new Set([
  "number",
  "version",
  "created_at",
  "updated_at",
  "deleted_at",
  "id",
  "environments",
]);
const TOP_LEVEL_ONLY = new Set(["active", "locked"]);
const PATH = "diff/from/{from}/to/{to}";

/** Differences of two versions (reference/api/vcl-services/diff, reference/api/vcl-services/vcl-diff). */
export const DIFF_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: `/service/{service}/${PATH}`,
    operation: "diff-service-versions",
    handler: diffVersions,
  },
  {
    method: "GET",
    path: `/service/{service}/vcl/${PATH}`,
    operation: "vcl-diff-service-versions",
    handler: diffVcl,
  },
];

async function diffVersions(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return answer(context, request, async (service, meta) =>
    toYaml(withoutIdentity(await fullVersion(context, service, meta), true)),
  );
}

async function diffVcl(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return answer(context, request, async (service, meta) =>
    generatedVcl(await context.desk.input(service, meta.number)),
  );
}

async function answer(
  context: ApiContext,
  request: ApiRequest,
  textFor: (service: ServiceRecord, meta: VersionMeta) => Promise<string>,
): Promise<ApiResponse> {
  const format = request.query.get("format") ?? "text";
  if (!["text", "html", "html_simple"].includes(format)) throw badRequest(`unknown format '${format}'`);
  if (format !== "text") throw new ApiError(501, "Not implemented", `diffs in format '${format}'`);
  const service = requireService(context, param(request, "service"));
  const [from, to] = [
    requireVersion(service, param(request, "from")),
    requireVersion(service, param(request, "to")),
  ];
  const diff = fullDiff(await textFor(service, from), await textFor(service, to));
  return json({ from: String(from.number), to: String(to.number), format, diff });
}

/** Every line of both texts: unchanged ones with a blank in front, the others with `-` or `+`. */
function fullDiff(before: string, after: string): string {
  const changes = diffLines(before, after, { timeout: DIFF_TIMEOUT_MS });
  if (changes === undefined) return `${prefix(before, "-")}${prefix(after, "+")}`;
  return changes.map((part) => prefix(part.value, part.added ? "+" : part.removed ? "-" : " ")).join("");
}

function prefix(lines: string, mark: string): string {
  return lines === ""
    ? ""
    : `${lines
        .replace(/\n$/, "")
        .split("\n")
        .map((line) => mark + line)
        .join("\n")}\n`;
}

function withoutIdentity(value: unknown, top = false): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => withoutIdentity(item));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(
    ([key]) => !IDENTITY.has(key) && (top ? !TOP_LEVEL_ONLY.has(key) : key !== "service_id"),
  );
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutIdentity(item)]));
}
