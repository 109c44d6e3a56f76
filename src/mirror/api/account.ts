import { json } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { newId } from "./ids.ts";
import { timestamp } from "./state.ts";
import type { Account } from "./state.ts";

const CUSTOMER_NAME = "sitefleet mirror";
const USER_NAME = "sitefleet";
const USER_LOGIN = "sitefleet@localhost";

/** Who is asking, and what tools ask first (reference/api/auth-tokens, reference/api/account). */
export const ACCOUNT_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/realms/fastly/.well-known/openid-configuration",
    operation: "openid-configuration",
    handler: discovery,
    open: true,
  },
  { method: "GET", path: "/verify", operation: "verify", handler: verify },
  { method: "GET", path: "/tokens/self", operation: "get-token-current", handler: tokenSelf },
  { method: "GET", path: "/current_user", operation: "get-current-user", handler: currentUser },
  { method: "GET", path: "/current_customer", operation: "get-logged-in-customer", handler: currentCustomer },
];

/** A new account: the customer, user and token that this state folder's token stands for. */
export function newAccount(nowMs: number): Account {
  return { customerId: newId(), userId: newId(), tokenId: newId(), createdAt: timestamp(nowMs) };
}

/** OpenID Connect discovery: the CLI reads it before each command that needs a token; no log-in happens here. */
function discovery(context: ApiContext): ApiResponse {
  const issuer = `${context.url()}/realms/fastly`;
  const connect = `${issuer}/protocol/openid-connect`;
  return json({
    issuer,
    authorization_endpoint: `${connect}/auth`,
    token_endpoint: `${connect}/token`,
    jwks_uri: `${connect}/certs`,
    response_types_supported: ["code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
  });
}

function verify(context: ApiContext): ApiResponse {
  const { account } = context.store;
  return json({
    customer: { id: account.customerId, name: CUSTOMER_NAME },
    user: { id: account.userId, name: USER_NAME, login: USER_LOGIN },
    services: Object.fromEntries(context.store.list().map(({ id, name }) => [id, name])),
    token: {
      id: account.tokenId,
      name: CUSTOMER_NAME,
      created_at: account.createdAt,
      expires_at: null,
      scope: "global",
    },
  });
}

function tokenSelf(context: ApiContext, request: ApiRequest): ApiResponse {
  const { account } = context.store;
  return json({
    id: account.tokenId,
    user_id: account.userId,
    customer_id: account.customerId,
    name: CUSTOMER_NAME,
    last_used_at: timestamp(context.clock.now()),
    created_at: account.createdAt,
    expires_at: null,
    ip: "127.0.0.1",
    user_agent: request.headers["user-agent"] ?? "",
    sudo_expires_at: null,
    scopes: ["global"],
    scope: "global",
    services: [],
    service_id: null,
  });
}

function currentUser(context: ApiContext): ApiResponse {
  const { account } = context.store;
  return json({
    id: account.userId,
    customer_id: account.customerId,
    name: USER_NAME,
    login: USER_LOGIN,
    role: "superuser",
    limit_services: false,
    locked: false,
    require_new_password: false,
    two_factor_auth_enabled: false,
    created_at: account.createdAt,
    updated_at: account.createdAt,
    deleted_at: null,
    last_active_at: null,
  });
}

function currentCustomer(context: ApiContext): ApiResponse {
  const { account } = context.store;
  return json({
    id: account.customerId,
    name: CUSTOMER_NAME,
    owner_id: account.userId,
    pricing_plan: "developer",
    can_upload_vcl: true,
    created_at: account.createdAt,
    updated_at: account.createdAt,
    deleted_at: null,
  });
}
