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

const FACTORS: readonly VclType[] = ["FLOAT", "INTEGER"];

/** Whether the operator takes a right side of the type: what multiplies has no unit, bits are of an INTEGER. */
export function allowsOperand(operator: AssignmentOperator, type: VclType): boolean {
  switch (operator) {
    case "*=":
    case "/=":
    case "%=":
      return FACTORS.includes(type);
    case "|=":
    case "&=":
    case "^=":
    case "<<=":
    case ">>=":
    case "rol=":
    case "ror=":
      return type === "INTEGER";
    default:
      return true;
  }
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
