// What action.yml runs: one `sitefleet publish` of the action's inputs. They come as variables and go on as single words of
// an argument list, so that none of them is read by a shell or taken for an option.
import { spawnSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const CLI = join(dirname(dirname(fileURLToPath(import.meta.url))), "dist", "cli.js");

/** @param {string} name */
function input(name) {
  return (process.env[`SITEFLEET_INPUT_${name}`] ?? "").trim();
}

/** `--flag=value`, or nothing without a value. @param {string} flag @param {string} value */
function option(flag, value) {
  return value === "" ? [] : [`--${flag}=${value}`];
}

/** A line of GITHUB_OUTPUT; a value with more lines would set other outputs. @param {string} name @param {unknown} value */
function output(name, value) {
  const text = typeof value === "string" ? value : "";
  if (/[\r\n]/.test(text)) throw new Error(`the output ${name} has more than one line`);
  appendOutput(`${name}=${text}\n`);
}

/** @param {string} text */
function appendOutput(text) {
  const file = process.env["GITHUB_OUTPUT"];
  if (!file) return;
  try {
    appendFileSync(file, text);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const what = `the file of GITHUB_OUTPUT, "${file}", cannot be written: ${error.message} [output/not-writable]`;
    throw new InputFailure(what);
  }
}

/** An input, or a file of the runner's, that cannot be used. */
class InputFailure extends Error {}

function publish() {
  for (const name of ["FOLDER", "SITE"]) {
    // An empty folder would be that of the workflow itself, with everything in it.
    if (input(name) === "") throw new InputFailure(`the input ${name.toLowerCase()} is missing`);
  }
  const dryRun = input("DRY_RUN");
  if (!["", "true", "false"].includes(dryRun)) {
    // Taken for `false` it would publish what was only to be looked at.
    throw new InputFailure(`the input dry-run is "${dryRun}", not true or false`);
  }
  // Seen before anything is published, not after it.
  appendOutput("");
  const args = [
    "publish",
    "--json",
    ...option("env", input("ENV")),
    ...option("config", input("SETTINGS")),
    ...option("site", input("SITE")),
    ...option("site-env", input("SITE_ENV")),
    ...input("DOMAINS")
      .split(/[\s,]+/)
      .flatMap((domain) => option("domain", domain)),
    ...option("preview", input("PREVIEW")),
    ...option("expires", input("EXPIRES")),
    ...(dryRun === "true" ? ["--dry-run"] : []),
    "--",
    input("FOLDER"),
  ];
  const { status, stdout } = spawnSync(process.execPath, [CLI, ...args], {
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) return status ?? 1;
  const { release, urls } = JSON.parse(stdout);
  output("release", release);
  output("url", urls[0]);
  return 0;
}

try {
  process.exitCode = publish();
} catch (error) {
  if (!(error instanceof InputFailure)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
