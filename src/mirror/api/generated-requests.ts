import { autodirectorName, backendName, balancedBackends, directorName, shieldName } from "./declarations.ts";
import { directorBackends } from "./director-links.ts";
import { conditionBlocks, governedBy } from "./generated-blocks.ts";
import { headerStatements } from "./generated-headers.ts";
import { requestResponses } from "./generated-responses.ts";
import { hashKeys } from "./setting-kinds.ts";
import { textOf } from "./state.ts";
import type { ResourceRecord, VersionObjects } from "./state.ts";
import { vclComment, vclString } from "./vcl-text.ts";

/**
 * What backends, directors, request settings, header and response objects do in vcl_recv, as recorded: those without
 * a condition first, then each condition by its priority. An action ends vcl_recv after what its condition governs.
 */
export function requestObjects(objects: VersionObjects): string {
  const body = (condition: string): string =>
    backendChoice(objects, condition) +
    settingsOf(objects, condition).map(requestSettings).join("") +
    headerStatements(objects, "request", condition) +
    requestResponses(objects, condition);
  const conditional = (condition: string): string => body(condition) + requestAction(objects, condition);
  return (
    `  # default conditions\n${body("")}  # end default conditions\n\n` +
    conditionBlocks(objects, "Request", conditional)
  );
}

/** `return` of the request settings of a condition; the unconditional ones return when all else was done. */
export function requestAction(objects: VersionObjects, condition: string): string {
  const actions = settingsOf(objects, condition).map((settings) => textOf(settings, "action"));
  const action = actions.find((name) => name !== "");
  return action === undefined ? "" : `  return(${action});\n`;
}

/** A Host that replaces the visitor's, which stays in `Fastly-Orig-Host`. */
export function defaultHost(host: string): string {
  if (host === "") return "";
  return `  set req.http.Fastly-Orig-Host = req.http.host;\n  set req.http.host = ${vclString(host)};\n`;
}

/**
 * All of `#FASTLY hash` but the snippets: settings with hash keys of their own use those in place of URL and Host. Where
 * vcl_hash is the boilerplate's, the macro hashes URL and Host too, as Fastly does it without custom VCL (recorded).
 */
export function hashObjects(objects: VersionObjects): string {
  const body = (condition: string): string => {
    const keys = settingsOf(objects, condition).flatMap(hashKeys);
    return keys.length === 0 ? "" : `${hashed([...keys, GENERATION])}  return(hash);\n`;
  };
  const always = body("");
  const usual = hashesInMacro(objects) ? ["req.url", "req.http.host", GENERATION] : [GENERATION];
  return conditionBlocks(objects, "Request", body) + (always === "" ? hashed(usual) : always);
}

/** Without this in the key, purging everything would change nothing. */
const GENERATION = "req.vcl.generation";

function hashed(keys: readonly string[]): string {
  return keys.map((key) => `  set req.hash += ${key};\n`).join("");
}

/** Whether the boilerplate's vcl_hash leaves URL and Host to the macro. */
export function hashesInMacro(objects: VersionObjects): boolean {
  const { request_settings: settings, vcl } = objects.resources;
  return settings.some((one) => hashKeys(one).length > 0) && !vcl.some((file) => file["main"] === true);
}

/** For each backend or director with a shield: the way there, once a request. */
export function shieldSelection(objects: VersionObjects): string {
  const targets = new Map<string, string>();
  for (const backend of objects.resources.backend) {
    const shield = textOf(backend, "shield");
    if (shield === "") continue;
    targets.set(backendName(backend), shield);
    const director = directorOf(objects, backend);
    if (director !== undefined) targets.set(directorName(director), shield);
    const condition = textOf(backend, "request_condition");
    if (balancedBackends(objects, condition).includes(backend))
      targets.set(autodirectorName(condition), shield);
  }
  for (const director of objects.resources.director) {
    if (textOf(director, "shield") !== "") targets.set(directorName(director), textOf(director, "shield"));
  }
  return [...targets]
    .map(
      ([name, shield]) => `  if (req.backend == ${name} && var.fastly_req_do_shield) {
    set req.backend = fastly.try_select_shield(${shieldName(shield)}, ${name});
  }
`,
    )
    .join("");
}

function settingsOf(objects: VersionObjects, condition: string): readonly ResourceRecord[] {
  return governedBy(objects.resources.request_settings, "request_condition", condition);
}

/**
 * The first backend that a condition governs, or what balances the load among several. A backend that belongs to a
 * director is reached through it: that is how directors of the API take effect without VCL of one's own.
 */
function backendChoice(objects: VersionObjects, condition: string): string {
  if (balancedBackends(objects, condition).length > 0) {
    return `  set req.backend = ${autodirectorName(condition)};\n`;
  }
  const [first] = governedBy(objects.resources.backend, "request_condition", condition);
  if (first === undefined) return "";
  const director = directorOf(objects, first);
  return `  set req.backend = ${director === undefined ? backendName(first) : directorName(director)};\n`;
}

function directorOf(objects: VersionObjects, backend: ResourceRecord): ResourceRecord | undefined {
  const name = textOf(backend, "name");
  return objects.resources.director.find((director) =>
    directorBackends(textOf(director, "name"), objects).includes(name),
  );
}

function requestSettings(settings: ResourceRecord): string {
  const age = textOf(settings, "max_stale_age");
  const is = (field: string): boolean => settings[field] === "1";
  // The timer needs no line: every macro of today sets X-Timer.
  return [
    `  # Request Settings: ${vclComment(textOf(settings, "name"))}\n`,
    is("force_ssl") ? '  if (!req.http.Fastly-SSL) {\n    error 801 "Force SSL";\n  }\n' : "",
    forwardedFor(textOf(settings, "xff")),
    is("force_miss") ? "  set req.hash_always_miss = true;\n" : "",
    is("bypass_busy_wait") ? "  set req.hash_ignore_busy = true;\n" : "",
    is("geo_headers") ? GEO_HEADERS : "",
    age === ""
      ? ""
      : `  set req.max_stale_if_error = ${age}s;\n  set req.max_stale_while_revalidate = ${age}s;\n`,
    defaultHost(textOf(settings, "default_host")),
  ].join("");
}

const GEO_HEADERS = `  set req.http.Fastly-Geo-Country = client.geo.country_code;
  set req.http.Fastly-Geo-City = client.geo.city;
  set req.http.Fastly-Geo-Region = client.geo.region;
`;

const APPEND = `    if (req.http.X-Forwarded-For) {
      set req.http.Fastly-Temp-XFF = req.http.X-Forwarded-For ", " client.ip;
    } else {
      set req.http.Fastly-Temp-XFF = client.ip;
    }
`;

/** What the origin gets as X-Forwarded-For; the macros of miss and pass put Fastly-Temp-XFF there. */
function forwardedFor(mode: string): string {
  const atEdge = (inside: string): string =>
    `  if (!req.http.Fastly-FF) {\n${inside}  } else {\n    set req.http.Fastly-Temp-XFF = req.http.X-Forwarded-For;\n  }\n`;
  switch (mode) {
    case "clear":
      return '  set req.http.Fastly-Temp-XFF = "";\n';
    case "append":
      return atEdge(APPEND);
    case "append_all":
      return APPEND;
    case "overwrite":
      return atEdge("    set req.http.Fastly-Temp-XFF = client.ip;\n");
    default:
      return "";
  }
}
