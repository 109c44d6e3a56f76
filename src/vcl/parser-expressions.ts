import type { BinaryOperator, Expression, FunctionCall, Identifier } from "./ast.ts";
import type { Cursor } from "./parser-cursor.ts";
import { parseNumber, stringLiteral } from "./parser-literals.ts";
import type { Span } from "./source.ts";

const COMPARISONS: ReadonlyMap<string, BinaryOperator> = new Map([
  ["==", "=="],
  ["!=", "!="],
  ["~", "~"],
  ["!~", "!~"],
  ["<", "<"],
  ["<=", "<="],
  [">", ">"],
  [">=", ">="],
] as const);

/** expression := and (`||` and)*  — loosest first (reference/vcl/operators) */
export function parseExpression(cursor: Cursor): Expression {
  return cursor.nested("expression", () => chain(cursor, { operator: "||", operand: parseAnd }));
}

/** and := not (`&&` not)* */
function parseAnd(cursor: Cursor): Expression {
  return chain(cursor, { operator: "&&", operand: parseNot });
}

function chain(
  cursor: Cursor,
  { operator, operand }: { operator: "&&" | "||"; operand: (cursor: Cursor) => Expression },
): Expression {
  let left = operand(cursor);
  while (cursor.skip(operator)) {
    cursor.countOperator();
    const right = operand(cursor);
    left = { kind: "binary", operator, left, right, span: cursor.spanFrom(left.span) };
  }
  return left;
}

/** not := `!` not | comparison  — as in Varnish 2.1, `!a ~ "b"` negates the match */
function parseNot(cursor: Cursor): Expression {
  const start = cursor.peek();
  if (!cursor.skip("!")) return parseComparison(cursor);
  const operand = cursor.nested("expression", () => parseNot(cursor));
  return { kind: "unary", operator: "!", operand, span: cursor.spanFrom(start) };
}

/** comparison := concatenation ((`==` | `!=` | `~` | `!~` | `<` | `<=` | `>` | `>=`) concatenation)? */
function parseComparison(cursor: Cursor): Expression {
  const left = parseConcatenation(cursor);
  const operator = cursor.peek().kind === "punct" ? COMPARISONS.get(cursor.peek().text) : undefined;
  if (operator === undefined) return left;
  cursor.next();
  cursor.countOperator();
  const right = parseConcatenation(cursor);
  return { kind: "binary", operator, left, right, span: cursor.spanFrom(left.span) };
}

/** value := concatenation  — where a comparison would need parentheses */
export function parseValue(cursor: Cursor): Expression {
  return cursor.nested("expression", () => parseConcatenation(cursor));
}

/** concatenation := part (`+`? part)* */
function parseConcatenation(cursor: Cursor): Expression {
  const first = parsePart(cursor);
  if (!cursor.at("+") && !startsPart(cursor)) return first;
  const parts = [first];
  while (cursor.skip("+") || startsPart(cursor)) parts.push(parsePart(cursor));
  return { kind: "concat", parts, span: cursor.spanFrom(first.span) };
}

/** part := primary ((`+` | `-`) RTIME)*  — time arithmetic, with a literal only: `now + 5m` */
function parsePart(cursor: Cursor): Expression {
  let left = parsePrimary(cursor);
  for (let operator = timeOperator(cursor); operator !== undefined; operator = timeOperator(cursor)) {
    cursor.next();
    cursor.countOperator();
    const right = parsePrimary(cursor);
    left = { kind: "binary", operator, left, right, span: cursor.spanFrom(left.span) };
  }
  return left;
}

function timeOperator(cursor: Cursor): "+" | "-" | undefined {
  const isTime = cursor.peek(1).kind === "rtime" || (isNumber(cursor, 1) && isUnit(cursor, 2));
  if (!isTime) return undefined;
  if (cursor.at("+")) return "+";
  return cursor.at("-") ? "-" : undefined;
}

function isNumber(cursor: Cursor, ahead: number): boolean {
  const { kind, text } = cursor.peek(ahead);
  return (kind === "integer" || kind === "float") && /^[0-9.]+$/.test(text);
}

function isUnit(cursor: Cursor, ahead: number): boolean {
  const { kind, text } = cursor.peek(ahead);
  return kind === "word" && /^(?:ms|s|m|h|d|w|y)$/.test(text);
}

/** Words that begin a statement; met inside a concatenation they mean that a `;` is missing. */
const RESERVED: ReadonlySet<string> = new Set([
  "add",
  "call",
  "declare",
  "else",
  "elseif",
  "elsif",
  "goto",
  "remove",
  "return",
  "set",
  "sub",
  "switch",
  "synthetic",
  "unset",
]);

/** Whether the next token can begin a part of a concatenation without `+`. */
function startsPart(cursor: Cursor): boolean {
  const { kind, text } = cursor.peek();
  switch (kind) {
    case "punct":
      return text === "(";
    case "word":
      return !RESERVED.has(text);
    case "end":
    case "macro":
      return false;
    default:
      return true;
  }
}

/** primary := string | number | PERCENT | `true` | `false` | `LF` | group | if | call | identifier */
export function parsePrimary(cursor: Cursor): Expression {
  const token = cursor.peek();
  const number = parseNumber(cursor);
  if (number !== undefined) return number;
  switch (token.kind) {
    case "string":
    case "long-string":
      return stringLiteral(cursor, cursor.next());
    case "percent":
      cursor.next();
      return { kind: "percent", value: Number(token.text), span: cursor.spanOf(token) };
    case "word":
      return parseWord(cursor);
    default:
      if (cursor.at("(")) return parseGroup(cursor);
      throw cursor.unexpected("a value");
  }
}

function parseWord(cursor: Cursor): Expression {
  const token = cursor.peek();
  const span = cursor.spanOf(token);
  if (cursor.at("(", 1)) return token.text === "if" ? parseIfExpression(cursor) : parseCall(cursor);
  cursor.next();
  switch (token.text) {
    case "true":
    case "false":
      return { kind: "bool", value: token.text === "true", span };
    case "LF":
      return { kind: "string", value: "\n", long: true, span };
    default:
      return { kind: "identifier", name: token.text, span };
  }
}

/** group := `(` expression `)` */
export function parseGroup(cursor: Cursor): Expression {
  const open = cursor.expect("(");
  const inner = parseExpression(cursor);
  cursor.expect(")");
  return { kind: "group", inner, span: cursor.spanFrom(open) };
}

/** if := `if` `(` expression `,` expression `,` expression `)` */
function parseIfExpression(cursor: Cursor): Expression {
  const start = cursor.expect("if");
  cursor.expect("(");
  const condition = parseExpression(cursor);
  cursor.expect(",");
  const then = parseExpression(cursor);
  cursor.expect(",");
  const otherwise = parseExpression(cursor);
  cursor.expect(")");
  // oxlint-disable-next-line unicorn/no-thenable -- a branch of the tree, never awaited
  return { kind: "if-expression", condition, then, otherwise, span: cursor.spanFrom(start) };
}

/** call := identifier arguments */
export function parseCall(cursor: Cursor): FunctionCall {
  const name: Identifier = cursor.expectName("a function's name");
  const args = parseArguments(cursor);
  const span: Span = cursor.spanFrom(name.span);
  return { kind: "call", name, args, span };
}

/** arguments := `(` (expression (`,` expression)*)? `)` */
export function parseArguments(cursor: Cursor): readonly Expression[] {
  cursor.expect("(");
  const args: Expression[] = [];
  if (cursor.skip(")")) return args;
  do args.push(parseExpression(cursor));
  while (cursor.skip(","));
  cursor.expect(")");
  return args;
}
