import { toByteString } from "../../http/byte-string.ts";
import { byPriority, governedBy, whenAll } from "./generated-blocks.ts";
import { textOf } from "./state.ts";
import type { ResourceRecord, VersionObjects } from "./state.ts";
import { vclComment, vclString } from "./vcl-text.ts";

/** When a header object acts. */
export type HeaderType = "request" | "fetch" | "cache" | "response";

/** What it acts on, and the condition that governs it at that point. */
const PLACES: Readonly<Record<HeaderType, { readonly message: string; readonly condition: string }>> = {
  request: { message: "req", condition: "request_condition" },
  fetch: { message: "bereq", condition: "request_condition" },
  cache: { message: "beresp", condition: "cache_condition" },
  response: { message: "resp", condition: "response_condition" },
};
const CONDITIONS = ["request_condition", "cache_condition", "response_condition"] as const;

/** The statements of the header objects of one type that one condition governs (`""`: none does). */
export function headerStatements(objects: VersionObjects, type: HeaderType, condition: string): string {
  const place = PLACES[type];
  const ofType = governedBy(objects.resources.header, "type", type);
  return byPriority(governedBy(ofType, place.condition, condition))
    .map((header) => {
      const others = CONDITIONS.filter((field) => field !== place.condition);
      const body = rewrite(header, `${place.message}.${textOf(header, "dst")}`);
      const title = `  # Header rewrite ${vclComment(textOf(header, "name"))} : ${textOf(header, "priority")}\n`;
      return (
        title +
        whenAll(
          objects,
          others.map((field) => textOf(header, field)),
          body,
        )
      );
    })
    .join("");
}

function rewrite(header: ResourceRecord, target: string): string {
  const statement = action(header, target);
  if (header["ignore_if_set"] !== "1" || header["action"] === "delete") return statement;
  return `  if (!${target}) {\n${statement}  }\n`;
}

/** The source is VCL, as the API says: a variable or a concatenation. Appending puts nothing in between. */
function action(header: ResourceRecord, target: string): string {
  const source = toByteString(textOf(header, "src")).trim() || target;
  switch (textOf(header, "action")) {
    case "append":
      return `  if (!${target}) {\n    set ${target} = ${source};\n  } else {\n    set ${target} = ${target} ${source};\n  }\n`;
    case "delete":
      return `  unset ${target};\n`;
    case "regex":
      return `  set ${target} = regsub(${source}, ${regexOf(header)});\n`;
    case "regex_repeat":
      return `  set ${target} = regsuball(${source}, ${regexOf(header)});\n`;
    default:
      return `  set ${target} = ${source};\n`;
  }
}

function regexOf(header: ResourceRecord): string {
  return `${vclString(textOf(header, "regex"))}, ${vclString(textOf(header, "substitution"))}`;
}
