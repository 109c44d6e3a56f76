import { flag, NAME, nullable, numeral, oneOf, text } from "./field-rows.ts";
import type { KindRow } from "./kind-row.ts";
import { textOf } from "./state.ts";
import type { ResourceRecord } from "./state.ts";

const ACTIONS = ["set", "append", "delete", "regex", "regex_repeat"] as const;
const TYPES = ["request", "fetch", "cache", "response"] as const;
/** A variable below `req.`, `bereq.`, `beresp.` or `resp.`: `http.X`, `http.Cookie:name`, `url`, `ttl`. */
const DESTINATION = /^[A-Za-z][A-Za-z0-9_.-]*(?::[^\s;{}"]+)?$/;

function check(record: ResourceRecord): string | null {
  const destination = textOf(record, "dst");
  const action = textOf(record, "action");
  const problem =
    oneOf("Action", action, ACTIONS) ??
    oneOf("Type", textOf(record, "type"), TYPES) ??
    (destination === "" ? "Destination can't be blank" : null);
  if (problem !== null) return problem;
  if (!DESTINATION.test(destination)) return `Destination '${destination}' is not a variable`;
  if (action === "set" || action === "append") {
    return textOf(record, "src").trim() === "" ? "Source can't be blank" : null;
  }
  return action !== "delete" && textOf(record, "regex") === "" ? "Regex can't be blank" : null;
}

/** Header objects (reference/api/vcl-services/header). */
export const HEADER_KIND: KindRow = {
  kind: "header",
  label: "Header",
  duplicateLabel: "header",
  plural: "headers",
  fields: [
    NAME,
    text("action"),
    text("type"),
    text("dst"),
    nullable("src", ""),
    nullable("regex", ""),
    nullable("substitution", ""),
    flag("ignore_if_set"),
    numeral("priority", "100"),
    nullable("request_condition"),
    nullable("cache_condition"),
    nullable("response_condition"),
  ],
  hasId: false,
  versionAs: "string",
  check,
};
