import { SitefleetError } from "../lib/errors.ts";
import { parseJson } from "../lib/json.ts";
import type { Explanation } from "../mirror/inspector/explain.ts";
import type { CallDocument } from "../mirror/inspector/explain-call.ts";
import { readMirrorFile } from "../settings/local.ts";
import type { CommandContext } from "./context.ts";
import type { CommandDefinition, CommandInput } from "./command.ts";
import { explanationText } from "./explain-text.ts";
import { argumentOf } from "./publishing.ts";

export const commands: readonly CommandDefinition[] = [
  {
    verb: undefined,
    summary: "make a request at the mirror's edge and tell every decision it takes",
    args: [{ name: "<url>", summary: "as a visitor would type it, port or not" }],
    options: [
      { flags: "--method <name>", summary: "method of the request", default: "GET" },
      {
        flags: "--header <line>",
        summary: 'header line of the request, such as "Cookie: a=b"; as often as there are lines',
        repeatable: true,
      },
      { flags: "--country <code>", summary: "where the visitor is (ISO 3166-1); default: where all are" },
      { flags: "--pop <code>", summary: "POP that the request reaches; default: the mirror's first" },
      { flags: "--lines", summary: "also list the VCL lines that ran" },
    ],
    writes: false,
    examples: [
      "explain http://bakery.localhost:8080/menu",
      'explain https://www.example.com/ --header "Accept-Language: fr" --country FR',
      "explain http://bakery.localhost/missing --lines --json",
    ],
    run: runExplain,
  },
];

async function runExplain(context: CommandContext, input: CommandInput): Promise<void> {
  const inspector = await inspectorOf(context);
  const call = readCall(input);
  const explanation = await askInspector(inspector, call, context.signal);
  context.report.result(explanation, explanationText(call, explanation, { lines: input.flags.has("lines") }));
}

async function inspectorOf({ environmentName, stateDir }: CommandContext): Promise<string> {
  if (environmentName !== "local") {
    throw new SitefleetError(
      "explain/no-inspector",
      `requests can be explained at the mirror only, not in "${environmentName}"`,
      { hint: "leave --env out, with `sitefleet mirror up` running" },
    );
  }
  const { inspector } = await readMirrorFile(stateDir);
  if (inspector !== undefined) return inspector.url;
  throw new SitefleetError("explain/no-inspector", `the mirror of ${stateDir} runs without an inspector`, {
    hint: "start it with `sitefleet mirror up`",
  });
}

function readCall(input: CommandInput): CallDocument {
  const text = argumentOf(input, 0);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new SitefleetError("cli/usage", `"${text}" is no http or https URL`, {
      hint: "write it whole: http://www.example.com/page",
    });
  }
  const country = input.flags.text("country");
  const pop = input.flags.text("pop");
  const headers = [...input.flags.list("header").map(readHeader), ...credentialsOf(url)];
  // They are a header, never part of what is asked for (RFC 9110 §4.2.4).
  url.username = "";
  url.password = "";
  url.hash = "";
  return {
    method: input.flags.text("method") ?? "GET",
    url: url.href,
    headers,
    ...(country === undefined ? {} : { country }),
    ...(pop === undefined ? {} : { pop }),
  };
}

/** `https://name:password@host/` as a browser sends it. */
function credentialsOf({ username, password }: URL): (readonly [string, string])[] {
  if (username === "" && password === "") return [];
  const pair = Buffer.concat([unescaped(username), Buffer.from(":"), unescaped(password)]);
  return [["Authorization", `Basic ${pair.toString("base64")}`]];
}

/** The bytes of a part of a URL; a `%` that begins no byte is one of its own. */
function unescaped(part: string): Buffer {
  const bytes = part.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1");
}

function readHeader(line: string): [string, string] {
  const colon = line.indexOf(":");
  if (colon > 0) return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  throw new SitefleetError("cli/usage", `--header "${line}" has no name and colon`, {
    hint: 'write it as it stands in a request: --header "Accept: text/html"',
  });
}

async function askInspector(
  inspector: string,
  call: CallDocument,
  signal: AbortSignal,
): Promise<Explanation> {
  let response: Response;
  try {
    response = await fetch(new URL("/api/explain", inspector), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(call),
      signal,
    });
  } catch (cause) {
    signal.throwIfAborted();
    throw new SitefleetError("mirror/not-running", `nothing answers at the inspector's ${inspector}`, {
      cause,
      hint: "start the mirror with `sitefleet mirror up`",
    });
  }
  const answer = parseJson(await response.text());
  if (response.ok && isExplanation(answer)) return answer;
  throw refusal(answer);
}

/** The mirror is this program, of the same version: what it answers needs no schema. */
function isExplanation(answer: unknown): answer is Explanation {
  return typeof answer === "object" && answer !== null && "trace" in answer && "body" in answer;
}

function refusal(answer: unknown): SitefleetError {
  const told = typeof answer === "object" && answer !== null ? answer : {};
  const message = "message" in told ? String(told.message) : "the inspector gave no answer";
  if ("code" in told && told.code === "explain/invalid-request") {
    const hint = "hint" in told ? { hint: String(told.hint) } : {};
    return new SitefleetError("explain/invalid-request", message, hint);
  }
  return new SitefleetError("fault/internal", message);
}
