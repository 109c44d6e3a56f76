import type { FieldRow } from "./fields.ts";
import type { FieldValue, KindName, ResourceRecord, VersionObjects } from "./state.ts";

/** One kind of versioned object: what the shared create, read, update, delete and list code needs to know of it. */
export interface KindRow {
  /** The path below the version and the key in the stored state. */
  readonly kind: KindName;
  /** What "Couldn't find …" calls it. */
  readonly label: string;
  /** What "Duplicate …" calls it. */
  readonly duplicateLabel: string;
  /** Its key in `/service/{id}/details` and in diffs; `null` for kinds that are not shown there. */
  readonly plural: string | null;
  readonly fields: readonly FieldRow[];
  /** Whether objects have an id that survives cloning (their content is versionless). */
  readonly hasId: boolean;
  /** Fastly prints the version of some kinds as a string (recorded traffic). */
  readonly versionAs: "number" | "string";
  /** Fields that are printed but follow from others. */
  readonly derive?: (record: ResourceRecord, objects: VersionObjects) => Readonly<Record<string, FieldValue>>;
  /** Fields that follow from those a request gave, unless it gave them too. */
  readonly imply?: (given: ResourceRecord) => ResourceRecord;
  /** What is wrong with a record that is about to be stored, or `null`. */
  readonly check?: (record: ResourceRecord) => string | null;
  /** What the path says of one object; its name when missing. */
  readonly key?: "id";
  /** What fields of a Compute service's objects are when nobody says, where that differs (recorded). */
  readonly computeInitial?: ResourceRecord;
  /** Names are the same whatever their case (host names). */
  readonly foldsCase?: true;
  /** Fields that an update cannot change; what a request says about them is ignored. */
  readonly fixed?: readonly string[];
  /** Other kinds whose objects may not have the same name. */
  readonly namesake?: readonly KindName[];
  /** Adjusts the others when a record was stored (only one VCL can be main). */
  readonly settle?: (list: readonly ResourceRecord[], stored: ResourceRecord) => readonly ResourceRecord[];
  /** Adjusts other kinds when a record was renamed, or deleted (`after` is `null`). */
  readonly follow?: (objects: VersionObjects, before: string, after: string | null) => VersionObjects;
}
