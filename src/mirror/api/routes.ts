import { ACCOUNT_ROUTES } from "./account.ts";
import { ACL_ENTRY_ROUTES } from "./acl-entries.ts";
import { CONFIG_STORE_ITEM_ROUTES } from "./config-store-items.ts";
import { CONFIG_STORE_ROUTES } from "./config-stores.ts";
import { DICTIONARY_ITEM_ROUTES } from "./dictionary-items.ts";
import { DIFF_ROUTES } from "./diffs.ts";
import { DIRECTOR_BACKEND_ROUTES } from "./director-backends.ts";
import { DOMAIN_CHECK_ROUTES } from "./domain-checks.ts";
import type { Route } from "./exchange.ts";
import { HTTP3_ROUTES } from "./http3-state.ts";
import { IMAGE_SETTINGS_ROUTES } from "./image-settings.ts";
import { KV_BATCH_ROUTES } from "./kv-batches.ts";
import { KV_ITEM_ROUTES } from "./kv-items.ts";
import { KV_STORE_ROUTES } from "./kv-store-routes.ts";
import { LINT_ROUTES } from "./lint.ts";
import { MANAGED_DOMAIN_ROUTES } from "./managed-domains.ts";
import { NETWORK_ROUTES } from "./network-facts.ts";
import { PACKAGE_ROUTES } from "./packages.ts";
import { POOL_SERVER_ROUTES } from "./pool-servers.ts";
import { PRODUCT_ROUTES } from "./products.ts";
import { PURGE_ROUTES } from "./purges.ts";
import { RATE_LIMITER_ROUTES } from "./rate-limiters.ts";
import { resourceRoutes } from "./resources.ts";
import { SECRET_STORE_ROUTES } from "./secret-stores.ts";
import { SECRET_ROUTES } from "./secrets.ts";
import { SERVICE_ROUTES } from "./services.ts";
import { SETTINGS_ROUTES } from "./settings.ts";
import { SNIPPET_CONTENT_ROUTES } from "./snippet-content.ts";
import { TLS_ROUTES } from "./tls-listings.ts";
import { VCL_FILE_ROUTES } from "./vcl-files.ts";
import { VERSION_ROUTES } from "./versions.ts";

/** Every endpoint the mirror's API has. */
export const ROUTES: readonly Route[] = [
  ...ACCOUNT_ROUTES,
  ...NETWORK_ROUTES,
  ...SERVICE_ROUTES,
  ...VERSION_ROUTES,
  ...resourceRoutes(),
  ...DIRECTOR_BACKEND_ROUTES,
  ...DOMAIN_CHECK_ROUTES,
  ...RATE_LIMITER_ROUTES,
  ...POOL_SERVER_ROUTES,
  ...VCL_FILE_ROUTES,
  ...SETTINGS_ROUTES,
  ...DICTIONARY_ITEM_ROUTES,
  ...ACL_ENTRY_ROUTES,
  ...SNIPPET_CONTENT_ROUTES,
  ...DIFF_ROUTES,
  ...LINT_ROUTES,
  ...PURGE_ROUTES,
  ...MANAGED_DOMAIN_ROUTES,
  ...PRODUCT_ROUTES,
  ...TLS_ROUTES,
  ...HTTP3_ROUTES,
  ...IMAGE_SETTINGS_ROUTES,
  ...PACKAGE_ROUTES,
  ...CONFIG_STORE_ROUTES,
  ...CONFIG_STORE_ITEM_ROUTES,
  ...SECRET_STORE_ROUTES,
  ...SECRET_ROUTES,
  ...KV_STORE_ROUTES,
  ...KV_ITEM_ROUTES,
  ...KV_BATCH_ROUTES,
];
