import type { SyntaxNode } from "./syntax.ts";

/** The nodes directly below a node. */
export function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  switch (node.kind) {
    case "sequence":
      return node.items;
    case "alternation":
      return node.branches;
    case "group":
    case "repeat":
      return [node.body];
    case "look":
      return node.branches.map((branch) => branch.body);
    case "conditional": {
      const branches = node.no === null ? [node.yes] : [node.yes, node.no];
      return node.condition.kind === "look" ? [node.condition.look, ...branches] : branches;
    }
    default:
      return [];
  }
}
