import { conditionBlocks, governedBy } from "./generated-blocks.ts";
import { headerStatements } from "./generated-headers.ts";
import { cacheResponses } from "./generated-responses.ts";
import { textOf } from "./state.ts";
import type { ResourceRecord, VersionObjects } from "./state.ts";
import { vclComment, vclString } from "./vcl-text.ts";

/** What header, gzip, cache-settings and response objects do in vcl_fetch: those without a condition first. */
export function fetchObjects(objects: VersionObjects): string {
  const body = (condition: string): string =>
    cacheSettings(objects, condition) +
    headerStatements(objects, "cache", condition) +
    gzips(objects, condition) +
    cacheResponses(objects, condition) +
    cacheAction(objects, condition);
  return body("") + conditionBlocks(objects, "Cache", body);
}

function cacheSettings(objects: VersionObjects, condition: string): string {
  return governedBy(objects.resources.cache_settings, "cache_condition", condition)
    .map((settings) => {
      const [ttl, stale] = [textOf(settings, "ttl"), textOf(settings, "stale_ttl")];
      const lines = [
        `  # CacheSettings: ${vclComment(textOf(settings, "name"))}\n`,
        ttl === "" ? "" : `  set beresp.ttl = ${ttl}s;\n`,
        stale === "" ? "" : `  set beresp.stale_if_error = ${stale}s;\n`,
      ];
      return lines.join("");
    })
    .join("");
}

/** An action ends vcl_fetch after its rule; without one the logic that follows runs too (reference/api/vcl-services/cache-settings). */
function cacheAction(objects: VersionObjects, condition: string): string {
  const actions = governedBy(objects.resources.cache_settings, "cache_condition", condition);
  switch (actions.map((settings) => textOf(settings, "action")).find((action) => action !== "")) {
    case "pass":
      return "  return(pass);\n";
    case "restart":
      return "  restart;\n";
    case "cache":
    case "deliver":
      return "  return(deliver);\n";
    default:
      return "";
  }
}

function gzips(objects: VersionObjects, condition: string): string {
  return governedBy(objects.resources.gzip, "cache_condition", condition).map(gzip).join("");
}

/** Compression of 200 and 404 answers by their type or the extension of the URL (recorded). */
function gzip(record: ResourceRecord): string {
  const types = words(record, "content_types");
  const extensions = words(record, "extensions");
  const tests = [
    types === "" ? "" : `beresp.http.Content-Type ~ ${vclString(`^(?:${types})\\s*(?:$|;)`)}`,
    extensions === "" ? "" : `req.url ~ ${vclString(`\\.(?:${extensions})(?:$|\\?)`)}`,
  ].filter((test) => test !== "");
  if (tests.length === 0) return "";
  return `  # Gzip ${vclComment(textOf(record, "name"))}
  if ((beresp.status == 200 || beresp.status == 404) && (${tests.join(" || ")})) {
    # Always vary, so that an uncompressed copy does not always win.
    if (!beresp.http.Vary ~ "Accept-Encoding") {
      if (beresp.http.Vary) {
        set beresp.http.Vary = beresp.http.Vary ", Accept-Encoding";
      } else {
        set beresp.http.Vary = "Accept-Encoding";
      }
    }
    if (req.http.Accept-Encoding == "br") {
      set beresp.brotli = true;
    } elsif (req.http.Accept-Encoding == "gzip") {
      set beresp.gzip = true;
    }
  }
`;
}

/** The words of a field, as alternatives of a regex that means just them. */
function words(record: ResourceRecord, field: string): string {
  return textOf(record, field)
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => word.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
    .join("|");
}
