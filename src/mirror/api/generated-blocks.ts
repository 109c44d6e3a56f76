import { toByteString } from "../../http/byte-string.ts";
import type { ResourceRecord, VersionObjects } from "./state.ts";
import { numberOf, textOf } from "./state.ts";
import { vclComment } from "./vcl-text.ts";

/** Records by priority, then in the order they were made. */
export function byPriority(records: readonly ResourceRecord[]): readonly ResourceRecord[] {
  return [...records].sort((a, b) => numberOf(a, "priority") - numberOf(b, "priority"));
}

/** The records that one condition governs by this field; `""` is those without a condition. */
export function governedBy(
  records: readonly ResourceRecord[],
  field: string,
  condition: string,
): readonly ResourceRecord[] {
  return records.filter((record) => textOf(record, field) === condition);
}

/**
 * One `if` for each condition that has something to say, in the order of their priorities, titled as Fastly does:
 * `# Request Condition: name Prio: 10`.
 */
export function conditionBlocks(
  objects: VersionObjects,
  title: "Request" | "Cache" | "Response" | "Prefetch",
  body: (condition: string) => string,
): string {
  return byPriority(objects.resources.condition)
    .map((condition) => {
      const inside = body(textOf(condition, "name"));
      if (inside === "") return "";
      const name = vclComment(textOf(condition, "name"));
      const head = `  # ${title} Condition: ${name} Prio: ${textOf(condition, "priority")}\n`;
      return `${head}  if (${statementOf(condition)}) {\n${inside}  }\n`;
    })
    .join("");
}

/** `body` inside the conditions of these names, the first outermost; a name that is "" wraps nothing. */
export function whenAll(objects: VersionObjects, names: readonly string[], body: string): string {
  return names
    .filter((name) => name !== "")
    .reduceRight((inside, name) => {
      const condition = objects.resources.condition.find((other) => other["name"] === name);
      // A version with a name that leads nowhere is refused before its VCL is made.
      return condition === undefined ? inside : `  if (${statementOf(condition)}) {\n${inside}  }\n`;
    }, body);
}

function statementOf(condition: ResourceRecord): string {
  return toByteString(textOf(condition, "statement"));
}
