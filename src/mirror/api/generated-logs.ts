import { toByteString } from "../../http/byte-string.ts";
import { LOG_FORMATS } from "../service.ts";
import type { LogEndpoint } from "../service.ts";
import { conditionBlocks, governedBy } from "./generated-blocks.ts";
import { logExpression } from "./log-format.ts";
import { LOGGING_KINDS } from "./logging-names.ts";
import type { LoggingKind } from "./logging-names.ts";
import { textOf } from "./state.ts";
import type { ResourceRecord, VersionObjects } from "./state.ts";
import { vclComment, vclString } from "./vcl-text.ts";

interface Endpoint {
  readonly kind: LoggingKind;
  readonly record: ResourceRecord;
}

function endpoints(objects: VersionObjects): readonly Endpoint[] {
  return LOGGING_KINDS.flatMap((kind) => objects.resources[kind].map((record) => ({ kind, record })));
}

/** All logging endpoints: lines for others are dropped. Kinds without a choice of format send the line as it is. */
export function logEndpoints(objects: VersionObjects): readonly LogEndpoint[] {
  return endpoints(objects).map(({ record }) => ({
    name: textOf(record, "name"),
    format: LOG_FORMATS.find((format) => format === record["message_type"]) ?? "blank",
  }));
}

/**
 * The `log` lines of the endpoints: version 2 formats run in vcl_log, version 1 formats in vcl_deliver. Endpoints whose
 * placement is `none` or `waf_debug` get their lines from VCL alone (reference/api/logging).
 */
export function logStatements(objects: VersionObjects, state: "log" | "deliver"): string {
  const version = state === "log" ? "2" : "1";
  const placed = endpoints(objects).filter(
    ({ record }) => textOf(record, "placement") === "" && record["format_version"] === version,
  );
  const body = (condition: string): string =>
    placed
      .filter(({ record }) => governedBy([record], "response_condition", condition).length > 0)
      .map((endpoint) => statement(endpoint, version === "2" ? 2 : 1))
      .join("");
  return body("") + conditionBlocks(objects, "Response", body);
}

function statement({ kind, record }: Endpoint, version: 1 | 2): string {
  const expression = logExpression(textOf(record, "format"), version);
  // A format that is no format is refused before its VCL is made.
  if ("problem" in expression) return "";
  const name = textOf(record, "name");
  const parts = expression.parts.map(toByteString).join(" ");
  const head = `  # ${kind.slice("logging/".length)} ${vclComment(name)}\n`;
  return `${head}  log "syslog " req.service_id ${vclString(` ${name} :: `)} ${parts};\n`;
}
