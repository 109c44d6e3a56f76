import type { VclType } from "./ast.ts";
import type {
  AclEntry,
  Declaration,
  DirectorMember,
  Parameter,
  Property,
  TableEntry,
} from "./ast-declarations.ts";
import { Cursor } from "./parser-cursor.ts";
import { parsePrimary, parseValue } from "./parser-expressions.ts";
import { stringLiteral } from "./parser-literals.ts";
import { parseBlock } from "./parser-statements.ts";
import { expectType } from "./parser-types.ts";
import type { Source } from "./source.ts";

const DECLARATIONS: ReadonlyMap<string, (cursor: Cursor) => Declaration> = new Map([
  ["acl", parseAcl],
  ["backend", parseBackend],
  ["probe", parseProbe],
  ["director", parseDirector],
  ["table", parseTable],
  ["penaltybox", (cursor: Cursor) => parseEmpty(cursor, "penaltybox")],
  ["ratecounter", (cursor: Cursor) => parseEmpty(cursor, "ratecounter")],
  ["sub", parseSub],
  ["import", parseImport],
  ["pragma", parsePragma],
  ["C", parseMark],
  ["W", parseMark],
]);

/** source := (declaration | include)* */
export function parseSource(cursor: Cursor): readonly Declaration[] {
  const declarations: Declaration[] = [];
  for (cursor.skipMacros(); !cursor.atEnd(); cursor.skipMacros()) {
    const found = cursor.attempt(
      () => parseDeclaration(cursor),
      () => cursor.skipTo(() => startsDeclaration(cursor)),
    );
    for (const declaration of found ?? []) declarations.push(declaration);
  }
  return declarations;
}

function startsDeclaration(cursor: Cursor): boolean {
  const { kind, text } = cursor.peek();
  if (kind !== "word" || (!DECLARATIONS.has(text) && text !== "include")) return false;
  return cursor.peek(1).kind === (text === "include" ? "string" : "word");
}

/** declaration := include | acl | backend | probe | director | table | penaltybox | ratecounter | sub | import | pragma */
function parseDeclaration(cursor: Cursor): readonly Declaration[] {
  const token = cursor.peek();
  if (token.kind === "word" && token.text === "include") return parseInclude(cursor);
  const parse = token.kind === "word" ? DECLARATIONS.get(token.text) : undefined;
  if (parse === undefined) throw cursor.unexpected("a declaration");
  return [parse(cursor)];
}

/** include := `include` STRING `;`  — the file's declarations stand in its place */
function parseInclude(cursor: Cursor): readonly Declaration[] {
  cursor.expect("include");
  const file = cursor.expectString("a file name");
  cursor.expect(";");
  const include = { name: file.text, span: cursor.spanOf(file) };
  return cursor.context.withInclude(include, (source: Source) =>
    parseSource(new Cursor(cursor.context, source)),
  );
}

/** acl := `acl` identifier `{` entry* `}` */
function parseAcl(cursor: Cursor): Declaration {
  const start = cursor.expect("acl");
  const name = cursor.expectName("a name");
  const open = cursor.expect("{");
  const entries = cursor.until(open, () => parseAclEntry(cursor));
  return { kind: "acl", name, entries, span: cursor.spanFrom(start) };
}

/** entry := `!`? STRING (`/` INTEGER)? `;` */
function parseAclEntry(cursor: Cursor): AclEntry {
  const start = cursor.peek();
  const negated = cursor.skip("!");
  const address = stringLiteral(cursor, cursor.expectString("an address"));
  const mask = cursor.skip("/") ? expectMask(cursor) : undefined;
  cursor.expect(";");
  return { negated, address, mask, span: cursor.spanFrom(start) };
}

function expectMask(cursor: Cursor): number {
  const token = cursor.peek();
  if (token.kind !== "integer" || !/^[0-9]{1,3}$/.test(token.text))
    throw cursor.unexpected("a prefix length");
  return Number(cursor.next().text);
}

/** backend := `backend` identifier `{` property* `}` */
function parseBackend(cursor: Cursor): Declaration {
  const start = cursor.expect("backend");
  const name = cursor.expectName("a name");
  const properties = parseProperties(cursor);
  return { kind: "backend", name, properties, span: cursor.spanFrom(start) };
}

/** probe := `probe` identifier `{` property* `}` */
function parseProbe(cursor: Cursor): Declaration {
  const start = cursor.expect("probe");
  const name = cursor.expectName("a name");
  const properties = parseProperties(cursor);
  return { kind: "probe", name, properties, span: cursor.spanFrom(start) };
}

/** properties := `{` property* `}` */
function parseProperties(cursor: Cursor): readonly Property[] {
  const open = cursor.expect("{");
  return cursor.nested("block", () => cursor.until(open, () => parseProperty(cursor)));
}

/** property := `.` identifier `=` (value `;` | properties `;`?) */
function parseProperty(cursor: Cursor): Property {
  const start = cursor.expect(".");
  const name = cursor.expectName("a property");
  cursor.expect("=");
  const value = cursor.at("{") ? parseProperties(cursor) : parseValue(cursor);
  const isNested = Array.isArray(value);
  if (!cursor.skip(";") && !isNested) throw cursor.unexpected('";"');
  return { name, value, span: cursor.spanFrom(start) };
}

/** director := `director` identifier identifier `{` (property | member)* `}` */
function parseDirector(cursor: Cursor): Declaration {
  const start = cursor.expect("director");
  const name = cursor.expectName("a name");
  const type = cursor.expectName("a director type");
  const open = cursor.expect("{");
  const members: DirectorMember[] = [];
  const properties = cursor.until(open, () => {
    if (!cursor.at("{")) return parseProperty(cursor);
    members.push(parseMember(cursor));
    return undefined;
  });
  return { kind: "director", name, type, properties, members, span: cursor.spanFrom(start) };
}

/** member := properties */
function parseMember(cursor: Cursor): DirectorMember {
  const start = cursor.peek();
  const properties = parseProperties(cursor);
  return { properties, span: cursor.spanFrom(start) };
}

/** table := `table` identifier TYPE? `{` (item (`,` item)* `,`?)? `}` */
function parseTable(cursor: Cursor): Declaration {
  const start = cursor.expect("table");
  const name = cursor.expectName("a name");
  const type = cursor.at("{") ? "STRING" : expectType(cursor);
  const open = cursor.expect("{");
  const entries = cursor.until(open, () => parseTableEntry(cursor));
  return { kind: "table", name, type, entries, span: cursor.spanFrom(start) };
}

/** item := STRING `:` primary */
function parseTableEntry(cursor: Cursor): TableEntry {
  const start = cursor.peek();
  const key = stringLiteral(cursor, cursor.expectString("a key"));
  cursor.expect(":");
  const value = cursor.nested("expression", () => parsePrimary(cursor));
  const span = cursor.spanFrom(start);
  if (!cursor.skip(",") && !cursor.at("}")) throw cursor.unexpected('"," or "}"');
  return { key, value, span };
}

/** penaltybox := `penaltybox` identifier `{` `}`; ratecounter alike */
function parseEmpty(cursor: Cursor, kind: "penaltybox" | "ratecounter"): Declaration {
  const start = cursor.expect(kind);
  const name = cursor.expectName("a name");
  cursor.expect("{");
  cursor.skipMacros();
  cursor.expect("}");
  return { kind, name, span: cursor.spanFrom(start) };
}

/** sub := `sub` identifier parameters? TYPE? block */
function parseSub(cursor: Cursor): Declaration {
  const start = cursor.expect("sub");
  const name = cursor.expectName("a name");
  const parameters = cursor.at("(") ? parseParameters(cursor) : [];
  const type: VclType = cursor.at("{") ? "VOID" : expectType(cursor);
  const body = parseBlock(cursor);
  return { kind: "sub", name, parameters, type, body, span: cursor.spanFrom(start) };
}

/** parameters := `(` (parameter (`,` parameter)*)? `)` */
function parseParameters(cursor: Cursor): readonly Parameter[] {
  cursor.expect("(");
  const parameters: Parameter[] = [];
  if (cursor.skip(")")) return parameters;
  do parameters.push(parseParameter(cursor));
  while (cursor.skip(","));
  cursor.expect(")");
  return parameters;
}

/** parameter := TYPE identifier */
function parseParameter(cursor: Cursor): Parameter {
  const start = cursor.peek();
  const type = expectType(cursor);
  const name = cursor.expectName("a parameter's name");
  return { type, name, span: cursor.spanFrom(start) };
}

/** import := `import` identifier `;` */
function parseImport(cursor: Cursor): Declaration {
  const start = cursor.expect("import");
  const name = cursor.expectName("a module");
  cursor.expect(";");
  return { kind: "import", name, span: cursor.spanFrom(start) };
}

/** pragma := `pragma` (word | number | STRING)+ `;`  — generated VCL has `pragma optional_param customer_id "…";` */
function parsePragma(cursor: Cursor): Declaration {
  const start = cursor.expect("pragma");
  const words: string[] = [];
  while (["word", "integer", "float", "string"].includes(cursor.peek().kind)) {
    const { kind, text } = cursor.next();
    words.push(kind === "string" ? `"${text}"` : text);
  }
  if (words.length === 0) throw cursor.unexpected("a word");
  cursor.expect(";");
  return { kind: "pragma", words, span: cursor.spanFrom(start) };
}

/** mark := (`C` | `W`) `!`  — lines that head generated VCL */
function parseMark(cursor: Cursor): Declaration {
  const start = cursor.next();
  cursor.expect("!");
  return { kind: "pragma", words: [`${start.text}!`], span: cursor.spanFrom(start) };
}
