import { governedBy } from "./generated-blocks.ts";
import { textOf } from "./state.ts";
import type { ResourceRecord, VersionObjects } from "./state.ts";
import { vclComment, vclLongString, vclString } from "./vcl-text.ts";

/** Response objects have the error codes from here on, in the order they were made (reference/http/http-statuses). */
const FIRST_CODE = 900;

function codeOf(objects: VersionObjects, response: ResourceRecord): number {
  return FIRST_CODE + objects.resources.response_object.indexOf(response);
}

/** What leads to the response objects that a request condition governs; without any condition, every request. */
export function requestResponses(objects: VersionObjects, condition: string): string {
  const governed = governedBy(objects.resources.response_object, "request_condition", condition);
  const listed = condition === "" ? governedBy(governed, "cache_condition", "") : governed;
  return throwing(objects, listed);
}

/** What leads to the response objects that a cache condition governs, in vcl_fetch. */
export function cacheResponses(objects: VersionObjects, condition: string): string {
  if (condition === "") return "";
  const listed = governedBy(objects.resources.response_object, "cache_condition", condition);
  return throwing(objects, listed);
}

function throwing(objects: VersionObjects, responses: readonly ResourceRecord[]): string {
  return responses
    .map(
      (response) =>
        `  # ResponseObject: ${vclComment(textOf(response, "name"))}\n` +
        `  error ${codeOf(objects, response)} "Fastly Internal";\n`,
    )
    .join("");
}

/** In vcl_error: the body of each response object. */
export function responseBodies(objects: VersionObjects): string {
  return objects.resources.response_object
    .map((response) => {
      const type = textOf(response, "content_type");
      const content = textOf(response, "content");
      return [
        `  if (obj.status == ${codeOf(objects, response)}) {`,
        ...(type === "" ? [] : [`    set obj.http.Content-Type = ${vclString(type)};`]),
        `    synthetic ${vclLongString(content)};`,
        "    return(deliver);",
        "  }\n",
      ].join("\n");
    })
    .join("");
}

/** In vcl_deliver: the status that the visitor sees in place of the code. */
export function responseStatuses(objects: VersionObjects): string {
  return objects.resources.response_object
    .map(
      (response) =>
        `  if (resp.status == ${codeOf(objects, response)}) {\n` +
        `    set resp.status = ${textOf(response, "status")};\n` +
        `    set resp.response = ${vclString(textOf(response, "response"))};\n  }\n`,
    )
    .join("");
}
