import type { VersionInput } from "./generated-vcl.ts";
import { PRODUCT_COLLECTION, unservedProducts } from "./product-rows.ts";
import { textOf } from "./state.ts";
import type { ResourceRecord, VersionObjects } from "./state.ts";

/** What a version and its service ask for and the mirror's edge does not do, one line each: warnings, not errors. */
export function unservedParts({ objects, collection }: VersionInput): readonly string[] {
  return [
    ...unservedBackends(objects),
    ...(objects.resources.http3.length === 0 ? [] : ["HTTP/3: the mirror's edge speaks HTTP/2 and HTTP/1.1"]),
    ...unservedProducts(collection(PRODUCT_COLLECTION)),
  ];
}

function unservedBackends(objects: VersionObjects): readonly string[] {
  return objects.resources.backend
    .filter(hasClientCertificate)
    .map((backend) => `Backend '${textOf(backend, "name")}': the mirror presents no client certificate`);
}

function hasClientCertificate(backend: ResourceRecord): boolean {
  return textOf(backend, "ssl_client_cert") !== "" || textOf(backend, "ssl_client_key") !== "";
}
