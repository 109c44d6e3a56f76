import { oneOf, text } from "./field-rows.ts";
import type { FieldRow } from "./fields.ts";
import { textOf } from "./state.ts";
import type { Collection, ResourceRecord } from "./state.ts";

/** Key of the versionless content that lists a service's products, each with its configuration. */
export const PRODUCT_COLLECTION = "products";

/** One product (reference/api/products). */
export interface ProductRow {
  readonly id: string;
  /** What it would do for visitors and the mirror's edge does not; `null` when there is nothing of that sort. */
  readonly unserved: string | null;
  /** Only Compute services can have it: known by name, and never enabled here. */
  readonly compute?: true;
  /** Fields of its configuration; none = it cannot be configured. */
  readonly fields: readonly FieldRow[];
  /** What is wrong with a configuration, or `null`. */
  readonly check?: (configuration: ResourceRecord) => string | null;
}

function checkMode(configuration: ResourceRecord): string | null {
  return oneOf("mode", textOf(configuration, "mode"), ["off", "log", "block"]);
}

function checkContentGuard(configuration: ResourceRecord): string | null {
  return oneOf("contentguard", textOf(configuration, "contentguard"), ["off", "on"]);
}

function checkFirewall(configuration: ResourceRecord): string | null {
  const ramp = Number(textOf(configuration, "traffic_ramp"));
  if (textOf(configuration, "workspace_id") === "") return "workspace_id is required";
  const percentage = Number.isSafeInteger(ramp) && ramp >= 0 && ramp <= 100;
  return percentage ? null : "traffic_ramp is not between 0 and 100";
}

const plain = (id: string, unserved: string | null = null): ProductRow => ({ id, unserved, fields: [] });

const ROWS: readonly ProductRow[] = [
  plain("api_discovery"),
  {
    id: "bot_management",
    unserved: "the mirror's edge tells no bots from people",
    fields: [text("contentguard", "off")],
    check: checkContentGuard,
  },
  plain("brotli_compression"),
  {
    id: "ddos_protection",
    unserved: "the mirror's edge blocks no attacks",
    fields: [text("mode", "log")],
    check: checkMode,
  },
  plain("domain_inspector"),
  { ...plain("fanout"), compute: true },
  plain("image_optimizer", "the mirror's edge passes images on as they are"),
  plain("log_explorer_insights"),
  {
    id: "ngwaf",
    unserved: "the mirror's edge has no firewall that inspects requests",
    fields: [text("workspace_id"), text("traffic_ramp", "100")],
    check: checkFirewall,
  },
  plain("origin_inspector"),
  plain("websockets"),
];

/** Products by their id. */
export const PRODUCTS: ReadonlyMap<string, ProductRow> = new Map(ROWS.map((row) => [row.id, row]));

/** What a service's products would do and the mirror does not, one line each. */
export function unservedProducts(enabled: Collection): readonly string[] {
  return [...enabled.keys()].flatMap((id) => {
    const unserved = PRODUCTS.get(id)?.unserved ?? null;
    return unserved === null ? [] : [`Product '${id}': ${unserved}`];
  });
}
