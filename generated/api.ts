// Generated from openapi/openapi.yaml by `npm run generate`. Do not edit.
export interface paths {
    "/customers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List customers
         * @description Returns the customers of your company, newest first: sorted by `createdAt`, then by `id`, so
         *     the order is strict and total. Filters can be combined. An update never moves a customer
         *     within the list; it can only make the customer match a filter or stop matching it. Unknown
         *     and repeated query parameters are rejected.
         */
        get: operations["listCustomers"];
        put?: never;
        /**
         * Create a customer
         * @description Creates a customer in your company. The email is lower-cased and must be unique within the
         *     company.
         *
         *     New customers have `emailVerified: false` and no password, so they cannot log in to the
         *     storefront until they reset their password. Send them a link to the reset page of your
         *     store, `/store/{slug}/reset`, where `{slug}` is your store's slug. In every other respect
         *     they are the same as customers who registered themselves.
         *
         *     To make the request safe to repeat after a network failure, send an `Idempotency-Key`.
         */
        post: operations["createCustomer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/customers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The customer's `id`.
                 * @example 019ab532-d9c0-7d3a-9b52-3f6f1f0f6a11
                 */
                id: string;
            };
            cookie?: never;
        };
        /**
         * Get a customer
         * @description Returns a customer of your company. The ID of another company's customer gets exactly the
         *     same response as an ID that does not exist.
         */
        get: operations["getCustomer"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Update a customer
         * @description Changes the fields that you send: an omitted field keeps its value, `null` clears a field,
         *     and `{}` changes nothing. Values are absolute, so repeating an update is safe; with
         *     `If-Match`, the repetition of an update that took effect gets a 412. `updatedAt` and the
         *     `ETag` change only if a value changed. `Idempotency-Key` is ignored.
         *
         *     The body must be `application/json`; the media types of JSON Merge Patch and JSON Patch are
         *     rejected.
         */
        patch: operations["updateCustomer"];
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description A customer of your company. More fields may be added within v1. */
        Customer: {
            /**
             * Format: date-time
             * @description When the customer was created, in UTC with milliseconds. Never changes.
             */
            createdAt: string;
            /**
             * Format: double
             * @description For your company's records only; it is not enforced.
             */
            creditLimit: number | null;
            /** @description In lower case, and unique within your company. */
            email: string;
            /**
             * @description Whether the customer has proven ownership of the email. Invited contacts and customers
             *     who registered themselves are verified; customers created over this API or imported from
             *     CSV become verified when they reset their password.
             */
            emailVerified: boolean;
            /** @description An opaque string that never changes. */
            id: string;
            /** @description The customer's display name. */
            name: string | null;
            /** @description Notes for your staff. Never shown to the customer. */
            notes: string | null;
            status: components["schemas"]["CustomerStatus"];
            /**
             * Format: double
             * @description The customer's tax rate as a fraction: 0.07 is 7%. `null` means your company's default.
             */
            taxRateOverride: number | null;
            /**
             * Format: date-time
             * @description When a value last changed, in UTC with milliseconds. Each change increases it by at
             *     least one millisecond.
             */
            updatedAt: string;
        };
        /**
         * @description A new customer. Unknown fields are rejected. If several fields are invalid, the error
         *     reports the first in the order listed here; unknown fields come last.
         */
        CustomerCreate: {
            creditLimit?: components["schemas"]["CustomerCreditLimit"];
            /**
             * @description Lower-cased before it is stored, compared and returned; not trimmed. ASCII only, with a
             *     dot in the domain. Unique within your company. It cannot be changed over this API
             *     afterwards.
             */
            email: string;
            name?: components["schemas"]["CustomerName"];
            notes?: components["schemas"]["CustomerNotes"];
            /**
             * @description A `BLOCKED` customer cannot log in.
             * @default ACTIVE
             * @enum {string}
             */
            status?: "ACTIVE" | "BLOCKED";
            taxRateOverride?: components["schemas"]["CustomerTaxRateOverride"];
        };
        /**
         * @description For your company's records only; it is not enforced. Returned as the nearest
         *     double-precision number, without further rounding.
         */
        CustomerCreditLimit: number | null;
        CustomerEnvelope: {
            data: components["schemas"]["Customer"];
        };
        CustomerList: {
            /** @description Newest first. */
            data: components["schemas"]["Customer"][];
            pagination: components["schemas"]["Pagination"];
        };
        /**
         * @description The customer's display name, or null. Its length is counted in Unicode code points. U+0000
         *     and lone surrogates are rejected; all other text is returned exactly as sent.
         */
        CustomerName: string | null;
        /**
         * @description Notes for your staff, or null. Never shown to the customer. Their length is counted in
         *     Unicode code points. U+0000 and lone surrogates are rejected; all other text is returned
         *     exactly as sent.
         */
        CustomerNotes: string | null;
        /**
         * @description A `BLOCKED` customer cannot log in; nothing else about the customer changes.
         * @enum {string}
         */
        CustomerStatus: "ACTIVE" | "BLOCKED";
        /**
         * @description The customer's tax rate as a fraction: 0.07 is 7%. Null means your company's default.
         *     Returned as the nearest double-precision number, without further rounding.
         */
        CustomerTaxRateOverride: number | null;
        /**
         * @description The fields to change: an omitted field keeps its value, null clears a field. Unknown fields
         *     are rejected, and so is `email`, with any value. If several fields are invalid, the error
         *     reports the first: `email`, then the others in the order listed here; unknown fields come
         *     last.
         */
        CustomerUpdate: {
            creditLimit?: components["schemas"]["CustomerCreditLimit"];
            name?: components["schemas"]["CustomerName"];
            notes?: components["schemas"]["CustomerNotes"];
            status?: components["schemas"]["CustomerStatus"];
            taxRateOverride?: components["schemas"]["CustomerTaxRateOverride"];
        };
        ErrorBody: {
            /**
             * @description The error message. The examples of each response list all of its messages. Within v1, no
             *     message is reworded or removed; new ones may be added.
             */
            error: string;
        };
        Pagination: {
            /** @description Whether there is another page. */
            hasMore: boolean;
            /** @description The `cursor` of the next page, an opaque string; null on the last page. */
            nextCursor: string | null;
        };
        RateLimitError: {
            /** @description The error message. */
            error: string;
            /**
             * Format: int32
             * @description Seconds to wait before the next request.
             */
            retryAfter: number;
        };
        RequestError: {
            /**
             * @description The error message. The examples of each response list all of its messages. Within v1, no
             *     message is reworded or removed; new ones may be added.
             */
            error: string;
            /** @description The field, parameter or header that caused the error, if there is exactly one. */
            field?: string;
        };
    };
    responses: {
        /** @description The path or query is invalid. */
        BadGetRequest: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["RequestError"];
            };
        };
        /** @description Your company has no customer with this ID. */
        CustomerNotFound: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /**
         * @description Unexpected error. The log contains this request ID. A write may or may not have taken effect; an
         *     update, or a create with an `Idempotency-Key`, can be repeated safely.
         */
        InternalServerError: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description The body exceeds 64 KiB. */
        PayloadTooLarge: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description The key is valid but lacks the `customers:read` scope. */
        ReadForbidden: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /**
         * @description The database is down, locked or slow, or the server is overloaded. Retry after the number of
         *     seconds in `Retry-After`. A write may nevertheless have taken effect; an update, or a create
         *     with an `Idempotency-Key`, can be repeated safely. If each `createCustomer` gets this response
         *     while other requests succeed, your company may have reached the maximum number of customers
         *     that the operator allows: contact us.
         */
        ServiceUnavailable: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "Retry-After": components["headers"]["Retry-After"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /**
         * @description The key has used up its requests for the current 60 seconds, or this address has sent so many
         *     invalid keys that further ones get 429 instead of 401; valid keys that the server has seen
         *     within the last hour keep working. Wait the number of seconds in `Retry-After`.
         */
        TooManyRequests: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "Retry-After": components["headers"]["Retry-After"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["RateLimitError"];
            };
        };
        /**
         * @description The request has no valid API key. Invalid, expired and revoked keys deliberately get the
         *     same error message.
         */
        Unauthorized: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /**
         * @description The media type is missing or is not `application/json`, the charset is not utf-8, or the
         *     request has a `Content-Encoding`.
         */
        UnsupportedMediaType: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description The key is valid but lacks the `customers:write` scope. */
        WriteForbidden: {
            headers: {
                "Cache-Control": components["headers"]["Cache-Control"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: {
        /**
         * @description Only a private cache may store the response, and it must revalidate the response before each
         *     use.
         * @example private, no-cache
         */
        "Cache-Control": "private, no-cache";
        /**
         * @description The strong entity tag of the customer. It depends only on the customer, and every change
         *     produces a new one.
         * @example "micy4fk0"
         */
        ETag: string;
        /**
         * @description The number of requests per minute allowed with this key; in a 429 for too many invalid keys,
         *     the number of invalid keys per minute allowed from this address. Absent if rate limits are
         *     disabled.
         * @example 600
         */
        "RateLimit-Limit": number;
        /**
         * @description The number of requests remaining in the current window of 60 seconds, which began with the
         *     first request counted in it. Absent if rate limits are disabled.
         * @example 599
         */
        "RateLimit-Remaining": number;
        /**
         * @description Seconds until the current window ends. Absent if rate limits are disabled.
         * @example 60
         */
        "RateLimit-Reset": number;
        /**
         * @description Seconds to wait before the next request.
         * @example 1
         */
        "Retry-After": number;
        /**
         * @description The challenge defined in RFC 6750, section 3.
         * @example Bearer realm="Distribu Customers API"
         */
        "WWW-Authenticate": string;
        /**
         * @description Always `nosniff`.
         * @example nosniff
         */
        "X-Content-Type-Options": "nosniff";
        /**
         * @description The `X-Request-Id` of the request if it was valid, otherwise a new one.
         * @example 0d9b1f6e-7a51-4b0f-8f5f-3f0f6d1c2b3a
         */
        "X-Request-Id": string;
    };
    pathItems: never;
}
export type Customer = components['schemas']['Customer'];
export type CustomerCreate = components['schemas']['CustomerCreate'];
export type CustomerCreditLimit = components['schemas']['CustomerCreditLimit'];
export type CustomerEnvelope = components['schemas']['CustomerEnvelope'];
export type CustomerList = components['schemas']['CustomerList'];
export type CustomerName = components['schemas']['CustomerName'];
export type CustomerNotes = components['schemas']['CustomerNotes'];
export type CustomerStatus = components['schemas']['CustomerStatus'];
export type CustomerTaxRateOverride = components['schemas']['CustomerTaxRateOverride'];
export type CustomerUpdate = components['schemas']['CustomerUpdate'];
export type ErrorBody = components['schemas']['ErrorBody'];
export type Pagination = components['schemas']['Pagination'];
export type RateLimitError = components['schemas']['RateLimitError'];
export type RequestError = components['schemas']['RequestError'];
export type ResponseBadGetRequest = components['responses']['BadGetRequest'];
export type ResponseCustomerNotFound = components['responses']['CustomerNotFound'];
export type ResponseInternalServerError = components['responses']['InternalServerError'];
export type ResponsePayloadTooLarge = components['responses']['PayloadTooLarge'];
export type ResponseReadForbidden = components['responses']['ReadForbidden'];
export type ResponseServiceUnavailable = components['responses']['ServiceUnavailable'];
export type ResponseTooManyRequests = components['responses']['TooManyRequests'];
export type ResponseUnauthorized = components['responses']['Unauthorized'];
export type ResponseUnsupportedMediaType = components['responses']['UnsupportedMediaType'];
export type ResponseWriteForbidden = components['responses']['WriteForbidden'];
export type HeaderCacheControl = components['headers']['Cache-Control'];
export type HeaderETag = components['headers']['ETag'];
export type HeaderRateLimitLimit = components['headers']['RateLimit-Limit'];
export type HeaderRateLimitRemaining = components['headers']['RateLimit-Remaining'];
export type HeaderRateLimitReset = components['headers']['RateLimit-Reset'];
export type HeaderRetryAfter = components['headers']['Retry-After'];
export type HeaderWwwAuthenticate = components['headers']['WWW-Authenticate'];
export type HeaderXContentTypeOptions = components['headers']['X-Content-Type-Options'];
export type HeaderXRequestId = components['headers']['X-Request-Id'];
export type $defs = Record<string, never>;
export interface operations {
    listCustomers: {
        parameters: {
            query?: {
                /**
                 * @description The `nextCursor` of the previous page, an opaque string: send it exactly as you received
                 *     it. An empty value is ignored.
                 * @example 019ab532-e7d0-7c44-8d01-52b1c7e0d9f3
                 */
                cursor?: string;
                /**
                 * @description Return only the customer with exactly this email, ignoring ASCII case: at most one. Use
                 *     it to look up a customer by email; `search` also finds longer emails that contain the
                 *     text. An empty value is ignored. Encode a `+` as `%2B`: in a query string, a raw `+` is
                 *     a space.
                 * @example orders@bakery.example
                 */
                email?: string;
                /**
                 * @description The maximum number of customers in a page: decimal digits, optionally preceded by a
                 *     minus sign. Values below 1 count as 1 and values above 100 as 100; neither is an error.
                 * @example 50
                 */
                limit?: number;
                /**
                 * @description Return only customers whose email or name contains this text, ignoring case. The text is
                 *     matched literally, without trimming, against the email or the name, never across both.
                 *     An empty value is ignored. Encode a `+` as `%2B`: in a query string, a raw `+` is a
                 *     space.
                 * @example bakery
                 */
                search?: string;
                /**
                 * @description Return only customers with this status.
                 * @example ACTIVE
                 */
                status?: "ACTIVE" | "BLOCKED";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of customers. */
            200: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerList"];
                };
            };
            /** @description A query parameter is invalid. */
            400: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["ReadForbidden"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    createCustomer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A value of 1 to 255 printable ASCII characters that identifies this request, ideally a
                 *     random UUID. Repeating a request with the same key and body (compared byte for byte)
                 *     within 24 hours returns the original response with `Idempotent-Replayed: true` and
                 *     creates nothing; the same key with a different body gets a 422. If the first request is
                 *     still in progress, the second waits for it and returns the same response. Only the
                 *     creation of a customer uses up the key: if the first request gets a response from 400 to
                 *     499, the key can be used again, even with a different body. After a 500, a 503 or no
                 *     response, the customer may have been created: repeat the same body. Idempotency keys
                 *     belong to your company, not to an API key.
                 * @example 5a5f3e0e-8f0e-4f0b-9a51-0c1d2e3f4a5b
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /**
         * @description JSON in UTF-8, at most 64 KiB (65536 bytes). A byte order mark is ignored. If a field is
         *     repeated, its last value is used. A `Content-Encoding` or any charset other than utf-8 is
         *     rejected.
         */
        requestBody: {
            content: {
                "application/json": components["schemas"]["CustomerCreate"];
            };
        };
        responses: {
            /** @description The customer was created. */
            201: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    ETag: components["headers"]["ETag"];
                    /**
                     * @description Set to `true` if this response repeats the response to an earlier request with the same
                     *     `Idempotency-Key`; otherwise absent.
                     * @example true
                     */
                    "Idempotent-Replayed"?: "true";
                    /**
                     * @description The path of the new customer. It begins with the path of the server's URL.
                     * @example /api/v1/customers/019ab532-e0c8-7a51-8f0e-4c6d2b9a7e35
                     */
                    Location: string;
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerEnvelope"];
                };
            };
            /** @description The request is invalid; nothing was created. */
            400: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["WriteForbidden"];
            /**
             * @description Another customer of your company has this email; emails are compared in lower case. To
             *     find that customer, call `listCustomers` with the `email` parameter, where a `+` is
             *     encoded as `%2B`.
             */
            409: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            /** @description The `Idempotency-Key` was used with a different body within the last 24 hours. */
            422: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    getCustomer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description The entity tags that you have stored, or `*`, compared weakly (RFC 9110, section
                 *     13.1.2). If one of them is current, the response is 304 without a body.
                 * @example "micy4fk0"
                 */
                "If-None-Match"?: string;
            };
            path: {
                /**
                 * @description The customer's `id`.
                 * @example 019ab532-d9c0-7d3a-9b52-3f6f1f0f6a11
                 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The customer. */
            200: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    ETag: components["headers"]["ETag"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerEnvelope"];
                };
            };
            /** @description The customer has not changed: it still has one of the entity tags in `If-None-Match`. */
            304: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    ETag: components["headers"]["ETag"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadGetRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["ReadForbidden"];
            404: components["responses"]["CustomerNotFound"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    updateCustomer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description The entity tags of the versions that you are willing to update, or `*`. If none of them
                 *     is current, the response is 412 and nothing changes, even if the update would have
                 *     changed nothing. Unlike in RFC 9110, section 13.1.1, the weak form of a tag also
                 *     matches, because proxies that compress responses weaken their tags. This is safe: the
                 *     tag depends only on the version of the customer.
                 * @example "micy4fk0"
                 */
                "If-Match"?: string;
            };
            path: {
                /**
                 * @description The customer's `id`.
                 * @example 019ab532-d9c0-7d3a-9b52-3f6f1f0f6a11
                 */
                id: string;
            };
            cookie?: never;
        };
        /**
         * @description JSON in UTF-8, at most 64 KiB (65536 bytes). A byte order mark is ignored. If a field is
         *     repeated, its last value is used. A `Content-Encoding` or any charset other than utf-8 is
         *     rejected.
         */
        requestBody: {
            content: {
                "application/json": components["schemas"]["CustomerUpdate"];
            };
        };
        responses: {
            /** @description The customer after the update. */
            200: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    ETag: components["headers"]["ETag"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerEnvelope"];
                };
            };
            /** @description The request is invalid; nothing was changed. */
            400: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["WriteForbidden"];
            404: components["responses"]["CustomerNotFound"];
            /**
             * @description The customer has none of the entity tags in `If-Match`. Get it again and decide whether
             *     the update still applies.
             */
            412: {
                headers: {
                    "Cache-Control": components["headers"]["Cache-Control"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "X-Content-Type-Options": components["headers"]["X-Content-Type-Options"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
}
