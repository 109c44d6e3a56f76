import type { Statement, SwitchStatement } from "./ast.ts";
import { report, typeHere } from "./checker-context.ts";
import type { SubContext } from "./checker-context.ts";
import { article, checkExpression } from "./checker-expressions.ts";
import { leavesCase } from "./checker-flow.ts";
import { checkPattern } from "./checker-regex.ts";
import { isPrintable } from "./types.ts";

type CheckBody = (body: readonly Statement[], context: SubContext) => void;

/** Checks a switch (reference/vcl/statements/switch): a value with a text, each case once and properly ended. */
export function checkSwitch(node: SwitchStatement, context: SubContext, checkBody: CheckBody): void {
  checkExpression(node.control, context);
  const type = typeHere(node.control, context);
  if (type !== undefined && !isPrintable(type)) {
    report(context, "type/mismatch", {
      span: node.control.span,
      message: `${article(type)} cannot be switched on`,
    });
  }
  checkCases(node, context);
  for (const entry of node.cases) {
    if (entry.test?.regex === true) checkPattern(entry.test.value, context.findings);
    checkBody(entry.body, context);
  }
}

function checkCases({ cases }: SwitchStatement, context: SubContext): void {
  const seen = new Set<string>();
  for (const { test, body, end, span } of cases) {
    const key = test === undefined ? "default" : `${test.regex ? "~" : "="} ${test.value.value}`;
    const at = test === undefined ? { ...span, end: span.start + "default".length } : test.value.span;
    if (seen.has(key)) {
      report(context, "switch/duplicate-case", { span: at, message: "this case is already there" });
    }
    seen.add(key);
    if (end === "none" && !leavesCase(body)) {
      report(context, "switch/missing-end", {
        span: at,
        message: "this case ends without break or fallthrough",
      });
    }
  }
  const last = cases.at(-1);
  if (last?.end !== "fallthrough") return;
  const span = { ...last.span, start: last.span.end - 1 };
  report(context, "switch/last-fallthrough", { span, message: "there is no case to fall through to" });
}
