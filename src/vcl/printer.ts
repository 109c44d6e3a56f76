import { assertNever } from "../lib/errors.ts";
import type { Expression, ReturnStatement, Statement, StringLiteral, SwitchCase } from "./ast.ts";
import type { AclEntry, Declaration, Property, VclProgram } from "./ast-declarations.ts";

/**
 * Canonical text of a program: what `parseVcl` makes of it is the same tree, but for spans. Includes of declarations
 * stand in full; `include` and `#FASTLY` inside subroutines stay single lines.
 */
export function printProgram(program: VclProgram): string {
  return program.declarations.map((declaration) => `${printDeclaration(declaration)}\n`).join("\n");
}

function printDeclaration(node: Declaration): string {
  switch (node.kind) {
    case "acl":
      return braces(`acl ${node.name.name}`, { pad: "", lines: node.entries.map(printAclEntry) });
    case "backend":
    case "probe":
      return `${node.kind} ${node.name.name} ${printProperties(node.properties, "")}`;
    case "director": {
      const properties = node.properties.map((property) => printProperty(property, "  "));
      const members = node.members.map((member) => printProperties(member.properties, "  "));
      return braces(`director ${node.name.name} ${node.type.name}`, {
        pad: "",
        lines: [...properties, ...members],
      });
    }
    case "table": {
      const lines = node.entries.map(
        ({ key, value }) => `${printExpression(key)}: ${printExpression(value)},`,
      );
      return braces(`table ${node.name.name} ${node.type}`, { pad: "", lines });
    }
    case "penaltybox":
    case "ratecounter":
      return `${node.kind} ${node.name.name} {}`;
    case "sub": {
      const parameters = node.parameters.map(({ type, name }) => `${type} ${name.name}`).join(", ");
      const type = node.type === "VOID" ? "" : ` ${node.type}`;
      const head = `sub ${node.name.name}${parameters === "" ? "" : `(${parameters})`}${type}`;
      return `${head} ${printBlock(node.body, "")}`;
    }
    case "import":
      return `import ${node.name.name};`;
    case "pragma":
      return node.words[0]?.endsWith("!") === true ? node.words.join(" ") : `pragma ${node.words.join(" ")};`;
    default:
      return assertNever(node);
  }
}

/** Lines between braces; the lines themselves are never touched, since long strings may hold newlines. */
function braces(head: string, { pad, lines }: { pad: string; lines: readonly string[] }): string {
  return `${head} {\n${lines.map((line) => `${pad}  ${line}\n`).join("")}${pad}}`;
}

function printAclEntry({ negated, address, mask }: AclEntry): string {
  return `${negated ? "!" : ""}${printExpression(address)}${mask === undefined ? "" : `/${mask}`};`;
}

function printProperties(properties: readonly Property[], pad: string): string {
  const lines = properties.map((property) => printProperty(property, `${pad}  `));
  return braces("", { pad, lines }).trimStart();
}

function printProperty({ name, value }: Property, pad: string): string {
  const text = "kind" in value ? `${printExpression(value)};` : printProperties(value, pad);
  return `.${name.name} = ${text}`;
}

function printBlock(body: readonly Statement[], pad: string): string {
  const lines = body.map((statement) => printStatement(statement, `${pad}  `));
  return braces("", { pad, lines }).trimStart();
}

/** One statement; `pad` is the indentation of its later lines. */
function printStatement(node: Statement, pad: string): string {
  switch (node.kind) {
    case "set":
      return `set ${node.target.name} ${node.operator} ${printExpression(node.value)};`;
    case "add":
      return `add ${node.target.name} = ${printExpression(node.value)};`;
    case "unset":
      return `unset ${node.target.name};`;
    case "declare": {
      const initial = node.initial === undefined ? "" : ` = ${printExpression(node.initial)}`;
      return `declare ${node.scope} ${node.name.name} ${node.type}${initial};`;
    }
    case "call-sub":
      return `call ${node.name.name}${node.args.length === 0 ? "" : printArguments(node.args)};`;
    case "if": {
      const branches = node.branches.map(
        ({ condition, body }) => `if (${printExpression(condition)}) ${printBlock(body, pad)}`,
      );
      const otherwise = node.otherwise === undefined ? "" : ` else ${printBlock(node.otherwise, pad)}`;
      return branches.join(" else ") + otherwise;
    }
    case "switch": {
      const lines = node.cases.map((entry) => printCase(entry, `${pad}  `));
      return braces(`switch (${printExpression(node.control)})`, { pad, lines });
    }
    case "block":
      return printBlock(node.body, pad);
    case "macro":
      return `#FASTLY ${node.name}`;
    case "label":
      return `${node.name.name}:`;
    default:
      return `${printSimple(node)};`;
  }
}

type SimpleStatement = Extract<
  Statement,
  {
    kind: "return" | "error" | "restart" | "esi" | "log" | "synthetic" | "goto" | "call-function" | "include";
  }
>;

function printSimple(node: SimpleStatement): string {
  switch (node.kind) {
    case "return":
      return printReturn(node);
    case "error":
      return ["error", node.status, node.reason].reduce<string>(
        (text, part) => (typeof part === "object" ? `${text} ${printExpression(part)}` : text),
        "error",
      );
    case "restart":
    case "esi":
      return node.kind;
    case "log":
      return `log ${printExpression(node.value)}`;
    case "synthetic":
      return `synthetic${node.base64 ? ".base64" : ""} ${printExpression(node.value)}`;
    case "goto":
      return `goto ${node.label.name}`;
    case "call-function":
      return printExpression(node.call);
    case "include":
      return `include ${printString(node.name)}`;
    default:
      return assertNever(node);
  }
}

function printReturn({ action, value }: ReturnStatement): string {
  if (action !== undefined) return `return(${action.name})`;
  return value === undefined ? "return" : `return ${printExpression(value)}`;
}

function printCase({ test, body, end }: SwitchCase, pad: string): string {
  const head =
    test === undefined ? "default:" : `case ${test.regex ? "~ " : ""}${printExpression(test.value)}:`;
  const lines = body.map((statement) => printStatement(statement, `${pad}  `));
  if (end !== "none") lines.push(`${end};`);
  return [head, ...lines].join(`\n${pad}  `);
}

/** One expression; groups are nodes of their own, so nothing has to be put in parentheses here. */
export function printExpression(node: Expression): string {
  switch (node.kind) {
    case "identifier":
      return node.name;
    case "string":
      return node.long ? printLong(node) : printString(node.value);
    case "integer":
      return node.value.toString();
    case "float":
      return /^-?[0-9]+$/.test(String(node.value)) ? `${node.value}.0` : String(node.value);
    case "rtime":
      return `${node.value.toFixed(9)}s`;
    case "bool":
      return String(node.value);
    case "percent":
      return `${node.value}%`;
    case "concat":
      return node.parts.map(printPart).join("");
    case "group":
      return `(${printExpression(node.inner)})`;
    case "call":
      return `${node.name.name}${printArguments(node.args)}`;
    case "if-expression":
      return `if${printArguments([node.condition, node.then, node.otherwise])}`;
    case "unary":
      return `${node.operator}${printExpression(node.operand)}`;
    case "binary":
      return `${printExpression(node.left)} ${node.operator} ${printExpression(node.right)}`;
    default:
      return assertNever(node);
  }
}

/** A `+` before an RTIME would be time arithmetic, and no `+` before a parenthesis a call. */
function printPart(part: Expression, index: number): string {
  const text = printExpression(part);
  if (index === 0) return text;
  return (leftmost(part).kind === "rtime" && !text.startsWith("-") ? " " : " + ") + text;
}

function leftmost(node: Expression): Expression {
  let at = node;
  while (at.kind === "binary") at = at.left;
  return at;
}

function printArguments(args: readonly Expression[]): string {
  return `(${args.map(printExpression).join(", ")})`;
}

/** `"…"` with everything escaped that cannot stand in it. */
function printString(value: string): string {
  const body = value.replace(/[\u0001-\u001f"%\u007f]/g, (char) => {
    return `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
  return `"${body}"`;
}

/** `{"…"}`, with the first delimiter that the text does not hold. */
function printLong({ value }: StringLiteral): string {
  let delimiter = "";
  for (let count = 1; value.includes(`"${delimiter}}`); count += 1) delimiter = `X${count}`;
  return `{${delimiter}"${value}"${delimiter}}`;
}
