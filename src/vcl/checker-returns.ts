import type { ReturnStatement } from "./ast.ts";
import { report } from "./checker-context.ts";
import type { SubContext } from "./checker-context.ts";
import { checkValue } from "./checker-expressions.ts";
import type { VclState } from "./runtime.ts";
import { stateOfSub } from "./states.ts";

/** What each state may return (reference/vcl/subroutines and the page of each). */
const ACTIONS: Readonly<Record<VclState, readonly string[]>> = {
  recv: ["lookup", "pass", "error", "restart", "upgrade"],
  hash: ["hash"],
  hit: ["deliver", "pass", "error", "restart"],
  miss: ["fetch", "deliver_stale", "pass", "error"],
  pass: ["pass", "error"],
  fetch: ["deliver", "deliver_stale", "pass", "hit_for_pass", "error", "restart"],
  error: ["deliver", "deliver_stale", "restart"],
  deliver: ["deliver", "restart"],
  log: ["deliver"],
};

/** `pipe` is left over from Varnish: generated VCL returns it where nothing runs. */
const ALL_ACTIONS: ReadonlySet<string> = new Set(["pipe", ...Object.values(ACTIONS).flat()]);

/** Checks a return: a value in a subroutine with a type, an action of the state or nothing in the others. */
export function checkReturn(node: ReturnStatement, context: SubContext): void {
  const { sub } = context;
  if (stateOfSub(sub.name.name) === undefined && sub.type !== "VOID") return checkResult(node, context);
  if (node.value === undefined) return checkBareReturn(node, context);
  const action = node.action?.name;
  if (action === undefined || !ALL_ACTIONS.has(action)) {
    const message = action === undefined ? "only an action can be returned here" : `${action} is no action`;
    return report(context, "return/action", { span: node.value.span, message });
  }
  const without = context.states.filter((state) => !ACTIONS[state].includes(action));
  if (without.length === 0) return;
  const message = `vcl_${without.join(", vcl_")} cannot return(${action})`;
  report(context, "return/action", { span: node.value.span, message });
}

/** A custom subroutine may go back to its caller; a state must say what comes next. */
function checkBareReturn(node: ReturnStatement, context: SubContext): void {
  const state = stateOfSub(context.sub.name.name);
  if (state === undefined) return;
  const message = `vcl_${state} returns one of ${ACTIONS[state].join(", ")}`;
  report(context, "return/empty", { span: node.span, message });
}

function checkResult(node: ReturnStatement, context: SubContext): void {
  const { sub } = context;
  if (node.value === undefined) {
    return report(context, "return/empty", {
      span: node.span,
      message: `${sub.name.name} returns a ${sub.type}`,
    });
  }
  checkValue(node.value, { wanted: sub.type, what: "the result", context, mismatch: "return/type" });
}
