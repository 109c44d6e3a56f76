import type { Statement, SwitchStatement } from "./ast.ts";
import type { SubDeclaration } from "./ast-declarations.ts";
import type { Findings } from "./checker-findings.ts";

/** Reports statements that never run, and a subroutine with a type that can end without `return`. */
export function checkFlow(sub: SubDeclaration, findings: Findings): void {
  const ends = endsBody(sub.body, findings);
  if (sub.type !== "VOID" && !ends) {
    findings.report(
      "return/missing",
      sub.name.span,
      `${sub.name.name} can end without returning a ${sub.type}`,
    );
  }
}

/** Whether nothing runs behind the body's end. A label makes what follows reachable again. */
function endsBody(body: readonly Statement[], findings: Findings): boolean {
  let hasEnded = false;
  let isReported = false;
  for (const node of body) {
    if (node.kind === "label") hasEnded = false;
    if (hasEnded && !isReported) {
      findings.report("unreachable/code", node.span, "this is never run");
      isReported = true;
    }
    if (endsStatement(node, findings)) hasEnded = true;
  }
  return hasEnded;
}

function endsStatement(node: Statement, findings: Findings): boolean {
  switch (node.kind) {
    case "return":
    case "error":
    case "restart":
    case "goto":
      return true;
    case "if": {
      const ends = node.branches.map((branch) => endsBody(branch.body, findings));
      const otherwise = node.otherwise !== undefined && endsBody(node.otherwise, findings);
      return otherwise && ends.every(Boolean);
    }
    case "switch":
      return endsSwitch(node, findings);
    case "block":
    case "macro":
    case "include":
      return endsBody(node.body, findings);
    default:
      return false;
  }
}

/** A switch ends when it has a default and every case ends, itself or by falling into the next. */
function endsSwitch(node: SwitchStatement, findings: Findings): boolean {
  const ends = node.cases.map((entry) => endsBody(entry.body, findings) || entry.end === "fallthrough");
  return node.cases.some((entry) => entry.test === undefined) && ends.every(Boolean);
}

/** Whether a case's body leaves the switch by itself, so that it needs no `break`. */
export function leavesCase(body: readonly Statement[]): boolean {
  const last = body.at(-1);
  if (last === undefined) return false;
  switch (last.kind) {
    case "return":
    case "error":
    case "restart":
    case "goto":
      return true;
    case "if":
      return (
        last.otherwise !== undefined &&
        leavesCase(last.otherwise) &&
        last.branches.every((b) => leavesCase(b.body))
      );
    case "block":
      return leavesCase(last.body);
    default:
      return false;
  }
}
