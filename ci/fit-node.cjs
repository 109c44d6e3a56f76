// Ends with 0 where this Node runs sitefleet (`engines` in package.json). Any Node must be able to read it.
const { readFileSync } = require("node:fs");
const { join } = require("node:path");

const { engines } = JSON.parse(readFileSync(join(__dirname, "..", "package.json"), "utf8"));
const [, wantedMajor, wantedMinor] = /^>=(\d+)\.(\d+)$/.exec(engines.node).map(Number);
const [major, minor] = process.versions.node.split(".").map(Number);
process.exitCode = major > wantedMajor || (major === wantedMajor && minor >= wantedMinor) ? 0 : 1;
