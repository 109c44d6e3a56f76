import { assertNever } from "../../lib/errors.ts";
import type { LogFormat } from "../service.ts";
import type { LogLine } from "./parts.ts";

/** Facility local0, severity informational: what every line has. */
const PRIORITY = "<134>";
/** Fastly's servers name the process that sends a line; here there is one for all. */
const PROCESS = 1;

/** What Fastly puts before a line: its time, the cache node it comes from and the endpoint's name. */
export type LineOrigin = Pick<LogLine, "at" | "pop"> & { readonly endpoint: string };

/**
 * A line as the endpoint's log line format has it (guides/integrations/streaming-logs/changing-log-line-formats). Classic
 * is the page's own example; Loggly's is RFC 5424 with structured data, whose token only the receiver needs; Logplex
 * counts the octets of what follows (RFC 6587 section 3.4.1). Strings are bytes.
 */
export function formattedLine(format: LogFormat, text: string, origin: LineOrigin): string {
  const time = `${new Date(origin.at).toISOString().slice(0, 19)}Z`;
  const host = `cache-${origin.pop.toLowerCase()}`;
  const name = Buffer.from(origin.endpoint, "utf8").toString("latin1");
  // Names are one word in a syslog header (RFC 5424 section 6.2.5).
  const tag = name.replace(/[^\x21-\x7e]/g, "_").slice(0, 48) || "-";
  switch (format) {
    case "blank":
      return text;
    case "classic":
      return `${PRIORITY}${time} ${host} ${tag}[${PROCESS}]: ${text}`;
    case "loggly":
      return `${PRIORITY}1 ${time} ${host} ${tag} ${PROCESS} - [tag="fastly"] ${text}`;
    case "logplex": {
      const line = `${PRIORITY}1 ${time} ${host} ${tag} ${PROCESS} - ${text}`;
      return `${line.length} ${line}`;
    }
    default:
      return assertNever(format);
  }
}
