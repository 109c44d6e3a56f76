import { vclString } from "./vcl-text.ts";

/** What became of a format: VCL expressions to be printed one after the other, or what is wrong with it. */
export type LogExpression = { readonly parts: readonly string[] } | { readonly problem: string };

/**
 * A directive with an argument in braces or a status modifier in it: `%{X}i`, `%>s`. Braces that belong to the argument
 * have a backslash before them, as in the formats that Terraform's provider sends: `%{strftime(\{"%Y"\}, now)}V`.
 */
const DIRECTIVE = /%(?:\{((?:[^}\\]|\\.)*)\})?([<>!0-9,]*)([A-Za-z%])/sy;
const ESCAPED_BRACE = /\\([{}])/g;
const APACHE_TIME = "%d/%b/%Y:%H:%M:%S %z";
/** What Apache prints where there is nothing to say. */
const NOTHING = vclString("-");

/** Directives without an argument (guides/integrations/custom-log-formats), as VCL for vcl_log. */
const PLAIN: Readonly<Record<string, string>> = {
  "%": vclString("%"),
  a: "req.http.Fastly-Client-IP",
  A: "server.ip",
  // In Common Log Format no bytes are `-`.
  b: 'if(resp.body_bytes_written == 0, "-", resp.body_bytes_written "")',
  B: "resp.body_bytes_written",
  D: "time.elapsed.usec",
  f: "req.url.path",
  h: "req.http.Fastly-Client-IP",
  H: "req.proto",
  I: "req.bytes_read",
  k: vclString("0"),
  l: NOTHING,
  m: "req.method",
  O: "resp.bytes_written",
  p: "server.port",
  P: NOTHING,
  q: 'if(req.url.qs == "", "", "?" req.url.qs)',
  r: 'req.method " " req.url " " req.proto',
  s: "resp.status",
  t: `"[" strftime({"${APACHE_TIME}"}, time.start) "]"`,
  T: "time.elapsed.sec",
  u: NOTHING,
  U: "req.url.path",
  v: "req.service_id",
  V: "req.http.host",
  X: vclString("+"),
};

/** In vcl_deliver nothing has been written yet: version 1 formats log what the answer says about its length. */
const PLAIN_VERSION_1: Readonly<Record<string, string>> = {
  ...PLAIN,
  b: "resp.http.Content-Length",
  B: "resp.http.Content-Length",
  I: "req.header_bytes_read",
  O: "resp.http.Content-Length",
};

/** When a request began and ended, of which `%{…}t` prints a part or a format (Apache's mod_log_config). */
const MOMENTS: Readonly<Record<string, string>> = { begin: "time.start", end: "time.end" };
const TIME_PARTS: ReadonlySet<string> = new Set(["sec", "msec", "usec", "msec_frac", "usec_frac"]);

const HEADER_NAME = /^[A-Za-z0-9_.-]+$/;

/**
 * An endpoint's format as VCL: directives of Apache's mod_log_config and `%{…}V`, whose braces hold VCL
 * (guides/integrations/custom-log-formats). `version` 2 runs in vcl_log, 1 in vcl_deliver.
 */
export function logExpression(format: string, version: 1 | 2): LogExpression {
  const parts: string[] = [];
  let from = 0;
  for (let at = format.indexOf("%"); at !== -1; at = format.indexOf("%", from)) {
    if (at > from) parts.push(vclString(format.slice(from, at)));
    DIRECTIVE.lastIndex = at;
    const [whole, argument, , letter] = DIRECTIVE.exec(format) ?? [];
    const expression =
      whole === undefined
        ? undefined
        : directive(
            letter ?? "",
            argument?.replace(ESCAPED_BRACE, "$1"),
            version === 1 ? PLAIN_VERSION_1 : PLAIN,
          );
    if (whole === undefined || expression === undefined) {
      return { problem: `'${format.slice(at, at + 20)}' at ${at} of the format is no directive` };
    }
    parts.push(expression);
    from = at + whole.length;
  }
  if (from < format.length) parts.push(vclString(format.slice(from)));
  return { parts: parts.length === 0 ? [vclString("")] : parts };
}

function directive(
  letter: string,
  argument: string | undefined,
  plain: Readonly<Record<string, string>>,
): string | undefined {
  if (argument === undefined) return plain[letter];
  switch (letter) {
    case "V":
      return argument.trim() === "" ? undefined : argument;
    case "i":
      return HEADER_NAME.test(argument) ? `req.http.${argument}` : undefined;
    case "o":
      return HEADER_NAME.test(argument) ? `resp.http.${argument}` : undefined;
    case "C":
      return HEADER_NAME.test(argument) ? `req.http.Cookie:${argument}` : undefined;
    case "t":
      return timeExpression(argument);
    // Whatever the format of the port, the documented answer is that of the scheme.
    case "p":
      return 'if(req.is_ssl, "443", "80")';
    case "e":
    case "n":
    case "P":
      return NOTHING;
    default:
      return undefined;
  }
}

function timeExpression(argument: string): string {
  const [, prefix, rest = ""] = /^(begin|end):(.*)$/s.exec(argument) ?? [];
  const moment = MOMENTS[prefix ?? "begin"] ?? "time.start";
  const format = prefix === undefined ? argument : rest;
  return TIME_PARTS.has(format) ? `${moment}.${format}` : `strftime(${vclString(format)}, ${moment})`;
}
