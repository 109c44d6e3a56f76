import type { Expression, VclType } from "./ast.ts";
import { report } from "./checker-context.ts";
import type { SubContext } from "./checker-context.ts";

type NumberLiteral = "integer" | "float" | "rtime";

/**
 * Values convert by themselves, number literals do not (reference/vcl/types and the pages below): what each type takes
 * from a variable and not from a literal, and what to write instead.
 */
const REFUSED: ReadonlyMap<VclType, { readonly kinds: readonly NumberLiteral[]; readonly advice: string }> =
  new Map<VclType, { readonly kinds: readonly NumberLiteral[]; readonly advice: string }>([
    ["STRING", { kinds: ["integer", "float", "rtime"], advice: "put the number in quotes" }],
    ["RTIME", { kinds: ["integer", "float"], advice: "give the number a unit, as in 5s" }],
    ["TIME", { kinds: ["integer", "float"], advice: "use std.integer2time" }],
    ["INTEGER", { kinds: ["float", "rtime"], advice: "write a whole number without a unit" }],
    ["FLOAT", { kinds: ["rtime"], advice: "write the number without a unit" }],
  ]);

/** Reports a number literal whose type would have to be converted to the wanted one. */
export function checkLiteral(
  node: Expression,
  place: { readonly wanted: VclType; readonly what: string; readonly context: SubContext },
): void {
  const { wanted, what, context } = place;
  const refused = REFUSED.get(wanted);
  if (refused?.kinds.some((kind) => kind === node.kind) !== true) return;
  const message = `${what} takes ${wanted}; ${refused.advice}`;
  report(context, "type/literal", { span: node.span, message });
}
