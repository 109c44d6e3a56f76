import type { AssignmentOperator, VclType } from "./ast.ts";

/** Which types each operator of `set` works on (reference/vcl/operators); `=` works on all. */
const OPERATOR_TYPES: Readonly<Record<Exclude<AssignmentOperator, "=">, readonly VclType[]>> = {
  "+=": ["FLOAT", "INTEGER", "RTIME", "STRING", "TIME"],
  "-=": ["FLOAT", "INTEGER", "RTIME", "TIME"],
  "*=": ["FLOAT", "INTEGER", "RTIME"],
  "/=": ["FLOAT", "INTEGER", "RTIME"],
  "%=": ["FLOAT", "INTEGER", "RTIME"],
  "|=": ["INTEGER"],
  "&=": ["INTEGER"],
  "^=": ["INTEGER"],
  "<<=": ["INTEGER"],
  ">>=": ["INTEGER"],
  "rol=": ["INTEGER"],
  "ror=": ["INTEGER"],
  "&&=": ["BOOL"],
  "||=": ["BOOL"],
};

/** Whether `set` has the operator for variables of the type. */
export function allowsOperator(type: VclType, operator: AssignmentOperator): boolean {
  return operator === "=" || OPERATOR_TYPES[operator].includes(type);
}

/** Type the right side of the operator has when the variable is of the given type. */
export function operandType(type: VclType, operator: AssignmentOperator): VclType {
  switch (operator) {
    case "+=":
    case "-=":
      return type === "TIME" ? "RTIME" : type;
    case "*=":
    case "/=":
    case "%=":
      return type === "RTIME" ? "FLOAT" : type;
    default:
      return type;
  }
}
