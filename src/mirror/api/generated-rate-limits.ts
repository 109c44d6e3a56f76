import { STATUS_CODES } from "node:http";
import { LOGGING_KINDS } from "./logging-names.ts";
import type { PlacedSnippet } from "./macros.ts";
import { listOf } from "./rate-limiter-kind.ts";
import { numberOf, textOf } from "./state.ts";
import type { ResourceRecord, VersionObjects } from "./state.ts";
import { vclLongString, vclName, vclString } from "./vcl-text.ts";

/** Status with which a limiter leaves vcl_recv, and the priority of its snippets (published generated VCL). */
const CODE = 829;
const PRIORITY = 100;

/**
 * What rate limiters are in VCL, in the form of published generated VCL: snippets that declare a ratecounter, a penalty
 * box and the methods, count requests in vcl_recv, at the edge and before any restart, and answer in vcl_error.
 */
export function rateLimiterSnippets(objects: VersionObjects): readonly PlacedSnippet[] {
  return objects.resources.rate_limiter.flatMap((limiter) => {
    const snippet = (type: string, text: string): PlacedSnippet => ({
      name: `rate-limiter-v1-${vclName(textOf(limiter, "name"))}-${type}`,
      type,
      priority: PRIORITY,
      text,
    });
    const start = snippet("init", declarations(limiter, objects));
    const count = snippet("recv", `  call ${prefixOf(limiter)}_process;`);
    return limiter["action"] === "log_only"
      ? [start, count]
      : [start, count, snippet("error", answer(limiter))];
  });
}

function prefixOf(limiter: ResourceRecord): string {
  return `rl_${vclName(textOf(limiter, "name"))}`;
}

function reasonOf(limiter: ResourceRecord): string {
  return vclString(`Rate limiter: Too many requests for ${textOf(limiter, "name")}`);
}

function declarations(limiter: ResourceRecord, objects: VersionObjects): string {
  const prefix = prefixOf(limiter);
  const methods = listOf(limiter, "http_methods").map((method) => `  ${vclString(method)}: "true",\n`);
  const dictionary = textOf(limiter, "uri_dictionary_name");
  const guarded = dictionary === "" ? "" : `\n    && table.contains(${vclName(dictionary)}, req.url.path)`;
  const penalty = `${numberOf(limiter, "penalty_box_duration")}m`;
  const limit = `1, ${numberOf(limiter, "window_size")}, ${numberOf(limiter, "rps_limit")}`;
  return `penaltybox ${prefix}_pb {}
ratecounter ${prefix}_rc {}
table ${prefix}_methods {
${methods.join("")}}
sub ${prefix}_process {
  declare local var.${prefix}_entry STRING;
  set var.${prefix}_entry = ${listOf(limiter, "client_key").join(" ")};
  if (req.restarts == 0 && fastly.ff.visits_this_service == 0
    && table.contains(${prefix}_methods, req.method)${guarded}
    && std.strlen(var.${prefix}_entry) > 0
    && ratelimit.check_rate(var.${prefix}_entry, ${prefix}_rc, ${limit}, ${prefix}_pb, ${penalty})) {
    set req.http.Fastly-SEC-RateLimit = "true";
${violation(limiter, objects)}  }
}`;
}

/** Blocks, or writes a line to each endpoint of the kind that the limiter names. */
function violation(limiter: ResourceRecord, objects: VersionObjects): string {
  if (limiter["action"] !== "log_only") return `    error ${CODE} ${reasonOf(limiter)};\n`;
  const type = textOf(limiter, "logger_type");
  const name = JSON.stringify(textOf(limiter, "name"));
  const parts = [
    vclLongString(`{"rate_limiter":${name},"entry":"`),
    `json.escape(var.${prefixOf(limiter)}_entry)`,
    vclLongString('","method":"'),
    "json.escape(req.method)",
    vclLongString('","url":"'),
    "json.escape(req.url)",
    vclLongString('"}'),
  ];
  return LOGGING_KINDS.filter((kind) => kind === `logging/${type}`)
    .flatMap((kind) => objects.resources[kind])
    .map((endpoint) => {
      const head = vclString(` ${textOf(endpoint, "name")} :: `);
      return `    log "syslog " req.service_id ${head} ${parts.join(" ")};\n`;
    })
    .join("");
}

function answer(limiter: ResourceRecord): string {
  const status = numberOf(limiter, "response_status");
  const type = textOf(limiter, "response_content_type");
  const lines = [
    `  if (obj.status == ${CODE} && obj.response == ${reasonOf(limiter)}) {`,
    `    set obj.status = ${status};`,
    `    set obj.response = ${vclString(STATUS_CODES[status] ?? "")};`,
    ...(type === "" ? [] : [`    set obj.http.Content-Type = ${vclString(type)};`]),
    `    synthetic ${vclLongString(textOf(limiter, "response_content"))};`,
    "    return(deliver);",
    "  }",
  ];
  return lines.join("\n");
}
