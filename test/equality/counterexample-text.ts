import type { EqualityCase, CaseStep } from "./equality-case.ts";
import type { Counterexample } from "./run-case.ts";
import { SETTINGS_NAMES } from "./settings.ts";
import type { Seen } from "./edge.ts";

const LONGEST = 1_000;

/** A case in which the targets differ, for a person to read: the buckets, the requests, both answers. */
export function counterexampleText(one: EqualityCase, found: Counterexample): string {
  const lines = [`settings ${one.setting}: ${SETTINGS_NAMES[one.setting] ?? ""}`, "", "buckets"];
  for (const { bucket, key, headers, metadata, body } of one.objects) {
    lines.push(`  ${bucket} ${key}  (${Buffer.byteLength(body.text) * body.times} bytes)`);
    for (const [name, value] of headers) lines.push(`    ${name}: ${value}`);
    for (const [name, value] of Object.entries(metadata)) lines.push(`    x-amz-meta-${name}: ${value}`);
  }
  if (one.noise.length > 0) lines.push("all that S3 answers has besides");
  for (const [name, value] of one.noise) lines.push(`    ${name}: ${value}`);
  for (const [index, step] of one.steps.slice(0, found.step + 1).entries()) {
    lines.push("", `request ${index + 1}`, ...stepLines(step));
  }
  lines.push("", "differs in");
  for (const { what, vcl, compute } of found.findings) {
    lines.push(`  ${what}`, `    VCL:     ${indented(vcl)}`, `    Compute: ${indented(compute)}`);
  }
  lines.push(
    "",
    "VCL answered",
    ...answerLines(found.vcl),
    "",
    "Compute answered",
    ...answerLines(found.compute),
  );
  return lines.join("\n");
}

function stepLines({ wait, purge, isSoft, put, moods, sick, request }: CaseStep): readonly string[] {
  const { method, host, target, headers, isTls, country, ip } = request;
  return [
    ...(wait === 0 ? [] : [`  after ${wait} ms`]),
    ...(put === null ? [] : [`  after this was put: ${JSON.stringify(put)}`]),
    ...(purge.length === 0 ? [] : [`  after a ${isSoft ? "soft" : "hard"} purge of ${purge.join(" ")}`]),
    ...Object.entries(moods).map(([bucket, mood]) => `  while ${bucket} is ${mood}`),
    ...(sick.length === 0 ? [] : [`  while health checks find unwell: ${sick.join(", ")}`]),
    `  ${isTls ? "https" : "http"}, from ${country ?? "the usual country"}, ${ip ?? "the usual address"}`,
    `    ${method} ${cut(JSON.stringify(target))}`,
    `    Host: ${host}`,
    ...headers.map(([name, value]) => `    ${name}: ${value}`),
  ];
}

function answerLines({ status, headers, body, asked, stored, lines }: Seen): readonly string[] {
  return [
    `  ${status}`,
    ...headers.map(([name, value]) => `    ${name}: ${value}`),
    `    ${body.length} bytes: ${cut(JSON.stringify(body.toString("latin1", 0, 200)))}`,
    ...asked.map(
      ({ bucket, method, path, answer }) => `  asked ${bucket}: ${method} ${cut(path)} -> ${answer}`,
    ),
    ...stored.map((one) => `  stored ${JSON.stringify(one)}`),
    ...lines.map((line) => `  logged ${cut(JSON.stringify(line))}`),
  ];
}

function indented(text: string): string {
  return cut(text).replaceAll("\n", "\n             ");
}

function cut(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}… (${text.length} characters)`;
}
