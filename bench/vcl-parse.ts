import { performance } from "node:perf_hooks";

import { checkProgram } from "../src/vcl/checker.ts";
import { parseVcl } from "../src/vcl/service.ts";

/** How long parsing and checking a VCL file of 1 MB takes, the largest that Fastly accepts; prints one JSON object. */
const SIZE = 1_048_576;
const ROUNDS = 5;

const HEAD = 'backend F_origin { .host = "origin.example.com"; }\nsub vcl_recv {\n#FASTLY recv\n';
const TAIL = "return(lookup);\n}\n";

/** A few lines as templates write them, different for each index. */
function lines(index: number): string {
  return `if (req.http.Host == "site-${index}.example.com" && req.url.path ~ "^/old/([a-z]+)-${index}$") {
  set req.http.X-Site = "site-" + std.tolower(req.http.Host) "-${index}";
  if (!req.http.Fastly-SSL || client.ip == "192.0.2.${index % 256}") { error 601 "/new/" re.group.1; }
  set req.backend = F_origin; # site ${index}
}
`;
}

function largeFile(): string {
  const parts = [HEAD];
  let size = HEAD.length + TAIL.length;
  for (let index = 0; ; index += 1) {
    const part = lines(index);
    size += part.length;
    if (size > SIZE) return parts.join("") + TAIL;
    parts.push(part);
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const text = largeFile();
const parse: number[] = [];
const check: number[] = [];
let findings = 0;
for (let round = 0; round < ROUNDS; round += 1) {
  const start = performance.now();
  const program = parseVcl({ name: "main.vcl", text });
  const parsed = performance.now();
  findings = checkProgram(program).length;
  parse.push(parsed - start);
  check.push(performance.now() - parsed);
}
console.log(
  JSON.stringify({
    bench: "vcl-parse",
    bytes: text.length,
    findings,
    parseMs: Math.round(median(parse)),
    checkMs: Math.round(median(check)),
    firstParseMs: Math.round(parse[0] ?? 0),
    firstCheckMs: Math.round(check[0] ?? 0),
  }),
);
