import type { Statement, SwitchCase } from "./ast.ts";
import type { Cursor } from "./parser-cursor.ts";
import { parseExpression } from "./parser-expressions.ts";
import { stringLiteral } from "./parser-literals.ts";

type ParseStatement = (cursor: Cursor) => Statement | undefined;

/** switch := `switch` `(` expression `)` `{` case* `}`  (reference/vcl/statements/switch) */
export function parseSwitch(cursor: Cursor, parseStatement: ParseStatement): Statement {
  const start = cursor.expect("switch");
  cursor.expect("(");
  const control = parseExpression(cursor);
  cursor.expect(")");
  const open = cursor.expect("{");
  const cases = cursor.nested("block", () =>
    cursor.until(open, () =>
      cursor.attempt(
        () => parseCase(cursor, parseStatement),
        () => skipCase(cursor),
      ),
    ),
  );
  return { kind: "switch", control, cases, span: cursor.spanFrom(start) };
}

/** case := (`case` `~`? STRING | `default`) `:` statement* (`break` `;` | `fallthrough` `;`)? */
function parseCase(cursor: Cursor, parseStatement: ParseStatement): SwitchCase {
  const start = cursor.peek();
  const test = parseTest(cursor);
  cursor.expect(":");
  const body: Statement[] = [];
  while (!isCaseEnd(cursor)) {
    const statement = parseStatement(cursor);
    if (statement !== undefined) body.push(statement);
  }
  return { test, body, end: parseEnd(cursor), span: cursor.spanFrom(start) };
}

/** Moves to the next case or the end of the switch. */
function skipCase(cursor: Cursor): void {
  while (!cursor.atEnd() && !cursor.at("}") && !cursor.at("case") && !cursor.at("default"))
    cursor.skipStatement();
}

function parseTest(cursor: Cursor): SwitchCase["test"] {
  if (cursor.skip("default")) return undefined;
  if (!cursor.skip("case")) throw cursor.unexpected('"case" or "default"');
  const regex = cursor.skip("~");
  const value = stringLiteral(cursor, cursor.expectString("a string"));
  return { regex, value };
}

function isCaseEnd(cursor: Cursor): boolean {
  if (cursor.atEnd() || cursor.at("}")) return true;
  if (cursor.at("default") && cursor.at(":", 1)) return true;
  return ["case", "break", "fallthrough"].some((word) => cursor.at(word));
}

function parseEnd(cursor: Cursor): SwitchCase["end"] {
  if (cursor.at("break") || cursor.at("fallthrough")) {
    const end = cursor.next().text === "break" ? "break" : "fallthrough";
    cursor.expect(";");
    return end;
  }
  return "none";
}
