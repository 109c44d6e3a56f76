import type { AssignmentOperator, Expression, IfBranch, Statement } from "./ast.ts";
import type { Token } from "./lexer.ts";
import { Cursor } from "./parser-cursor.ts";
import {
  parseArguments,
  parseCall,
  parseExpression,
  parsePrimary,
  parseValue,
} from "./parser-expressions.ts";
import { parseSwitch } from "./parser-switch.ts";
import { expectType } from "./parser-types.ts";
import type { Source } from "./source.ts";
import { stateOfWord } from "./states.ts";

const ASSIGNMENTS: readonly AssignmentOperator[] = [
  "=",
  "+=",
  "-=",
  "*=",
  "/=",
  "%=",
  "|=",
  "&=",
  "^=",
  "<<=",
  ">>=",
  "&&=",
  "||=",
];

const STATEMENTS: ReadonlyMap<string, (cursor: Cursor) => Statement> = new Map([
  ["set", parseSet],
  ["add", parseAdd],
  ["unset", parseUnset],
  ["remove", parseUnset],
  ["declare", parseDeclare],
  ["call", parseCallSub],
  ["if", parseIf],
  ["switch", (cursor: Cursor) => parseSwitch(cursor, parseStatement)],
  ["return", parseReturn],
  ["error", parseError],
  ["restart", (cursor: Cursor) => parseBare(cursor, "restart")],
  ["esi", (cursor: Cursor) => parseBare(cursor, "esi")],
  ["log", parseLog],
  ["synthetic", parseSynthetic],
  ["synthetic.base64", parseSynthetic],
  ["goto", parseGoto],
  ["include", parseInclude],
  ["break", parseMisplaced],
  ["fallthrough", parseMisplaced],
]);

/** block := `{` statement* `}` */
export function parseBlock(cursor: Cursor): readonly Statement[] {
  return cursor.nested("block", () => {
    const open = cursor.expect("{");
    const statements: Statement[] = [];
    while (!cursor.at("}")) {
      if (cursor.atEnd()) throw cursor.fault("syntax/unterminated", open, "this { has no closing }");
      const statement = parseStatement(cursor);
      if (statement !== undefined) statements.push(statement);
    }
    cursor.next();
    return statements;
  });
}

/** statement := block | macro | label | call `;` | one of the keyword statements; `undefined` after a noted fault */
export function parseStatement(cursor: Cursor): Statement | undefined {
  return cursor.attempt(
    () => parseAnyStatement(cursor),
    () => cursor.skipStatement(),
  );
}

function parseAnyStatement(cursor: Cursor): Statement {
  const token = cursor.peek();
  if (token.kind === "macro") return parseMacro(cursor);
  if (cursor.at("{")) {
    const body = parseBlock(cursor);
    return { kind: "block", body, span: cursor.spanFrom(token) };
  }
  if (token.kind !== "word") throw cursor.unexpected("a statement");
  const parse = STATEMENTS.get(token.text);
  if (parse !== undefined) return parse(cursor);
  if (cursor.at("(", 1)) return parseCallFunction(cursor);
  if (cursor.at(":", 1)) return parseLabel(cursor);
  throw cursor.unexpected("a statement");
}

/** macro := a line `#FASTLY` STATE, replaced by what the service's objects put there */
function parseMacro(cursor: Cursor): Statement {
  const token = cursor.next();
  const name = stateOfWord(token.text) ?? "recv";
  const source = cursor.context.macro(name);
  const body =
    source === undefined ? [] : cursor.context.within(source, (inner) => parseStatementsOf(cursor, inner));
  return { kind: "macro", name, body, span: cursor.spanOf(token) };
}

/** include := `include` STRING `;`  — the file's statements stand in its place */
function parseInclude(cursor: Cursor): Statement {
  const start = cursor.expect("include");
  const file = cursor.expectString("a file name");
  cursor.expect(";");
  const span = cursor.spanFrom(start);
  const include = { name: file.text, span: cursor.spanOf(file) };
  const body = cursor.context.withInclude(include, (inner) => parseStatementsOf(cursor, inner));
  return { kind: "include", name: file.text, body, span };
}

/** statements := statement*  — a whole source */
function parseStatementsOf(outer: Cursor, source: Source): readonly Statement[] {
  const cursor = new Cursor(outer.context, source);
  cursor.startAtDepth(outer.blockDepth);
  const statements: Statement[] = [];
  while (!cursor.atEnd()) {
    const statement = parseStatement(cursor);
    if (statement !== undefined) statements.push(statement);
  }
  return statements;
}

/** set := `set` identifier OPERATOR expression `;` */
function parseSet(cursor: Cursor): Statement {
  const start = cursor.expect("set");
  const target = cursor.expectName("a variable");
  const operator = parseAssignment(cursor);
  const value = parseExpression(cursor);
  return { kind: "set", target, operator, value, span: endStatement(cursor, start) };
}

/** OPERATOR := `=` | `+=` | … | `rol` `=` | `ror` `=` */
function parseAssignment(cursor: Cursor): AssignmentOperator {
  const token = cursor.peek();
  if (token.kind === "word" && (token.text === "rol" || token.text === "ror") && cursor.at("=", 1)) {
    cursor.next();
    cursor.next();
    return `${token.text}=`;
  }
  const operator = ASSIGNMENTS.find((known) => known === token.text);
  if (token.kind !== "punct" || operator === undefined) throw cursor.unexpected("an assignment operator");
  cursor.next();
  return operator;
}

/** add := `add` identifier `=` expression `;` */
function parseAdd(cursor: Cursor): Statement {
  const start = cursor.expect("add");
  const target = cursor.expectName("a header");
  cursor.expect("=");
  const value = parseExpression(cursor);
  return { kind: "add", target, value, span: endStatement(cursor, start) };
}

/** unset := (`unset` | `remove`) identifier `;` */
function parseUnset(cursor: Cursor): Statement {
  const start = cursor.next();
  const target = cursor.expectName("a variable");
  return { kind: "unset", target, span: endStatement(cursor, start) };
}

/** declare := `declare` (`local` | `block`) identifier TYPE (`=` expression)? `;` */
function parseDeclare(cursor: Cursor): Statement {
  const start = cursor.expect("declare");
  const scope = cursor.at("block") ? "block" : "local";
  if (!cursor.skip("local") && !cursor.skip("block")) throw cursor.unexpected('"local" or "block"');
  const name = cursor.expectName("a variable");
  const type = expectType(cursor);
  const initial = cursor.skip("=") ? parseExpression(cursor) : undefined;
  return { kind: "declare", scope, name, type, initial, span: endStatement(cursor, start) };
}

/** call := `call` identifier arguments? `;` */
function parseCallSub(cursor: Cursor): Statement {
  const start = cursor.expect("call");
  const name = cursor.expectName("a subroutine");
  const args = cursor.at("(") ? parseArguments(cursor) : [];
  return { kind: "call-sub", name, args, span: endStatement(cursor, start) };
}

/** if := `if` condition block ((`else` `if` | `elsif` | `elseif`) condition block)* (`else` block)? */
function parseIf(cursor: Cursor): Statement {
  const start = cursor.expect("if");
  const branches = [parseBranch(cursor)];
  while (skipElseIf(cursor)) branches.push(parseBranch(cursor));
  const otherwise = cursor.skip("else") ? parseBlock(cursor) : undefined;
  return { kind: "if", branches, otherwise, span: cursor.spanFrom(start) };
}

function skipElseIf(cursor: Cursor): boolean {
  if (cursor.skip("elsif") || cursor.skip("elseif")) return true;
  if (!cursor.at("else") || !cursor.at("if", 1)) return false;
  cursor.next();
  cursor.next();
  return true;
}

/** branch := `(` expression `)` block */
function parseBranch(cursor: Cursor): IfBranch {
  cursor.expect("(");
  const condition = parseExpression(cursor);
  cursor.expect(")");
  return { condition, body: parseBlock(cursor) };
}

/** return := `return` (`(` identifier `)` | expression)? `;` */
function parseReturn(cursor: Cursor): Statement {
  const start = cursor.expect("return");
  if (cursor.skip(";")) {
    return { kind: "return", action: undefined, value: undefined, span: cursor.spanFrom(start) };
  }
  const isWrapped =
    cursor.at("(") && cursor.peek(1).kind === "word" && cursor.at(")", 2) && cursor.at(";", 3);
  if (isWrapped) cursor.next();
  const value = isWrapped ? parsePrimary(cursor) : parseExpression(cursor);
  if (isWrapped) cursor.expect(")");
  const action = value.kind === "identifier" ? value : undefined;
  return { kind: "return", action, value, span: endStatement(cursor, start) };
}

/** error := `error` (primary value?)? `;` */
function parseError(cursor: Cursor): Statement {
  const start = cursor.expect("error");
  const status: Expression | undefined = cursor.at(";")
    ? undefined
    : cursor.nested("expression", () => parsePrimary(cursor));
  const reason = cursor.at(";") ? undefined : parseValue(cursor);
  return { kind: "error", status, reason, span: endStatement(cursor, start) };
}

/** bare := (`restart` | `esi`) `;` */
function parseBare(cursor: Cursor, kind: "restart" | "esi"): Statement {
  const start = cursor.expect(kind);
  return { kind, span: endStatement(cursor, start) };
}

/** log := `log` value `;` */
function parseLog(cursor: Cursor): Statement {
  const start = cursor.expect("log");
  const value = parseValue(cursor);
  return { kind: "log", value, span: endStatement(cursor, start) };
}

/** synthetic := (`synthetic` | `synthetic.base64`) value `;` */
function parseSynthetic(cursor: Cursor): Statement {
  const start = cursor.next();
  const value = parseValue(cursor);
  const base64 = start.text === "synthetic.base64";
  return { kind: "synthetic", base64, value, span: endStatement(cursor, start) };
}

/** goto := `goto` identifier `;` */
function parseGoto(cursor: Cursor): Statement {
  const start = cursor.expect("goto");
  const label = cursor.expectName("a label");
  return { kind: "goto", label, span: endStatement(cursor, start) };
}

/** label := identifier `:` */
function parseLabel(cursor: Cursor): Statement {
  const name = cursor.expectName("a label");
  cursor.expect(":");
  return { kind: "label", name, span: cursor.spanFrom(name.span) };
}

/** call-function := call `;` */
function parseCallFunction(cursor: Cursor): Statement {
  const start = cursor.peek();
  const call = parseCall(cursor);
  return { kind: "call-function", call, span: endStatement(cursor, start) };
}

function parseMisplaced(cursor: Cursor): Statement {
  const token = cursor.peek();
  throw cursor.fault("syntax/misplaced-break", token, `${token.text} can only end a case of a switch`);
}

function endStatement(cursor: Cursor, start: Token) {
  cursor.expect(";");
  return cursor.spanFrom(start);
}
