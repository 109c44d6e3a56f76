import { parseHeaders } from "../../site/headers-file.ts";
import { parseRedirects } from "../../site/redirects-file.ts";
import { readNetlifyToml } from "./netlify-toml.ts";
import { NOTHING, settingNote } from "./site-file.ts";
import type { SiteFile } from "./site-file.ts";
import { readVercelJson } from "./vercel-json.ts";

/**
 * Reads the files of a folder that say how it is shown: `_redirects`, `_headers`, `netlify.toml` and `vercel.json`. Rules
 * are tried in this order, and where two header rules set the same header the later one wins, both as at Netlify. A
 * `vercel.json` beside any of the others is for another host and is not read.
 *
 * @param control texts by file name; others are ignored
 */
export function readSiteFiles(control: ReadonlyMap<string, string>): SiteFile {
  const redirects = parseRedirects(control.get("_redirects") ?? "", "_redirects");
  const headers = parseHeaders(control.get("_headers") ?? "", "_headers");
  const files: SiteFile[] = [
    { ...NOTHING, redirects: redirects.rules, problems: redirects.problems },
    { ...NOTHING, headers: headers.rules, problems: headers.problems },
  ];
  const toml = control.get("netlify.toml");
  if (toml !== undefined) files.push(readNetlifyToml(toml, "netlify.toml"));
  const vercel = control.get("vercel.json");
  const other = ["_redirects", "_headers", "netlify.toml"].find((name) => control.has(name));
  if (vercel !== undefined && other === undefined) files.push(readVercelJson(vercel, "vercel.json"));
  if (vercel !== undefined && other !== undefined) {
    const note = settingNote({ file: "vercel.json", line: 1 }, "vercel.json", `is not read beside ${other}`);
    files.push({ ...NOTHING, warnings: [note] });
  }
  return {
    redirects: files.flatMap((file) => file.redirects),
    headers: files.flatMap((file) => file.headers),
    trailingSlash: files.find((file) => file.trailingSlash !== undefined)?.trailingSlash,
    publishDir: files.find((file) => file.publishDir !== undefined)?.publishDir,
    problems: files.flatMap((file) => file.problems),
    warnings: files.flatMap((file) => file.warnings),
  };
}
