import { VCL_TYPES } from "./ast.ts";
import type { VclType } from "./ast.ts";
import type { Cursor } from "./parser-cursor.ts";

/** TYPE := one of the names of reference/vcl/types */
export function expectType(cursor: Cursor): VclType {
  const token = cursor.peek();
  if (token.kind !== "word") throw cursor.unexpected("a type");
  const type = VCL_TYPES.find((known) => known === token.text);
  if (type === undefined) {
    throw cursor.fault("syntax/unknown-type", token, `${JSON.stringify(token.text)} is not a type`);
  }
  cursor.next();
  return type;
}
