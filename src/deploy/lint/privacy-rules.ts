import type { SubDeclaration, VclProgram } from "../../vcl/ast-declarations.ts";
import type { Expression, Statement, StringLiteral, SwitchStatement } from "../../vcl/ast.ts";
import type { Span } from "../../vcl/source.ts";
import { expressionsOf, walkStatements } from "../../vcl/walk.ts";
import { isNamed, literalOf, partsIn, partsOf, targetOf } from "./atoms.ts";
import { ValueFlow, privateSources, resultsOf } from "./value-flow.ts";
import type { Finding, LintFacts, LintRule } from "./rule.ts";

function subsOf({ declarations }: VclProgram): readonly SubDeclaration[] {
  return declarations.filter((node) => node.kind === "sub");
}

/** Where something private may go: the signature and the path of what is asked of the store, and one internal header. */
const ALLOWED = new Set(["bereq.http.authorization", "bereq.url", "req.http.sf-credentials"]);

function eachPrivateUse(
  facts: LintFacts,
  visit: (statement: Statement, flow: ValueFlow) => readonly Finding[],
): readonly Finding[] {
  const sources = privateSources(facts.privateTables);
  const results = resultsOf(facts.program, sources);
  return subsOf(facts.program).flatMap((sub) => {
    const flow = new ValueFlow(sources, results);
    const found: Finding[] = [];
    walkStatements(sub.body, (statement) => {
      found.push(...visit(statement, flow));
      flow.follow(statement);
    });
    return found;
  });
}

function exposed(facts: LintFacts): readonly Finding[] {
  return eachPrivateUse(facts, (statement, flow) => {
    const { span } = statement;
    const say = (what: string, where: string): readonly Finding[] => [
      { message: `${what} would be in ${where}`, span },
    ];
    switch (statement.kind) {
      case "set":
      case "add": {
        const target = targetOf(statement) ?? "";
        const what = flow.found(statement.value);
        if (what === undefined || target.startsWith("var.") || ALLOWED.has(target)) return [];
        return say(what, statement.target.name);
      }
      case "synthetic": {
        const what = flow.found(statement.value);
        return what === undefined ? [] : say(what, "a page");
      }
      case "error": {
        const what = statement.reason && flow.found(statement.reason);
        return what === undefined ? [] : say(what, "a response's reason");
      }
      case "call-function":
        return headerSet(statement.call.args, { name: statement.call.name.name, flow, say });
      default:
        return [];
    }
  });
}

function headerSet(
  args: readonly Expression[],
  at: {
    readonly name: string;
    readonly flow: ValueFlow;
    readonly say: (what: string, where: string) => readonly Finding[];
  },
): readonly Finding[] {
  const [message, header, value] = args;
  if (at.name !== "header.set" || !message || !header || !value) return [];
  const what = at.flow.found(value);
  const name = literalOf(header)?.toLowerCase();
  if (what === undefined || (isNamed(message, "bereq") && name === "authorization")) return [];
  return at.say(what, `the header ${name ?? "of a name that is not known"}`);
}

function logged(facts: LintFacts): readonly Finding[] {
  return eachPrivateUse(facts, (statement, flow) => {
    if (statement.kind !== "log") return [];
    const what = flow.found(statement.value) ?? cookieOfAnswer(statement.value);
    return what === undefined ? [] : [{ message: `${what} would be in the log`, span: statement.span }];
  });
}

function cookieOfAnswer(value: Expression): string | undefined {
  const isCookie = partsIn(value).some(
    (part) => part.kind === "identifier" && /^(?:resp|beresp|obj)\.http\.set-cookie/i.test(part.name),
  );
  return isCookie ? "a visitor's cookie" : undefined;
}

/** What keys of well-known kinds look like; the last is any long text of all kinds of letters. */
const SECRETS: readonly (readonly [what: string, pattern: RegExp])[] = [
  ["an AWS access key id", /(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])/],
  ["a private key", /-----BEGIN [A-Z ]{0,30}PRIVATE KEY/],
  ["a JSON web token", /eyJ[\w-]{8,}\.eyJ[\w-]{8,}\./],
  ["a token", /(?:gh[pousr]_|github_pat_|xox[abp]-|sk_live_|glpat-)[\w-]{16,}/],
  ["a credential", /^(?:basic|bearer) +[\w+/=.-]{8,}$/i],
  [
    "a random text",
    /(?<![\w+/=-])(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])(?=\D*\d)[\w+/-]{32,200}={0,2}(?![\w+/=-])/,
  ],
];

/** Letters that a text of 32 random characters has at least, of 64. */
const VARIETY = 18;

/** What Content-Security-Policy and `integrity` name scripts by, which everyone may read (CSP level 3, section 2.3.1). */
const DIGEST = /^sha(?:256|384|512)-/;

function secretIn(text: string): string | undefined {
  for (const [what, pattern] of SECRETS) {
    const found = pattern.exec(text)?.[0];
    if (found === undefined) continue;
    if (what === "a random text" && (new Set(found).size < VARIETY || DIGEST.test(found))) continue;
    return what;
  }
  return undefined;
}

function secrets({ program }: LintFacts): readonly Finding[] {
  return literalsIn(program).flatMap(({ value, span }) => {
    const what = secretIn(value);
    if (what === undefined) return [];
    return [{ message: `looks like ${what}, and everyone who may read the service can read it`, span }];
  });
}

function literalsIn(program: VclProgram): readonly StringLiteral[] {
  const found: StringLiteral[] = [];
  const collect = (node: Expression): void => {
    for (const part of partsIn(node)) if (part.kind === "string") found.push(part);
  };
  for (const node of program.declarations) {
    if (node.kind === "sub")
      walkStatements(node.body, (statement) => expressionsOf(statement).forEach(collect));
    if (node.kind !== "table") continue;
    for (const entry of node.entries) [entry.key, entry.value].forEach(collect);
  }
  return found;
}

/** Names that say which customer a request is for. */
const OF_CUSTOMER = [
  "req.http.host",
  "req.http.SF-Host",
  "req.http.SF-Site",
  "fastly_info.host_header",
  "tls.client.servername",
  "var.sf_host",
] as const;

const HOST = /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/i;

function customers(facts: LintFacts): readonly Finding[] {
  const compared = subsOf(facts.program).flatMap((sub) => {
    const found: Finding[] = [];
    walkStatements(sub.body, (statement) => {
      for (const part of partsOf(statement)) found.push(...customerIn(part, facts.wildcards));
      if (statement.kind === "switch") found.push(...customerCases(statement, facts.wildcards));
    });
    return found;
  });
  return [...compared, ...customerTables(facts.program)];
}

function customerTables({ declarations }: VclProgram): readonly Finding[] {
  return declarations.flatMap((node) => {
    const entry = node.kind === "table" ? node.entries.find(({ key }) => HOST.test(key.value)) : undefined;
    return entry && node.kind === "table"
      ? [customerFinding(`the table ${node.name.name} has a host in it`, entry.span)]
      : [];
  });
}

function customerFinding(what: string, span: Span): Finding {
  return { message: `${what}: what a customer wants belongs into its config`, span };
}

function customerCases(
  { control, cases }: SwitchStatement,
  wildcards: readonly string[],
): readonly Finding[] {
  const name = nameIn(control);
  if (name === undefined) return [];
  return cases.flatMap(({ test }) => {
    if (test === undefined || isNobodys(test.value.value, { isPattern: test.regex, wildcards })) return [];
    return [customerFinding(`${name} is compared with "${test.value.value}"`, test.value.span)];
  });
}

/** Whether a text that a host is compared with is no customer's: any of many hosts, or the platform's own. */
function isNobodys(
  text: string,
  { isPattern, wildcards }: { readonly isPattern: boolean; readonly wildcards: readonly string[] },
): boolean {
  // A pattern of what names look like has a class of letters; one of a certain name has none.
  if (text === "" || (isPattern && /\[|\\d|\\w/.test(text))) return true;
  const plain = isPattern ? text.replace(/^\^|\$$/g, "").replaceAll("\\.", ".") : text;
  if (wildcards.includes(plain)) return true;
  // `\.staging\.`, and an ending below which there are many hosts of the platform.
  if (!isPattern || !plain.startsWith(".")) return false;
  return /^\.[a-z0-9-]+\.$/.test(plain) || wildcards.some((own) => plain.endsWith(`.${own}`));
}

function nameIn(node: Expression): string | undefined {
  return partsIn(node)
    .map(customerName)
    .find((found) => found !== undefined);
}

function customerIn(part: Expression, wildcards: readonly string[]): readonly Finding[] {
  if (part.kind === "binary") {
    const text = literalOf(part.right);
    if (text === undefined || !["==", "!=", "~", "!~"].includes(part.operator)) return [];
    const name = nameIn(part.left);
    if (name === undefined || isNobodys(text, { isPattern: part.operator.endsWith("~"), wildcards }))
      return [];
    return [customerFinding(`${name} is compared with "${text}"`, part.span)];
  }
  if (part.kind !== "call" || !part.name.name.startsWith("table.")) return [];
  const [table, key] = part.args;
  const name = key && nameIn(key);
  if (name === undefined || table?.kind !== "identifier") return [];
  return [customerFinding(`${table.name} is asked for ${name}`, part.span)];
}

function customerName(node: Expression): string | undefined {
  return OF_CUSTOMER.find((name) => isNamed(node, name));
}

/** Contracts of what nobody may see, and what does not belong into VCL at all. */
export const PRIVACY_RULES: readonly LintRule[] = [
  {
    id: "sitefleet/secret-exposed",
    severity: "error",
    contract: "keys, passwords and cookies go nowhere but where they must",
    check: exposed,
  },
  {
    id: "sitefleet/private-log",
    severity: "error",
    contract: "no log has a password, a cookie or a key",
    check: logged,
  },
  {
    id: "sitefleet/hard-coded-secret",
    severity: "error",
    contract: "no secret is in the VCL",
    check: secrets,
  },
  {
    id: "sitefleet/customer-data",
    severity: "error",
    contract: "no customer is named in the VCL",
    check: customers,
  },
];
