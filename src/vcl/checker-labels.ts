import type { Identifier, Statement } from "./ast.ts";
import type { SubDeclaration } from "./ast-declarations.ts";
import type { Findings } from "./checker-findings.ts";
import { bodiesOf, walkStatements } from "./walk.ts";

/** Checks every goto of a subroutine: its label is below, in the same block or one around it. */
export function checkLabels(sub: SubDeclaration, findings: Findings): void {
  const labels = collectLabels(sub, findings);
  const used = new Set<string>();
  checkGotos(sub.body, { labels, used, findings, ahead: new Set() });
  for (const [name, { span }] of labels) {
    if (!used.has(name)) findings.report("goto/unused-label", span, `no goto names ${name}`);
  }
}

function collectLabels(sub: SubDeclaration, findings: Findings): ReadonlyMap<string, Identifier> {
  const labels = new Map<string, Identifier>();
  walkStatements(sub.body, (node) => {
    if (node.kind !== "label") return;
    if (labels.has(node.name.name)) {
      findings.report("goto/duplicate-label", node.name.span, `there are two labels ${node.name.name}`);
    } else labels.set(node.name.name, node.name);
  });
  return labels;
}

interface GotoContext {
  readonly labels: ReadonlyMap<string, Identifier>;
  readonly used: Set<string>;
  readonly findings: Findings;
  /** Labels that come later in this block or those around it; each block takes its own out again. */
  readonly ahead: Set<string>;
}

/** Walks from the end, so that the labels already met are those ahead. */
function checkGotos(body: readonly Statement[], context: GotoContext): void {
  const { ahead } = context;
  const own: string[] = [];
  for (const node of [...body].reverse()) {
    if (node.kind === "label" && !ahead.has(node.name.name)) {
      ahead.add(node.name.name);
      own.push(node.name.name);
    }
    if (node.kind === "goto") checkGoto(node.label, context);
    for (const inner of bodiesOf(node)) checkGotos(inner, context);
  }
  for (const name of own) ahead.delete(name);
}

function checkGoto(goto: Identifier, { labels, used, findings, ahead }: GotoContext): void {
  const { name, span } = goto;
  used.add(name);
  const label = labels.get(name);
  if (ahead.has(name)) return;
  if (label === undefined) {
    findings.report("goto/unknown-label", span, `there is no label ${name} in this subroutine`);
  } else if (label.span.source === span.source && label.span.start < span.start) {
    findings.report("goto/backward", span, `${name} is above this goto; only forward jumps are allowed`);
  } else {
    findings.report("goto/into-block", span, `${name} is inside a block that this goto is not in`);
  }
}
