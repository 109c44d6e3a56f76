import type { Platform } from "../../../compute/src/platform.ts";
import { toByteString } from "../../http/byte-string.ts";
import type { ComputeVisit } from "../edge/parts.ts";

/** Characters of a key of a Config Store (js-compute, ConfigStore.get). */
const MAX_CONFIG_KEY = 255;

type StoreClasses = Pick<Platform, "ConfigStore" | "SecretStore" | "Logger">;

/** `ConfigStore`, `SecretStore` and `Logger` as one visitor's request has them; a store that is not linked cannot be opened. */
export function storesOf({ run, pop, parts }: ComputeVisit): StoreClasses {
  const { id, content } = run.active;
  return {
    ConfigStore: class {
      readonly #name: string;

      constructor(name: string) {
        requireStore(content.configStores.has(name), { kind: "ConfigStore", name });
        this.#name = name;
      }

      get(key: string): string | null {
        if (key === "" || key.length > MAX_CONFIG_KEY) {
          throw new TypeError(`ConfigStore key must have 1 to ${MAX_CONFIG_KEY} characters`);
        }
        return content.configStores.get(this.#name)?.get(key) ?? null;
      }
    },
    SecretStore: class {
      readonly #name: string;

      constructor(name: string) {
        requireStore(content.secretStores.has(name), { kind: "SecretStore", name });
        this.#name = name;
      }

      async get(name: string): Promise<{ plaintext(): string } | null> {
        const bytes = content.secretStores.get(this.#name)?.get(name);
        return bytes === undefined ? null : { plaintext: () => new TextDecoder().decode(bytes) };
      }
    },
    Logger: class {
      readonly #endpoint: string;

      constructor(endpoint: string) {
        this.#endpoint = toByteString(endpoint);
      }

      log(line: string): void {
        const text = `syslog ${id} ${this.#endpoint} :: ${toByteString(line)}`;
        parts.onLog({ service: id, pop: pop.name, line: text, at: parts.clock.now() });
      }
    },
  };
}

function requireStore(
  exists: boolean,
  { kind, name }: { readonly kind: string; readonly name: string },
): void {
  if (!exists) throw new TypeError(`${kind} constructor: No ${kind} named '${name}' exists`);
}
