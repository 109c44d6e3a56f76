import { assertNever } from "../../lib/errors.ts";
import type { VclState } from "../../vcl/runtime.ts";
import { fetchObjects } from "./generated-fetch.ts";
import { conditionBlocks } from "./generated-blocks.ts";
import { headerStatements } from "./generated-headers.ts";
import { logStatements } from "./generated-logs.ts";
import {
  defaultHost,
  hashObjects,
  requestAction,
  requestObjects,
  shieldSelection,
} from "./generated-requests.ts";
import { responseBodies, responseStatuses } from "./generated-responses.ts";
import type { VersionObjects } from "./state.ts";
import { vclComment } from "./vcl-text.ts";

/** A snippet ready to be placed: its text as bytes. */
export interface PlacedSnippet {
  readonly name: string;
  readonly type: string;
  readonly priority: number;
  readonly text: string;
}

/**
 * What `#FASTLY <state>` stands for in a version: the same effects, in the same order, as in VCL that Fastly generated
 * (guides/vcl/using-vcl; the variables and headers are those of reference/http/http-headers).
 */
export function macroBody(
  state: VclState,
  objects: VersionObjects,
  snippets: readonly PlacedSnippet[],
): string {
  const placed = snippetBlock(snippets.filter((snippet) => snippet.type === state));
  switch (state) {
    case "recv":
      return recvMacro(objects, placed);
    case "hash":
      return placed + hashObjects(objects);
    case "hit":
      return HIT_MACRO + placed;
    case "miss":
      return MISS_MACRO + originHeaders(objects) + MISS_END + placed;
    case "pass":
      return BEREQ_BLOCK + originHeaders(objects) + PASS_END + placed;
    case "fetch":
      return fetchMacro(objects, placed);
    case "error":
      return errorMacro(objects, placed);
    case "deliver":
      return DELIVER_MACRO + placed + deliverObjects(objects);
    case "log":
      return placed + logStatements(objects, "log");
    default:
      return assertNever(state);
  }
}

/** Snippets by priority, then in the order they were made. */
export function snippetBlock(snippets: readonly PlacedSnippet[]): string {
  return [...snippets]
    .sort((a, b) => a.priority - b.priority)
    .map((snippet) => `  # Snippet ${vclComment(snippet.name)} : ${snippet.priority}\n${snippet.text}\n`)
    .join("");
}

function recvMacro(objects: VersionObjects, snippets: string): string {
  const host = defaultHost(objects.settings.defaultHost);
  // The shield variable is declared before the snippets: one may set it to keep the shield after a restart.
  return `  if (req.restarts == 0) {
    if (!req.http.X-Timer) {
      set req.http.X-Timer = "S" time.start.sec "." time.start.usec_frac;
    }
    set req.http.X-Timer = req.http.X-Timer ",VS0";
  }
  # The edge leaves only gzip of what the client accepts; brotli is asked for where the client takes it.
  if (req.http.Fastly-Orig-Accept-Encoding ~ "\\bbr\\b") {
    set req.http.Accept-Encoding = "br";
  }
${host}
  declare local var.fastly_req_do_shield BOOL;
  set var.fastly_req_do_shield = (req.restarts == 0);

${snippets}${requestObjects(objects)}${shieldSelection(objects)}${requestAction(objects, "")}`;
}

/** Header objects of type fetch, in vcl_miss and vcl_pass. */
function originHeaders(objects: VersionObjects): string {
  const body = (condition: string): string => headerStatements(objects, "fetch", condition);
  return body("") + conditionBlocks(objects, "Prefetch", body);
}

/** Header objects of type response, and the statuses of response objects between those without and with a condition. */
function deliverObjects(objects: VersionObjects): string {
  const body = (condition: string): string => headerStatements(objects, "response", condition);
  const conditional = conditionBlocks(objects, "Response", body);
  return body("") + responseStatuses(objects) + conditional + logStatements(objects, "deliver");
}

const HIT_MACRO = `  # Deliver cannot read these of the object.
  set req.http.Fastly-Tmp-Obj-TTL = obj.ttl;
  set req.http.Fastly-Tmp-Obj-Grace = obj.grace;
  set req.http.Fastly-Cachetype = "HIT";
`;

const BEREQ_BLOCK = `  if (req.http.Fastly-FF) {
    set bereq.http.Fastly-Client = "1";
  }
  unset bereq.http.Fastly-Original-Cookie;
  unset bereq.http.Fastly-Original-URL;
  unset bereq.http.Fastly-Vary-String;
  unset bereq.http.X-Varnish-Client;
  if (req.http.Fastly-Temp-XFF) {
    if (req.http.Fastly-Temp-XFF == "") {
      unset bereq.http.X-Forwarded-For;
    } else {
      set bereq.http.X-Forwarded-For = req.http.Fastly-Temp-XFF;
    }
  }
`;

const MISS_MACRO = `  unset req.http.Fastly-Tmp-Obj-TTL;
  unset req.http.Fastly-Tmp-Obj-Grace;
  if (req.http.Fastly-Check-SHA1) {
    error 550 "Doesnt exist";
  }
${BEREQ_BLOCK}`;

const MISS_END = `  set req.http.Fastly-Cachetype = "MISS";
`;

const PASS_END = `  set req.http.Fastly-Cachetype = "PASS";
`;

function fetchMacro(objects: VersionObjects, snippets: string): string {
  const { staleIfError, staleIfErrorTtl, defaultPci } = objects.settings;
  const stale = staleIfError
    ? `  if (beresp.status >= 500 && beresp.status < 600) {
    if (stale.exists) {
      return(deliver_stale);
    }
    if (req.restarts < 1 && (req.method == "GET" || req.method == "HEAD")) {
      restart;
    }
  }
  set beresp.stale_if_error = ${staleIfErrorTtl}s;
`
    : "";
  const pci = defaultPci === 0 ? "" : "  set beresp.pci = true;\n";
  return `${stale}${pci}  # Which cache ran vcl_fetch for this object, and when.
  set beresp.http.Fastly-Debug-Path = "(F " server.identity " " now.sec ") " if(beresp.http.Fastly-Debug-Path, beresp.http.Fastly-Debug-Path, "");
  if (req.http.Fastly-Vary-String) {
    if (beresp.http.Vary) {
      set beresp.http.Vary = "Fastly-Vary-String, " beresp.http.Vary;
    } else {
      set beresp.http.Vary = "Fastly-Vary-String, ";
    }
  }
${snippets}${fetchObjects(objects)}`;
}

function errorMacro(objects: VersionObjects, snippets: string): string {
  const stale = objects.settings.staleIfError
    ? `  if (obj.status >= 500 && obj.status < 600) {
    if (stale.exists) {
      return(deliver_stale);
    }
  }
`
    : "";
  return `${stale}  if (obj.status == 801) {
    set obj.status = 301;
    set obj.response = "Moved Permanently";
    set obj.http.Location = "https://" req.http.host req.url;
    synthetic {""};
    return(deliver);
  }
${snippets}${responseBodies(objects)}  if (req.http.Fastly-Restart-On-Error) {
    if (obj.status == 503 && req.restarts == 0) {
      restart;
    }
  }
  if (obj.status == 550) {
    return(deliver);
  }
`;
}

const DELIVER_MACRO = `  # The object's journey, shown only to those who ask for it and to other Fastly nodes.
  if (req.http.Fastly-Debug || req.http.Fastly-FF) {
    set resp.http.Fastly-Debug-Path = "(D " server.identity " " now.sec ") "
      if(resp.http.Fastly-Debug-Path, resp.http.Fastly-Debug-Path, "");
    set resp.http.Fastly-Debug-TTL = if(obj.hits > 0, "(H ", "(M ")
      server.identity
      if(req.http.Fastly-Tmp-Obj-TTL && req.http.Fastly-Tmp-Obj-Grace, " " req.http.Fastly-Tmp-Obj-TTL " " req.http.Fastly-Tmp-Obj-Grace " ", " - - ")
      if(resp.http.Age, resp.http.Age, "-")
      ") "
      if(resp.http.Fastly-Debug-TTL, resp.http.Fastly-Debug-TTL, "");
    set resp.http.Fastly-Debug-Digest = digest.hash_sha256(req.digest);
  } else {
    unset resp.http.Fastly-Debug-Path;
    unset resp.http.Fastly-Debug-TTL;
    unset resp.http.Fastly-Debug-Digest;
  }

  # One entry per node and pass.
  if (!resp.http.X-Served-By) {
    set resp.http.X-Served-By = server.identity;
  } else {
    set resp.http.X-Served-By = resp.http.X-Served-By ", " server.identity;
  }
  set resp.http.X-Cache = if(resp.http.X-Cache, resp.http.X-Cache ", ", "") if(fastly_info.state ~ "HIT(?:-|\\z)", "HIT", "MISS");
  if (!resp.http.X-Cache-Hits) {
    set resp.http.X-Cache-Hits = obj.hits;
  } else {
    set resp.http.X-Cache-Hits = resp.http.X-Cache-Hits ", " obj.hits;
  }
  if (req.http.X-Timer) {
    set resp.http.X-Timer = req.http.X-Timer ",VE" time.elapsed.msec;
  }

  set resp.http.Vary = regsub(resp.http.Vary, "Fastly-Vary-String, ", "");
  if (resp.http.Vary ~ "^\\s*$") {
    unset resp.http.Vary;
  }
  unset resp.http.X-Varnish;

  # Kept where vcl_log can read them; on the wire only between Fastly nodes and for debugging.
  set req.http.Surrogate-Key = resp.http.Surrogate-Key;
  set req.http.Surrogate-Control = resp.http.Surrogate-Control;
  if (!req.http.Fastly-FF && !req.http.Fastly-Debug) {
    unset resp.http.Surrogate-Key;
    unset resp.http.Surrogate-Control;
  }
  if (resp.status == 550) {
    return(deliver);
  }
`;
