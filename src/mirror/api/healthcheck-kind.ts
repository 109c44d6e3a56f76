import { COMMENT, integer, NAME, text } from "./field-rows.ts";
import type { KindRow } from "./kind-row.ts";
import { numberOf, textOf } from "./state.ts";
import type { FieldValue, ResourceRecord } from "./state.ts";

/** Characters of a request line: no blank may end the target early, no control character the line. */
const TOKEN = /^[A-Z]{1,20}$/;
const TARGET = /^[\x21-\x7e]*$/;
const HEADER_LINE = /^[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e\x80-\xff]*$/;
const NON_NEGATIVE = ["timeout", "check_interval", "window", "threshold", "initial"] as const;

function check(record: ResourceRecord): string | null {
  const method = textOf(record, "method");
  if (!TOKEN.test(method)) return `Method '${method}' is not an HTTP method`;
  if (!TARGET.test(textOf(record, "path"))) return `Path '${textOf(record, "path")}' has blanks in it`;
  const headers = record["headers"];
  const wrong = Array.isArray(headers) ? headers.find((line) => !HEADER_LINE.test(String(line))) : undefined;
  if (wrong !== undefined) return `Header '${String(wrong)}' is not 'Name: value'`;
  const negative = NON_NEGATIVE.find((field) => numberOf(record, field) < 0);
  return negative === undefined ? null : `${negative} can't be negative`;
}

/** Recorded: `["Foo:Bar","Baz:Qux"]` comes back as `["Baz: Qux","Foo: Bar"]`; Terraform's provider compares with that. */
function derive(record: ResourceRecord): Readonly<Record<string, FieldValue>> {
  const headers = record["headers"];
  if (typeof headers !== "object" || headers === null) return {};
  return { headers: headers.map((line) => line.replace(/:[\t ]*/, ": ")).sort() };
}

/** Health checks (reference/api/services/healthcheck); times in milliseconds. */
export const HEALTHCHECK_KIND: KindRow = {
  kind: "healthcheck",
  label: "Healthcheck",
  duplicateLabel: "healthcheck",
  plural: "healthchecks",
  fields: [
    NAME,
    COMMENT,
    text("method", "HEAD"),
    text("host"),
    text("path", "/"),
    text("http_version", "1.1"),
    integer("timeout", 5000),
    integer("check_interval", 5000),
    integer("expected_response", 200),
    integer("window", 5),
    integer("threshold", 3),
    integer("initial", 3),
    { name: "headers", type: "list", initial: [] },
  ],
  hasId: false,
  versionAs: "number",
  derive,
  check,
};
