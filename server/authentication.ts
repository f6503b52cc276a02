/** API key, rate limit and scope: the middlewares that run before the body is read. */
import type { Request } from "express";
import ipaddr from "ipaddr.js";
import { type ApiKeys, parseBearerToken } from "./apiKeys.ts";
import type { Operation } from "./contract.ts";
import { ApiError } from "./errors.ts";
import type { Handler } from "./exchange.ts";
import type { RateLimits } from "./rateLimits.ts";

const challenge = 'Bearer realm="Distribu Customers API"';

/**
 * Finds the live key of the request. Without one, responds 401, or 429 if the address has sent too many invalid keys.
 * The challenge names an error only if there was a token (RFC 6750, section 3.1).
 */
export function authenticate(apiKeys: ApiKeys, limits: RateLimits | undefined): Handler {
  return async (request, response, next) => {
    const { authorization } = request.headers;
    // A failed lookup costs as much as a successful one, so a network over its limit gets its 429 without one. A key that
    // was recently live is still looked up, so that nobody is locked out by others in the same network.
    if (limits?.hasNetworksOverLimit() && !apiKeys.wasLive(authorization))
      limits.rejectIfOverLimit(findCallerNetwork(request));
    const key = await apiKeys.find(authorization);
    if (key) {
      response.locals.exchange.key = key;
      return next();
    }
    const hasToken = parseBearerToken(authorization) !== undefined;
    await limits?.countInvalidKey(findCallerNetwork(request), hasToken);
    throw hasToken
      ? new ApiError(401, "This API key is invalid, expired or revoked.", {
          headers: { "WWW-Authenticate": `${challenge}, error="invalid_token"` },
        })
      : new ApiError(401, "Missing or malformed Authorization header. Use: Bearer <api_key>", {
          headers: { "WWW-Authenticate": challenge },
        });
  };
}

/** Counts the request against the limit of its key. Responds 429 if the limit is exceeded. */
export function limitRate(limits: RateLimits): Handler {
  return async (_request, response, next) => {
    const { key, headers } = response.locals.exchange;
    if (key) Object.assign(headers, await limits.countRequest(key.id, key.requestsPerMinute));
    next();
  };
}

/** Requires the scope of the operation. Responds 403 if the key lacks it. */
export function requireScope({ scope }: Operation): Handler {
  return (_request, response, next) => {
    if (response.locals.exchange.key?.scopes.includes(scope)) return next();
    throw new ApiError(403, `This API key lacks the ${scope} scope.`, {
      headers: { "WWW-Authenticate": `${challenge}, error="insufficient_scope", scope="${scope}"` },
    });
  };
}

/**
 * The caller's address, according to Express's `trust proxy`. `request.ip` costs 10 microseconds, so it is read only
 * if that setting is on.
 */
export function readCallerAddress(request: Request): string {
  return (request.app.enabled("trust proxy") ? request.ip : request.socket.remoteAddress) ?? "";
}

/**
 * The caller's network: its IPv4 address, or the /64 of its IPv6 address, because providers assign a /64 to each
 * customer.
 */
function findCallerNetwork(request: Request): string {
  const text = readCallerAddress(request).replace(/%.*/, "");
  if (!ipaddr.isValid(text)) return text;
  const address = ipaddr.process(text);
  return address instanceof ipaddr.IPv6
    ? address.parts
        .slice(0, 4)
        .map((part) => part.toString(16))
        .join(":")
    : address.toString();
}
