import { badRequest } from "./api-error.ts";
import { json } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { readFields } from "./fields.ts";
import { kindRow } from "./kinds.ts";
import { EMPTY_VERSION, textOf } from "./state.ts";
import type { VersionObjects } from "./state.ts";
import { param, requireService } from "./versions-access.ts";

const FIELDS = [{ name: "vcl", type: "text", initial: "" }] as const;
/** What the submitted text is called in messages. */
const NAME = "main";

/** Checks VCL that belongs to no version (reference/api/vcl-services/vcl, "Lint VCL"). Nothing is stored. */
export const LINT_ROUTES: readonly Route[] = [
  { method: "POST", path: "/vcl_lint", operation: "lint-vcl-default", handler: lintAlone },
  { method: "POST", path: "/service/{service}/lint", operation: "lint-vcl-for-service", handler: lintFor },
];

function lintAlone(context: ApiContext, request: ApiRequest): ApiResponse {
  return lint(context, { request, id: "", objects: EMPTY_VERSION });
}

/** Among the objects of the active version, else of the newest: its backends, dictionaries and files to include. */
async function lintFor(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { id, versions, activeVersion } = requireService(context, param(request, "service"));
  const version = activeVersion ?? versions.at(-1)?.number;
  const objects = version === undefined ? EMPTY_VERSION : await context.store.objects(id, version);
  return lint(context, { request, id, objects });
}

function lint(
  context: ApiContext,
  { request, id, objects }: { request: ApiRequest; id: string; objects: VersionObjects },
): ApiResponse {
  const content = textOf(readFields(FIELDS, request.body), "vcl");
  const problem = content === "" ? "vcl can't be blank" : kindRow("vcl").check?.({ content });
  if (problem !== null && problem !== undefined) throw badRequest(problem);
  const others = objects.resources.vcl.filter((file) => file["main"] !== true && file["name"] !== NAME);
  const vcl = [...others, { name: NAME, content, main: true }];
  const verdict = context.desk.lint(id, { ...objects, resources: { ...objects.resources, vcl } });
  const { runnable, errors, warnings } = verdict;
  const messages = [...errors, ...warnings];
  const attributes = {
    status: runnable === null ? "error" : "ok",
    msg: messages.length === 0 ? null : messages.join("\n"),
    errors,
    warnings,
    messages: [
      ...errors.map((message) => ({ type: "ERROR", warning: false, message, tokens: [] })),
      ...warnings.map((message) => ({ type: "WARNING", warning: true, message, tokens: [] })),
    ],
  };
  // Clients of today read the result below `data`, older ones read it from the top.
  return json({ ...attributes, data: { id, type: "validator_result", attributes } });
}
